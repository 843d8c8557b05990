//! Executions as tenants read them; written by the journal writer only.

use crate::text::{bounded, name_of, parsed, value_of};
use crate::{DbError, TenantTx};
use bulkhead_domain::order::{Liquidity, Mode, Side};
use bulkhead_domain::{
    AccountId, Amount, Currency, ExecutionId, OrderId, PortfolioId, Price, Qty, Symbol, Timestamp,
};
use rust_decimal::Decimal;
use std::collections::HashSet;
use time::OffsetDateTime;
use uuid::Uuid;

/// One execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FillRow {
    pub account: AccountId,
    pub execution_id: ExecutionId,
    pub order_id: OrderId,
    /// The event that booked it.
    pub seq: i64,
    pub portfolio: PortfolioId,
    pub mode: Mode,
    pub symbol: Symbol,
    pub side: Side,
    pub price: Price,
    pub quantity: Qty,
    pub fee: Amount,
    pub fee_currency: Currency,
    pub liquidity: Liquidity,
    pub venue_ts: Timestamp,
    pub recorded_at: Timestamp,
}

/// Which fills to list; what is absent does not filter.
#[derive(Debug, Clone, Default)]
pub struct FillFilter {
    pub order_id: Option<OrderId>,
    pub symbol: Option<Symbol>,
    pub side: Option<Side>,
    pub account: Option<AccountId>,
    pub portfolio: Option<PortfolioId>,
}

struct FillRecord {
    account: String,
    execution_id: String,
    order_id: Uuid,
    seq: i64,
    portfolio: String,
    mode: String,
    symbol: String,
    side: String,
    price: Decimal,
    quantity: Decimal,
    fee: Decimal,
    fee_currency: String,
    liquidity: String,
    venue_ts: OffsetDateTime,
    recorded_at: OffsetDateTime,
}

impl TryFrom<FillRecord> for FillRow {
    type Error = DbError;
    fn try_from(row: FillRecord) -> Result<Self, DbError> {
        Ok(Self {
            account: parsed("fill.account", AccountId::parse(&row.account))?,
            execution_id: parsed("fill.execution_id", ExecutionId::parse(&row.execution_id))?,
            order_id: OrderId(row.order_id),
            seq: row.seq,
            portfolio: parsed("fill.portfolio", PortfolioId::parse(&row.portfolio))?,
            mode: value_of("fill.mode", &row.mode)?,
            symbol: parsed("fill.symbol", Symbol::parse(&row.symbol))?,
            side: value_of("fill.side", &row.side)?,
            price: bounded("fill.price", row.price)?,
            quantity: bounded("fill.quantity", row.quantity)?,
            fee: Amount::from(row.fee),
            fee_currency: parsed("fill.fee_currency", Currency::parse(&row.fee_currency))?,
            liquidity: value_of("fill.liquidity", &row.liquidity)?,
            venue_ts: row.venue_ts.into(),
            recorded_at: row.recorded_at.into(),
        })
    }
}

/// At most `limit` fills booked before event `before_seq` (`None`: from the latest), newest first.
pub async fn list_fills(
    tx: &mut TenantTx,
    filter: &FillFilter,
    before_seq: Option<i64>,
    limit: i64,
) -> Result<Vec<FillRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let rows = sqlx::query_as!(
        FillRecord,
        "select account, execution_id, order_id, seq, portfolio, mode, symbol, side, price, quantity, fee,
                fee_currency, liquidity, venue_ts, recorded_at
         from fill
         where tenant_id = $1 and seq < $2
           and ($3::uuid is null or order_id = $3)
           and ($4::text is null or symbol = $4)
           and ($5::text is null or side = $5)
           and ($6::text is null or account = $6)
           and ($7::text is null or portfolio = $7)
         order by seq desc limit $8",
        tenant_id,
        before_seq.unwrap_or(i64::MAX),
        filter.order_id.map(|id| id.0),
        filter.symbol.as_ref().map(Symbol::as_str),
        filter.side.as_ref().map(name_of),
        filter.account.as_ref().map(AccountId::as_str),
        filter.portfolio.as_ref().map(PortfolioId::as_str),
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(FillRow::try_from).collect()
}

/// At most `limit` fills booked after event `after_seq`, oldest first.
pub async fn list_fills_from(
    tx: &mut TenantTx,
    filter: &FillFilter,
    after_seq: i64,
    limit: i64,
) -> Result<Vec<FillRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let rows = sqlx::query_as!(
        FillRecord,
        "select account, execution_id, order_id, seq, portfolio, mode, symbol, side, price, quantity, fee,
                fee_currency, liquidity, venue_ts, recorded_at
         from fill
         where tenant_id = $1 and seq > $2
           and ($3::uuid is null or order_id = $3)
           and ($4::text is null or symbol = $4)
           and ($5::text is null or side = $5)
           and ($6::text is null or account = $6)
           and ($7::text is null or portfolio = $7)
         order by seq limit $8",
        tenant_id,
        after_seq,
        filter.order_id.map(|id| id.0),
        filter.symbol.as_ref().map(Symbol::as_str),
        filter.side.as_ref().map(name_of),
        filter.account.as_ref().map(AccountId::as_str),
        filter.portfolio.as_ref().map(PortfolioId::as_str),
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(FillRow::try_from).collect()
}

/// The fills the venues name so: one per account at most.
pub async fn find_fills(tx: &mut TenantTx, execution_id: &ExecutionId) -> Result<Vec<FillRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let rows = sqlx::query_as!(
        FillRecord,
        "select account, execution_id, order_id, seq, portfolio, mode, symbol, side, price, quantity, fee,
                fee_currency, liquidity, venue_ts, recorded_at
         from fill where tenant_id = $1 and execution_id = $2 order by account",
        tenant_id,
        execution_id.as_str()
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(FillRow::try_from).collect()
}

/// The execution `back` places before the account's latest booked one, with its venue time; `None` when there are not
/// that many.
pub async fn find_fill_back(
    tx: &mut TenantTx,
    account: &AccountId,
    back: i64,
) -> Result<Option<(ExecutionId, Timestamp)>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let row = sqlx::query!(
        "select execution_id, venue_ts from fill where tenant_id = $1 and account = $2
         order by seq desc offset $3 limit 1",
        tenant_id,
        account.as_str(),
        back
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let execution_id = parsed("fill.execution_id", ExecutionId::parse(&row.execution_id))?;
    Ok(Some((execution_id, row.venue_ts.into())))
}

/// Which of these executions of an account are booked.
pub async fn find_booked(
    tx: &mut TenantTx,
    account: &AccountId,
    ids: &[ExecutionId],
) -> Result<HashSet<ExecutionId>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let names: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    let rows = sqlx::query_scalar!(
        "select execution_id from fill where tenant_id = $1 and account = $2 and execution_id = any($3)",
        tenant_id,
        account.as_str(),
        &names
    )
    .fetch_all(tx.conn())
    .await?;
    rows.iter().map(|id| parsed("fill.execution_id", ExecutionId::parse(id))).collect()
}
