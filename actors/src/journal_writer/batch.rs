//! Many appends as the parts of one transaction: at most one part per tenant.

use super::{AppendFailure, Settle};
use bulkhead_domain::{AccountId, OrderId, PortfolioId, Symbol, TenantId};
use bulkhead_persistence::{AppendOutcome, Head, PositionRow, TenantAppend};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

type Part = TenantAppend;

/// Parts in tenant order of first arrival, with whom to tell.
pub(super) struct Batch {
    parts: Vec<Part>,
    settles: Vec<Vec<Settle>>,
    ambiguous: bool,
}

/// Where a part has each of its rows that a later append may replace.
#[derive(Default)]
struct Places {
    part: usize,
    orders: HashMap<OrderId, usize>,
    positions: HashMap<(PortfolioId, AccountId, Symbol), usize>,
}

impl Batch {
    /// Joins the appends of each tenant. Each starts where the one before it ends; one that does not (its
    /// ledger restarted) is fenced by the database, so it must not be joined.
    pub(super) fn of(waiting: Vec<(TenantAppend, Settle)>) -> Self {
        let mut batch = Self { parts: Vec::new(), settles: Vec::new(), ambiguous: false };
        let mut tenants: HashMap<TenantId, Places> = HashMap::new();
        for (append, settle) in waiting {
            match tenants.entry(append.tenant_id) {
                Entry::Vacant(slot) => {
                    slot.insert(Places::of(batch.parts.len(), &append));
                    batch.parts.push(append);
                    batch.settles.push(vec![settle]);
                }
                Entry::Occupied(mut slot) => batch.join(slot.get_mut(), append, settle),
            }
        }
        batch
    }

    fn join(&mut self, places: &mut Places, append: TenantAppend, settle: Settle) {
        let at = places.part;
        let (Some(part), Some(settles)) = (self.parts.get_mut(at), self.settles.get_mut(at)) else { return };
        let end = part.expected_seq + i64::try_from(part.rows.len()).unwrap_or(i64::MAX);
        let continues = append.expected_seq == end
            && append.epoch == part.epoch
            && append.incarnation == part.incarnation;
        if !continues {
            settle.with(Err(AppendFailure::Fenced));
            return;
        }
        part.rows.extend(append.rows);
        part.fills.extend(append.fills);
        for row in append.orders {
            replace_or_push(&mut part.orders, places.orders.entry(row.id), row);
        }
        for row in append.positions {
            replace_or_push(&mut part.positions, places.positions.entry(position_key(&row)), row);
        }
        settles.push(settle);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn appends(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn first(&self) -> Option<&Part> {
        self.parts.first()
    }

    pub(super) fn tenants(&self) -> Vec<TenantId> {
        self.parts.iter().map(|part| part.tenant_id).collect()
    }

    pub(super) fn is_ambiguous(&self) -> bool {
        self.ambiguous
    }

    pub(super) fn mark_ambiguous(&mut self) {
        self.ambiguous = true;
    }

    pub(super) fn settle_all(&mut self, outcomes: &[AppendOutcome]) {
        self.parts.clear();
        for (settles, outcome) in self.settles.drain(..).zip(outcomes) {
            tell(settles, &as_result(*outcome));
        }
    }

    pub(super) fn settle_first(&mut self, outcome: AppendOutcome) {
        self.parts.remove(0);
        tell(self.settles.remove(0), &as_result(outcome));
    }

    pub(super) fn refuse_first(&mut self, cause: &str) {
        self.parts.remove(0);
        tell(self.settles.remove(0), &Err(AppendFailure::Refused(cause.to_owned())));
    }

    /// Compares what was to be written with where the heads are. What is there is settled, what is fenced
    /// too, and the rest stays to be written. Returns how many were settled.
    pub(super) fn resolve(&mut self, heads: &[Head]) -> usize {
        let heads: HashMap<TenantId, &Head> = heads.iter().map(|head| (head.tenant_id, head)).collect();
        let before = self.parts.len();
        let parts = std::mem::take(&mut self.parts);
        let settles = std::mem::take(&mut self.settles);
        for (part, settles) in parts.into_iter().zip(settles) {
            match heads.get(&part.tenant_id).map(|head| standing(&part, head)) {
                Some(Standing::Written) => tell(settles, &Ok(())),
                Some(Standing::NotWritten) => {
                    self.parts.push(part);
                    self.settles.push(settles);
                }
                Some(Standing::Fenced) | None => tell(settles, &Err(AppendFailure::Fenced)),
            }
        }
        self.ambiguous = false;
        before - self.parts.len()
    }
}

enum Standing {
    Written,
    NotWritten,
    Fenced,
}

fn standing(part: &Part, head: &Head) -> Standing {
    let is_ours = head.epoch == part.epoch && head.incarnation == part.incarnation;
    let last_hash = part.rows.last().map(|row| row.hash);
    if is_ours && Some(head.hash) == last_hash {
        Standing::Written
    } else if is_ours && head.seq == part.expected_seq {
        Standing::NotWritten
    } else {
        Standing::Fenced
    }
}

fn as_result(outcome: AppendOutcome) -> Result<(), AppendFailure> {
    match outcome {
        AppendOutcome::Committed => Ok(()),
        AppendOutcome::Fenced => Err(AppendFailure::Fenced),
    }
}

fn tell(settles: Vec<Settle>, outcome: &Result<(), AppendFailure>) {
    for settle in settles {
        settle.with(outcome.clone());
    }
}

impl Places {
    fn of(part: usize, append: &Part) -> Self {
        let orders = append.orders.iter().enumerate().map(|(at, row)| (row.id, at)).collect();
        let positions =
            append.positions.iter().enumerate().map(|(at, row)| (position_key(row), at)).collect();
        Self { part, orders, positions }
    }
}

fn position_key(row: &PositionRow) -> (PortfolioId, AccountId, Symbol) {
    (row.portfolio.clone(), row.account.clone(), row.symbol.clone())
}

/// Keeps the later row of each key.
fn replace_or_push<R, K>(rows: &mut Vec<R>, place: Entry<'_, K, usize>, row: R) {
    match place {
        Entry::Occupied(place) => {
            if let Some(earlier) = rows.get_mut(*place.get()) {
                *earlier = row;
            }
        }
        Entry::Vacant(place) => {
            place.insert(rows.len());
            rows.push(row);
        }
    }
}
