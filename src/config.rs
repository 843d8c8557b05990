//! Settings of `serve`: defaults < file < environment < flags. What is not known is refused.

use crate::cli::ServeArgs;
use anyhow::{Context, bail, ensure};
use bulkhead_actors::node::JOURNAL_WRITERS;
use bulkhead_persistence::Plan;
use bulkhead_venues::paper::{MarketConfig, ReplayFiles};
use clap::CommandFactory;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Seed of the simulated market.
pub(crate) const MARKET_SEED: u64 = 1;
const LISTEN: &str = "127.0.0.1:8080";
const DATA: &str = "./data";
const NODE_ID: &str = "node-1";
const IDLE_AFTER_SECONDS: u64 = 300;
const REPLAY_SPEED: u32 = 1;
const ENVIRONMENT_PREFIX: &str = "BULKHEAD_";
/// Variables that are no setting of any command.
const OTHER_VARIABLES: &[&str] = &["BULKHEAD_ADMIN_EMAIL", "BULKHEAD_ADMIN_PASSWORD", "BULKHEAD_PASSWORD"];
/// Variables under this prefix are for the project's own tests and ignored here.
const TEST_PREFIX: &str = "BULKHEAD_TEST_";

/// The settings in force.
#[derive(Debug, Clone)]
pub(crate) struct ServeConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) data: PathBuf,
    pub(crate) database_url: Option<String>,
    pub(crate) node_id: String,
    pub(crate) default_plan: Plan,
    pub(crate) idle_after: Duration,
    pub(crate) journal_writers: usize,
    pub(crate) allow_faults: bool,
    pub(crate) demo: bool,
    pub(crate) venue: VenueChoice,
}

/// Which paper venue is used.
#[derive(Debug, Clone)]
pub(crate) enum VenueChoice {
    Own(MarketConfig),
    Remote(String),
}

/// The file's keys: the long names of the flags, with underscores.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileConfig {
    listen: Option<SocketAddr>,
    data: Option<PathBuf>,
    database_url: Option<String>,
    node_id: Option<String>,
    default_plan: Option<Plan>,
    idle_after: Option<u64>,
    journal_writers: Option<u8>,
    allow_faults: Option<bool>,
    no_demo: Option<bool>,
    market_seed: Option<u64>,
    replay_trades: Option<PathBuf>,
    replay_quotes: Option<PathBuf>,
    speed: Option<u32>,
    paper_venue: Option<String>,
}

impl ServeConfig {
    /// Puts the settings together; `args` holds flags and environment.
    pub(crate) fn resolve(args: ServeArgs) -> anyhow::Result<Self> {
        let file = match &args.config {
            Some(path) => read_file(path)?,
            None => FileConfig::default(),
        };
        let database_url = args.database_url.clone().or(file.database_url.clone());
        let is_private = database_url.is_none();
        let plan = if is_private { Plan::Unlimited } else { Plan::Starter };
        let idle_after = args.idle_after.or(file.idle_after).unwrap_or(IDLE_AFTER_SECONDS);
        ensure!(idle_after > 0, "idle_after must be at least 1 second");
        Ok(Self {
            listen: args.listen.or(file.listen).unwrap_or(LISTEN.parse().expect("the default is an address")),
            data: args.data.clone().or(file.data.clone()).unwrap_or_else(|| DATA.into()),
            node_id: args.node_id.clone().or(file.node_id.clone()).unwrap_or_else(|| NODE_ID.to_owned()),
            default_plan: args.default_plan.or(file.default_plan).unwrap_or(plan),
            idle_after: Duration::from_secs(idle_after),
            journal_writers: args
                .journal_writers
                .or(file.journal_writers)
                .map_or(JOURNAL_WRITERS, usize::from),
            allow_faults: args.allow_faults || file.allow_faults.unwrap_or(false),
            demo: is_private && !(args.no_demo || file.no_demo.unwrap_or(false)),
            venue: venue_choice(args, file)?,
            database_url,
        })
    }
}

fn read_file(path: &Path) -> anyhow::Result<FileConfig> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is not a valid configuration", path.display()))
}

fn venue_choice(args: ServeArgs, file: FileConfig) -> anyhow::Result<VenueChoice> {
    let replay = args.replay;
    let trades = replay.replay_trades.or(file.replay_trades);
    let quotes = replay.replay_quotes.or(file.replay_quotes);
    let speed = replay.speed.or(file.speed);
    if let Some(address) = args.paper_venue.or(file.paper_venue) {
        ensure!(
            trades.is_none() && quotes.is_none(),
            "a paper venue elsewhere plays its own market: drop the replay"
        );
        return Ok(VenueChoice::Remote(address));
    }
    let seed = args.market_seed.or(file.market_seed).unwrap_or(MARKET_SEED);
    market_choice(trades, quotes, speed, seed).map(VenueChoice::Own)
}

/// A recording where both of its files are given, else the simulated market.
pub(crate) fn market_choice(
    trades: Option<PathBuf>,
    quotes: Option<PathBuf>,
    speed: Option<u32>,
    seed: u64,
) -> anyhow::Result<MarketConfig> {
    match (trades, quotes) {
        (Some(trades), Some(quotes)) => {
            let speed = speed.unwrap_or(REPLAY_SPEED);
            Ok(MarketConfig::Replay(ReplayFiles { trades, quotes, speed }))
        }
        (None, None) => {
            ensure!(speed.is_none(), "speed applies to a replay: give replay_trades and replay_quotes too");
            Ok(MarketConfig::Simulated { seed })
        }
        _ => bail!("a replay needs both replay_trades and replay_quotes"),
    }
}

/// Refuses environment variables with our prefix that mean nothing: they are misspelt.
pub(crate) fn refuse_unknown_environment() -> anyhow::Result<()> {
    let mut known: Vec<String> = OTHER_VARIABLES.iter().map(|&name| name.to_owned()).collect();
    collect_variables(&crate::cli::Cli::command(), &mut known);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_ours = name.starts_with(ENVIRONMENT_PREFIX) && !name.starts_with(TEST_PREFIX);
        if is_ours && !known.contains(&name) {
            known.sort();
            known.dedup();
            bail!("{name} is not a setting; those there are: {}", known.join(", "));
        }
    }
    Ok(())
}

fn collect_variables(command: &clap::Command, known: &mut Vec<String>) {
    let names = command.get_arguments().filter_map(|argument| argument.get_env());
    known.extend(names.map(|name| name.to_string_lossy().into_owned()));
    command.get_subcommands().for_each(|subcommand| collect_variables(subcommand, known));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file_and_unknown_keys_are_refused() {
        let dir = std::env::temp_dir().join(format!("bulkhead-config-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("bulkhead.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\nnode_id = \"from-file\"\n").unwrap();
        let listen = Some("127.0.0.1:2".parse().unwrap());
        let args = ServeArgs { config: Some(file.clone()), listen, ..ServeArgs::default() };
        let config = ServeConfig::resolve(args.clone()).unwrap();
        assert_eq!((config.listen.port(), config.node_id.as_str()), (2, "from-file"));
        std::fs::write(&file, "listn = \"127.0.0.1:1\"\n").unwrap();
        let error = format!("{:#}", ServeConfig::resolve(args).unwrap_err());
        assert!(error.contains("listn"), "{error}");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_replay_needs_both_files() {
        let args = ServeArgs {
            replay: crate::cli::ReplayArgs { replay_trades: Some("t.csv".into()), ..Default::default() },
            ..ServeArgs::default()
        };
        assert!(ServeConfig::resolve(args).is_err());
    }
}
