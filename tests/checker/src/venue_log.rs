//! The paper venue's own log, read from its files.

use crate::journal::Execution;
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VenueLogError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path}, line {line}: {detail}")]
    Line { path: PathBuf, line: usize, detail: String },
}

/// One line.
#[derive(Debug, Clone, Deserialize)]
pub struct VenueLine {
    pub n: u64,
    pub ts: String,
    #[serde(flatten)]
    pub record: VenueRecord,
}

/// What a line says.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum VenueRecord {
    State(StateRecord),
    AccountOpened(FundedRecord),
    Deposit(FundedRecord),
    Accepted(SubmittedRecord),
    Rejected(SubmittedRecord),
    Filled(FilledRecord),
    Canceled(CanceledRecord),
    Expired(CanceledRecord),
    Barred(BarredRecord),
}

#[derive(Debug, Clone, Deserialize)]
pub struct StateRecord {
    pub accounts: Vec<StateAccount>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct StateAccount {
    pub tenant_id: Uuid,
    pub account: String,
    pub balances: BTreeMap<String, Decimal>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct FundedRecord {
    pub tenant_id: Uuid,
    pub account: String,
    pub currency: String,
    pub amount: Decimal,
}

/// An order as the venue took or refused it.
#[derive(Debug, Clone, Deserialize)]
pub struct SubmittedRecord {
    pub tenant_id: Uuid,
    pub account: String,
    pub venue_client_id: String,
    pub symbol: String,
    pub side: String,
    #[serde(rename = "type")]
    pub order_type: String,
    #[serde(default)]
    pub price: Option<Decimal>,
    pub quantity: Decimal,
    pub time_in_force: String,
    #[serde(default)]
    pub expires_at: Option<String>,
    #[serde(default)]
    pub post_only: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct FilledRecord {
    pub tenant_id: Uuid,
    pub account: String,
    pub venue_client_id: String,
    pub symbol: String,
    pub base: String,
    pub side: String,
    #[serde(flatten)]
    pub execution: Execution,
    pub filled_quantity: Decimal,
}

#[derive(Debug, Clone, Deserialize)]
pub struct CanceledRecord {
    pub tenant_id: Uuid,
    pub account: String,
    pub venue_client_id: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct BarredRecord {
    pub tenant_id: Uuid,
    pub account: String,
    pub venue_client_id: String,
}

impl VenueLine {
    /// The venue's time of the line.
    pub fn micros(&self) -> Option<i64> {
        let moment = OffsetDateTime::parse(&self.ts, &Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos().div_euclid(1000)).ok()
    }
}

/// Every line of the log in `dir`, in order. A torn last line of the last segment is no line.
pub fn read(dir: &Path) -> Result<Vec<VenueLine>, VenueLogError> {
    let segments = segments(dir)?;
    let mut lines = Vec::new();
    let count = segments.len();
    for (at, path) in segments.iter().enumerate() {
        read_segment(path, at + 1 == count, &mut lines)?;
    }
    Ok(lines)
}

fn segments(dir: &Path) -> Result<Vec<PathBuf>, VenueLogError> {
    let io = |source| VenueLogError::Io { path: dir.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("segment-") && name.ends_with(".jsonl") {
            found.push(path);
        }
    }
    // Numbers are padded with zeros, so that names sort as they do.
    found.sort();
    Ok(found)
}

fn read_segment(path: &Path, is_last: bool, lines: &mut Vec<VenueLine>) -> Result<(), VenueLogError> {
    let text = fs::read(path).map_err(|source| VenueLogError::Io { path: path.to_owned(), source })?;
    let pieces: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    for (at, piece) in pieces.iter().enumerate() {
        let is_torn_allowed = is_last && at + 1 == pieces.len();
        match serde_json::from_slice(piece) {
            Ok(line) if piece.ends_with(b"\n") => lines.push(line),
            _ if is_torn_allowed => break,
            Ok(_) => break,
            Err(error) => {
                let detail = error.to_string();
                return Err(VenueLogError::Line { path: path.to_owned(), line: at + 1, detail });
            }
        }
    }
    Ok(())
}
