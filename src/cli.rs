//! The command line. Help texts here are what a stranger sees first.

use bulkhead_domain::TenantId;
use bulkhead_persistence::Plan;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A multi-tenant trading platform: every tenant behind its own bulkhead, with its own journal.
///
/// Without a command it serves with the settings of the environment and defaults for the rest.
#[derive(Debug, Parser)]
#[command(name = "bulkhead", version, propagate_version = true)]
pub(crate) struct Cli {
    /// What is logged, for example `info` or `bulkhead_actors=debug` [default: info].
    #[arg(long, global = true, env = "BULKHEAD_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// How log lines look.
    #[arg(long, global = true, env = "BULKHEAD_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the platform: REST, WebSocket, the tenants' actors, the paper venue, and a PostgreSQL of its own
    /// unless a database is given.
    Serve(Box<ServeArgs>),
    /// Make the database's roles and bring its schema up to date.
    Migrate(DatabaseArgs),
    /// Look at tenants and make new ones.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Read and verify a tenant's journal.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Manage those who run the platform.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Run a venue as a process of its own.
    #[command(subcommand)]
    Venue(VenueCommand),
    /// Measure a release build on this machine, with the floor of the bare SQL in the same run.
    Bench(bulkhead_bench::BenchArgs),
}

/// Every setting of `serve` may also come from the environment (`BULKHEAD_LISTEN` and so on) or from a file;
/// a flag wins over the environment, and the environment over the file.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServeArgs {
    /// Read settings from this TOML file.
    #[arg(long, env = "BULKHEAD_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address for REST and WebSocket; port 0 picks a free one [default: 127.0.0.1:8080].
    #[arg(long, env = "BULKHEAD_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Directory for everything this server keeps [default: ./data].
    #[arg(long, env = "BULKHEAD_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Use this PostgreSQL instead of one of our own: the URL of a role that may create roles and owns the database.
    #[arg(long, env = "BULKHEAD_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// This node's name in the cluster [default: node-1].
    #[arg(long, env = "BULKHEAD_NODE_ID", value_name = "NAME")]
    pub(crate) node_id: Option<String>,
    /// Plan of tenants that sign up: starter, pro, enterprise or unlimited [default: starter; unlimited with a
    /// PostgreSQL of our own].
    #[arg(long, env = "BULKHEAD_DEFAULT_PLAN", value_name = "PLAN", value_parser = parse_plan)]
    pub(crate) default_plan: Option<Plan>,
    /// Stop a tenant's tree after this many seconds without a request, if it holds nothing [default: 300].
    #[arg(long, env = "BULKHEAD_IDLE_AFTER", value_name = "SECONDS")]
    pub(crate) idle_after: Option<u64>,
    /// How many journal writers share the tenants: more help where a disk's sync is slow [default: 2].
    #[arg(long, env = "BULKHEAD_JOURNAL_WRITERS", value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) journal_writers: Option<u8>,
    /// Let platform admins make actors fail on purpose.
    #[arg(long, env = "BULKHEAD_ALLOW_FAULTS")]
    pub(crate) allow_faults: bool,
    /// Do not create the demo tenant on a new PostgreSQL of our own.
    #[arg(long, env = "BULKHEAD_NO_DEMO")]
    pub(crate) no_demo: bool,
    /// Seed of the simulated market [default: 1].
    #[arg(long, env = "BULKHEAD_MARKET_SEED", value_name = "N", conflicts_with_all = ["replay_trades", "paper_venue"])]
    pub(crate) market_seed: Option<u64>,
    #[command(flatten)]
    pub(crate) replay: ReplayArgs,
    /// Use the paper venue that another process runs at this address (`bulkhead venue paper`).
    #[arg(long, env = "BULKHEAD_PAPER_VENUE", value_name = "ADDRESS", conflicts_with = "replay_trades")]
    pub(crate) paper_venue: Option<String>,
}

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ReplayArgs {
    /// Play recorded trades (CSV: timestamp,symbol,trade_id,price,quantity,buyer_maker) instead of a simulated market.
    #[arg(long, env = "BULKHEAD_REPLAY_TRADES", value_name = "FILE", requires = "replay_quotes")]
    pub(crate) replay_trades: Option<PathBuf>,
    /// The quotes that go with the trades (CSV: timestamp,symbol,bid,bid_size,ask,ask_size).
    #[arg(long, env = "BULKHEAD_REPLAY_QUOTES", value_name = "FILE", requires = "replay_trades")]
    pub(crate) replay_quotes: Option<PathBuf>,
    /// Play the recording this many times as fast as it happened [default: 1].
    #[arg(long, env = "BULKHEAD_SPEED", value_name = "N", requires = "replay_trades",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) speed: Option<u32>,
}

/// Where the database is: given by URL, or the one a server keeps in its data directory (running or not).
#[derive(Debug, Clone, Args)]
pub(crate) struct DatabaseArgs {
    /// The data directory of a server with a PostgreSQL of its own.
    #[arg(long, env = "BULKHEAD_DATA", value_name = "DIR", default_value = "./data")]
    pub(crate) data: PathBuf,
    /// The database's URL, where the server uses one that was given.
    #[arg(long, env = "BULKHEAD_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// List tenants, newest first.
    List {
        #[command(flatten)]
        database: DatabaseArgs,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Create a tenant and its owner; the owner's password is read from BULKHEAD_PASSWORD or standard input.
    Create {
        #[command(flatten)]
        database: DatabaseArgs,
        /// The tenant's name.
        #[arg(long)]
        name: String,
        /// The owner's e-mail address.
        #[arg(long)]
        email: String,
        /// starter, pro, enterprise or unlimited.
        #[arg(long, default_value = "starter", value_parser = parse_plan)]
        plan: Plan,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Print a tenant's events as JSON lines, oldest first.
    Show {
        #[command(flatten)]
        database: DatabaseArgs,
        /// Whose journal.
        #[arg(long, value_name = "ID")]
        tenant: TenantId,
        /// Begin after this sequence number.
        #[arg(long, default_value_t = 0, value_name = "SEQ")]
        after: i64,
        /// How many events at most.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..))]
        limit: i64,
    },
    /// Walk the hash chain, from the database alone; exits with 1 at the first break.
    Verify {
        #[command(flatten)]
        database: DatabaseArgs,
        /// Whose journal; every tenant's when not given.
        #[arg(long, value_name = "ID")]
        tenant: Option<TenantId>,
    },
    /// Print new events as they are committed, until interrupted.
    Tail {
        #[command(flatten)]
        database: DatabaseArgs,
        /// Whose journal.
        #[arg(long, value_name = "ID")]
        tenant: TenantId,
        /// Begin after this sequence number; without it, with the next event.
        #[arg(long, value_name = "SEQ")]
        after: Option<i64>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Create a platform admin; the password is read from BULKHEAD_PASSWORD or standard input.
    Create {
        #[command(flatten)]
        database: DatabaseArgs,
        /// The admin's e-mail address.
        #[arg(long)]
        email: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum VenueCommand {
    /// The paper venue, with its own clock, log and balances.
    Paper(PaperVenueArgs),
}

#[derive(Debug, Clone, Args)]
pub(crate) struct PaperVenueArgs {
    /// Address to serve; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Directory of the venue's log.
    #[arg(long, default_value = "./data/paper-venue", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Seed of the simulated market.
    #[arg(long, default_value_t = crate::config::MARKET_SEED, value_name = "N", conflicts_with = "replay_trades")]
    pub(crate) market_seed: u64,
    #[command(flatten)]
    pub(crate) replay: ReplayArgs,
}

/// `bulkhead` alone is `bulkhead serve`, environment included.
pub(crate) fn serve_by_default() -> Command {
    let serve = Cli::parse_from(["bulkhead", "serve"]).command;
    serve.unwrap_or_else(|| Command::Serve(Box::default()))
}

fn parse_plan(text: &str) -> Result<Plan, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| "must be starter, pro, enterprise or unlimited".to_owned())
}
