//! The rules, by what they compare.

mod chain;
mod client;
mod fold;
mod read_model;
mod venue;

use crate::client_record::{Action, ClientRecord, Outcome};
use crate::database::{HeadRow, JournalRow};
use crate::evidence::Evidence;
use crate::report::{Counts, Report, RoundReport};
use fold::TenantFold;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Every tenant's journal, folded.
type Folds = BTreeMap<Uuid, TenantFold>;

/// Compares everything with everything.
pub fn check(evidence: &Evidence) -> Report {
    let mut report = Report::default();
    let folds = fold_all(evidence, &mut report);
    client::check(&evidence.client, &folds, &mut report);
    venue::check(evidence, &folds, &mut report);
    read_model::check(&evidence.tables, &folds, &mut report);
    report.rounds = rounds(&evidence.client);
    report.counts = count(evidence, &folds);
    report
}

fn fold_all(evidence: &Evidence, report: &mut Report) -> Folds {
    let heads: BTreeMap<Uuid, &HeadRow> =
        evidence.tables.heads.iter().map(|head| (head.tenant_id, head)).collect();
    let mut rows: BTreeMap<Uuid, Vec<&JournalRow>> =
        heads.keys().map(|tenant_id| (*tenant_id, Vec::new())).collect();
    for row in &evidence.tables.journal {
        rows.entry(row.tenant_id).or_default().push(row);
    }
    let mut folds = Folds::new();
    for (tenant_id, rows) in rows {
        chain::check(tenant_id, &rows, heads.get(&tenant_id).copied(), report);
        folds.insert(tenant_id, TenantFold::of(tenant_id, &rows, report));
    }
    folds
}

fn rounds(client: &ClientRecord) -> Vec<RoundReport> {
    let in_flight = |at: i64, action: Action| {
        client
            .requests
            .iter()
            .filter(|request| request.action == action && request.is_in_flight_at(at))
            .count()
    };
    let round = |kill: &crate::client_record::KillLine| RoundReport {
        round: kill.round,
        what: kill.what.clone(),
        orders_in_flight: in_flight(kill.at_micros, Action::Place),
        cancels_in_flight: in_flight(kill.at_micros, Action::Cancel),
    };
    client.kills.iter().map(round).collect()
}

fn count(evidence: &Evidence, folds: &Folds) -> Counts {
    let requests = &evidence.client.requests;
    let ended = |test: fn(&Outcome) -> bool| requests.iter().filter(|request| test(&request.outcome)).count();
    Counts {
        tenants: folds.len(),
        requests: requests.len(),
        acknowledged: ended(|outcome| matches!(outcome, Outcome::Acknowledged { .. })),
        refused: ended(|outcome| matches!(outcome, Outcome::Refused { .. })),
        lost: ended(|outcome| matches!(outcome, Outcome::ConnectionLost)),
        events: evidence.tables.journal.len(),
        orders: folds.values().map(|fold| fold.orders.len()).sum(),
        fills: folds.values().map(|fold| fold.fills.len()).sum(),
        venue_lines: evidence.venue.len(),
    }
}
