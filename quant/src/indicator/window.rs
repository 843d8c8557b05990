//! Aggregates over the latest samples, and samples as they were some time ago.
//!
//! A window is kept as two runs: the aggregates of every tail of the older samples, and one aggregate of the newer ones
//! (van Herk 1992, Gil and Werman 1993). A push merges twice and takes nothing away; once per period the newer run
//! becomes the older one. Therefore a window costs O(1) amortised per sample for anything that can be merged, with
//! errors as small as if every window were aggregated anew.

use crate::{QuantError, indicator::PERIOD_MAX};
use serde::{Deserialize, Serialize};

/// Something that is known of a run of samples, and of two adjoining runs from what is known of each.
pub(super) trait Aggregate: Copy {
    /// The aggregate of this run and of the one that follows it.
    fn merge(self, newer: Self) -> Self;
}

/// The aggregate of the latest samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredWindow<A>")]
pub(super) struct Window<A: Clone> {
    period: usize,
    position: usize,
    newer: Option<A>,
    slots: Vec<A>,
}

/// A window as it was stored, not known to be sound.
#[derive(Deserialize)]
struct StoredWindow<A> {
    period: usize,
    position: usize,
    newer: Option<A>,
    slots: Vec<A>,
}

impl<A: Aggregate> Window<A> {
    /// An empty window of `period` samples, which has been checked.
    pub(super) fn new(period: usize) -> Self {
        Self { period, position: 0, newer: None, slots: Vec::new() }
    }

    /// The number of samples that a full window has.
    pub(super) fn period(&self) -> usize {
        self.period
    }

    /// Takes a sample; the aggregate of the latest `period` ones once there are so many.
    pub(super) fn push(&mut self, sample: A) -> Option<A> {
        let newer = self.newer.map_or(sample, |newer| newer.merge(sample));
        if let Some(slot) = self.slots.get_mut(self.position) {
            *slot = sample;
        } else {
            self.slots.push(sample);
        }
        self.position += 1;
        if self.position == self.period {
            self.turn();
            return Some(newer);
        }
        self.newer = Some(newer);
        self.slots.get(self.position).map(|older| older.merge(newer))
    }

    /// Makes the newer run the older one.
    fn turn(&mut self) {
        let mut tail = self.slots[self.period - 1];
        for slot in self.slots[..self.period - 1].iter_mut().rev() {
            tail = slot.merge(tail);
            *slot = tail;
        }
        self.position = 0;
        self.newer = None;
    }
}

impl<A: Clone> TryFrom<StoredWindow<A>> for Window<A> {
    type Error = QuantError;

    fn try_from(stored: StoredWindow<A>) -> Result<Self, QuantError> {
        let StoredWindow { period, position, newer, slots } = stored;
        let filled = slots.len() == period || slots.len() == position;
        let sound = (1..=PERIOD_MAX).contains(&period)
            && position < period
            && slots.len() <= period
            && filled
            && newer.is_some() == (position > 0);
        if sound {
            return Ok(Self { period, position, newer, slots });
        }
        Err(QuantError::UnknownModel { what: "indicator", why: "a window does not fit its period" })
    }
}

/// Samples as they were some time ago.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredDelay<T>")]
pub(super) struct Delay<T: Clone> {
    length: usize,
    position: usize,
    slots: Vec<T>,
}

/// A delay as it was stored, not known to be sound.
#[derive(Deserialize)]
struct StoredDelay<T> {
    length: usize,
    position: usize,
    slots: Vec<T>,
}

impl<T: Copy> Delay<T> {
    /// A delay by `length` samples, which has been checked.
    pub(super) fn new(length: usize) -> Self {
        Self { length, position: 0, slots: Vec::new() }
    }

    /// Takes a sample; the one from `length` samples before it once there are so many.
    pub(super) fn push(&mut self, sample: T) -> Option<T> {
        let Some(slot) = self.slots.get_mut(self.position) else {
            self.slots.push(sample);
            self.position = self.slots.len() % self.length;
            return None;
        };
        self.position = (self.position + 1) % self.length;
        Some(std::mem::replace(slot, sample))
    }

    /// The samples that are kept, if there are `length` of them: from the oldest to the latest.
    pub(super) fn full(&self) -> Option<impl DoubleEndedIterator<Item = T>> {
        if self.slots.len() < self.length {
            return None;
        }
        let (newer, older) = self.slots.split_at(self.position);
        Some(older.iter().chain(newer).copied())
    }
}

impl<T: Clone> TryFrom<StoredDelay<T>> for Delay<T> {
    type Error = QuantError;

    fn try_from(stored: StoredDelay<T>) -> Result<Self, QuantError> {
        let StoredDelay { length, position, slots } = stored;
        let filled = slots.len() == length || slots.len() == position;
        let sound =
            (1..=PERIOD_MAX).contains(&length) && position < length && slots.len() <= length && filled;
        if sound {
            return Ok(Self { length, position, slots });
        }
        Err(QuantError::UnknownModel { what: "indicator", why: "a delay does not fit its length" })
    }
}
