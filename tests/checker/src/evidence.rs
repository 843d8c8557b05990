//! The three sources, read.

use crate::client_record::ClientRecord;
use crate::database::Tables;
use crate::venue_log::{self, VenueLine, VenueLogError};
use std::path::PathBuf;

/// Where the sources are.
#[derive(Debug, Clone)]
pub struct Sources {
    pub records: Vec<PathBuf>,
    pub venue_log: PathBuf,
    pub database_url: String,
}

/// Everything there is to compare.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub client: ClientRecord,
    pub venue: Vec<VenueLine>,
    pub tables: Tables,
    /// Whether the venue's times come from the same clock as the journal's; not so in a replay.
    pub is_one_clock: bool,
}

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error("client record {}: {source}", path.display())]
    Client { path: PathBuf, source: std::io::Error },
    #[error("venue log: {0}")]
    Venue(#[from] VenueLogError),
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

impl Evidence {
    /// Reads everything.
    pub async fn read(sources: &Sources) -> Result<Self, EvidenceError> {
        let mut client = ClientRecord::default();
        for path in &sources.records {
            client.read(path).map_err(|source| EvidenceError::Client { path: path.clone(), source })?;
        }
        let venue = venue_log::read(&sources.venue_log)?;
        let tables = Tables::read(&sources.database_url).await?;
        Ok(Self { client, venue, tables, is_one_clock: true })
    }
}
