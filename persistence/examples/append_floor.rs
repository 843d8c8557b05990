//! How fast the journal's append is by itself: `append_floor [connections] [batch] [tenants] [seconds]`.
//!
//! An order takes two commits here, as it does in the product: accepted, then filled. A batch holds one commit of
//! `batch` orders of different tenants (more than one order of a tenant where there are fewer tenants than that).
#![expect(clippy::unwrap_used, reason = "a measurement that fails has nothing better to do than to stop")]

use bulkhead_domain::chain::ChainLink;
use bulkhead_domain::order::{Liquidity, Mode, OrderStatus, Side};
use bulkhead_domain::{
    AccountId, Amount, ClientOrderId, Currency, EventId, ExecutionId, Incarnation, OrderId, PortfolioId,
    Price, Qty, SignedQty, Symbol, TenantId, Timestamp, VenueClientId,
};
use bulkhead_persistence::tenant::{TenantRow, TenantStatus, insert_tenant};
use bulkhead_persistence::{
    AppendOutcome, Db, FillRow, Head, JournalConn, JournalRow, NodeClaim, OrderRow, Plan, PoolSizes,
    PositionRow, PrivatePostgres, TenantAppend, journal,
};
use std::time::{Duration, Instant};
use uuid::Uuid;

const WARM_UP: Duration = Duration::from_millis(1_500);
const PAYLOAD_BYTES: usize = 232;

fn now() -> Timestamp {
    Timestamp::from_micros(
        i64::try_from(uuid::Timestamp::now(uuid::NoContext).to_unix().0).unwrap() * 1_000_000,
    )
}

/// One tenant's end of the chain and the orders that wait for their fill.
struct Tenant {
    head: Head,
    accepted: Vec<OrderRow>,
}

impl Tenant {
    fn append(&mut self, orders: usize) -> TenantAppend {
        let mut append = TenantAppend {
            tenant_id: self.head.tenant_id,
            epoch: self.head.epoch,
            incarnation: self.head.incarnation,
            expected_seq: self.head.seq,
            rows: Vec::new(),
            orders: Vec::new(),
            fills: Vec::new(),
            positions: Vec::new(),
        };
        if self.accepted.is_empty() {
            for _ in 0..orders {
                append.rows.push(self.event("order_submitted"));
                append.orders.push(order(&self.head));
            }
            self.accepted.clone_from(&append.orders);
            return append;
        }
        for mut row in self.accepted.split_off(0) {
            append.rows.push(self.event("order_filled"));
            row.updated_seq = self.head.seq;
            row.status = OrderStatus::Filled;
            append.fills.push(fill(&row));
            append.orders.push(row);
        }
        append.positions.push(position(self.head.seq));
        append
    }

    fn event(&mut self, kind: &'static str) -> JournalRow {
        self.head.seq += 1;
        let (event_id, payload, recorded_at) = (EventId(Uuid::now_v7()), "x".repeat(PAYLOAD_BYTES), now());
        let (tenant_id, seq) = (self.head.tenant_id, self.head.seq);
        let link = ChainLink { tenant_id, seq, event_id, kind, version: 1, recorded_at, payload: &payload };
        self.head.hash = link.hash(&self.head.hash);
        JournalRow { event_id, kind: kind.into(), version: 1, payload, hash: self.head.hash, recorded_at }
    }
}

fn order(head: &Head) -> OrderRow {
    let id = OrderId(Uuid::now_v7());
    OrderRow {
        id,
        client_order_id: ClientOrderId::parse(&id.to_string()).unwrap(),
        venue_client_id: VenueClientId::derive(head.tenant_id, id),
        portfolio: PortfolioId::parse("main").unwrap(),
        account: AccountId::parse("paper").unwrap(),
        mode: Mode::Paper,
        symbol: Symbol::parse("BTC-USDT").unwrap(),
        side: Side::Buy,
        status: OrderStatus::Submitted,
        created_at: now(),
        updated_at: now(),
        created_seq: head.seq,
        updated_seq: head.seq,
        body: "x".repeat(3 * PAYLOAD_BYTES),
    }
}

fn fill(order: &OrderRow) -> FillRow {
    FillRow {
        account: order.account.clone(),
        execution_id: ExecutionId::parse(&order.id.to_string()).unwrap(),
        order_id: order.id,
        seq: order.updated_seq,
        portfolio: order.portfolio.clone(),
        mode: order.mode,
        symbol: order.symbol.clone(),
        side: order.side,
        price: Price::parse("40000.12").unwrap(),
        quantity: Qty::parse("0.5").unwrap(),
        fee: Amount::ZERO,
        fee_currency: Currency::parse("USDT").unwrap(),
        liquidity: Liquidity::Taker,
        venue_ts: order.created_at,
        recorded_at: order.created_at,
    }
}

fn position(seq: i64) -> PositionRow {
    PositionRow {
        portfolio: PortfolioId::parse("main").unwrap(),
        account: AccountId::parse("paper").unwrap(),
        symbol: Symbol::parse("BTC-USDT").unwrap(),
        quantity: SignedQty::ZERO,
        cost: Amount::ZERO,
        realized_pnl: Amount::ZERO,
        fees: Amount::ZERO,
        seq,
    }
}

async fn tenants(db: &Db, count: usize) -> Vec<Tenant> {
    let (node_id, addr) = ("floor".to_owned(), String::new());
    let claim = NodeClaim { node_id, addr, incarnation: Incarnation(Uuid::now_v7()) };
    db.lease_conn().seize_all_shards(&claim).await.unwrap();
    let mut tenants = Vec::new();
    let mut tx = db.begin_system().await.unwrap();
    for _ in 0..count {
        let id = TenantId(Uuid::now_v7());
        let (plan, status) = (Plan::Unlimited, TenantStatus::Active);
        insert_tenant(&mut tx, &TenantRow { id, name: "t".to_owned(), plan, status, created_at: now() })
            .await
            .unwrap();
        journal::create_head(&mut tx, id).await.unwrap();
        let head = journal::activate(&mut tx, id, &claim).await.unwrap().unwrap();
        tenants.push(Tenant { head, accepted: Vec::new() });
    }
    tx.commit().await.unwrap();
    tenants
}

/// Appends until `end`; the batches' durations that were finished after `start`, and the orders in them.
async fn drive(
    mut conn: JournalConn,
    mut tenants: Vec<Tenant>,
    batch: usize,
    window: (Instant, Instant),
) -> (usize, Vec<Duration>) {
    let share = batch.div_ceil(tenants.len());
    let per_batch = batch / share;
    let (mut orders, mut durations) = (0, Vec::new());
    while Instant::now() < window.1 {
        for chunk in tenants.chunks_mut(per_batch) {
            let appends: Vec<TenantAppend> = chunk.iter_mut().map(|tenant| tenant.append(share)).collect();
            let before = Instant::now();
            let outcomes = conn.append(&appends).await.unwrap();
            assert!(
                outcomes.iter().all(|outcome| *outcome == AppendOutcome::Committed),
                "nobody else writes"
            );
            if before > window.0 {
                orders += appends.iter().map(|append| append.fills.len()).sum::<usize>();
                durations.push(before.elapsed());
            }
        }
    }
    (orders, durations)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().unwrap());
    let mut next = |default| arguments.next().unwrap_or(default);
    let (connections, batch, count, seconds) = (next(2), next(64), next(100), next(4));
    let data = std::env::temp_dir().join(format!("bulkhead-floor-{}", std::process::id()));
    let postgres = PrivatePostgres::start(&data).await.unwrap();
    Db::migrate(postgres.endpoint()).await.unwrap();
    let db = Db::open(postgres.endpoint(), PoolSizes::default());
    let mut shares: Vec<Vec<Tenant>> = (0..connections).map(|_| Vec::new()).collect();
    for (number, tenant) in tenants(&db, count).await.into_iter().enumerate() {
        shares.get_mut(number % connections).unwrap().push(tenant);
    }
    let start = Instant::now() + WARM_UP;
    let end = start + Duration::from_secs(u64::try_from(seconds).unwrap());
    let mut running = Vec::new();
    for share in shares.into_iter().filter(|share| !share.is_empty()) {
        running.push(tokio::spawn(drive(db.journal_conn().await.unwrap(), share, batch, (start, end))));
    }
    let (mut orders, mut durations) = (0, Vec::new());
    for task in running {
        let (more, times) = task.await.unwrap();
        orders += more;
        durations.extend(times);
    }
    durations.sort_unstable();
    let at = |percent: usize| durations.get(durations.len() * percent / 100).copied().unwrap_or_default();
    println!(
        "{connections} connections, {count} tenants, batches of {batch}: {} orders/s, batch p50 {:?} p99 {:?}",
        orders / seconds,
        at(50),
        at(99)
    );
    db.close().await;
    postgres.stop().await.unwrap();
    std::fs::remove_dir_all(&data).unwrap();
}
