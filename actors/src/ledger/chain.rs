//! The end of a tenant's hash chain as it runs ahead, and the rows that go with its events.

use bulkhead_domain::chain::ChainLink;
use bulkhead_domain::event::OrderFilled;
use bulkhead_domain::portfolio::{PortfolioBook, PositionKey};
use bulkhead_domain::tenant::TenantImage;
use bulkhead_domain::{
    ChainHash, Event, EventId, GENESIS_HASH, Incarnation, Order, RecordedEvent, TenantId, Timestamp,
};
use bulkhead_persistence::journal::Head;
use bulkhead_persistence::{FillRow, JournalRow, OrderRow, PositionRow, TenantAppend};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Where the next event goes.
pub(super) struct Chain {
    epoch: i64,
    incarnation: Incarnation,
    seq: i64,
    hash: ChainHash,
    /// Positions with everything folded in that was assigned a place, for the rows of the read model.
    book: PortfolioBook,
}

impl Default for Chain {
    fn default() -> Self {
        let incarnation = Incarnation(Uuid::nil());
        Self { epoch: 0, incarnation, seq: 0, hash: GENESIS_HASH, book: PortfolioBook::default() }
    }
}

impl Chain {
    pub(super) fn at(head: &Head, image: &TenantImage) -> Self {
        Self {
            epoch: head.epoch,
            incarnation: head.incarnation,
            seq: head.seq,
            hash: head.hash,
            book: image.portfolio.clone(),
        }
    }

    /// The last sequence number that was assigned.
    pub(super) fn seq(&self) -> i64 {
        self.seq
    }

    /// Gives each event its place, and makes the rows that are written with it.
    pub(super) fn extend(
        &mut self,
        tenant_id: TenantId,
        at: Timestamp,
        events: Vec<(Event, Option<Arc<Order>>)>,
    ) -> (TenantAppend, Vec<RecordedEvent>) {
        let mut append = TenantAppend {
            tenant_id,
            epoch: self.epoch,
            incarnation: self.incarnation,
            expected_seq: self.seq,
            rows: Vec::with_capacity(events.len()),
            orders: Vec::new(),
            fills: Vec::new(),
            positions: Vec::new(),
        };
        let mut orders = BTreeMap::new();
        let mut positions = BTreeMap::new();
        let mut recorded = Vec::with_capacity(events.len());
        for (event, order) in events {
            let event_id = EventId(Uuid::now_v7());
            append.rows.push(self.link(tenant_id, event_id, at, &event));
            self.book.apply(&event);
            if let Event::OrderFilled(data) = &event {
                append.fills.push(fill_row(data, self.seq, at));
                positions.insert(PortfolioBook::position_key(data), self.seq);
            }
            if let Some(order) = order {
                orders.insert(order.id, (order, self.seq));
            }
            recorded.push(RecordedEvent { seq: self.seq, event_id, recorded_at: at, event });
        }
        append.orders = orders.into_values().map(|(order, seq)| OrderRow::of(&order, seq, seq)).collect();
        append.positions =
            positions.into_iter().filter_map(|(key, seq)| self.position_row(key, seq)).collect();
        (append, recorded)
    }

    fn link(&mut self, tenant_id: TenantId, event_id: EventId, at: Timestamp, event: &Event) -> JournalRow {
        self.seq += 1;
        let payload = event.payload();
        let link = ChainLink {
            tenant_id,
            seq: self.seq,
            event_id,
            kind: event.kind(),
            version: Event::VERSION,
            recorded_at: at,
            payload: &payload,
        };
        self.hash = link.hash(&self.hash);
        let kind = Cow::Borrowed(event.kind());
        JournalRow { event_id, kind, version: Event::VERSION, payload, hash: self.hash, recorded_at: at }
    }

    fn position_row(&self, key: PositionKey, seq: i64) -> Option<PositionRow> {
        let position = self.book.positions.get(&key)?;
        Some(PositionRow {
            portfolio: key.portfolio,
            account: key.account,
            symbol: key.symbol,
            quantity: position.quantity,
            cost: position.cost,
            realized_pnl: position.realized_pnl,
            fees: position.fees,
            seq,
        })
    }
}

fn fill_row(data: &OrderFilled, seq: i64, recorded_at: Timestamp) -> FillRow {
    let (order, execution) = (&data.order, &data.execution);
    FillRow {
        account: order.account.clone(),
        execution_id: execution.execution_id.clone(),
        order_id: order.id,
        seq,
        portfolio: order.portfolio.clone(),
        mode: data.mode,
        symbol: order.symbol.clone(),
        side: order.side,
        price: execution.price,
        quantity: execution.quantity,
        fee: execution.fee,
        fee_currency: execution.fee_currency.clone(),
        liquidity: execution.liquidity,
        venue_ts: execution.venue_ts,
        recorded_at,
    }
}
