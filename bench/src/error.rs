//! Why a measurement did not happen.

use crate::load::HttpError;
use bulkhead_persistence::journal::AppendError;
use bulkhead_persistence::{DbError, PrivatePostgresError};
use std::path::PathBuf;

/// Why a measurement did not happen.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("{what}: {source}")]
    Io { what: &'static str, source: std::io::Error },
    #[error(transparent)]
    Postgres(#[from] PrivatePostgresError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the server ended before it was ready; its log is {}", log.display())]
    ServerEnded { log: PathBuf },
    #[error("{what} took longer than its limit")]
    Deadline { what: &'static str },
    #[error("{what} was answered with {status}: {body}")]
    Status { what: &'static str, status: u16, body: String },
    #[error("{what} does not have the expected shape: {source}")]
    Shape { what: &'static str, source: serde_json::Error },
    #[error("the WebSocket failed: {0}")]
    WebSocket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("a thread of the load generator ended early")]
    Generator,
    #[error("the system gave no random bytes")]
    Random,
    #[error("interrupted")]
    Interrupted,
}

impl BenchError {
    pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    pub(crate) fn shape(what: &'static str) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| Self::Shape { what, source }
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for BenchError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::WebSocket(Box::new(error))
    }
}
