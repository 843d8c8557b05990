//! Where the paper venue's market comes from: made up by a seed, or a recording.

mod replay;
mod rows;
mod simulated;

pub use replay::{Replay, ReplayFiles, ReplayProgress};
pub use simulated::SimulatedMarket;

use crate::clock::ClockMap;
use crate::market::MarketEvent;
use bulkhead_domain::Timestamp;
use bulkhead_domain::instrument::Instrument;
use std::path::PathBuf;
use std::sync::Arc;

/// What is wrong with a recording.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}, line {line}, column {column}: found {found}, expected {expected}", path.display())]
    Row { path: PathBuf, line: u64, column: String, found: String, expected: String },
    #[error("{}: no rows; expected at least one", path.display())]
    Empty { path: PathBuf },
    #[error("the speed is 0; expected at least 1 (1: as fast as it was recorded)")]
    SpeedZero,
}

/// A source of market events.
#[derive(Debug)]
pub enum Market {
    Simulated(Box<SimulatedMarket>),
    Replay(Box<Replay>),
}

impl Market {
    /// What is traded.
    pub fn instruments(&self) -> Arc<[Instrument]> {
        match self {
            Self::Simulated(market) => market.instruments(),
            Self::Replay(replay) => replay.instruments(),
        }
    }

    /// Begins at the wall time `wall`; a recording goes on after the venue time `resume`, where that lies
    /// within it. Returns the venue's clock.
    pub fn start(&mut self, wall: Timestamp, resume: Timestamp) -> Result<ClockMap, MarketError> {
        match self {
            Self::Simulated(_) => Ok(ClockMap::live(0)),
            Self::Replay(replay) => replay.start(wall, resume),
        }
    }

    /// What has happened up to the venue time `now` and was not returned before.
    pub fn advance(&mut self, now: Timestamp) -> Result<Vec<MarketEvent>, MarketError> {
        match self {
            Self::Simulated(market) => Ok(market.advance(now)),
            Self::Replay(replay) => replay.advance(now),
        }
    }

    /// The venue time of the next event; `None` when there will be none.
    pub fn next_due(&self) -> Option<Timestamp> {
        match self {
            Self::Simulated(market) => Some(market.next_due()),
            Self::Replay(replay) => replay.next_due(),
        }
    }

    /// How far a replay is.
    pub fn progress(&self) -> Option<ReplayProgress> {
        match self {
            Self::Simulated(_) => None,
            Self::Replay(replay) => Some(replay.progress()),
        }
    }
}
