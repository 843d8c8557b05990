//! A ledger without a database: assigns places, and commits when it may.

use super::TENANT;
use crate::feed::CommittedBatch;
use crate::ledger::{Attached, LedgerMsg, Release};
use crate::opening::opening_events;
use crate::order_desk::DeskMsg;
use crate::risk::RiskMsg;
use bulkhead_domain::order::Mode;
use bulkhead_domain::tenant::TenantImage;
use bulkhead_domain::{Event, EventId, RecordedEvent};
use bulkhead_persistence::Plan;
use bulkhead_supervision::{Actor, ActorError, Context, Port};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// What outlives the ledger: the journal, and whether it takes anything now.
pub(crate) struct FakeJournal {
    pub(crate) events: Vec<RecordedEvent>,
    pub(crate) image: TenantImage,
    pub(crate) is_held: bool,
}

impl FakeJournal {
    pub(crate) fn open(plan: Plan) -> Arc<Mutex<Self>> {
        let mut this = Self { events: Vec::new(), image: TenantImage::default(), is_held: false };
        opening_events(plan).into_iter().for_each(|event| this.push(event));
        Arc::new(Mutex::new(this))
    }

    pub(crate) fn push(&mut self, event: Event) {
        let seq = self.image.seq + 1;
        self.commit(RecordedEvent {
            seq,
            event_id: EventId(Uuid::now_v7()),
            recorded_at: crate::clock::now(),
            event,
        });
    }

    fn commit(&mut self, recorded: RecordedEvent) {
        self.image.apply(&recorded);
        self.events.push(recorded);
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.events.iter().map(|recorded| recorded.event.kind()).collect()
    }
}

pub(crate) struct FakeLedger {
    pub(crate) journal: Arc<Mutex<FakeJournal>>,
    pub(crate) risk: Port<RiskMsg>,
    pub(crate) desk: Port<DeskMsg>,
}

/// What is ahead of the journal.
#[derive(Default)]
pub(crate) struct FakeLedgerState {
    desk_incarnation: u64,
    ahead: VecDeque<(Vec<RecordedEvent>, Release)>,
    next_seq: i64,
}

impl Actor for FakeLedger {
    type Msg = LedgerMsg;
    type State = FakeLedgerState;

    async fn init(&self, _cx: &Context<LedgerMsg>) -> Result<FakeLedgerState, ActorError> {
        let next_seq = self.journal.lock().unwrap().image.seq + 1;
        Ok(FakeLedgerState { next_seq, ..FakeLedgerState::default() })
    }

    async fn handle(
        &self,
        _cx: &Context<LedgerMsg>,
        message: LedgerMsg,
        state: &mut FakeLedgerState,
    ) -> Result<(), ActorError> {
        match message {
            LedgerMsg::Append(append) if append.desk_incarnation == state.desk_incarnation => {
                let mut recorded = Vec::new();
                for (event, _) in append.events {
                    let (seq, event_id) = (state.next_seq, EventId(Uuid::now_v7()));
                    state.next_seq += 1;
                    recorded.push(RecordedEvent { seq, event_id, recorded_at: append.at, event });
                }
                state.ahead.push_back((recorded, append.release));
            }
            LedgerMsg::Append(_) => {}
            LedgerMsg::Barrier(release) => state.ahead.push_back((Vec::new(), release)),
            LedgerMsg::Follow(reply) => reply.send(self.attached()),
            LedgerMsg::AttachDesk { incarnation, reply } => {
                state.desk_incarnation = incarnation;
                self.commit_ahead(state);
                reply.send(self.attached());
            }
            // The test's way to speak to it: the journal takes what is ahead, or refuses it.
            LedgerMsg::Settled { outcome, .. } => {
                outcome?;
                self.commit_ahead(state);
            }
        }
        let is_held = self.journal.lock().unwrap().is_held;
        if !is_held {
            self.commit_ahead(state);
        }
        Ok(())
    }
}

impl FakeLedger {
    fn attached(&self) -> Attached {
        let image = self.journal.lock().unwrap().image.clone();
        Attached { seq: image.seq, image: Some(Arc::new(image)) }
    }

    fn commit_ahead(&self, state: &mut FakeLedgerState) {
        for (recorded, release) in state.ahead.drain(..) {
            let batch = self.commit(recorded);
            release();
            if let Some(batch) = batch {
                drop(self.desk.notify(DeskMsg::Committed(batch)));
            }
        }
    }

    fn commit(&self, recorded: Vec<RecordedEvent>) -> Option<Arc<CommittedBatch>> {
        if recorded.is_empty() {
            return None;
        }
        let heads_before = {
            let mut journal = self.journal.lock().unwrap();
            let heads_before = journal.image.streams;
            recorded.iter().for_each(|event| journal.commit(event.clone()));
            heads_before
        };
        let batch = Arc::new(CommittedBatch::new(recorded, heads_before));
        drop(self.risk.notify(RiskMsg::Committed(batch.clone())));
        Some(batch)
    }
}

#[test]
fn a_fake_journal_begins_like_a_real_one() {
    let journal = FakeJournal::open(Plan::Starter);
    let journal = journal.lock().unwrap();
    assert_eq!(journal.kinds(), ["portfolio_created", "account_opened", "cash_deposited"]);
    let account = journal.image.desk.account(&super::paper()).unwrap();
    assert_eq!((account.mode, TENANT), (Mode::Paper, TENANT));
}
