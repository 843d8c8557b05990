//! Positions as tenants read them; written by the journal writer only.

use crate::text::parsed;
use crate::{DbError, TenantTx};
use bulkhead_domain::{AccountId, Amount, PortfolioId, SignedQty, Symbol};
use rust_decimal::Decimal;

/// A position as the fold of all fills up to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionRow {
    pub portfolio: PortfolioId,
    pub account: AccountId,
    pub symbol: Symbol,
    pub quantity: SignedQty,
    /// What the open quantity cost, with the quantity's sign.
    pub cost: Amount,
    pub realized_pnl: Amount,
    pub fees: Amount,
    /// The event up to which this is the fold.
    pub seq: i64,
}

struct PositionRecord {
    portfolio: String,
    account: String,
    symbol: String,
    quantity: Decimal,
    cost: Decimal,
    realized_pnl: Decimal,
    fees: Decimal,
    seq: i64,
}

impl TryFrom<PositionRecord> for PositionRow {
    type Error = DbError;
    fn try_from(row: PositionRecord) -> Result<Self, DbError> {
        Ok(Self {
            portfolio: parsed("position.portfolio", PortfolioId::parse(&row.portfolio))?,
            account: parsed("position.account", AccountId::parse(&row.account))?,
            symbol: parsed("position.symbol", Symbol::parse(&row.symbol))?,
            quantity: SignedQty::from(row.quantity),
            cost: Amount::from(row.cost),
            realized_pnl: Amount::from(row.realized_pnl),
            fees: Amount::from(row.fees),
            seq: row.seq,
        })
    }
}

/// All positions of the tenant, closed ones included. Bounded by the instruments it ever traded.
pub async fn list_positions(tx: &mut TenantTx) -> Result<Vec<PositionRow>, DbError> {
    let tenant_id = tx.tenant_id().0;
    let rows = sqlx::query_as!(
        PositionRecord,
        "select portfolio, account, symbol, quantity, cost, realized_pnl, fees, seq
         from position where tenant_id = $1 order by portfolio, account, symbol",
        tenant_id
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(PositionRow::try_from).collect()
}
