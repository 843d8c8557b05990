//! One process of the platform: what its tenants share, and the tree they all hang in.

use crate::clock;
use crate::jobs::{JobKeeper, Jobs};
use crate::journal_writer::{JournalWriter, JournalWriters};
use crate::lease::{self, CurrentClaim, Lease};
use crate::market_data::{self, MarketData};
use crate::quotes::{Instruments, QuoteBoard};
use crate::snapshotter::{self, Snapshotter};
use crate::tenant::{Shared, Slots, Tenants};
use crate::venue_driver::{self, DriverMsg, VenueConnection, VenueDriver};
use crate::warden::{self, Warden, WardenMsg};
use arc_swap::ArcSwap;
use bulkhead_persistence::{Db, NodeClaim};
use bulkhead_supervision::{
    ChildSpec, EventKind, EventSink, Port, StartError, Strategy, SupervisionEvent, SupervisorHandle,
    SupervisorSpec, TreeView, start_root,
};
use bulkhead_venues::Venue;
use bulkhead_venues::paper::PaperHandle;
use bulkhead_venues::paper::client::{ClientRun, PaperClient};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// Writers per node unless set otherwise. While one waits for its commit another has its statements run; beyond a
/// few they only split the batches.
pub const JOURNAL_WRITERS: usize = 2;
/// The name of the root, and with it the beginning of every path.
const ROOT: &str = "node";
/// Supervision events a follower may fall behind.
const EVENTS_MAX: usize = 1_024;
/// Trees that stop at the same time when the node does.
const STOP_WIDTH: usize = 64;

/// Where the paper venue is.
pub enum PaperVenueChoice {
    /// In this process.
    Own(Arc<PaperHandle>),
    /// In a process of its own.
    Remote(Arc<PaperClient>, ClientRun),
}

/// What a node is made of.
pub struct NodeConfig {
    pub db: Db,
    /// The shards are claimed under this before the node starts.
    pub claim: NodeClaim,
    pub venue: PaperVenueChoice,
    /// How many journal writers; at least one.
    pub journal_writers: usize,
    /// A tenant that nobody used for this long, and that holds nothing, is stopped.
    pub idle_after: Duration,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeStartError {
    #[error(transparent)]
    Tree(#[from] StartError),
}

/// A running node.
pub struct Node {
    root: SupervisorHandle,
    tenants: Tenants,
    instruments: Instruments,
    quotes: QuoteBoard,
    venue: Arc<dyn Venue>,
    jobs: Jobs,
    claim: CurrentClaim,
    events: broadcast::Sender<SupervisionEvent>,
    has_failed: watch::Receiver<bool>,
}

impl Node {
    /// Starts what the tenants share; tenants start on first use.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeStartError> {
        let NodeConfig { db, claim, venue, journal_writers, idle_after } = config;
        let claim: CurrentClaim = Arc::new(ArcSwap::from_pointee(claim));
        let (venue, driver) = open_venue(venue);
        let instruments = Instruments::new(venue.instruments());
        let quotes = QuoteBoard::new(&instruments);
        let (writers, jobs) = (JournalWriters::new(journal_writers), Jobs::new());
        let (slots, directory) = (Slots::default(), Arc::new(OnceLock::new()));
        let warden_port = Port::new("node/warden", warden::LIMITS);
        let snapshotter_port = Port::new("node/snapshotter", snapshotter::LIMITS);
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let (failed, has_failed) = watch::channel(false);

        let mut spec = SupervisorSpec::new(ROOT, Strategy::OneForOne)
            .stop_width(STOP_WIDTH)
            .events(event_sink(warden_port.clone(), events.clone(), failed))
            .child(lease_child(&db, &claim));
        for (n, port) in writers.ports().iter().enumerate() {
            let db = db.clone();
            let make = move || JournalWriter { db: db.clone() };
            spec = spec.child(ChildSpec::worker(format!("journal-{n}"), port.clone(), make));
        }
        let warden = {
            let (db, venue, slots, tenants) = (db.clone(), venue.clone(), slots.clone(), directory.clone());
            move || Warden {
                db: db.clone(),
                venue: venue.clone(),
                slots: slots.clone(),
                tenants: tenants.clone(),
                idle_after,
            }
        };
        let spec = spec
            .child(snapshotter_child(&db, snapshotter_port.clone()))
            .child(driver)
            .child(market_child(&venue, &quotes))
            .child(keeper_child(&db, &jobs))
            .child(ChildSpec::pool("compute", jobs.pool()))
            .child(ChildSpec::worker("warden", warden_port.clone(), warden));
        let root = start_root(spec).await?;
        let shared = Arc::new(Shared {
            db,
            claim: claim.clone(),
            writers,
            snapshotter: snapshotter_port,
            venue: venue.clone(),
            instruments: instruments.clone(),
            quotes: quotes.clone(),
            root: root.clone(),
        });
        let tenants = Tenants::new(shared, slots, warden_port);
        directory.get_or_init(|| tenants.clone());
        Ok(Self { root, tenants, instruments, quotes, venue, jobs, claim, events, has_failed })
    }

    /// The directory of tenants.
    pub fn tenants(&self) -> Tenants {
        self.tenants.clone()
    }

    /// What can be traded.
    pub fn instruments(&self) -> Instruments {
        self.instruments.clone()
    }

    /// The present market.
    pub fn quotes(&self) -> QuoteBoard {
        self.quotes.clone()
    }

    /// Where computations are asked for.
    pub fn jobs(&self) -> Jobs {
        self.jobs.clone()
    }

    /// The venue's own time.
    pub fn venue_time(&self) -> bulkhead_domain::Timestamp {
        self.venue.clock()
    }

    /// What the node owns its tenants under now.
    pub fn claim(&self) -> NodeClaim {
        NodeClaim::clone(&self.claim.load())
    }

    /// Every actor of the node.
    pub fn tree(&self) -> TreeView {
        self.root.tree()
    }

    /// Supervision events from now on.
    pub fn events(&self) -> broadcast::Receiver<SupervisionEvent> {
        self.events.subscribe()
    }

    /// Ready when what the tenants share has failed too often: nothing works from then on.
    pub async fn failed(&self) {
        let mut has_failed = self.has_failed.clone();
        if has_failed.wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Stops everything, tenants first and leaves first.
    pub async fn stop(&self, deadline: Duration) {
        if let Err(error) = self.root.stop(deadline).await {
            tracing::warn!(%error, at = %clock::now(), "node did not stop in order");
        }
    }
}

fn event_sink(
    warden: Port<WardenMsg>,
    events: broadcast::Sender<SupervisionEvent>,
    failed: watch::Sender<bool>,
) -> EventSink {
    EventSink::new(move |event| {
        if event.path.as_ref() == ROOT && matches!(event.kind, EventKind::GaveUp { .. }) {
            failed.send_replace(true);
        }
        if let Some(message) = WardenMsg::of(event) {
            drop(warden.notify(message));
        }
        // Fails only when nobody follows.
        drop(events.send(event.clone()));
    })
}

fn open_venue(choice: PaperVenueChoice) -> (Arc<dyn Venue>, ChildSpec) {
    let port: Port<DriverMsg> = Port::new("node/paper-venue", venue_driver::LIMITS);
    match choice {
        PaperVenueChoice::Own(handle) => {
            let venue: Arc<dyn Venue> = handle.clone();
            let make = move || VenueDriver { handle: handle.clone() };
            (venue, ChildSpec::worker("paper-venue", port, make))
        }
        PaperVenueChoice::Remote(client, run) => {
            let run = Arc::new(Mutex::new(Some(run)));
            (client, ChildSpec::worker("paper-venue", port, move || VenueConnection { run: run.clone() }))
        }
    }
}

fn lease_child(db: &Db, claim: &CurrentClaim) -> ChildSpec {
    let (db, claim) = (db.clone(), claim.clone());
    let make = move || Lease { db: db.clone(), claim: claim.clone() };
    ChildSpec::worker("lease", Port::new("node/lease", lease::LIMITS), make)
}

fn snapshotter_child(db: &Db, port: Port<snapshotter::SnapshotMsg>) -> ChildSpec {
    let db = db.clone();
    ChildSpec::worker("snapshotter", port, move || Snapshotter { db: db.clone() })
}

fn keeper_child(db: &Db, jobs: &Jobs) -> ChildSpec {
    let (db, jobs, port) = (db.clone(), jobs.clone(), jobs.keeper().clone());
    ChildSpec::worker("jobs", port, move || JobKeeper { db: db.clone(), jobs: jobs.clone() })
}

fn market_child(venue: &Arc<dyn Venue>, quotes: &QuoteBoard) -> ChildSpec {
    let (venue, board) = (venue.clone(), quotes.clone());
    let make = move || MarketData { venue: venue.clone(), board: board.clone() };
    ChildSpec::worker("market-data", Port::new("node/market-data", market_data::LIMITS), make)
}
