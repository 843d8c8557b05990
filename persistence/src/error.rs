//! What can go wrong with the database, by what a caller can do about it.

use sqlx::migrate::MigrateError;

/// A failure of the database or of what it stores.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Nothing happened and the same call may work later: refused or lost connection, start-up, shutdown, no free
    /// connection, a lock or a statement that took too long, a deadlock.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The connection went away while a commit was on its way: it may or may not have happened.
    #[error("the outcome of a commit is unknown: {0}")]
    OutcomeUnknown(#[source] sqlx::Error),
    /// The data breaks a named constraint; nothing happened.
    #[error("constraint {name} does not hold: {source}")]
    Constraint { name: String, source: sqlx::Error },
    /// Something stored does not read as what it must be.
    #[error("stored {what} cannot be read: {source}")]
    Corrupt { what: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    /// The schema could not be brought up to date.
    #[error("migration failed: {0}")]
    Migration(#[source] MigrateError),
    /// The statement itself failed: a missing right, a wrong type, a bug.
    #[error("query failed: {0}")]
    Query(#[source] sqlx::Error),
}

/// What the server says when it, not the statement, is the reason. Class 08 is added in code.
const UNAVAILABLE_STATES: &[&str] = &[
    "25006", // read-only: a standby answers during a failover
    "40001", // serialization failure
    "40P01", // deadlock
    "53000", "53100", "53200", "53300", // out of disk, memory, connections
    "55P03", // lock timeout
    "57014", // statement timeout
    "57P01", "57P02", "57P03", "57P05", // shutdown, crash, starting up, idle session
    "25P03", // idle in transaction
];

impl DbError {
    /// The name of the constraint that the data breaks.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Whether the same call may work later, with nothing having happened now.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn corrupt(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Corrupt { what, source: source.into() }
    }

    /// The same failure where it met a `commit`.
    pub(crate) fn at_commit(error: sqlx::Error) -> Self {
        match Self::from(error) {
            Self::Unavailable(source) if !is_certain_rollback(&source) => Self::OutcomeUnknown(source),
            // The server's words about anything but a constraint do not prove that the commit record is not on disk.
            Self::Query(source) => Self::OutcomeUnknown(source),
            other => other,
        }
    }

    /// A deadline of ours that passed.
    pub(crate) fn timed_out() -> Self {
        Self::Unavailable(sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut)))
    }
}

fn state_of(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|database| database.code()).map(std::borrow::Cow::into_owned)
}

fn is_certain_rollback(error: &sqlx::Error) -> bool {
    state_of(error).is_some_and(|state| state.starts_with("40") || state == "55P03")
}

fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        sqlx::Error::Database(_) => state_of(error)
            .is_some_and(|state| state.starts_with("08") || UNAVAILABLE_STATES.contains(&state.as_str())),
        _ => false,
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) {
            return Self::Unavailable(error);
        }
        let constraint =
            error.as_database_error().and_then(|database| database.constraint()).map(str::to_owned);
        match (constraint, error) {
            (Some(name), source) => Self::Constraint { name, source },
            (None, source @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))) => {
                Self::corrupt("row", source)
            }
            (None, source) => Self::Query(source),
        }
    }
}

impl From<MigrateError> for DbError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(source) if is_unavailable(&source) => Self::Unavailable(source),
            other => Self::Migration(other),
        }
    }
}
