//! A portfolio as it is shown.

use bulkhead_actors::portfolio::CashView;
use bulkhead_actors::{PortfolioView, PositionView};
use bulkhead_domain::order::Mode;
use bulkhead_domain::{AccountId, Amount, Currency, PortfolioId, SignedQty, Symbol};
use serde::Serialize;
use utoipa::ToSchema;

/// Accounts of one mode, added up, at the present market.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Portfolio)]
pub(crate) struct PortfolioAnswer {
    /// Every event up to this one is in it.
    #[schema(example = 42)]
    pub(crate) as_of_seq: i64,
    #[schema(value_type = String, example = "paper")]
    mode: Mode,
    #[schema(value_type = String, example = "USDT")]
    currency: Currency,
    /// Cash and what is held; null while something held has no price.
    #[schema(value_type = Option<String>, example = "100012.34", required)]
    equity: Option<Amount>,
    #[schema(value_type = String, example = "80012.34")]
    cash: Amount,
    /// Before fees.
    #[schema(value_type = String, example = "0")]
    realized_pnl: Amount,
    #[schema(value_type = Option<String>, example = "32.34", required)]
    unrealized_pnl: Option<Amount>,
    #[schema(value_type = String, example = "20")]
    fees: Amount,
    positions: Vec<PositionAnswer>,
}

/// What is held of one symbol in one portfolio and account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Position)]
pub(crate) struct PositionAnswer {
    #[schema(value_type = String, example = "main")]
    portfolio: PortfolioId,
    #[schema(value_type = String, example = "paper")]
    account: AccountId,
    #[schema(value_type = String, example = "BTC-USDT")]
    symbol: Symbol,
    /// Long is positive, short negative.
    #[schema(value_type = String, example = "0.5")]
    quantity: SignedQty,
    #[schema(value_type = Option<String>, example = "39999.5", required)]
    average_price: Option<Amount>,
    /// The middle of the quote; null while nobody quotes.
    #[schema(value_type = Option<String>, example = "40064.18", required)]
    mark_price: Option<Amount>,
    #[schema(value_type = Option<String>, example = "20032.09", required)]
    market_value: Option<Amount>,
    #[schema(value_type = String, example = "0")]
    realized_pnl: Amount,
    #[schema(value_type = Option<String>, example = "32.34", required)]
    unrealized_pnl: Option<Amount>,
    #[schema(value_type = String, example = "20")]
    fees: Amount,
}

/// Cash of one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Balance)]
pub(crate) struct BalanceView {
    #[schema(value_type = String, example = "main")]
    portfolio: PortfolioId,
    #[schema(value_type = String, example = "paper")]
    account: AccountId,
    #[schema(value_type = String, example = "paper")]
    mode: Mode,
    #[schema(value_type = String, example = "USDT")]
    currency: Currency,
    #[schema(value_type = String, example = "80012.34")]
    amount: Amount,
}

impl From<PortfolioView> for PortfolioAnswer {
    fn from(view: PortfolioView) -> Self {
        Self {
            as_of_seq: view.as_of_seq,
            mode: view.mode,
            currency: view.currency,
            equity: view.equity,
            cash: view.cash,
            realized_pnl: view.realized_pnl,
            unrealized_pnl: view.unrealized_pnl,
            fees: view.fees,
            positions: view.positions.into_iter().map(PositionAnswer::from).collect(),
        }
    }
}

impl From<PositionView> for PositionAnswer {
    fn from(view: PositionView) -> Self {
        Self {
            portfolio: view.portfolio,
            account: view.account,
            symbol: view.symbol,
            quantity: view.quantity,
            average_price: view.average_price,
            mark_price: view.mark_price,
            market_value: view.market_value,
            realized_pnl: view.realized_pnl,
            unrealized_pnl: view.unrealized_pnl,
            fees: view.fees,
        }
    }
}

impl BalanceView {
    pub(crate) fn new(cash: CashView, mode: Mode) -> Self {
        let CashView { portfolio, account, currency, amount } = cash;
        Self { portfolio, account, mode, currency, amount }
    }
}
