//! A journal writer with the database's own compare-and-set on (epoch, incarnation, sequence), one append at a time,
//! that fails when told to.

use crate::journal_writer::{AppendFailure, Settle, WriterMsg};
use bulkhead_domain::{GENESIS_HASH, TenantId};
use bulkhead_persistence::{Db, JournalConn, TenantAppend};
use bulkhead_supervision::{Actor, ActorError, Context};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What becomes of the next append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Commit,
    /// Not written; answered as fenced.
    Fence,
    /// Not written; the settle is dropped.
    LoseBefore,
    /// Written; the settle is dropped.
    LoseAfter,
    /// Kept until the test takes it, or somebody asks for a barrier.
    Hold,
}

/// The faults to come, and what is held; outlives the writer.
#[derive(Default)]
pub(crate) struct Faults {
    fates: Mutex<VecDeque<Fate>>,
    held: Mutex<Vec<(TenantAppend, Settle)>>,
    appends: Mutex<Vec<(TenantId, i64, usize)>>,
}

impl Faults {
    pub(crate) fn next(&self, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates);
    }

    /// (expected sequence, rows) of every append that arrived.
    pub(crate) fn appends(&self) -> Vec<(i64, usize)> {
        self.appends.lock().unwrap().iter().map(|(_, seq, rows)| (*seq, *rows)).collect()
    }

    pub(crate) fn held_count(&self) -> usize {
        self.held.lock().unwrap().len()
    }

    pub(crate) fn take_held(&self) -> Vec<(TenantAppend, Settle)> {
        std::mem::take(&mut self.held.lock().unwrap())
    }
}

/// Writes one append at a time to the real database, unless told otherwise.
pub(crate) struct FakeWriter {
    pub(crate) db: Db,
    pub(crate) faults: Arc<Faults>,
}

impl Actor for FakeWriter {
    type Msg = WriterMsg;
    type State = Option<JournalConn>;

    async fn init(&self, _cx: &Context<WriterMsg>) -> Result<Self::State, ActorError> {
        Ok(None)
    }

    async fn handle(
        &self,
        _cx: &Context<WriterMsg>,
        message: WriterMsg,
        state: &mut Self::State,
    ) -> Result<(), ActorError> {
        match message {
            WriterMsg::Append(append, settle) => self.append(state, append, settle).await,
            // What is held is lost to whoever waits for everything to be settled.
            WriterMsg::Barrier(reply) => {
                drop(self.faults.take_held());
                reply.send(());
            }
        }
        Ok(())
    }
}

impl FakeWriter {
    async fn append(&self, state: &mut Option<JournalConn>, append: TenantAppend, settle: Settle) {
        assert_ne!(append.rows.last().map(|row| row.hash), Some(GENESIS_HASH));
        let arrived = (append.tenant_id, append.expected_seq, append.rows.len());
        self.faults.appends.lock().unwrap().push(arrived);
        let fate = self.faults.fates.lock().unwrap().pop_front().unwrap_or(Fate::Commit);
        match fate {
            Fate::Commit => settle.with(self.write(state, &append).await),
            Fate::Fence => settle.with(Err(AppendFailure::Fenced)),
            Fate::LoseBefore => drop(settle),
            Fate::LoseAfter => {
                self.write(state, &append).await.expect("the append fits");
                drop(settle);
            }
            Fate::Hold => self.faults.held.lock().unwrap().push((append, settle)),
        }
    }

    async fn write(
        &self,
        state: &mut Option<JournalConn>,
        append: &TenantAppend,
    ) -> Result<(), AppendFailure> {
        if state.is_none() {
            *state = Some(self.db.journal_conn().await.map_err(AppendFailure::from)?);
        }
        let conn = state.as_mut().expect("it was just made");
        match conn.append(std::slice::from_ref(append)).await {
            Ok(outcomes) if outcomes == [bulkhead_persistence::AppendOutcome::Committed] => Ok(()),
            Ok(_) => Err(AppendFailure::Fenced),
            Err(error) => Err(AppendFailure::Refused(error.to_string())),
        }
    }
}
