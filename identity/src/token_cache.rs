//! Tokens whose signature was verified before. A hit costs no lock, no hash of the whole token and no allocation.

use crate::principal::Principal;
use crate::revocation::CheckedAt;
use arc_swap::{ArcSwapOption, Guard};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Tokens remembered; a newer token takes the place of the one it shares a slot with.
pub(crate) const SLOTS: usize = 16_384;
/// Of a token, only its end is hashed: the signature, which differs between any two tokens.
const HASHED_BYTES: usize = 32;

/// A token with a good signature.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) token: Box<str>,
    pub(crate) principal: Principal,
    pub(crate) checked_at: CheckedAt,
}

/// A fixed number of slots, each holding the last token that fell into it.
pub(crate) struct TokenCache {
    slots: Box<[ArcSwapOption<Verified>]>,
    /// Keyed at random, so that nobody can choose the slot a forged token falls into.
    hasher: RandomState,
}

impl TokenCache {
    pub(crate) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| ArcSwapOption::empty()).collect(), hasher: RandomState::new() }
    }

    pub(crate) fn get(&self, token: &str) -> Option<Guard<Option<Arc<Verified>>>> {
        let guard = self.slot(token)?.load();
        let is_same = guard.as_ref().is_some_and(|verified| &*verified.token == token);
        is_same.then_some(guard)
    }

    pub(crate) fn insert(&self, verified: Verified) {
        if let Some(slot) = self.slot(&verified.token) {
            slot.store(Some(Arc::new(verified)));
        }
    }

    fn slot(&self, token: &str) -> Option<&ArcSwapOption<Verified>> {
        let bytes = token.as_bytes();
        let end = bytes.get(bytes.len().saturating_sub(HASHED_BYTES)..)?;
        let hash = usize::try_from(self.hasher.hash_one(end) % SLOTS as u64).ok()?;
        self.slots.get(hash)
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}
