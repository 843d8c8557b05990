//! The pre-trade chain: small pure checks in a fixed order. The first that fails denies the order.

use super::{AccountRisk, HaltBook, HaltMode, LimitBook, Quote, Reservation, RiskBook, SymbolRisk, limits};
use crate::instrument::Instrument;
use crate::money::NOTIONAL_LIMIT;
use crate::order::{OrderKind, OrderTerms, Side, Verdict};
use crate::text::write_enum_name;
use crate::{OrderId, Price, Symbol};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A market buy is reserved this far above the best ask, since it may walk the book.
const MARKET_COLLAR: Decimal = Decimal::from_parts(101, 0, 0, false, 2);

/// Why the chain refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DenialCode {
    /// The kill switch lets nothing through.
    TradingHalted,
    /// The kill switch lets through only what reduces a position.
    TradingReduceOnly,
    /// The limits' lists of symbols bar it.
    SymbolNotAllowed,
    OrderQuantityLimit,
    OrderNotionalLimit,
    PositionLimit,
    GrossExposureLimit,
    NetExposureLimit,
    OpenOrdersLimit,
    /// The limit price is too far from the market.
    PriceCollar,
    /// Nobody quotes the symbol right now.
    NoMarketPrice,
    /// The instrument is not priced in the account's currency.
    CurrencyMismatch,
    OrderValueTooLarge,
    /// A reduce-only order would not only reduce.
    ReduceOnlyExceeded,
    ShortNotAllowed,
    InsufficientFunds,
}

impl fmt::Display for DenialCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_enum_name(self, f)
    }
}

/// A refusal, with what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub code: DenialCode,
    pub message: String,
    /// What a limit allows, and what would have been.
    pub numbers: Option<(Decimal, Decimal)>,
}

/// The chain's answer: every verdict up to the first refusal, and what to reserve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    pub verdicts: Vec<Verdict>,
    pub outcome: Result<Reservation, Denial>,
}

/// What is asked, with what is known of the market.
pub struct PreTrade<'a> {
    pub terms: &'a OrderTerms,
    pub instrument: &'a Instrument,
    /// The present quote of a symbol, if there is one.
    pub quotes: &'a dyn Fn(&Symbol) -> Option<Quote>,
}

/// The question with the account it concerns.
pub(super) struct Case<'a> {
    pub(super) ask: &'a PreTrade<'a>,
    pub(super) account: &'a AccountRisk,
    halts: &'a HaltBook,
    pub(super) limits: &'a LimitBook,
    pub(super) reservations: &'a BTreeMap<OrderId, Reservation>,
    /// One unit is reserved at this.
    pub(super) price: Option<Price>,
}

type Check = fn(&Case<'_>) -> Result<(), Denial>;

/// In this order, always.
const CHAIN: &[(&str, Check)] = &[
    ("trading_state", check_trading_state),
    ("currency", check_currency),
    ("market_price", check_market_price),
    ("order_value", check_order_value),
    ("reduce_only", check_reduce_only),
    ("symbols", limits::check_symbols),
    ("order_quantity", limits::check_order_quantity),
    ("order_notional", limits::check_order_notional),
    ("price_collar", limits::check_price_collar),
    ("open_orders", limits::check_open_orders),
    ("position", limits::check_position),
    ("gross_exposure", limits::check_gross_exposure),
    ("net_exposure", limits::check_net_exposure),
    ("short_sale", check_short_sale),
    ("buying_power", check_buying_power),
];

impl RiskBook {
    /// Runs the chain. Changes nothing; the caller reserves what the answer says. `None` when the tenant has
    /// no such account.
    pub fn authorize(&self, ask: &PreTrade<'_>) -> Option<Authorization> {
        let account = self.account(&ask.terms.account)?;
        let case = Case {
            ask,
            account,
            halts: &self.halts,
            limits: &self.limits,
            reservations: &self.reservations,
            price: reserve_price(ask),
        };
        let mut verdicts = Vec::with_capacity(CHAIN.len());
        for (check, run) in CHAIN {
            let result = run(&case);
            let code = result.as_ref().err().map(|denial| denial.code.to_string());
            let numbers = result.as_ref().err().and_then(|denial| denial.numbers);
            verdicts.push(Verdict {
                check: (*check).to_owned(),
                passed: result.is_ok(),
                code,
                limit: numbers.map(|(limit, _)| limit.normalize().to_string()),
                would_be: numbers.map(|(_, would_be)| would_be.normalize().to_string()),
            });
            if let Err(denial) = result {
                return Some(Authorization { verdicts, outcome: Err(denial) });
            }
        }
        let price = case.price.expect("the chain passed, so a price was known");
        let terms = ask.terms;
        let reservation = Reservation {
            account: terms.account.clone(),
            symbol: terms.symbol.clone(),
            side: terms.side,
            price,
            leaves: terms.quantity,
        };
        Some(Authorization { verdicts, outcome: Ok(reservation) })
    }
}

fn deny(code: DenialCode, message: String) -> Result<(), Denial> {
    Err(Denial { code, message, numbers: None })
}

/// A refusal by a limit of `scope`.
pub(super) fn deny_beyond(
    code: DenialCode,
    scope: &str,
    numbers: Option<(Decimal, Decimal)>,
) -> Result<(), Denial> {
    let message = match numbers {
        Some((limit, would_be)) => {
            let (limit, would_be) = (limit.normalize(), would_be.normalize());
            format!("beyond a limit of {scope}: it would be {would_be}, at most {limit} is allowed")
        }
        None => format!("barred by the limits of {scope}"),
    };
    Err(Denial { code, message, numbers })
}

impl Case<'_> {
    /// Whether the order does nothing but reduce a position.
    pub(super) fn reduces(&self) -> bool {
        let terms = self.ask.terms;
        terms.quantity.get() <= self.account.symbol(&terms.symbol).closable(terms.side)
    }

    pub(super) fn mark(&self) -> Option<Decimal> {
        (self.ask.quotes)(&self.ask.terms.symbol).map(Quote::mark)
    }

    /// The symbol's exposure before the order and with it.
    pub(super) fn exposures(&self) -> Option<(Decimal, Decimal)> {
        let (terms, mark) = (self.ask.terms, self.mark()?);
        let held = self.account.symbol(&terms.symbol);
        let mut with_order = held;
        with_order.reserve(terms.side, terms.quantity.get(), self.price?.get());
        Some((held.exposure(mark), with_order.exposure(mark)))
    }
}

fn reserve_price(ask: &PreTrade<'_>) -> Option<Price> {
    let quote = (ask.quotes)(&ask.terms.symbol)?;
    match (ask.terms.kind, ask.terms.side) {
        (OrderKind::Limit { price }, Side::Buy) => Some(price),
        (OrderKind::Limit { price }, Side::Sell) => Some(price.max(quote.bid)),
        (OrderKind::Market, Side::Buy) => {
            Price::try_from((quote.ask.get() * MARKET_COLLAR).round_dp(crate::money::SCALE_MAX)).ok()
        }
        (OrderKind::Market, Side::Sell) => Some(quote.bid),
    }
}

fn check_trading_state(case: &Case<'_>) -> Result<(), Denial> {
    let terms = case.ask.terms;
    let Some(halt) = case.halts.strictest(&terms.account, &terms.symbol) else { return Ok(()) };
    let (scope, reason) = (&halt.scope, &halt.reason);
    if halt.mode == HaltMode::Halt {
        return deny(
            DenialCode::TradingHalted,
            format!("trading is halted for {scope} ({reason}): no order passes until it is resumed"),
        );
    }
    let closable = case.account.symbol(&terms.symbol).closable(terms.side);
    if terms.quantity.get() <= closable {
        return Ok(());
    }
    let (quantity, mode) = (terms.quantity, halt.mode);
    deny(
        DenialCode::TradingReduceOnly,
        format!(
            "{scope} is halted with {mode} ({reason}): {quantity} asked, at most {closable} would reduce a position"
        ),
    )
}

fn check_currency(case: &Case<'_>) -> Result<(), Denial> {
    let (quote, currency) = (&case.ask.instrument.quote, &case.account.currency);
    if quote == currency {
        return Ok(());
    }
    let symbol = &case.ask.terms.symbol;
    deny(
        DenialCode::CurrencyMismatch,
        format!("{symbol} is priced in {quote}: an account in {currency} cannot trade it"),
    )
}

fn check_market_price(case: &Case<'_>) -> Result<(), Denial> {
    if case.price.is_some() {
        return Ok(());
    }
    let symbol = &case.ask.terms.symbol;
    deny(
        DenialCode::NoMarketPrice,
        format!("nobody quotes {symbol} right now: try again when its market is open"),
    )
}

fn check_order_value(case: &Case<'_>) -> Result<(), Denial> {
    let price = case.price.map_or(Decimal::MAX, Price::get);
    let value = price.checked_mul(case.ask.terms.quantity.get()).unwrap_or(Decimal::MAX);
    if value < NOTIONAL_LIMIT {
        return Ok(());
    }
    deny(
        DenialCode::OrderValueTooLarge,
        format!("the order is worth {value}: must be less than {NOTIONAL_LIMIT}"),
    )
}

/// What is already being closed by open orders cannot be closed again.
fn check_reduce_only(case: &Case<'_>) -> Result<(), Denial> {
    let terms = case.ask.terms;
    if !terms.reduce_only {
        return Ok(());
    }
    let symbol = case.account.symbol(&terms.symbol);
    let reducible = symbol.closable(terms.side);
    if terms.quantity.get() <= reducible {
        return Ok(());
    }
    let quantity = terms.quantity;
    deny(
        DenialCode::ReduceOnlyExceeded,
        format!(
            "the order may only reduce the position: {quantity} asked, {reducible} held and not being closed"
        ),
    )
}

fn check_short_sale(case: &Case<'_>) -> Result<(), Denial> {
    let terms = case.ask.terms;
    if terms.side == Side::Buy || case.account.shorts_allowed {
        return Ok(());
    }
    let symbol = case.account.symbol(&terms.symbol);
    let sellable = symbol.closable(Side::Sell);
    if terms.quantity.get() <= sellable {
        return Ok(());
    }
    let quantity = terms.quantity;
    deny(
        DenialCode::ShortNotAllowed,
        format!(
            "the account may not sell short: {quantity} asked, {sellable} held and not already being sold"
        ),
    )
}

/// Exposure after the order may not exceed equity (less the order's own fee) times leverage, unless the order
/// does not raise it.
fn check_buying_power(case: &Case<'_>) -> Result<(), Denial> {
    let terms = case.ask.terms;
    let price = case.price.map_or(Decimal::ZERO, Price::get);
    let held = case.account.symbol(&terms.symbol);
    let mark = (case.ask.quotes)(&terms.symbol).map_or(price, Quote::mark);
    let mut with_order: SymbolRisk = held;
    with_order.reserve(terms.side, terms.quantity.get(), price);
    let (before, after) = (held.exposure(mark), with_order.exposure(mark));
    if after <= before {
        return Ok(());
    }
    let Some(valued) = value_account(case.account, case.ask.quotes) else {
        return deny(
            DenialCode::NoMarketPrice,
            "a position of the account has no market price right now, so its buying power is not known"
                .to_owned(),
        );
    };
    let fee = terms.quantity.get() * price * case.ask.instrument.taker_fee_rate;
    let limit = ((valued.equity - fee) * case.account.leverage_max).max(Decimal::ZERO);
    let needed = valued.exposure - before + after;
    if needed <= limit {
        return Ok(());
    }
    let currency = &case.account.currency;
    let (needed, limit) = (needed.round_dp(2), limit.round_dp(2));
    deny(
        DenialCode::InsufficientFunds,
        format!(
            "the order would take exposure to {needed} {currency}: at most {limit} {currency} is allowed"
        ),
    )
}

pub(super) struct Valued {
    equity: Decimal,
    pub(super) exposure: Decimal,
}

/// `None` when something is held that nobody quotes.
pub(super) fn value_account(
    account: &AccountRisk,
    quotes: &dyn Fn(&Symbol) -> Option<Quote>,
) -> Option<Valued> {
    let cash = account.cash.get(&account.currency).map_or(Decimal::ZERO, |amount| amount.get());
    let mut valued = Valued { equity: cash, exposure: Decimal::ZERO };
    for (symbol, risk) in &account.symbols {
        if *risk == SymbolRisk::default() {
            continue;
        }
        let mark = quotes(symbol)?.mark();
        valued.equity += risk.position * mark;
        valued.exposure += risk.exposure(mark);
    }
    Some(valued)
}
