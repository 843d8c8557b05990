//! What can go wrong in the paper venue itself, as opposed to with an order.

use super::source::MarketError;
use std::path::PathBuf;

/// Why the venue cannot go on. It has stopped answering; opening it again is the only way on.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{}, offset {offset}: not a record of this log: {detail}", path.display())]
    Corrupt { path: PathBuf, offset: u64, detail: String },
    #[error("{} is in use by another venue", path.display())]
    InUse { path: PathBuf },
    #[error("an earlier write failed; the venue must be opened again")]
    Stopped,
    #[error(transparent)]
    Market(#[from] MarketError),
}

impl PaperError {
    pub(super) fn io(action: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}
