//! Ledger: one per tenant, the sole writer of its journal.
//!
//! 1. Events get their sequence numbers and hashes here, ahead of the commit; appends are pipelined.
//! 2. What waits on an append (a reply, a venue request) is released when it is durable, in order; if it does
//!    not become durable it is dropped and the ledger ends, taking everything that ran ahead with it.
//! 3. Committed events are published in order: to the portfolio and risk first, so that who is told of a
//!    commit reads it there.
//! 4. Only the desk's latest incarnation may append.

mod chain;
#[cfg(test)]
mod tests;

use crate::feed::{CommittedBatch, Feed};
use crate::image::{ImageSource, LoadError, patiently};
use crate::journal_writer::{AppendFailure, JournalWriters, Settle, WriterMsg};
use crate::lease::CurrentClaim;
use crate::opening::opening_events;
use crate::order_desk::DeskMsg;
use crate::portfolio::PortfolioMsg;
use crate::risk::RiskMsg;
use crate::snapshotter::SnapshotMsg;
use bulkhead_domain::tenant::{StreamHeads, TenantImage};
use bulkhead_domain::{Event, Order, RecordedEvent, TenantId, Timestamp};
use bulkhead_persistence::{Db, DbError, Plan, journal};
use bulkhead_supervision::{Actor, ActorError, Class, Context, Message, Port, PortLimits, Reply};
use chain::Chain;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Appends are bounded by what the desk lets in; this bounds everything else.
pub(crate) const LIMITS: PortLimits = PortLimits { normal: 4_096, urgent: 256, recovering: 256 };
/// Events after which a snapshot is asked for, at least.
const SNAPSHOT_EVERY: i64 = 1_000;
/// A long journal means a large state (every client order id is in it), so snapshots grow rarer with it.
const SNAPSHOT_SHARE: i64 = 128;
const BARRIER_TIMEOUT: Duration = Duration::from_secs(5);
const BARRIER_RETRY: Duration = Duration::from_millis(50);

/// Runs when what it waits for is durable; dropped when it never will be.
pub(crate) type Release = Box<dyn FnOnce() + Send>;

/// Events of one decision, with the state of the order after each (if it is about one).
pub(crate) struct Append {
    pub(crate) desk_incarnation: u64,
    pub(crate) at: Timestamp,
    pub(crate) events: Vec<(Event, Option<Arc<Order>>)>,
    pub(crate) release: Release,
}

/// Where an actor starts from.
pub(crate) struct Attached {
    /// Everything up to here is the actor's to load; everything after it comes as messages.
    pub(crate) seq: i64,
    /// The tenant at `seq`, when the ledger happens to have it.
    pub(crate) image: Option<Arc<TenantImage>>,
}

/// What a ledger takes.
pub(crate) enum LedgerMsg {
    Append(Append),
    /// Runs the release when everything appended so far is durable.
    Barrier(Release),
    /// A follower starts from what is durable now.
    Follow(Reply<Attached>),
    /// The desk starts anew: what its predecessor appended is finished first, what it still sends is refused.
    AttachDesk {
        incarnation: u64,
        reply: Reply<Attached>,
    },
    Settled {
        generation: u64,
        upto: i64,
        outcome: Result<(), AppendFailure>,
    },
}

impl Message for LedgerMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Append(_) => "append",
            Self::Barrier(_) => "barrier",
            Self::Follow(_) => "follow",
            Self::AttachDesk { .. } => "attach_desk",
            Self::Settled { .. } => "settled",
        }
    }

    fn class(&self) -> Class {
        Class::Normal
    }
}

/// The actor.
pub(crate) struct Ledger {
    pub(crate) tenant_id: TenantId,
    pub(crate) plan: Plan,
    pub(crate) claim: CurrentClaim,
    pub(crate) db: Db,
    pub(crate) images: Arc<ImageSource>,
    pub(crate) writers: JournalWriters,
    pub(crate) feed: Arc<Feed>,
    pub(crate) portfolio: Port<PortfolioMsg>,
    pub(crate) risk: Port<RiskMsg>,
    pub(crate) desk: Port<DeskMsg>,
    pub(crate) snapshotter: Port<SnapshotMsg>,
}

/// The chain's end, and what is on its way.
pub(crate) struct LedgerState {
    chain: Chain,
    committed: i64,
    heads: StreamHeads,
    /// Assigned, not yet durable; in sequence.
    ahead: VecDeque<RecordedEvent>,
    /// What to release once the sequence is durable; in sequence.
    waiting: VecDeque<(i64, Release)>,
    desk_incarnation: u64,
    image: Option<Arc<TenantImage>>,
    snapshot_due: i64,
}

impl Actor for Ledger {
    type Msg = LedgerMsg;
    type State = LedgerState;

    async fn init(&self, _cx: &Context<LedgerMsg>) -> Result<LedgerState, ActorError> {
        Ok(LedgerState {
            chain: Chain::default(),
            committed: 0,
            heads: StreamHeads::default(),
            ahead: VecDeque::new(),
            waiting: VecDeque::new(),
            desk_incarnation: 0,
            image: None,
            snapshot_due: SNAPSHOT_EVERY,
        })
    }

    async fn recover(&self, _cx: &Context<LedgerMsg>, state: &mut LedgerState) -> Result<(), ActorError> {
        self.finish_predecessor().await;
        let (head, mut image) = patiently("ledger", || self.load()).await?;
        state.chain = Chain::at(&head, &image);
        if image.seq == 0 {
            self.open_journal(state, Arc::make_mut(&mut image)).await?;
        }
        state.committed = image.seq;
        state.heads = image.streams;
        state.snapshot_due = next_snapshot(image.seq);
        self.feed.reset(image.streams);
        state.image = Some(image);
        Ok(())
    }

    async fn handle(
        &self,
        cx: &Context<LedgerMsg>,
        message: LedgerMsg,
        state: &mut LedgerState,
    ) -> Result<(), ActorError> {
        match message {
            LedgerMsg::Append(append) => self.append(cx, state, append),
            LedgerMsg::Barrier(release) => state.release_at(state.chain.seq(), release),
            LedgerMsg::Follow(reply) => reply.send(state.attached()),
            LedgerMsg::AttachDesk { incarnation, reply } => state.attach_desk(incarnation, reply),
            LedgerMsg::Settled { generation, upto, outcome } => {
                if generation == cx.incarnation() {
                    outcome?;
                    self.commit(state, upto);
                }
            }
        }
        Ok(())
    }
}

impl Ledger {
    /// Everything an earlier incarnation handed to the writer is written or refused before the head is read.
    async fn finish_predecessor(&self) {
        let writer = self.writers.of(self.tenant_id);
        while writer.call(BARRIER_TIMEOUT, WriterMsg::Barrier).await.is_err() {
            sleep(BARRIER_RETRY).await;
        }
    }

    async fn load(&self) -> Result<(journal::Head, Arc<TenantImage>), LoadError> {
        let mut tx = self.db.begin_system().await?;
        let head = journal::activate(&mut tx, self.tenant_id, &self.claim.load()).await?;
        tx.commit().await?;
        let head = head.ok_or(LoadError::NotOwned)?;
        let image = self.images.at(head.seq).await?;
        Ok((head, image))
    }

    /// A new tenant's first events; waits for them, since nothing can start without.
    async fn open_journal(&self, state: &mut LedgerState, image: &mut TenantImage) -> Result<(), ActorError> {
        let at = crate::clock::now();
        let events = opening_events(self.plan).into_iter().map(|event| (event, None)).collect();
        let (append, recorded) = state.chain.extend(self.tenant_id, at, events);
        let (reply, settled) = Reply::channel();
        let settle = Settle::new(move |outcome| reply.send(outcome));
        let writer = self.writers.of(self.tenant_id);
        writer.notify(WriterMsg::Append(append, settle)).map_err(|error| error.reason)?;
        settled.await??;
        recorded.iter().for_each(|event| image.apply(event));
        Ok(())
    }

    fn append(&self, cx: &Context<LedgerMsg>, state: &mut LedgerState, append: Append) {
        if append.desk_incarnation != state.desk_incarnation {
            // The release is dropped: who waits on it is told that the outcome is unknown, and asks again.
            return;
        }
        let (rows, recorded) = state.chain.extend(self.tenant_id, append.at, append.events);
        let upto = state.chain.seq();
        state.ahead.extend(recorded);
        state.waiting.push_back((upto, append.release));
        let (port, generation) = (cx.port().clone(), cx.incarnation());
        let settle = Settle::new(move |outcome| {
            // A ledger that is gone has no use for the answer.
            drop(port.notify(LedgerMsg::Settled { generation, upto, outcome }));
        });
        // A writer that is not there drops the settle, which comes back as lost.
        drop(self.writers.of(self.tenant_id).notify(WriterMsg::Append(rows, settle)));
    }

    fn commit(&self, state: &mut LedgerState, upto: i64) {
        state.image = None;
        let count = state.ahead.iter().take_while(|event| event.seq <= upto).count();
        let events: Vec<RecordedEvent> = state.ahead.drain(..count).collect();
        if events.is_empty() {
            state.release_due();
        } else {
            let batch = Arc::new(CommittedBatch::new(events, state.heads));
            for event in &batch.events {
                state.heads.advance(event.seq, &event.event);
            }
            state.committed = upto;
            // A follower that is down reads this from the journal when it comes back.
            drop(self.portfolio.notify(PortfolioMsg::Committed(batch.clone())));
            drop(self.risk.notify(RiskMsg::Committed(batch.clone())));
            self.feed.publish(&batch, state.heads);
            state.release_due();
            // After the releases: what the desk sends to a session once it knows of the commit, a cancel or a
            // question, must come behind the submission that was released.
            drop(self.desk.notify(DeskMsg::Committed(batch)));
        }
        self.ask_for_snapshot(state);
    }

    fn ask_for_snapshot(&self, state: &mut LedgerState) {
        if state.committed < state.snapshot_due {
            return;
        }
        let ask = SnapshotMsg::Make { tenant_id: self.tenant_id, upto: state.committed };
        if self.snapshotter.send(ask, None).is_ok() {
            state.snapshot_due = next_snapshot(state.committed);
        }
    }
}

impl LedgerState {
    fn attached(&self) -> Attached {
        Attached { seq: self.committed, image: self.image.clone() }
    }

    fn attach_desk(&mut self, incarnation: u64, reply: Reply<Attached>) {
        self.desk_incarnation = incarnation;
        let seq = self.chain.seq();
        // The desk is the last to start: nobody after it needs the image.
        let image = self.image.take().filter(|image| image.seq == seq);
        self.release_at(seq, Box::new(move || reply.send(Attached { seq, image })));
    }

    fn release_at(&mut self, seq: i64, release: Release) {
        if seq <= self.committed {
            release();
        } else {
            self.waiting.push_back((seq, release));
        }
    }

    fn release_due(&mut self) {
        while self.waiting.front().is_some_and(|(seq, _)| *seq <= self.committed) {
            if let Some((_, release)) = self.waiting.pop_front() {
                release();
            }
        }
    }
}

fn next_snapshot(seq: i64) -> i64 {
    seq + SNAPSHOT_EVERY.max(seq / SNAPSHOT_SHARE)
}

impl From<DbError> for AppendFailure {
    fn from(error: DbError) -> Self {
        Self::Refused(error.to_string())
    }
}
