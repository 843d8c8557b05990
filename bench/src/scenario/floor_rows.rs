//! The rows of an order's life, made by the domain itself from one market order, with new identities each time.

use bulkhead_domain::event::{OrderAfter, OrderSubmitted};
use bulkhead_domain::order::{
    Execution, Liquidity, Mode, OrderKind, OrderStatus, OrderTerms, Origin, Side, TimeInForce, Verdict,
};
use bulkhead_domain::report::{ReportKind, VenueReport};
use bulkhead_domain::{
    AccountId, Amount, ChainHash, ClientOrderId, Currency, Event, EventId, ExecutionId, Incarnation, Order,
    OrderId, PortfolioId, Price, Qty, SignedQty, Symbol, TenantId, Timestamp, VenueClientId, VenueOrderId,
};
use bulkhead_persistence::{FillRow, JournalRow, OrderRow, PositionRow, TenantAppend};
use rust_decimal::Decimal;
use std::borrow::Cow;
use uuid::Uuid;

use crate::clock;

const QUANTITY: &str = "0.0005";
const PRICE: &str = "40123.45";
/// The checks every order passes.
const CHECKS: &[&str] = &["currency", "market_price", "order_value", "short_sale", "buying_power"];

/// What is written for one order: once when it is submitted, once when it is filled.
pub(super) struct Rows {
    submitted: (JournalRow, OrderRow),
    reported: Vec<JournalRow>,
    filled: OrderRow,
    fill: FillRow,
    position: PositionRow,
}

/// One tenant of the floor, and where its journal ends.
pub(super) struct FloorTenant {
    id: TenantId,
    seq: i64,
}

/// An order between its two commits.
pub(super) struct Placed {
    id: OrderId,
    number: u64,
    created_seq: i64,
}

impl FloorTenant {
    pub(super) fn new(id: TenantId) -> Self {
        Self { id, seq: 0 }
    }

    fn append(&self) -> TenantAppend {
        TenantAppend {
            tenant_id: self.id,
            epoch: 0,
            incarnation: Incarnation(Uuid::nil()),
            expected_seq: self.seq,
            rows: Vec::new(),
            orders: Vec::new(),
            fills: Vec::new(),
            positions: Vec::new(),
        }
    }
}

impl Rows {
    /// Takes one order through its life.
    pub(super) fn template() -> Self {
        let at = clock::now();
        let submitted = submitted_event();
        let mut order = Order::submitted(&submitted, at);
        let submitted = (row(&Event::OrderSubmitted(submitted), at), OrderRow::of(&order, 1, 1));
        let venue_order_id = VenueOrderId::parse("paper-000000000001").expect("the id is printable");
        let execution = execution(at);
        // The paper venue fills a market order without a word about its acceptance.
        let kind = ReportKind::Filled { venue_order_id, execution: execution.clone() };
        let report = VenueReport { venue_client_id: order.venue_client_id.clone(), venue_ts: at, kind };
        let mut reported = Vec::new();
        for event in order.decide_report(&report, at).events {
            order.apply(&event, at);
            reported.push(row(&event, at));
        }
        let filled = OrderRow::of(&order, 1, 2);
        assert_eq!(filled.status, OrderStatus::Filled, "the order's life ends with its fill");
        Self { submitted, reported, fill: fill_row(&order, &execution, at), position: position_row(), filled }
    }

    /// Adds the first commit's rows of a new order.
    pub(super) fn submit(&self, tenant: &mut FloorTenant, append: &mut TenantAppend, number: u64) -> Placed {
        tenant.seq += 1;
        let placed = Placed { id: OrderId(Uuid::now_v7()), number, created_seq: tenant.seq };
        let (event, order) = &self.submitted;
        append.rows.push(renewed(event, number));
        append.orders.push(placed.row(order, tenant.seq));
        placed
    }

    /// Adds the second commit's rows: filled, and the position as it is then.
    pub(super) fn fill(&self, tenant: &mut FloorTenant, append: &mut TenantAppend, placed: &Placed) {
        for event in &self.reported {
            tenant.seq += 1;
            append.rows.push(renewed(event, placed.number));
        }
        append.orders.push(placed.row(&self.filled, tenant.seq));
        let execution_id = ExecutionId::parse(&format!("paper-{:012}", placed.number));
        append.fills.push(FillRow {
            execution_id: execution_id.expect("the id is printable"),
            order_id: placed.id,
            seq: tenant.seq,
            ..self.fill.clone()
        });
        append.positions = vec![PositionRow { seq: tenant.seq, ..self.position.clone() }];
    }

    /// An append that continues the tenant's journal.
    pub(super) fn begin(tenant: &FloorTenant) -> TenantAppend {
        tenant.append()
    }

    /// Mean bytes of a payload, to compare with the served journal's.
    pub(super) fn payload_mean(&self) -> f64 {
        let payloads = self.reported.iter().chain([&self.submitted.0]).map(|row| row.payload.len());
        payloads.sum::<usize>() as f64 / (self.reported.len() + 1) as f64
    }
}

impl Placed {
    fn row(&self, order: &OrderRow, updated_seq: i64) -> OrderRow {
        let client_order_id = ClientOrderId::parse(&format!("floor-{:012x}", self.number));
        let venue_client_id = VenueClientId::parse(&format!("{:026x}", self.number));
        OrderRow {
            id: self.id,
            client_order_id: client_order_id.expect("hexadecimal is within the alphabet"),
            venue_client_id: venue_client_id.expect("hexadecimal is within the alphabet"),
            created_seq: self.created_seq,
            updated_seq,
            ..order.clone()
        }
    }
}

/// A row of its own; the database does not look into the hash, so it need not chain.
fn renewed(row: &JournalRow, number: u64) -> JournalRow {
    let mut hash: ChainHash = row.hash;
    for (target, source) in hash.iter_mut().zip(number.to_be_bytes()) {
        *target = source;
    }
    JournalRow { event_id: EventId(Uuid::now_v7()), hash, ..row.clone() }
}

fn row(event: &Event, at: Timestamp) -> JournalRow {
    JournalRow {
        event_id: EventId(Uuid::now_v7()),
        kind: Cow::Borrowed(event.kind()),
        version: Event::VERSION,
        payload: event.payload(),
        hash: [7; 32],
        recorded_at: at,
    }
}

fn price() -> Price {
    Price::parse(PRICE).expect("the price is a plain decimal")
}

fn quantity() -> Qty {
    Qty::parse(QUANTITY).expect("the quantity is a plain decimal")
}

fn currency() -> Currency {
    Currency::parse("USDT").expect("the code is upper case")
}

fn terms() -> OrderTerms {
    OrderTerms {
        portfolio: PortfolioId::parse("main").expect("the name is a slug"),
        account: AccountId::parse("paper").expect("the name is a slug"),
        symbol: Symbol::parse("BTC-USDT").expect("the symbol is upper case"),
        side: Side::Buy,
        kind: OrderKind::Market,
        quantity: quantity(),
        time_in_force: TimeInForce::Ioc,
        expires_at: None,
        post_only: false,
        reduce_only: false,
    }
}

fn submitted_event() -> OrderSubmitted {
    let order_id = OrderId(Uuid::now_v7());
    let verdict = |check: &&str| Verdict {
        check: (*check).to_owned(),
        passed: true,
        code: None,
        limit: None,
        would_be: None,
    };
    OrderSubmitted {
        order_id,
        client_order_id: ClientOrderId::parse("floor-000000000000").expect("the id is within the alphabet"),
        venue_client_id: VenueClientId::derive(TenantId(Uuid::nil()), order_id),
        mode: Mode::Paper,
        origin: Origin::User,
        terms: terms(),
        quote_currency: currency(),
        verdicts: CHECKS.iter().map(verdict).collect(),
        reserved_price: price(),
        after: OrderAfter {
            status: OrderStatus::Submitted,
            filled_quantity: Qty::ZERO,
            average_price: None,
            version: 1,
        },
    }
}

fn execution(at: Timestamp) -> Execution {
    Execution {
        execution_id: ExecutionId::parse("paper-000000000000").expect("the id is printable"),
        price: price(),
        quantity: quantity(),
        fee: Amount::from(Decimal::new(200_617, 7)),
        fee_currency: currency(),
        liquidity: Liquidity::Taker,
        venue_ts: at,
    }
}

fn fill_row(order: &Order, execution: &Execution, at: Timestamp) -> FillRow {
    FillRow {
        account: order.terms.account.clone(),
        execution_id: execution.execution_id.clone(),
        order_id: order.id,
        seq: 2,
        portfolio: order.terms.portfolio.clone(),
        mode: order.mode,
        symbol: order.terms.symbol.clone(),
        side: order.terms.side,
        price: execution.price,
        quantity: execution.quantity,
        fee: execution.fee,
        fee_currency: execution.fee_currency.clone(),
        liquidity: execution.liquidity,
        venue_ts: execution.venue_ts,
        recorded_at: at,
    }
}

fn position_row() -> PositionRow {
    let terms = terms();
    let cost = price().notional(quantity());
    PositionRow {
        portfolio: terms.portfolio,
        account: terms.account,
        symbol: terms.symbol,
        quantity: SignedQty::from(quantity().get()),
        cost,
        realized_pnl: Amount::from(Decimal::new(-1_234_567, 7)),
        fees: Amount::from(Decimal::new(200_617, 7)),
        seq: 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_takes_two_events_and_one_row_of_each_read_model() {
        let rows = Rows::template();
        let mut tenant = FloorTenant::new(TenantId(Uuid::new_v4()));
        let mut first = Rows::begin(&tenant);
        let placed = rows.submit(&mut tenant, &mut first, 1);
        let other = rows.submit(&mut tenant, &mut first, 2);
        assert_eq!((first.rows.len(), first.orders.len(), first.last_seq()), (2, 2, 2));
        let mut second = Rows::begin(&tenant);
        rows.fill(&mut tenant, &mut second, &placed);
        rows.fill(&mut tenant, &mut second, &other);
        assert_eq!((second.rows.len(), second.fills.len(), second.positions.len()), (2, 2, 1));
        assert_eq!((second.last_seq(), tenant.seq), (4, 4));
        assert!(second.rows.iter().all(|row| row.kind == "order_filled"));
        assert_ne!(second.rows[0].event_id, second.rows[1].event_id);
        assert_eq!(second.orders[0].created_seq, 1);
    }
}
