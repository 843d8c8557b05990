//! The picture of a portfolio at the present market.

use crate::failure::UnknownPart;
use crate::quotes::QuoteBoard;
use bulkhead_domain::order::Mode;
use bulkhead_domain::portfolio::{PortfolioBook, Position, PositionKey};
use bulkhead_domain::{AccountId, Amount, Currency, PortfolioId, SignedQty, Symbol};
use rust_decimal::Decimal;

/// Which part of the book is looked at. Without a mode: live if there is a live account, else paper.
#[derive(Debug, Clone, Default)]
pub struct PortfolioFilter {
    pub mode: Option<Mode>,
    pub account: Option<AccountId>,
    pub portfolio: Option<PortfolioId>,
}

impl PortfolioFilter {
    /// Whether the tenant has what is asked for: nothing of an account that is not there would look like no money in it.
    pub(super) fn check(&self, book: &PortfolioBook) -> Result<(), UnknownPart> {
        match (&self.account, &self.portfolio) {
            (Some(account), _) if !book.accounts.contains_key(account) => {
                Err(UnknownPart::Account(account.clone()))
            }
            (_, Some(portfolio)) if !book.portfolios.contains(portfolio) => {
                Err(UnknownPart::Portfolio(portfolio.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// Accounts of one mode, added up.
#[derive(Debug, Clone)]
pub struct PortfolioView {
    /// Everything up to this event is in it.
    pub as_of_seq: i64,
    pub mode: Mode,
    pub currency: Currency,
    /// Cash plus market value; `None` while something held has no price.
    pub equity: Option<Amount>,
    pub cash: Amount,
    pub realized_pnl: Amount,
    /// `None` while something held has no price.
    pub unrealized_pnl: Option<Amount>,
    pub fees: Amount,
    pub positions: Vec<PositionView>,
    /// All cash, currency by currency.
    pub balances: Vec<CashView>,
}

/// One position at the present market.
#[derive(Debug, Clone)]
pub struct PositionView {
    pub portfolio: PortfolioId,
    pub account: AccountId,
    pub symbol: Symbol,
    pub quantity: SignedQty,
    pub average_price: Option<Amount>,
    /// The middle of the quote; `None` while nobody quotes.
    pub mark_price: Option<Amount>,
    pub market_value: Option<Amount>,
    pub realized_pnl: Amount,
    pub unrealized_pnl: Option<Amount>,
    pub fees: Amount,
}

/// Cash of one currency.
#[derive(Debug, Clone)]
pub struct CashView {
    pub portfolio: PortfolioId,
    pub account: AccountId,
    pub currency: Currency,
    pub amount: Amount,
}

/// Used where a tenant has no account of the mode asked for.
const CURRENCY_DEFAULT: &str = "USDT";

pub(super) fn picture(
    book: &PortfolioBook,
    as_of_seq: i64,
    filter: &PortfolioFilter,
    quotes: &QuoteBoard,
) -> PortfolioView {
    let mode = filter.mode.unwrap_or_else(|| default_mode(book));
    let is_asked = |portfolio: &PortfolioId, account: &AccountId| {
        book.accounts.get(account).is_some_and(|known| known.mode == mode)
            && filter.account.as_ref().is_none_or(|wanted| wanted == account)
            && filter.portfolio.as_ref().is_none_or(|wanted| wanted == portfolio)
    };
    let currency = book.accounts.values().find(|account| account.mode == mode).map_or_else(
        || Currency::parse(CURRENCY_DEFAULT).expect("upper case"),
        |account| account.currency.clone(),
    );
    let positions: Vec<PositionView> = book
        .positions
        .iter()
        .filter(|(key, _)| is_asked(&key.portfolio, &key.account))
        .map(|(key, position)| position_view(key, position, quotes))
        .collect();
    let balances: Vec<CashView> = book
        .cash
        .iter()
        .filter(|(key, _)| is_asked(&key.portfolio, &key.account))
        .map(|(key, amount)| CashView {
            portfolio: key.portfolio.clone(),
            account: key.account.clone(),
            currency: key.currency.clone(),
            amount: *amount,
        })
        .collect();
    let cash: Decimal =
        balances.iter().filter(|cash| cash.currency == currency).map(|cash| cash.amount.get()).sum();
    let sum =
        |pick: fn(&PositionView) -> Amount| positions.iter().map(|one| pick(one).get()).sum::<Decimal>();
    let sum_known = |pick: fn(&PositionView) -> Option<Amount>| {
        positions.iter().map(|one| pick(one).map(Amount::get)).sum::<Option<Decimal>>()
    };
    PortfolioView {
        as_of_seq,
        mode,
        equity: sum_known(|one| one.market_value).map(|value| Amount::from(value + cash)),
        cash: Amount::from(cash),
        realized_pnl: Amount::from(sum(|one| one.realized_pnl)),
        unrealized_pnl: sum_known(|one| one.unrealized_pnl).map(Amount::from),
        fees: Amount::from(sum(|one| one.fees)),
        currency,
        positions,
        balances,
    }
}

fn default_mode(book: &PortfolioBook) -> Mode {
    if book.accounts.values().any(|account| account.mode == Mode::Live) { Mode::Live } else { Mode::Paper }
}

fn position_view(key: &PositionKey, position: &Position, quotes: &QuoteBoard) -> PositionView {
    let quantity = position.quantity.get();
    let mark = quotes.quote(&key.symbol).map(bulkhead_domain::risk::Quote::mark);
    // A flat position is worth nothing whatever the market, so it needs no price.
    let value = if quantity.is_zero() { Some(Decimal::ZERO) } else { mark.map(|mark| mark * quantity) };
    PositionView {
        portfolio: key.portfolio.clone(),
        account: key.account.clone(),
        symbol: key.symbol.clone(),
        quantity: position.quantity,
        average_price: position.average_price(),
        mark_price: mark.map(Amount::from),
        market_value: value.map(Amount::from),
        realized_pnl: position.realized_pnl,
        unrealized_pnl: value.map(|value| Amount::from(value - position.cost.get())),
        fees: position.fees,
    }
}
