//! A tenant's real risk and desk with its real sessions, over a fake ledger and a fake venue.

use super::ledger::{FakeJournal, FakeLedger};
use super::venue::{FakeVenue, quote};
use super::{Heard, SOON, TENANT};
use crate::failure::{CancelError, PlaceError, Placed};
use crate::journal_writer::{AppendFailure, JournalWriters};
use crate::ledger::LedgerMsg;
use crate::order_desk::{DeskMsg, OrderDesk, PlaceCall};
use crate::quotes::{Instruments, QuoteBoard};
use crate::risk::Risk;
use crate::snapshotter;
use crate::tenant::{Shared, TenantCell, tenant_name};
use arc_swap::ArcSwap;
use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::{Incarnation, Order, OrderId};
use bulkhead_persistence::{Db, Endpoint, NodeClaim, Plan, PoolSizes};
use bulkhead_supervision::{
    CallError, ChildSpec, Port, Strategy, SupervisorHandle, SupervisorSpec, start_root,
};
use bulkhead_venues::{ClockKind, Venue, VenueRequest};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A database that is never there.
pub(crate) fn no_database() -> Db {
    let endpoint = Endpoint::parse("postgres://nobody@localhost/none?host=/nowhere/at/all").unwrap();
    Db::open(&endpoint, PoolSizes::default())
}

pub(crate) fn claim() -> NodeClaim {
    NodeClaim {
        node_id: "node-1".to_owned(),
        incarnation: Incarnation(Uuid::now_v7()),
        addr: "here".to_owned(),
    }
}

pub(crate) struct Core {
    pub(crate) journal: Arc<Mutex<FakeJournal>>,
    pub(crate) venue: Arc<FakeVenue>,
    pub(crate) requests: Heard<VenueRequest>,
    pub(crate) cell: Arc<TenantCell>,
    pub(crate) root: SupervisorHandle,
    pub(crate) quotes: QuoteBoard,
}

type PlaceResult = Result<Result<Placed, PlaceError>, CallError>;
type CancelResult = Result<Result<Arc<Order>, CancelError>, CallError>;

impl Core {
    pub(crate) async fn start() -> Self {
        Self::start_with(FakeJournal::open(Plan::Pro)).await
    }

    pub(crate) async fn start_with(journal: Arc<Mutex<FakeJournal>>) -> Self {
        let (venue, requests) = FakeVenue::new(ClockKind::Live);
        let root = start_root(SupervisorSpec::new("node", Strategy::OneForOne)).await.unwrap();
        let instruments = Instruments::new(venue.instruments());
        let quotes = QuoteBoard::new(&instruments);
        quotes.record(quote("99", "101"));
        let shared = Arc::new(Shared {
            db: no_database(),
            claim: Arc::new(ArcSwap::from_pointee(claim())),
            writers: JournalWriters::new(1),
            snapshotter: Port::new("node/snapshotter", snapshotter::LIMITS),
            venue: venue.clone(),
            instruments,
            quotes: quotes.clone(),
            root: root.clone(),
        });
        let cell = Arc::new(TenantCell::new(TENANT, Plan::Pro, &shared));
        let core = core_spec(&shared, &cell, &journal);
        let tenant =
            SupervisorSpec::new(tenant_name(TENANT), Strategy::OneForOne).child(ChildSpec::supervisor(core));
        root.add_child(ChildSpec::supervisor(tenant)).await.unwrap();
        Self { journal, venue, requests, cell, root, quotes }
    }

    /// With the account's session connected and its gate open.
    pub(crate) async fn start_open() -> Self {
        let mut this = Self::start().await;
        this.venue.connect_all();
        let placed = this.place(super::place("opener", "1@90"));
        let submit = this.requests.submit().await;
        placed.await.unwrap().unwrap().unwrap();
        let gone =
            bulkhead_domain::report::ReportKind::Rejected { code: "NO".to_owned(), message: "no".to_owned() };
        this.venue.report(&submit.venue_client_id, gone);
        this.quiet().await;
        this
    }

    /// Everybody has done what there is to do; on a paused clock only.
    pub(crate) async fn quiet(&mut self) {
        let open = self.find(OrderId(Uuid::nil())).await;
        assert!(open.is_none());
        assert!(self.requests.is_silent().await, "a request nobody expected");
    }

    pub(crate) fn place(&self, place: PlaceOrder) -> JoinHandle<PlaceResult> {
        let desk = self.cell.desk.clone();
        let ask = |reply| DeskMsg::Place(Box::new(PlaceCall { place, reply }));
        tokio::spawn(async move { desk.call(SOON, ask).await })
    }

    pub(crate) fn cancel(&self, order_id: OrderId) -> JoinHandle<CancelResult> {
        let desk = self.cell.desk.clone();
        tokio::spawn(async move { desk.call(SOON, |reply| DeskMsg::Cancel { order_id, reply }).await })
    }

    pub(crate) async fn find(&self, order_id: OrderId) -> Option<Arc<Order>> {
        let key = crate::order_desk::OrderKey::Id(order_id);
        self.cell.desk.call(SOON, |reply| DeskMsg::Find { key, reply }).await.unwrap()
    }

    pub(crate) async fn is_desk_quiet(&self) -> bool {
        self.cell.desk.call(SOON, DeskMsg::IsQuiet).await.unwrap()
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, FakeJournal> {
        self.journal.lock().unwrap()
    }

    pub(crate) fn hold(&self, is_held: bool) {
        self.journal().is_held = is_held;
    }

    /// The journal takes, or refuses, what is ahead of it.
    pub(crate) fn settle(&self, outcome: Result<(), AppendFailure>) {
        self.cell.ledger.notify(LedgerMsg::Settled { generation: 0, upto: 0, outcome }).unwrap();
    }

    pub(crate) async fn kill(&self, path: &str) {
        let path = format!("{}/{path}", tenant_name(TENANT));
        self.root.kill(&path, "a test").await.unwrap();
    }
}

fn core_spec(
    shared: &Arc<Shared>,
    cell: &Arc<TenantCell>,
    journal: &Arc<Mutex<FakeJournal>>,
) -> SupervisorSpec {
    let ledger = {
        let (journal, risk, desk) = (journal.clone(), cell.risk.clone(), cell.desk.clone());
        move || FakeLedger { journal: journal.clone(), risk: risk.clone(), desk: desk.clone() }
    };
    let risk = {
        let (shared, cell) = (shared.clone(), cell.clone());
        move || Risk {
            images: cell.images.clone(),
            ledger: cell.ledger.clone(),
            desk: cell.desk.clone(),
            quotes: shared.quotes.clone(),
            instruments: shared.instruments.clone(),
        }
    };
    let desk = {
        let (shared, cell) = (shared.clone(), cell.clone());
        move || OrderDesk {
            tenant_id: TENANT,
            db: shared.db.clone(),
            images: cell.images.clone(),
            ledger: cell.ledger.clone(),
            risk: cell.risk.clone(),
            sessions: cell.sessions.clone(),
            instruments: shared.instruments.clone(),
        }
    };
    SupervisorSpec::new("core", Strategy::RestForOne)
        .child(ChildSpec::worker("ledger", cell.ledger.clone(), ledger))
        .child(ChildSpec::worker("risk", cell.risk.clone(), risk))
        .child(ChildSpec::worker("order_desk", cell.desk.clone(), desk))
}
