//! A migrated database, tenants in it, and builders of what is appended.

use bulkhead_domain::chain::ChainLink;
use bulkhead_domain::order::{Liquidity, Mode, OrderStatus, Side};
use bulkhead_domain::{
    AccountId, Amount, ChainHash, ClientOrderId, Currency, EventId, ExecutionId, Incarnation, OrderId,
    PortfolioId, Price, Qty, SignedQty, Symbol, TenantId, Timestamp, UserId, VenueClientId,
};
use bulkhead_persistence::tenant::{TenantRow, TenantStatus, insert_tenant};
use bulkhead_persistence::user::{UserRow, insert_user};
use bulkhead_persistence::{
    Db, Endpoint, FillRow, Head, JournalRow, NodeClaim, OrderRow, Plan, PoolSizes, PositionRow, TenantAppend,
    Throwaway, UserRole, journal,
};
use rust_decimal::Decimal;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

pub(crate) const T0: Timestamp = Timestamp::EPOCH;

pub(crate) struct Fixture {
    pub(crate) db: Db,
    pub(crate) endpoint: Endpoint,
    pub(crate) claim: NodeClaim,
    cluster: Throwaway,
}

pub(crate) fn claim_of(node_id: &str) -> NodeClaim {
    NodeClaim {
        node_id: node_id.to_owned(),
        incarnation: Incarnation(Uuid::now_v7()),
        addr: "127.0.0.1:1".to_owned(),
    }
}

impl Fixture {
    /// A database that one node owns.
    pub(crate) async fn new() -> Self {
        let cluster = Throwaway::start().await.unwrap();
        let endpoint = cluster.database().await.unwrap();
        let db = Db::open(&endpoint, PoolSizes::default());
        let claim = claim_of("node-1");
        db.lease_conn().seize_all_shards(&claim).await.unwrap();
        Self { db, endpoint, claim, cluster }
    }

    pub(crate) fn cluster_dir(&self) -> &std::path::Path {
        self.cluster.dir()
    }

    /// As the cluster's superuser, whom row-level security does not bind.
    pub(crate) async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.endpoint.url()).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.admin().await).await.unwrap();
    }

    /// A new tenant with an empty journal, not activated.
    pub(crate) async fn tenant(&self) -> TenantId {
        let id = TenantId(Uuid::now_v7());
        let mut tx = self.db.begin_system().await.unwrap();
        let tenant = TenantRow {
            id,
            name: "Acme".to_owned(),
            plan: Plan::Starter,
            status: TenantStatus::Active,
            created_at: T0,
        };
        insert_tenant(&mut tx, &tenant).await.unwrap();
        journal::create_head(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn user(&self, tenant_id: TenantId) -> UserId {
        let id = UserId(Uuid::now_v7());
        let user = UserRow {
            id,
            tenant_id,
            email: format!("{id}@example.com"),
            password_hash: "hash".to_owned(),
            role: UserRole::Owner,
            is_platform_admin: false,
            created_at: T0,
        };
        let mut tx = self.db.begin_system().await.unwrap();
        insert_user(&mut tx, &user).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn activate(&self, tenant_id: TenantId, claim: &NodeClaim) -> Option<Head> {
        let mut tx = self.db.begin_system().await.unwrap();
        let head = journal::activate(&mut tx, tenant_id, claim).await.unwrap();
        tx.commit().await.unwrap();
        head
    }

    /// A new tenant, taken over by this fixture's node.
    pub(crate) async fn chain(&self) -> Chain {
        let tenant_id = self.tenant().await;
        Chain { head: self.activate(tenant_id, &self.claim).await.unwrap() }
    }
}

/// What an owner remembers of its journal.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) head: Head,
}

impl Chain {
    /// An append of `count` events and nothing else; remembers it as done.
    pub(crate) fn events(&mut self, count: usize) -> TenantAppend {
        let expected_seq = self.head.seq;
        let rows = (0..count).map(|_| self.row()).collect();
        TenantAppend {
            tenant_id: self.head.tenant_id,
            epoch: self.head.epoch,
            incarnation: self.head.incarnation,
            expected_seq,
            rows,
            orders: Vec::new(),
            fills: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// An append of one event with an order, a fill and a position.
    pub(crate) fn filled(&mut self, execution_id: &str) -> TenantAppend {
        let mut append = self.events(1);
        let order = order_row(self.head.tenant_id, self.head.seq);
        append.fills.push(fill_row(&order, execution_id));
        append.positions.push(position_row(self.head.seq));
        append.orders.push(order);
        append
    }

    fn row(&mut self) -> JournalRow {
        self.head.seq += 1;
        let event_id = EventId(Uuid::now_v7());
        let payload = format!("{{\"portfolio\": \"p{}\"}}", self.head.seq);
        let link = ChainLink {
            tenant_id: self.head.tenant_id,
            seq: self.head.seq,
            event_id,
            kind: "portfolio_created",
            version: 1,
            recorded_at: T0,
            payload: &payload,
        };
        let hash: ChainHash = link.hash(&self.head.hash);
        self.head.hash = hash;
        JournalRow { event_id, kind: "portfolio_created".into(), version: 1, payload, hash, recorded_at: T0 }
    }
}

pub(crate) fn order_row(tenant_id: TenantId, seq: i64) -> OrderRow {
    let id = OrderId(Uuid::now_v7());
    OrderRow {
        id,
        client_order_id: ClientOrderId::parse(&id.to_string()).unwrap(),
        venue_client_id: VenueClientId::derive(tenant_id, id),
        portfolio: PortfolioId::parse("main").unwrap(),
        account: AccountId::parse("paper").unwrap(),
        mode: Mode::Paper,
        symbol: Symbol::parse("BTC-USDT").unwrap(),
        side: Side::Buy,
        status: OrderStatus::Accepted,
        created_at: T0.plus_micros(seq),
        updated_at: T0.plus_micros(seq),
        created_seq: seq,
        updated_seq: seq,
        body: "{}".to_owned(),
    }
}

pub(crate) fn fill_row(order: &OrderRow, execution_id: &str) -> FillRow {
    FillRow {
        account: order.account.clone(),
        execution_id: ExecutionId::parse(execution_id).unwrap(),
        order_id: order.id,
        seq: order.updated_seq,
        portfolio: order.portfolio.clone(),
        mode: order.mode,
        symbol: order.symbol.clone(),
        side: order.side,
        price: Price::parse("40000.12345678").unwrap(),
        quantity: Qty::parse("0.5").unwrap(),
        fee: Amount::from(Decimal::new(20, 0)),
        fee_currency: Currency::parse("USDT").unwrap(),
        liquidity: Liquidity::Taker,
        venue_ts: T0,
        recorded_at: T0,
    }
}

pub(crate) fn position_row(seq: i64) -> PositionRow {
    PositionRow {
        portfolio: PortfolioId::parse("main").unwrap(),
        account: AccountId::parse("paper").unwrap(),
        symbol: Symbol::parse("BTC-USDT").unwrap(),
        quantity: SignedQty::from(Decimal::new(-5, 1)),
        cost: Amount::from(Decimal::new(-200_000_001, 4)),
        realized_pnl: Amount::from(Decimal::new(1, 16)),
        fees: Amount::from(Decimal::new(20, 0)),
        seq,
    }
}
