//! What a paper venue is made of.

use super::faults::PaperFaults;
use super::source::{Market, MarketError, Replay, ReplayFiles, SimulatedMarket};
use bulkhead_domain::VenueName;
use std::path::PathBuf;

/// Where its market comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarketConfig {
    Simulated { seed: u64 },
    Replay(ReplayFiles),
}

impl MarketConfig {
    /// Opens the market; a recording is checked completely.
    pub fn open(&self) -> Result<Market, MarketError> {
        match self {
            Self::Simulated { seed } => Ok(Market::Simulated(Box::new(SimulatedMarket::new(*seed)))),
            Self::Replay(files) => Ok(Market::Replay(Box::new(Replay::open(files.clone())?))),
        }
    }
}

/// A paper venue's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperConfig {
    pub name: VenueName,
    /// Holds the venue's log, and nothing else.
    pub data_dir: PathBuf,
    pub market: MarketConfig,
    /// How far the venue's clock is ahead of what it should be.
    pub clock_skew_micros: i64,
    pub faults: PaperFaults,
}
