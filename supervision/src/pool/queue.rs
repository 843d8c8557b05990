//! The queue of a pool: first in, first out for each key, and a round over the keys.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ractor::factory::queues::Queue;
use ractor::factory::{DiscardHandler, Job};

use super::{TurnKey, Work};

/// Work by key. A key is in the round exactly while it has work waiting.
#[derive(Default)]
pub(crate) struct FairQueue {
    waiting: HashMap<TurnKey, VecDeque<Job<TurnKey, Work>>>,
    round: VecDeque<TurnKey>,
    length: usize,
}

impl Queue<TurnKey, Work> for FairQueue {
    fn len(&self) -> usize {
        self.length
    }

    fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn pop_front(&mut self) -> Option<Job<TurnKey, Work>> {
        let key = self.round.pop_front()?;
        let own = self.waiting.get_mut(&key)?;
        let job = own.pop_front();
        if own.is_empty() {
            self.waiting.remove(&key);
        } else {
            self.round.push_back(key);
        }
        self.length -= 1;
        job
    }

    fn discard_oldest(&mut self) -> Option<Job<TurnKey, Work>> {
        self.pop_front()
    }

    fn peek(&self) -> Option<&Job<TurnKey, Work>> {
        self.waiting.get(self.round.front()?)?.front()
    }

    fn push_back(&mut self, job: Job<TurnKey, Work>) {
        let own = self.waiting.entry(job.key).or_default();
        if own.is_empty() {
            self.round.push_back(job.key);
        }
        own.push_back(job);
        self.length += 1;
    }

    /// Work has no time to live: whoever no longer wants it says so in the work itself.
    fn remove_expired_items(&mut self, _handler: &Option<Arc<dyn DiscardHandler<TurnKey, Work>>>) -> usize {
        0
    }
}
