//! A node over a throwaway database, with the paper venue in a directory of its own.

use crate::fakes::database::Database;
use crate::fakes::{Heard, SOON, btc, paper, place};
use crate::node::{Node, NodeConfig, PaperVenueChoice};
use crate::tenant::TenantHandle;
use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::report::ReportKind;
use bulkhead_domain::{Price, TenantId, VenueClientId, VenueName};
use bulkhead_persistence::Plan;
use bulkhead_venues::paper::{MarketConfig, PaperConfig, PaperFaults, PaperHandle};
use bulkhead_venues::{
    RequestId, RequestKind, Venue, VenueAccountKey, VenueLink, VenueMessage, VenueRequest, system_clock,
};
use rust_decimal::Decimal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::yield_now;
use tokio::time::timeout;
use uuid::Uuid;

pub(super) struct Town {
    pub(super) database: Database,
    pub(super) node: Node,
    pub(super) venue: Arc<PaperHandle>,
    dir: PathBuf,
}

impl Town {
    pub(super) async fn start() -> Self {
        let database = Database::start().await;
        let dir = std::env::temp_dir().join(format!("bulkhead-actors-{}", Uuid::new_v4()));
        std::fs::create_dir_all(&dir).unwrap();
        let config = PaperConfig {
            name: VenueName::parse("paper").unwrap(),
            data_dir: dir.clone(),
            market: MarketConfig::Simulated { seed: 1 },
            clock_skew_micros: 0,
            faults: PaperFaults::default(),
        };
        let venue = PaperHandle::new(config, system_clock()).unwrap();
        let config = NodeConfig {
            journal_writers: crate::node::JOURNAL_WRITERS,
            db: database.db.clone(),
            claim: database.claim.clone(),
            venue: PaperVenueChoice::Own(venue.clone()),
            idle_after: Duration::from_secs(3600),
        };
        let node = Node::start(config).await.unwrap();
        eventually(async || node.quotes().quote(&btc()).is_some()).await;
        Self { database, node, venue, dir }
    }

    pub(super) async fn tenant(&self, plan: Plan) -> (TenantId, TenantHandle) {
        let tenant_id = self.database.tenant(plan).await;
        let handle = self.node.tenants().open(tenant_id).await.unwrap();
        (tenant_id, handle)
    }

    /// A request to buy far below the market.
    pub(super) fn resting(&self, name: &str) -> PlaceOrder {
        let mark = self.node.quotes().quote(&btc()).unwrap().mark();
        let price = Price::try_from((mark / Decimal::TWO).round_dp(0)).unwrap();
        place(name, &format!("0.01@{price}"))
    }

    pub(super) fn witness(&self, tenant_id: TenantId) -> Witness {
        let (sender, heard) = unbounded_channel();
        let account = VenueAccountKey { tenant_id, account: paper() };
        let link =
            self.venue.connect(account.clone(), Arc::new(move |said| drop(sender.send(said)))).unwrap();
        Witness { link, account, heard: Heard(heard), next_request: 1_000_000 }
    }

    pub(super) async fn stop(self) {
        self.node.stop(SOON).await;
        self.database.db.close().await;
        drop(self.node);
        std::fs::remove_dir_all(&self.dir).unwrap();
    }
}

/// Looks again and again until it is so.
pub(super) async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let look = async {
        while !is_so().await {
            yield_now().await;
        }
    };
    timeout(SOON, look).await.expect("it never became so");
}

/// A second link to a tenant's account at the venue.
pub(super) struct Witness {
    link: Arc<dyn VenueLink>,
    account: VenueAccountKey,
    heard: Heard<VenueMessage>,
    next_request: u64,
}

impl Witness {
    async fn ask(&mut self, kind: RequestKind) -> VenueMessage {
        self.next_request += 1;
        let request_id = RequestId(self.next_request);
        let expires_at = self.link.clock().plus_micros(60_000_000);
        let request = VenueRequest { request_id, account: self.account.clone(), expires_at, kind };
        eventually(async || self.link.send(request.clone()).is_ok()).await;
        loop {
            let said = self.heard.next().await;
            match &said {
                VenueMessage::OpenOrders { request_id: id, .. }
                | VenueMessage::Balances { request_id: id, .. }
                    if *id == request_id =>
                {
                    return said;
                }
                _ => {}
            }
        }
    }

    /// How many orders are open at the venue.
    pub(super) async fn open_count(&mut self) -> usize {
        match self.ask(RequestKind::OpenOrders).await {
            VenueMessage::OpenOrders { orders, .. } => orders.len(),
            other => panic!("{other:?}"),
        }
    }

    /// What the account holds of a currency there.
    pub(super) async fn balance(&mut self, currency: &str) -> Decimal {
        match self.ask(RequestKind::Balances).await {
            VenueMessage::Balances { balances, .. } => {
                let one = balances.iter().find(|balance| balance.currency.as_str() == currency);
                one.map_or(Decimal::ZERO, |balance| balance.amount.get())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the venue to say this about the order.
    pub(super) async fn hears(&mut self, id: &VenueClientId, is_it: impl Fn(&ReportKind) -> bool) {
        loop {
            if let VenueMessage::Report(report) = self.heard.next().await
                && report.venue_client_id == *id
                && is_it(&report.kind)
            {
                return;
            }
        }
    }
}
