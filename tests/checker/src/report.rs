//! The verdict: violations by name, what was counted, and how many orders were in flight at each kill.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use uuid::Uuid;

/// What can be wrong. The names are stable: tests and people search for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ViolationName {
    // The journal by itself.
    SequenceGap,
    EpochFell,
    HashBroken,
    HeadDisagrees,
    EventRepeated,
    EventUnreadable,
    OrderLifeBroken,
    ClientOrderIdShared,
    VenueClientIdShared,
    ExecutionBookedTwice,
    FilledBeyondQuantity,
    // The journal and what clients were told.
    AcknowledgedOrderMissing,
    AcknowledgedTermsDiffer,
    AcknowledgedFillMissing,
    AcknowledgedCancelMissing,
    AcknowledgedStateLost,
    RefusedOrderExists,
    DeniedOrderSubmitted,
    OrderFromNowhere,
    // The journal and the venue.
    VenueLogGap,
    VenueStateDiffers,
    VenueOrderWithoutIntent,
    VenueOrderBeforeIntent,
    VenueOrderRepeated,
    VenueOrderDiffers,
    VenueFilledBeyondQuantity,
    ExecutionNotBooked,
    ExecutionNotAtVenue,
    ExecutionTermsDiffer,
    OrderStateDiffersFromVenue,
    PositionDiffersFromVenue,
    CashDiffersFromVenue,
    // The journal and its read models.
    PositionDiffersFromJournal,
    OrderRowMissing,
    OrderRowWithoutEvent,
    OrderRowDiffers,
    FillRowMissing,
    FillRowWithoutEvent,
    FillRowDiffers,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Violation {
    pub name: ViolationName,
    pub tenant_id: Option<Uuid>,
    pub detail: String,
}

/// What was under way when a process was killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundReport {
    pub round: u32,
    pub what: String,
    /// Requests for orders, sent and not answered.
    pub orders_in_flight: usize,
    pub cancels_in_flight: usize,
}

/// How much there was to check: a verdict on nothing is worth nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub tenants: usize,
    pub requests: usize,
    pub acknowledged: usize,
    pub refused: usize,
    pub lost: usize,
    pub events: usize,
    pub orders: usize,
    pub fills: usize,
    pub venue_lines: usize,
}

/// The verdict.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub counts: Counts,
    pub rounds: Vec<RoundReport>,
    pub violations: Vec<Violation>,
}

impl fmt::Display for ViolationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        f.write_str(name.as_str().unwrap_or_default())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tenant_id {
            Some(tenant_id) => write!(f, "{} tenant {tenant_id}: {}", self.name, self.detail),
            None => write!(f, "{}: {}", self.name, self.detail),
        }
    }
}

impl Report {
    /// Notes a violation.
    pub fn add(&mut self, name: ViolationName, tenant_id: Uuid, detail: String) {
        self.violations.push(Violation { name, tenant_id: Some(tenant_id), detail });
    }

    /// Notes a violation that is no tenant's.
    pub fn add_global(&mut self, name: ViolationName, detail: String) {
        self.violations.push(Violation { name, tenant_id: None, detail });
    }

    /// How often each violation occurs.
    pub fn by_name(&self) -> BTreeMap<ViolationName, usize> {
        let mut counts = BTreeMap::new();
        for violation in &self.violations {
            *counts.entry(violation.name).or_default() += 1;
        }
        counts
    }

    /// Rounds that proved nothing, because no order was under way when the process was killed.
    pub fn idle_rounds(&self) -> Vec<u32> {
        self.rounds.iter().filter(|round| round.orders_in_flight == 0).map(|round| round.round).collect()
    }
}
