//! `bulkhead venue`: the paper venue as a process of its own.

use crate::cli::PaperVenueArgs;
use crate::config::market_choice;
use crate::output::announce;
use crate::serve::{bind, stop_signal};
use anyhow::Context;
use bulkhead_domain::VenueName;
use bulkhead_venues::paper::{MarketConfig, PaperConfig, PaperDriver, PaperFaults, PaperHandle, server};
use bulkhead_venues::system_clock;
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) async fn run(args: PaperVenueArgs) -> anyhow::Result<()> {
    let replay = args.replay;
    let market = market_choice(replay.replay_trades, replay.replay_quotes, replay.speed, args.market_seed)?;
    let listener = bind(args.listen).await?;
    let handle = open_paper(args.data, market)?;
    // Takes the log's lock: a venue that says it is ready must be the one that has it.
    let driver = PaperDriver::open(&handle)?;
    let stopped = stop_signal();
    announce(&serde_json::json!({ "ready": true, "listen": listener.local_addr()? }));
    server::run(listener, handle, driver, stopped).await?;
    Ok(())
}

/// The paper venue with its log in `data_dir`.
pub(crate) fn open_paper(data_dir: PathBuf, market: MarketConfig) -> anyhow::Result<Arc<PaperHandle>> {
    std::fs::create_dir_all(&data_dir).with_context(|| format!("cannot create {}", data_dir.display()))?;
    let config = PaperConfig {
        name: VenueName::parse("paper").expect("the name is a slug"),
        data_dir,
        market,
        clock_skew_micros: 0,
        faults: PaperFaults::default(),
    };
    Ok(PaperHandle::new(config, system_clock())?)
}
