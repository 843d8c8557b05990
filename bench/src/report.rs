//! What is published: a table for people, and everything that was measured as JSON.

use crate::machine::Machine;
use crate::scenario::ScenarioName;
use crate::{BenchArgs, BenchError, clock};
use bulkhead_domain::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// What a figure is counted in; decides how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    PerSecond,
    Millis,
    Seconds,
    KiB,
    GiB,
    Percent,
    Times,
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    what: String,
    measured: f64,
    unit: Unit,
    goal: Option<Goal>,
}

/// What a scenario found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Row>,
    pub(crate) details: Value,
    /// What should not have happened: wrong statuses, orders that are missing from the journal.
    pub(crate) errors: Vec<String>,
}

impl Outcome {
    pub(crate) fn row(&mut self, what: impl Into<String>, measured: f64, unit: Unit) {
        self.rows.push(Row { what: what.into(), measured, unit, goal: None });
    }

    pub(crate) fn goal(&mut self, what: impl Into<String>, measured: (f64, Unit), goal: Goal) {
        self.rows.push(Row { what: what.into(), measured: measured.0, unit: measured.1, goal: Some(goal) });
    }

    pub(crate) fn error(&mut self, error: impl Into<String>) {
        self.errors.push(error.into());
    }
}

/// A scenario in the report.
#[derive(Debug, Serialize)]
pub(crate) struct ScenarioReport {
    name: &'static str,
    seconds: f64,
    /// Of the machine, before the scenario began.
    load_average: f64,
    #[serde(flatten)]
    outcome: Outcome,
    /// Why it was not measured to its end.
    failure: Option<String>,
}

impl ScenarioReport {
    /// Of a scenario that began at `begun`, on a machine with this load.
    pub(crate) fn new(
        name: ScenarioName,
        (begun, load_average): (Instant, f64),
        outcome: Result<Outcome, BenchError>,
    ) -> Self {
        let seconds = begun.elapsed().as_secs_f64();
        let (outcome, failure) = match outcome {
            Ok(outcome) => (outcome, None),
            Err(error) => (Outcome::default(), Some(error.to_string())),
        };
        Self { name: name.as_str(), seconds, load_average, outcome, failure }
    }
}

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    at: Timestamp,
    machine: Machine,
    warm_up_seconds: u64,
    window_seconds: u64,
    repeats: u32,
    scenarios: Vec<ScenarioReport>,
}

impl Report {
    pub(crate) fn new(machine: Machine, args: &BenchArgs) -> Self {
        Self {
            at: clock::now(),
            machine,
            warm_up_seconds: args.warm_up,
            window_seconds: args.window,
            repeats: args.repeats,
            scenarios: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, scenario: ScenarioReport) {
        self.scenarios.push(scenario);
    }

    /// Writes `<unix-time>.json` and `latest.md`.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), BenchError> {
        std::fs::create_dir_all(dir).map_err(BenchError::io("make the results' directory"))?;
        let json = serde_json::to_vec_pretty(self).map_err(BenchError::shape("the report"))?;
        let name = format!("{}.json", self.at.micros() / MICROS_PER_SECOND);
        std::fs::write(dir.join(name), json).map_err(BenchError::io("write the results"))?;
        std::fs::write(dir.join("latest.md"), self.markdown()).map_err(BenchError::io("write the table"))
    }

    /// The table.
    pub(crate) fn markdown(&self) -> String {
        let Machine { cores, processor, memory_gib, kernel, postgres, commit, sync_p50_ms, .. } =
            &self.machine;
        let (warm_up, window, repeats) = (self.warm_up_seconds, self.window_seconds, self.repeats);
        let mut text = format!(
            "# Benchmark\n\nMeasured {} at {commit} on {cores} cores ({processor}), {memory_gib} GiB, Linux {kernel}, \
             {postgres}, fsync {sync_p50_ms:.2} ms. The load generator runs on the same cores. \
             Medians of {repeats} windows of {window} s after {warm_up} s of warm-up.\n\n\
             | scenario | figure | measured | goal | |\n|---|---|---:|---:|---|\n",
            self.at
        );
        for scenario in &self.scenarios {
            scenario.write_rows(&mut text);
        }
        text
    }
}

impl ScenarioReport {
    fn write_rows(&self, text: &mut String) {
        for row in &self.outcome.rows {
            let goal = row.goal.map_or_else(String::new, |goal| goal.text(row.unit));
            let (measured, verdict) = (row.unit.text(row.measured), row.verdict());
            add_line(
                text,
                format_args!("| {} | {} | {measured} | {goal} | {verdict} |", self.name, row.what),
            );
        }
        for error in &self.outcome.errors {
            add_line(text, format_args!("| {} | **error** | | | {} |", self.name, one_line(error)));
        }
        if let Some(failure) = &self.failure {
            add_line(text, format_args!("| {} | **not measured** | | | {} |", self.name, one_line(failure)));
        }
    }
}

fn add_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "/")
}

impl Row {
    fn verdict(&self) -> String {
        let off = match self.goal {
            None => return String::new(),
            Some(Goal::AtLeast(goal)) if self.measured < goal => 1.0 - self.measured / goal,
            Some(Goal::AtMost(goal)) if self.measured > goal => self.measured / goal - 1.0,
            Some(_) => return "met".to_owned(),
        };
        format!("missed by {:.0} %", (off * 100.0).max(1.0))
    }
}

impl Goal {
    fn text(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(goal) => format!("≥ {}", unit.text(goal)),
            Self::AtMost(goal) => format!("≤ {}", unit.text(goal)),
        }
    }
}

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", with_separators(value)),
            Self::Millis if value < 10.0 => format!("{value:.2} ms"),
            Self::Millis => format!("{value:.1} ms"),
            Self::Seconds => format!("{value:.2} s"),
            Self::KiB => format!("{value:.1} KiB"),
            Self::GiB => format!("{value:.2} GiB"),
            Self::Percent => format!("{value:.0} %"),
            Self::Times => format!("{value:.2}x"),
        }
    }
}

fn with_separators(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(measured: f64, goal: Option<Goal>) -> Row {
        Row { what: "x".to_owned(), measured, unit: Unit::PerSecond, goal }
    }

    #[test]
    fn a_verdict_says_met_or_by_how_much_not() {
        assert_eq!(row(8_000.0, Some(Goal::AtLeast(8_000.0))).verdict(), "met");
        assert_eq!(row(6_000.0, Some(Goal::AtLeast(8_000.0))).verdict(), "missed by 25 %");
        assert_eq!(row(9.0, Some(Goal::AtMost(6.0))).verdict(), "missed by 50 %");
        assert_eq!(row(6.001, Some(Goal::AtMost(6.0))).verdict(), "missed by 1 %");
        assert_eq!(row(1.0, None).verdict(), "");
    }

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!(Unit::PerSecond.text(1_234_567.4), "1,234,567/s");
        assert_eq!(Unit::PerSecond.text(999.0), "999/s");
        assert_eq!(Unit::Millis.text(3.456), "3.46 ms");
        assert_eq!(Unit::Millis.text(34.56), "34.6 ms");
        assert_eq!(Goal::AtMost(25.0).text(Unit::Millis), "≤ 25.0 ms");
    }
}
