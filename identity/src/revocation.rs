//! Sessions that ended before their access tokens did. Effective on this node at once.
//!
//! Reading costs one atomic load while nothing is revoked: each cached token remembers the generation at which it
//! was last compared with the set.

use bulkhead_domain::Timestamp;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The set is swept of what has run out when it holds this many more than after the last sweep.
const SWEEP_AFTER: usize = 1_024;

/// The generation a token was last checked at; starts below every generation.
#[derive(Debug, Default)]
pub(crate) struct CheckedAt(AtomicU64);

/// The revoked sessions of the last few minutes.
#[derive(Debug)]
pub(crate) struct Revocations {
    generation: AtomicU64,
    sessions: Mutex<Revoked>,
}

#[derive(Debug, Default)]
struct Revoked {
    /// Until when an access token of the session could still be good.
    until: HashMap<Uuid, Timestamp>,
    sweep_at: usize,
}

impl Revocations {
    pub(crate) fn new() -> Self {
        Self { generation: AtomicU64::new(1), sessions: Mutex::new(Revoked::default()) }
    }

    /// Refuses the session's tokens until they have run out by themselves.
    pub(crate) fn revoke(&self, session_id: Uuid, until: Timestamp, now: Timestamp) {
        let mut revoked = self.lock();
        if revoked.until.len() >= revoked.sweep_at {
            revoked.until.retain(|_, until| *until > now);
            revoked.sweep_at = revoked.until.len() + SWEEP_AFTER;
        }
        revoked.until.insert(session_id, until);
        // Inside the lock: who sees the new generation finds the session in the set.
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Whether the session is revoked, remembering in `checked` when it is not.
    pub(crate) fn contains_since(&self, session_id: Uuid, checked: &CheckedAt) -> bool {
        let generation = self.generation.load(Ordering::Acquire);
        if checked.0.load(Ordering::Relaxed) == generation {
            return false;
        }
        let is_revoked = self.contains(session_id);
        if !is_revoked {
            checked.0.store(generation, Ordering::Relaxed);
        }
        is_revoked
    }

    /// Whether the session is revoked.
    pub(crate) fn contains(&self, session_id: Uuid) -> bool {
        self.lock().until.contains_key(&session_id)
    }

    fn lock(&self) -> MutexGuard<'_, Revoked> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_checked_before_is_refused_after() {
        let revocations = Revocations::new();
        let (session, checked) = (Uuid::from_u128(1), CheckedAt::default());
        assert!(!revocations.contains_since(session, &checked));
        revocations.revoke(Uuid::from_u128(2), Timestamp::from_micros(9), Timestamp::EPOCH);
        assert!(!revocations.contains_since(session, &checked));
        revocations.revoke(session, Timestamp::from_micros(9), Timestamp::EPOCH);
        assert!(revocations.contains_since(session, &checked));
        assert!(revocations.contains_since(session, &checked));
    }

    #[test]
    fn the_set_forgets_what_ran_out_by_itself() {
        let revocations = Revocations::new();
        for n in 0..10 * SWEEP_AFTER as u128 {
            let now = Timestamp::from_micros(i64::try_from(n).unwrap());
            revocations.revoke(Uuid::from_u128(n), now.plus_micros(5), now);
        }
        assert!(revocations.lock().until.len() <= SWEEP_AFTER + 10);
    }
}
