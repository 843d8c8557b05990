//! A cap on what is under way at once: in all, and per lane, so that one tenant cannot take every place.
//!
//! Tenants share lanes by the last byte of their id. Counting costs two atomic additions and no lock.

use bulkhead_domain::TenantId;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const LANES: usize = 256;

/// Counts what is under way.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    total_max: usize,
    lane_max: usize,
    total: AtomicUsize,
    lanes: Box<[AtomicUsize]>,
}

/// One place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Gate,
    lane: usize,
}

impl Gate {
    /// A gate with so many places in all and in each lane.
    pub(crate) fn new(total_max: usize, lane_max: usize) -> Self {
        let lanes = (0..LANES).map(|_| AtomicUsize::new(0)).collect();
        Self(Arc::new(Inner { total_max, lane_max, total: AtomicUsize::new(0), lanes }))
    }

    /// Takes a place; `None` when there is none.
    pub(crate) fn enter(&self, tenant_id: TenantId) -> Option<Place> {
        let lane = usize::from(tenant_id.0.as_bytes().last().copied().unwrap_or_default());
        let counter = self.0.lanes.get(lane)?;
        if counter.fetch_add(1, Ordering::Relaxed) >= self.0.lane_max {
            counter.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        if self.0.total.fetch_add(1, Ordering::Relaxed) >= self.0.total_max {
            self.0.total.fetch_sub(1, Ordering::Relaxed);
            counter.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Place { gate: self.clone(), lane })
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.0.total.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.0.total.fetch_sub(1, Ordering::Relaxed);
        if let Some(counter) = self.gate.0.lanes.get(self.lane) {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn one_lane_cannot_take_every_place() {
        let gate = Gate::new(3, 2);
        let (one, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let first = gate.enter(one).unwrap();
        let _second = gate.enter(one).unwrap();
        assert!(gate.enter(one).is_none());
        let _third = gate.enter(other).unwrap();
        assert!(gate.enter(other).is_none());
        drop(first);
        assert!(gate.enter(other).is_some());
        assert_eq!(gate.taken(), 2);
    }
}
