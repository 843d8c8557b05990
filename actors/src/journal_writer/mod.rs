//! A node's journal writer: turns everything that waits, of many tenants, into one transaction.
//!
//! 1. Appends of one tenant are written in the order they arrived, one after the other or together.
//! 2. Each append is answered exactly once; one that is lost with the writer is answered as lost.
//! 3. The database being away is waited for, here, for as long as it takes: nothing is refused because of it.
//!    An ambiguous commit is resolved by reading the heads before anything else is written.

mod batch;
#[cfg(test)]
mod tests;

use batch::Batch;
use bulkhead_persistence::{AppendError, AppendOutcome, Db, DbError, Head, JournalConn, TenantAppend};
use bulkhead_supervision::{Actor, ActorError, Class, Context, Message, Port, PortLimits, Reply};
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};

/// Most appends that go into one transaction; above this, latency grows and throughput does not.
const BATCH_APPENDS_MAX: usize = 256;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(20);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(1);

/// Why an append did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendFailure {
    #[error("the tenant is owned by somebody else")]
    Fenced,
    #[error("the database refused the events: {0}")]
    Refused(String),
    #[error("the writer ended with the append")]
    Lost,
}

type Settled = Box<dyn FnOnce(Result<(), AppendFailure>) + Send>;

/// Told once what became of an append.
pub struct Settle(Option<Settled>);

impl Settle {
    /// Calls `then` with the outcome, or with [`AppendFailure::Lost`] when this is dropped.
    pub fn new(then: impl FnOnce(Result<(), AppendFailure>) + Send + 'static) -> Self {
        Self(Some(Box::new(then)))
    }

    pub(crate) fn with(mut self, outcome: Result<(), AppendFailure>) {
        if let Some(then) = self.0.take() {
            then(outcome);
        }
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        if let Some(then) = self.0.take() {
            then(Err(AppendFailure::Lost));
        }
    }
}

/// What a journal writer takes.
pub enum WriterMsg {
    Append(TenantAppend, Settle),
    /// Answered when everything that was sent before it is settled.
    Barrier(Reply<()>),
}

impl Message for WriterMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Append(..) => "append",
            Self::Barrier(_) => "barrier",
        }
    }

    fn class(&self) -> Class {
        Class::Normal
    }
}

/// The node's writers; a tenant always uses the same one.
#[derive(Clone)]
pub struct JournalWriters(std::sync::Arc<[Port<WriterMsg>]>);

impl JournalWriters {
    /// `count` writers to be started under these ports.
    pub fn new(count: usize) -> Self {
        // Ledgers notify, which takes no permit; their appends are bounded by what their desks let in.
        Self(
            (0..count.max(1))
                .map(|n| Port::new(format!("node/journal-{n}"), PortLimits::default()))
                .collect(),
        )
    }

    /// Every port, to start the actors.
    pub fn ports(&self) -> &[Port<WriterMsg>] {
        &self.0
    }

    /// The writer of one tenant.
    pub fn of(&self, tenant_id: bulkhead_domain::TenantId) -> &Port<WriterMsg> {
        let (_, low) = tenant_id.0.as_u64_pair();
        let index = usize::try_from(low % self.0.len() as u64).expect("a remainder of a length fits");
        self.0.get(index).expect("a remainder is within the length")
    }
}

/// The actor.
pub struct JournalWriter {
    pub db: Db,
}

/// Its connection, and what waits.
pub struct WriterState {
    conn: Option<JournalConn>,
    waiting: Vec<(TenantAppend, Settle)>,
}

impl Actor for JournalWriter {
    type Msg = WriterMsg;
    type State = WriterState;

    async fn init(&self, _cx: &Context<WriterMsg>) -> Result<WriterState, ActorError> {
        Ok(WriterState { conn: None, waiting: Vec::new() })
    }

    async fn handle(
        &self,
        _cx: &Context<WriterMsg>,
        message: WriterMsg,
        state: &mut WriterState,
    ) -> Result<(), ActorError> {
        match message {
            WriterMsg::Append(append, settle) => {
                state.waiting.push((append, settle));
                if state.waiting.len() >= BATCH_APPENDS_MAX {
                    self.flush(state).await;
                }
            }
            WriterMsg::Barrier(reply) => {
                self.flush(state).await;
                reply.send(());
            }
        }
        Ok(())
    }

    async fn idle(&self, _cx: &Context<WriterMsg>, state: &mut WriterState) -> Result<(), ActorError> {
        self.flush(state).await;
        Ok(())
    }
}

impl JournalWriter {
    async fn flush(&self, state: &mut WriterState) {
        if state.waiting.is_empty() {
            return;
        }
        let batch = Batch::of(std::mem::take(&mut state.waiting));
        self.write(&mut state.conn, batch).await;
    }

    /// Writes until every part is settled, however long the database takes to come back.
    async fn write(&self, conn: &mut Option<JournalConn>, mut batch: Batch) {
        let mut delay = RETRY_DELAY_MIN;
        while !batch.is_empty() {
            match self.try_write(conn, &mut batch).await {
                Ok(()) => delay = RETRY_DELAY_MIN,
                Err(error) => {
                    warn!(%error, waiting = batch.len(), delay_ms = delay.as_millis(), "journal waits for database");
                    *conn = None;
                    sleep(delay).await;
                    delay = (delay * 2).min(RETRY_DELAY_MAX);
                }
            }
        }
    }

    /// One transaction, and what follows from its outcome. An error means: try again.
    async fn try_write(&self, slot: &mut Option<JournalConn>, batch: &mut Batch) -> Result<(), DbError> {
        let conn = match slot {
            Some(conn) => conn,
            None => slot.insert(self.db.journal_conn().await?),
        };
        if batch.is_ambiguous() {
            resolve(conn, batch).await?;
            return Ok(());
        }
        match conn.append(batch.appends()).await {
            Ok(outcomes) => batch.settle_all(&outcomes),
            Err(AppendError::NotCommitted(error)) => return Err(error),
            Err(AppendError::Ambiguous(error)) => {
                batch.mark_ambiguous();
                return Err(error);
            }
            Err(AppendError::Statement(error)) => single_out(conn, batch, error).await?,
        }
        Ok(())
    }
}

/// A batch whose data the database refuses is tried part by part, so that only the one at fault fails.
async fn single_out(conn: &mut JournalConn, batch: &mut Batch, error: DbError) -> Result<(), DbError> {
    if batch.len() == 1 {
        warn!(%error, "journal append refused");
        batch.refuse_first(&error.to_string());
        return Ok(());
    }
    while let Some(part) = batch.first() {
        match conn.append(std::slice::from_ref(part)).await {
            Ok(outcomes) => batch.settle_first(outcomes.first().copied().unwrap_or(AppendOutcome::Fenced)),
            Err(AppendError::Statement(error)) => {
                warn!(%error, tenant = %part.tenant_id, "journal append refused");
                batch.refuse_first(&error.to_string());
            }
            Err(AppendError::NotCommitted(error)) => return Err(error),
            Err(AppendError::Ambiguous(error)) => {
                batch.mark_ambiguous();
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Reads the heads, which waits for a transaction that is still at work, and settles what is already there.
async fn resolve(conn: &mut JournalConn, batch: &mut Batch) -> Result<(), DbError> {
    let heads: Vec<Head> = conn.read_heads(&batch.tenants()).await?;
    let settled = batch.resolve(&heads);
    info!(settled, waiting = batch.len(), "ambiguous commit resolved");
    Ok(())
}
