//! `bulkhead serve`: starts the parts in order, says where they are, and stops them in reverse.

mod demo;

use crate::cli::ServeArgs;
use crate::config::{ServeConfig, VenueChoice};
use crate::database::Database;
use crate::output::announce;
use crate::venue::open_paper;
use anyhow::{Context, bail};
use bulkhead_actors::node::PaperVenueChoice;
use bulkhead_actors::{Node, NodeConfig, clock};
use bulkhead_domain::Incarnation;
use bulkhead_http::{AppConfig, AppState, Drain};
use bulkhead_identity::{AdminOutcome, Identity, SigningKey};
use bulkhead_persistence::{Db, NodeClaim};
use bulkhead_venues::paper::client::PaperClient;
use bulkhead_venues::system_clock;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use uuid::Uuid;

/// Once requests on their way have finished, the trees have this long to stop.
const STOP_WITHIN: Duration = Duration::from_secs(15);

pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<()> {
    let config = ServeConfig::resolve(args)?;
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("cannot create {}", config.data.display()))?;
    if let VenueChoice::Own(market) = &config.venue {
        // A recording is checked completely before anything is started.
        market.open()?;
    }
    // So is whether the port is free.
    let listener = bind(config.listen).await?;
    let address = listener.local_addr()?;
    let database = Database::for_server(&config.data, config.database_url.as_deref()).await?;
    let served = serve(&config, &database, listener, address).await;
    let closed = database.close().await;
    served.and(closed)
}

/// A listener, or a word about who has the port.
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("another process listens on {address}: stop it, or choose another with --listen")
        }
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    })
}

async fn serve(
    config: &ServeConfig,
    database: &Database,
    listener: TcpListener,
    address: SocketAddr,
) -> anyhow::Result<()> {
    Db::migrate(&database.endpoint).await?;
    let claim = claim_shards(config, database, address).await?;
    let identity = open_identity(config, database).await?;
    let node = start_node(config, database, claim).await?;
    let state = AppState::new(AppConfig {
        identity: identity.clone(),
        db: database.db.clone(),
        instruments: node.instruments(),
        quotes: node.quotes(),
        jobs: node.jobs(),
        faults_allowed: config.allow_faults,
    });
    state.tenants.fill(node.tenants());
    let demo = if config.demo { Some(demo::prepare(&identity, &config.data).await?) } else { None };
    let stopped = stop_signal();
    announce(&serde_json::json!({ "ready": true, "listen": address, "node": config.node_id }));
    if let Some(demo) = demo {
        demo.explain(address);
    }
    let served = tokio::select! {
        served = bulkhead_http::serve(listener, state, Drain::default(), stopped) => served,
        () = second_signal() => bail!("interrupted while draining"),
        never = database.keep_running() => match never {},
        () = node.failed() => bail!("an actor that every tenant needs keeps failing; the log says which"),
    };
    info!("stopping");
    node.stop(STOP_WITHIN).await;
    if let Err(error) = database.db.lease_conn().release(&node.claim()).await {
        warn!(%error, "shards not released");
    }
    served.context("the HTTP server failed")
}

async fn claim_shards(
    config: &ServeConfig,
    database: &Database,
    address: SocketAddr,
) -> anyhow::Result<NodeClaim> {
    let claim = NodeClaim {
        node_id: config.node_id.clone(),
        incarnation: Incarnation(Uuid::new_v4()),
        addr: address.to_string(),
    };
    let mut lease = database.db.lease_conn();
    // Whoever holds the data directory is alone with the database in it.
    let shards = if database.is_private() {
        lease.seize_all_shards(&claim).await?
    } else {
        lease.await_all_shards(&claim).await?
    };
    info!(shards = shards.len(), node = %claim.node_id, incarnation = %claim.incarnation, "shards claimed");
    Ok(claim)
}

async fn start_node(config: &ServeConfig, database: &Database, claim: NodeClaim) -> anyhow::Result<Node> {
    let venue = match &config.venue {
        VenueChoice::Own(market) => {
            PaperVenueChoice::Own(open_paper(config.data.join("paper-venue"), market.clone())?)
        }
        VenueChoice::Remote(address) => {
            let opened = PaperClient::open(address, system_clock()).await;
            let (client, run) = opened.with_context(|| format!("no paper venue answers at {address}"))?;
            PaperVenueChoice::Remote(client, run)
        }
    };
    let db = database.db.clone();
    let (journal_writers, idle_after) = (config.journal_writers, config.idle_after);
    Ok(Node::start(NodeConfig { db, claim, venue, journal_writers, idle_after }).await?)
}

async fn open_identity(config: &ServeConfig, database: &Database) -> anyhow::Result<Identity> {
    let key = SigningKey::load_or_create(&config.data)?;
    let identity = Identity::new(database.db.clone(), &key, config.default_plan, clock::now)?;
    let admin = std::env::var("BULKHEAD_ADMIN_EMAIL").ok().zip(std::env::var("BULKHEAD_ADMIN_PASSWORD").ok());
    if let Some((email, password)) = admin {
        match identity.ensure_platform_admin(&email, password.into()).await? {
            AdminOutcome::Created => info!(%email, "platform admin created"),
            AdminOutcome::Exists => {}
            AdminOutcome::Taken => bail!("BULKHEAD_ADMIN_EMAIL: {email} belongs to a tenant's user"),
        }
    }
    Ok(identity)
}

/// Whoever asks twice does not want to wait.
async fn second_signal() {
    stop_signal().await;
    stop_signal().await;
}

/// Ready at the next SIGTERM, SIGHUP or Ctrl-C after the call, also at one before the first poll: who is told that the
/// server is ready may stop it at once.
pub(crate) fn stop_signal() -> impl Future<Output = ()> {
    let is_hangup_ignored = *HANGUP_IGNORED;
    let signals =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = signals else {
            // Without handlers the default applies: the process just ends.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv(), if !is_hangup_ignored => {}
        }
    }
}

/// Whether whoever started this process, such as `nohup`, wants it to outlive its terminal. Looked at before the first
/// handler is there, which hides the answer.
static HANGUP_IGNORED: LazyLock<bool> =
    LazyLock::new(|| std::fs::read_to_string("/proc/self/status").is_ok_and(|text| ignores_hangup(&text)));

/// Reads it from the text of `/proc/self/status`.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Signals are counted from 1, and SIGHUP is the first.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_asks_for_is_seen() {
        assert!(ignores_hangup("Name:\tbulkhead\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"));
        assert!(!ignores_hangup("Name:\tbulkhead\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
