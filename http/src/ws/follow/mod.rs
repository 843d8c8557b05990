//! Following channels: history from the journal's table, then the live feed, without gap or repetition.
//!
//! Everything a socket has taken from the feed ends at one place, its position. A channel that is behind it is read
//! from the table page by page until it has caught up, while the others go on; from then on the feed serves it.

use super::frames::{BatchFrames, Frame, Stream};
use super::protocol::ChannelView;
use crate::error::ApiError;
use crate::events::decode;
use crate::state::AppState;
use bulkhead_actors::{CommittedBatch, FeedSubscription};
use bulkhead_domain::TenantId;
use bulkhead_domain::tenant::StreamHeads;
use bulkhead_persistence::journal::{find_head, read_events_between};
use std::sync::Arc;
use tokio::sync::broadcast;

/// Journal rows read at a time while a channel catches up.
const CATCH_UP_PAGE: i64 = 500;
/// Journal rows searched for the event before the first one of a resumed channel.
const PREVIOUS_SEARCHED_MAX: i64 = 10_000;

/// The live end of the journal, as far as one socket has taken from it.
pub(super) struct Live {
    receiver: broadcast::Receiver<Arc<CommittedBatch>>,
    /// The heads after everything taken so far.
    heads: StreamHeads,
}

/// One channel.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) stream: Stream,
    /// Everything of the channel up to here was delivered.
    delivered: i64,
    /// The channel's last event up to there; `None` when it is not known.
    previous: Option<i64>,
}

/// Why a socket can no longer follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeedEnd {
    /// It fell behind.
    Lagged,
    /// The tenant stopped.
    Closed,
}

impl Live {
    pub(super) fn new(subscription: FeedSubscription) -> Self {
        Self { receiver: subscription.receiver, heads: subscription.heads }
    }

    /// The last event taken.
    pub(super) fn position(&self) -> i64 {
        self.heads.events
    }

    pub(super) fn heads(&self) -> &StreamHeads {
        &self.heads
    }

    /// The next batch that brings something new.
    pub(super) async fn next(&mut self) -> Result<Arc<CommittedBatch>, FeedEnd> {
        loop {
            let batch = self.receiver.recv().await.map_err(FeedEnd::from)?;
            if batch.last_seq() > self.heads.events {
                return Ok(batch);
            }
        }
    }

    /// A batch that is there already.
    pub(super) fn try_next(&mut self) -> Result<Option<Arc<CommittedBatch>>, FeedEnd> {
        loop {
            match self.receiver.try_recv() {
                Ok(batch) if batch.last_seq() > self.heads.events => return Ok(Some(batch)),
                Ok(_) => {}
                Err(broadcast::error::TryRecvError::Empty) => return Ok(None),
                Err(broadcast::error::TryRecvError::Lagged(_)) => return Err(FeedEnd::Lagged),
                Err(broadcast::error::TryRecvError::Closed) => return Err(FeedEnd::Closed),
            }
        }
    }

    /// Takes a batch: the frames each channel that has caught up is to be sent, by way of `send`.
    pub(super) fn take(
        &mut self,
        batch: &CommittedBatch,
        channels: &mut [Followed],
        mut send: impl FnMut(&Frame),
    ) {
        // The feed follows the journal, which has no gaps. Should a batch be missing all the same, the channels
        // stay behind the new position and are caught up from the table.
        let is_next = batch.heads_before.events <= self.heads.events;
        let position = self.heads.events;
        for channel in channels.iter_mut().filter(|channel| is_next && channel.delivered >= position) {
            channel.take(batch, &mut send);
        }
        for recorded in batch.events.iter().filter(|recorded| recorded.seq > position) {
            self.heads.advance(recorded.seq, &recorded.event);
        }
    }
}

impl From<broadcast::error::RecvError> for FeedEnd {
    fn from(error: broadcast::error::RecvError) -> Self {
        match error {
            broadcast::error::RecvError::Lagged(_) => Self::Lagged,
            broadcast::error::RecvError::Closed => Self::Closed,
        }
    }
}

impl Followed {
    /// A channel from now on.
    pub(super) fn from_now(stream: Stream, heads: &StreamHeads) -> Self {
        Self { stream, delivered: heads.events, previous: Some(stream.head(heads)) }
    }

    /// A channel with its history after `after_seq`.
    pub(super) fn resumed(stream: Stream, after_seq: i64) -> Self {
        Self { stream, delivered: after_seq, previous: None }
    }

    /// Whether the channel is behind what was taken from the feed.
    pub(super) fn is_behind(&self, position: i64) -> bool {
        self.delivered < position
    }

    pub(super) fn delivered(&self) -> i64 {
        self.delivered
    }

    pub(super) fn view(&self) -> ChannelView {
        ChannelView { name: self.stream.name(), after_seq: self.delivered }
    }

    fn take(&mut self, batch: &CommittedBatch, send: &mut impl FnMut(&Frame)) {
        if let Some(frames) = BatchFrames::of(batch) {
            for frame in frames.get(batch, self.stream).iter().filter(|frame| frame.seq > self.delivered) {
                send(frame);
                self.previous = Some(frame.seq);
            }
        }
        self.delivered = self.delivered.max(batch.last_seq());
    }

    /// Reads the next page of history, up to `position`.
    pub(super) async fn catch_up(
        &mut self,
        state: &AppState,
        tenant_id: TenantId,
        position: i64,
    ) -> Result<Vec<Frame>, ApiError> {
        let mut tx = state.db.begin_for(tenant_id).await?;
        if self.previous.is_none() {
            self.previous = find_previous(&mut tx, self.stream, self.delivered).await?;
        }
        let rows = read_events_between(&mut tx, self.delivered, position, CATCH_UP_PAGE).await?;
        let mut frames = Vec::new();
        for row in &rows {
            let recorded = decode(row)?;
            if let Some(frame) = self.stream.frame(&recorded, self.previous) {
                self.previous = Some(frame.seq);
                frames.push(frame);
            }
        }
        self.delivered = rows.last().map_or(position, |row| row.seq);
        Ok(frames)
    }
}

/// Whether the journal still has everything after `after_seq`: rows of long ago may have been archived.
pub(super) async fn has_history(
    state: &AppState,
    tenant_id: TenantId,
    after_seq: i64,
) -> Result<bool, ApiError> {
    let mut tx = state.db.begin_for(tenant_id).await?;
    let head = find_head(&mut tx).await?;
    Ok(head.is_none_or(|head| head.base_seq <= after_seq))
}

/// The channel's last event at or before `seq`; 0 if there is none, `None` if it lies too far back to be looked for.
async fn find_previous(
    tx: &mut bulkhead_persistence::TenantTx,
    stream: Stream,
    seq: i64,
) -> Result<Option<i64>, ApiError> {
    let mut upto = seq;
    // Most clients resume after an event of the channel itself, so the first look is at that one only.
    let mut page = 1;
    while upto > 0 && seq - upto < PREVIOUS_SEARCHED_MAX {
        let after = (upto - page).max(0);
        for row in read_events_between(tx, after, upto, page).await?.iter().rev() {
            if stream.shows(&decode(row)?.event) {
                return Ok(Some(row.seq));
            }
        }
        (upto, page) = (after, CATCH_UP_PAGE);
    }
    Ok((upto == 0).then_some(0))
}

#[cfg(test)]
mod tests;
