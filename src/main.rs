//! The `bulkhead` command: reads the command line and hands over.

mod admin;
mod cli;
mod config;
mod database;
mod journal;
mod output;
mod serve;
mod tenant;
mod venue;

use clap::Parser;
use cli::{AdminCommand, Cli, Command, LogFormat, VenueCommand};
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

const LOG_FILTER: &str = "info";

/// The system's allocator keeps what was freed; this one gives it back (see `.cargo/config.toml`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match start(Cli::parse()) {
        Ok(code) => code,
        Err(error) if output::is_reader_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::tell(format_args!("bulkhead: {}", output::describe(&error)));
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    config::refuse_unknown_environment()?;
    init_log(cli.log.as_deref().unwrap_or(LOG_FILTER), cli.log_format)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(cli.command.unwrap_or_else(cli::serve_by_default)))
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(*args).await?,
        Command::Migrate(args) => database::migrate(&args).await?,
        Command::Tenant(command) => tenant::run(command).await?,
        Command::Journal(command) => return journal::run(command).await,
        Command::Admin(AdminCommand::Create { database, email }) => admin::create(&database, &email).await?,
        Command::Venue(VenueCommand::Paper(args)) => venue::run(args).await?,
        Command::Bench(args) => bulkhead_bench::run(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Logs go to standard error: standard output belongs to the command's result. A line that cannot be written is lost;
/// complaining about it on the same standard error would end the process.
fn init_log(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}
