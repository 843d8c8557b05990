//! Runs the independent checker as a process of its own.

use super::program;
use serde_json::Value;
use std::path::Path;

/// Where the checker looks.
pub(crate) struct Case<'a> {
    pub(crate) record: &'a Path,
    pub(crate) venue_log: &'a Path,
    pub(crate) database_url: &'a str,
}

/// What it said.
pub(crate) struct Verdict {
    pub(crate) code: Option<i32>,
    pub(crate) summary: Value,
    pub(crate) text: String,
}

impl Case<'_> {
    pub(crate) async fn run(&self) -> Verdict {
        let finished = program::run(
            "bulkhead-checker",
            &[
                "--record",
                self.record.to_str().unwrap(),
                "--venue-log",
                self.venue_log.to_str().unwrap(),
                "--database-url",
                self.database_url,
            ],
        )
        .await;
        let summary = serde_json::from_str(&finished.stdout).unwrap_or(Value::Null);
        Verdict { code: finished.code, summary, text: finished.stderr }
    }
}

impl Verdict {
    /// Nothing is wrong, and there was something to check.
    #[track_caller]
    pub(crate) fn assert_green(&self) {
        assert_eq!(self.code, Some(0), "{}", self.text);
        assert_eq!(self.summary["ok"], true, "{}", self.summary);
        for what in ["acknowledged", "orders", "fills", "venue_lines"] {
            assert!(self.summary["counts"][what].as_u64().unwrap() > 0, "no {what}: {}", self.text);
        }
    }

    /// This is wrong.
    #[track_caller]
    pub(crate) fn assert_red(&self, name: &str) {
        assert_eq!(self.code, Some(1), "{name} was not seen:\n{}", self.text);
        assert!(self.names().contains(&name), "{name} is not among:\n{}", self.text);
    }

    /// This is wrong, and nothing else.
    #[track_caller]
    pub(crate) fn assert_red_only(&self, names: &[&str]) {
        names.iter().for_each(|name| self.assert_red(name));
        assert_eq!(self.names().len(), names.len(), "only {names:?}:\n{}", self.text);
    }

    fn names(&self) -> Vec<&str> {
        let names = self.summary["violations_by_name"].as_array().unwrap();
        names.iter().map(|entry| entry["name"].as_str().unwrap()).collect()
    }
}
