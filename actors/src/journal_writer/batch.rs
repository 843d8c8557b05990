//! Many appends as the parts of one transaction: at most one part per tenant.

use super::{AppendFailure, Settle};
use bulkhead_domain::TenantId;
use bulkhead_persistence::{AppendOutcome, Head, TenantAppend};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

type Part = TenantAppend;

/// Parts in tenant order of first arrival, with whom to tell.
pub(super) struct Batch {
    parts: Vec<Part>,
    settles: Vec<Vec<Settle>>,
    ambiguous: bool,
}

impl Batch {
    /// Joins the appends of each tenant. Each starts where the one before it ends; one that does not (its
    /// ledger restarted) is fenced by the database, so it must not be joined.
    pub(super) fn of(waiting: Vec<(TenantAppend, Settle)>) -> Self {
        let mut batch = Self { parts: Vec::new(), settles: Vec::new(), ambiguous: false };
        let mut index: HashMap<TenantId, usize> = HashMap::new();
        for (append, settle) in waiting {
            match index.entry(append.tenant_id) {
                Entry::Vacant(slot) => {
                    slot.insert(batch.parts.len());
                    batch.parts.push(append);
                    batch.settles.push(vec![settle]);
                }
                Entry::Occupied(slot) => batch.join(*slot.get(), append, settle),
            }
        }
        batch
    }

    fn join(&mut self, at: usize, append: TenantAppend, settle: Settle) {
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
        merge(&mut part.orders, append.orders, |row| row.id);
        merge(&mut part.positions, append.positions, |row| {
            (row.portfolio.clone(), row.account.clone(), row.symbol.clone())
        });
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

/// Keeps the later row of each key.
fn merge<R, K: Eq + std::hash::Hash>(rows: &mut Vec<R>, later: Vec<R>, key: impl Fn(&R) -> K) {
    let mut index: HashMap<K, usize> = rows.iter().enumerate().map(|(at, row)| (key(row), at)).collect();
    for row in later {
        match index.entry(key(&row)) {
            Entry::Occupied(slot) => {
                if let Some(place) = rows.get_mut(*slot.get()) {
                    *place = row;
                }
            }
            Entry::Vacant(slot) => {
                slot.insert(rows.len());
                rows.push(row);
            }
        }
    }
}
