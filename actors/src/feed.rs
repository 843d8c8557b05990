//! A tenant's committed events as they happen, for everyone who follows.
//!
//! 1. What is published is durable.
//! 2. Batches are published in sequence; a subscriber that falls behind is told so and never skips silently.

use bulkhead_domain::RecordedEvent;
use bulkhead_domain::tenant::StreamHeads;
use bulkhead_supervision::ActorError;
use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::broadcast;

/// Batches a subscriber may fall behind before it is told that it did.
const FEED_BATCHES_MAX: usize = 1_024;

/// Events that became durable together.
pub struct CommittedBatch {
    pub events: Vec<RecordedEvent>,
    /// The stream heads before the first of the events.
    pub heads_before: StreamHeads,
    rendered: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl CommittedBatch {
    /// A batch; `events` is not empty.
    pub fn new(events: Vec<RecordedEvent>, heads_before: StreamHeads) -> Self {
        Self { events, heads_before, rendered: OnceLock::new() }
    }

    /// The events that someone who has seen everything up to `seen` has not. A hole means that a message was lost, and
    /// its finder has to load again.
    pub(crate) fn unseen(&self, seen: i64) -> Result<&[RecordedEvent], ActorError> {
        let (_, unseen) = self.events.split_at(self.events.partition_point(|recorded| recorded.seq <= seen));
        for (recorded, expected) in unseen.iter().zip(seen + 1..) {
            if recorded.seq != expected {
                return Err(format!("event {} came in place of {expected}", recorded.seq).into());
            }
        }
        Ok(unseen)
    }

    /// The sequence number of the last event.
    pub fn last_seq(&self) -> i64 {
        self.events.last().map_or(self.heads_before.events, |event| event.seq)
    }

    /// What `render` makes of the batch, made once and shared by all who ask. One type per process.
    pub fn rendered<T: Send + Sync + 'static>(&self, render: impl FnOnce(&Self) -> T) -> Option<Arc<T>> {
        let shared = self.rendered.get_or_init(|| Arc::new(render(self)));
        shared.clone().downcast::<T>().ok()
    }
}

/// How far a tenant's journal is durable, and the channel that tells. Outlives the ledger's restarts.
#[derive(Default)]
pub struct Feed {
    sender: OnceLock<broadcast::Sender<Arc<CommittedBatch>>>,
    heads: Mutex<StreamHeads>,
}

/// The live end of a tenant's journal.
pub struct FeedSubscription {
    /// Everything up to here is in the journal; what the receiver brings and is not later is a repetition.
    pub heads: StreamHeads,
    pub receiver: broadcast::Receiver<Arc<CommittedBatch>>,
}

impl Feed {
    /// Follows the journal from now on.
    pub fn subscribe(&self) -> FeedSubscription {
        let sender = self.sender.get_or_init(|| broadcast::channel(FEED_BATCHES_MAX).0);
        // Receiver first: what commits in between then comes twice rather than not at all.
        let receiver = sender.subscribe();
        FeedSubscription { heads: self.heads(), receiver }
    }

    /// How many follow.
    pub fn subscriber_count(&self) -> usize {
        self.sender.get().map_or(0, broadcast::Sender::receiver_count)
    }

    /// How far the journal is durable.
    pub fn heads(&self) -> StreamHeads {
        *self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets where the journal stands when its ledger has loaded.
    pub(crate) fn reset(&self, heads: StreamHeads) {
        *self.heads.lock().unwrap_or_else(PoisonError::into_inner) = heads;
    }

    /// Publishes a durable batch.
    pub(crate) fn publish(&self, batch: &Arc<CommittedBatch>, heads: StreamHeads) {
        self.reset(heads);
        if let Some(sender) = self.sender.get() {
            // Fails only when nobody listens.
            drop(sender.send(batch.clone()));
        }
    }
}
