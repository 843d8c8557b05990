//! Orders as tenants read them; written by the journal writer only.

use crate::text::{name_of, parsed, value_of};
use crate::{DbError, TenantTx};
use bulkhead_domain::order::{Mode, OrderStatus, Side};
use bulkhead_domain::{
    AccountId, ClientOrderId, Order, OrderId, PortfolioId, Symbol, Timestamp, VenueClientId,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// An order's searchable columns and its whole state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    pub id: OrderId,
    pub client_order_id: ClientOrderId,
    pub venue_client_id: VenueClientId,
    pub portfolio: PortfolioId,
    pub account: AccountId,
    pub mode: Mode,
    pub symbol: Symbol,
    pub side: Side,
    pub status: OrderStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The event that made it.
    pub created_seq: i64,
    /// The event up to which this is its state.
    pub updated_seq: i64,
    /// The order as JSON.
    pub body: String,
}

impl OrderRow {
    /// The row of an order that was made by event `created_seq` and last changed by event `updated_seq`.
    pub fn of(order: &Order, created_seq: i64, updated_seq: i64) -> Self {
        Self {
            id: order.id,
            client_order_id: order.client_order_id.clone(),
            venue_client_id: order.venue_client_id.clone(),
            portfolio: order.terms.portfolio.clone(),
            account: order.terms.account.clone(),
            mode: order.mode,
            symbol: order.terms.symbol.clone(),
            side: order.terms.side,
            status: order.status(),
            created_at: order.created_at,
            updated_at: order.updated_at,
            created_seq,
            updated_seq,
            body: body_of(order),
        }
    }

    /// The order itself.
    pub fn order(&self) -> Result<Order, DbError> {
        serde_json::from_str(&self.body).map_err(|error| DbError::corrupt("trade_order.body", error))
    }
}

/// What most orders fit in; a guess too low costs a copy.
const BODY_CAPACITY: usize = 1_024;

fn body_of(order: &Order) -> String {
    let mut bytes = Vec::with_capacity(BODY_CAPACITY);
    serde_json::to_writer(&mut bytes, order).expect("an order has string keys and finite values only");
    String::from_utf8(bytes).expect("JSON is written as UTF-8")
}

/// Which orders to list; what is empty or absent does not filter.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    pub statuses: Vec<OrderStatus>,
    pub symbol: Option<Symbol>,
    pub side: Option<Side>,
    pub account: Option<AccountId>,
    pub portfolio: Option<PortfolioId>,
}

/// The last order of a page; the next page starts below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderCursor {
    pub created_at: Timestamp,
    pub id: OrderId,
}

struct OrderRecord {
    id: Uuid,
    client_order_id: String,
    venue_client_id: String,
    portfolio: String,
    account: String,
    mode: String,
    symbol: String,
    side: String,
    status: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    created_seq: i64,
    updated_seq: i64,
    body: String,
}

impl TryFrom<OrderRecord> for OrderRow {
    type Error = DbError;
    fn try_from(row: OrderRecord) -> Result<Self, DbError> {
        Ok(Self {
            id: OrderId(row.id),
            client_order_id: parsed(
                "trade_order.client_order_id",
                ClientOrderId::parse(&row.client_order_id),
            )?,
            venue_client_id: parsed(
                "trade_order.venue_client_id",
                VenueClientId::parse(&row.venue_client_id),
            )?,
            portfolio: parsed("trade_order.portfolio", PortfolioId::parse(&row.portfolio))?,
            account: parsed("trade_order.account", AccountId::parse(&row.account))?,
            mode: value_of("trade_order.mode", &row.mode)?,
            symbol: parsed("trade_order.symbol", Symbol::parse(&row.symbol))?,
            side: value_of("trade_order.side", &row.side)?,
            status: value_of("trade_order.status", &row.status)?,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            created_seq: row.created_seq,
            updated_seq: row.updated_seq,
            body: row.body,
        })
    }
}

/// The order with this id.
pub async fn find_order(tx: &mut TenantTx, id: OrderId) -> Result<Option<OrderRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let row = sqlx::query_as!(
        OrderRecord,
        "select id, client_order_id, venue_client_id, portfolio, account, mode, symbol, side, status, created_at,
                updated_at, created_seq, updated_seq, body
         from trade_order where tenant_id = $1 and id = $2",
        tenant_id,
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(OrderRow::try_from).transpose()
}

/// The order its caller named so.
pub async fn find_order_by_client_id(
    tx: &mut TenantTx,
    client_order_id: &ClientOrderId,
) -> Result<Option<OrderRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let row = sqlx::query_as!(
        OrderRecord,
        "select id, client_order_id, venue_client_id, portfolio, account, mode, symbol, side, status, created_at,
                updated_at, created_seq, updated_seq, body
         from trade_order where tenant_id = $1 and client_order_id = $2",
        tenant_id,
        client_order_id.as_str()
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(OrderRow::try_from).transpose()
}

/// The order a venue knows under this name.
pub async fn find_order_by_venue_client_id(
    tx: &mut TenantTx,
    venue_client_id: &VenueClientId,
) -> Result<Option<OrderRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let row = sqlx::query_as!(
        OrderRecord,
        "select id, client_order_id, venue_client_id, portfolio, account, mode, symbol, side, status, created_at,
                updated_at, created_seq, updated_seq, body
         from trade_order where tenant_id = $1 and venue_client_id = $2",
        tenant_id,
        venue_client_id.as_str()
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(OrderRow::try_from).transpose()
}

/// At most `limit` orders below `cursor`, newest first.
pub async fn list_orders(
    tx: &mut TenantTx,
    filter: &OrderFilter,
    cursor: Option<OrderCursor>,
    limit: i64,
) -> Result<Vec<OrderRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let statuses: Vec<String> = filter.statuses.iter().map(name_of).collect();
    let rows = sqlx::query_as!(
        OrderRecord,
        "select id, client_order_id, venue_client_id, portfolio, account, mode, symbol, side, status, created_at,
                updated_at, created_seq, updated_seq, body
         from trade_order
         where tenant_id = $1
           and (created_at, id) < (coalesce($2, 'infinity'::timestamptz),
                                   coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
           and (cardinality($4::text[]) = 0 or status = any($4))
           and ($5::text is null or symbol = $5)
           and ($6::text is null or side = $6)
           and ($7::text is null or account = $7)
           and ($8::text is null or portfolio = $8)
         order by created_at desc, id desc limit $9",
        tenant_id,
        cursor.map(|cursor| OffsetDateTime::from(cursor.created_at)),
        cursor.map(|cursor| cursor.id.0),
        &statuses,
        filter.symbol.as_ref().map(Symbol::as_str),
        filter.side.as_ref().map(name_of),
        filter.account.as_ref().map(AccountId::as_str),
        filter.portfolio.as_ref().map(PortfolioId::as_str),
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(OrderRow::try_from).collect()
}
