//! The risk book against a naive model that adds everything up anew and tries every subset of open orders.

use crate::history::instrument;
use crate::support::{Life, dec, opening, price, qty, symbol, terms};
use bulkhead_domain::order::{OrderTerms, Side};
use bulkhead_domain::risk::{DenialCode, PreTrade, Quote, RiskBook};
use bulkhead_domain::{Price, Qty, Symbol};
use proptest::prelude::*;
use rust_decimal::Decimal;

const NAMES: [&str; 2] = ["BTC-USDT", "ETH-USDT"];

#[derive(Debug, Clone)]
struct Ticket {
    symbol: usize,
    side: Side,
    quantity: Qty,
    /// `None`: a market order.
    limit: Option<Price>,
}

impl Ticket {
    fn terms(&self) -> OrderTerms {
        let at = self.limit.map(|limit| format!("@{limit}")).unwrap_or_default();
        let mut terms = terms(self.side, &format!("{}{at}", self.quantity));
        terms.symbol = symbol(NAMES[self.symbol]);
        terms
    }

    fn signed(&self) -> Decimal {
        self.side.signed(self.quantity).get()
    }
}

/// Everything as lists.
#[derive(Debug)]
struct Model {
    cash: Decimal,
    leverage: i64,
    shorts: bool,
    fills: Vec<Ticket>,
    open: Vec<(Ticket, Decimal)>,
    quotes: [Option<(u32, u32)>; 2],
}

impl Model {
    fn quote(&self, at: usize) -> Option<Quote> {
        let (bid, spread) = self.quotes[at]?;
        Some(Quote { bid: price(&bid.to_string()), ask: price(&(bid + spread).to_string()) })
    }

    fn position(&self, at: usize) -> Decimal {
        self.fills.iter().filter(|fill| fill.symbol == at).map(Ticket::signed).sum()
    }

    /// The largest value that could be held if some open orders of one side filled and no others did. What they close
    /// is gone; what they open is worth what they pay for it on average.
    fn worst(&self, at: usize, mark: Decimal, extra: Option<(&Ticket, Decimal)>) -> Decimal {
        let open = self.open.iter().filter(|(ticket, _)| ticket.symbol == at);
        let orders: Vec<(Decimal, Decimal)> = open
            .map(|(ticket, reserved)| (ticket.signed(), *reserved))
            .chain(extra.map(|(ticket, reserved)| (ticket.signed(), reserved)))
            .collect();
        let held = self.position(at);
        let value = |bits: u32| -> Option<Decimal> {
            let filled =
                || orders.iter().enumerate().filter(|(n, _)| bits & (1 << n) != 0).map(|(_, order)| *order);
            let quantity: Decimal = filled().map(|(quantity, _)| quantity).sum();
            let notional: Decimal = filled().map(|(quantity, price)| quantity.abs() * price).sum();
            let one_sided = filled().map(|(quantity, _)| quantity.abs()).sum::<Decimal>() == quantity.abs();
            let after = held + quantity;
            let same_way = |one: Decimal, other: Decimal| one * other > Decimal::ZERO;
            one_sided.then(|| match () {
                () if quantity.is_zero() => held.abs() * mark,
                () if !same_way(after, quantity) => after.abs() * mark,
                () if same_way(held, quantity) => held.abs() * mark + notional,
                () => after.abs() * (notional / quantity.abs()),
            })
        };
        (0..1u32 << orders.len()).filter_map(value).max().unwrap()
    }

    fn reserved(&self, ticket: &Ticket) -> Option<Decimal> {
        let quote = self.quote(ticket.symbol)?;
        Some(match (ticket.limit, ticket.side) {
            (Some(limit), Side::Buy) => limit.get(),
            (Some(limit), Side::Sell) => limit.get().max(quote.bid.get()),
            (None, Side::Buy) => (quote.ask.get() * dec("1.01")).round_dp(8),
            (None, Side::Sell) => quote.bid.get(),
        })
    }

    fn is_raised(&self, ticket: &Ticket, reserved: Decimal, mark: Decimal) -> bool {
        self.worst(ticket.symbol, mark, Some((ticket, reserved))) > self.worst(ticket.symbol, mark, None)
    }

    fn judge(&self, ticket: &Ticket) -> Option<DenialCode> {
        let Some(reserved) = self.reserved(ticket) else { return Some(DenialCode::NoMarketPrice) };
        let mark = self.quote(ticket.symbol)?.mark();
        let selling: Decimal = self
            .open
            .iter()
            .filter(|(open, _)| open.symbol == ticket.symbol && open.side == Side::Sell)
            .map(|(open, _)| open.quantity.get())
            .sum();
        let sellable = (self.position(ticket.symbol) - selling).max(Decimal::ZERO);
        if ticket.side == Side::Sell && !self.shorts && ticket.quantity.get() > sellable {
            return Some(DenialCode::ShortNotAllowed);
        }
        if !self.is_raised(ticket, reserved, mark) {
            return None;
        }
        let (mut equity, mut exposure) = (self.cash, Decimal::ZERO);
        for fill in &self.fills {
            equity -= fill.signed() * dec("100");
        }
        for at in 0..NAMES.len() {
            if self.position(at).is_zero() && self.open.iter().all(|(open, _)| open.symbol != at) {
                continue;
            }
            let Some(quote) = self.quote(at) else { return Some(DenialCode::NoMarketPrice) };
            equity += self.position(at) * quote.mark();
            exposure += self.worst(at, quote.mark(), None);
        }
        let added =
            self.worst(ticket.symbol, mark, Some((ticket, reserved))) - self.worst(ticket.symbol, mark, None);
        let fee = ticket.quantity.get() * reserved * dec("0.001");
        let limit = ((equity - fee) * Decimal::from(self.leverage)).max(Decimal::ZERO);
        (exposure + added > limit).then_some(DenialCode::InsufficientFunds)
    }

    fn book(&self) -> RiskBook {
        let mut book = RiskBook::default();
        let cash = self.cash.to_string();
        opening(self.leverage, self.shorts, &cash).iter().for_each(|event| book.apply(event));
        for (number, fill) in self.fills.iter().enumerate() {
            let mut life = Life::new(500 + number as u128, fill.terms());
            let mut text = crate::support::filled(&format!("f{number}"), &format!("{}@100", fill.quantity));
            if let bulkhead_domain::report::ReportKind::Filled { execution, .. } = &mut text {
                execution.fee = bulkhead_domain::Amount::ZERO;
            }
            life.hear(text);
            life.events.iter().for_each(|(event, _)| book.apply(event));
        }
        for (number, (ticket, reserved)) in self.open.iter().enumerate() {
            let mut data = crate::support::submitted(900 + number as u128, ticket.terms());
            data.reserved_price = Price::try_from(*reserved).unwrap();
            book.apply(&bulkhead_domain::Event::OrderSubmitted(data));
        }
        book
    }
}

fn any_ticket() -> impl Strategy<Value = Ticket> {
    let limit = prop::option::weighted(0.8, 1u32..300);
    (0usize..2, any::<bool>(), 1u32..40, limit).prop_map(|(symbol, sells, lots, limit)| Ticket {
        symbol,
        side: if sells { Side::Sell } else { Side::Buy },
        quantity: qty(&(Decimal::from(lots) / Decimal::from(4)).to_string()),
        limit: limit.map(|limit| price(&limit.to_string())),
    })
}

fn any_model() -> impl Strategy<Value = Model> {
    let quote = || prop::option::weighted(0.9, (1u32..200, 1u32..5));
    let open = prop::collection::vec((any_ticket(), 1u32..300), 0..5);
    (0i64..4_000, 1i64..6, any::<bool>(), prop::collection::vec(any_ticket(), 0..4), open, [quote(), quote()])
        .prop_map(|(cash, leverage, shorts, fills, open, quotes)| Model {
            cash: Decimal::from(cash),
            leverage,
            shorts,
            fills,
            open: open.into_iter().map(|(ticket, at)| (ticket, Decimal::from(at))).collect(),
            quotes,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_book_answers_as_the_model_does(model in any_model(), ticket in any_ticket()) {
        let book = model.book();
        let (terms, before) = (ticket.terms(), book.clone());
        let quotes = |asked: &Symbol| model.quote(NAMES.iter().position(|name| *name == asked.as_str())?);
        let instrument = instrument(terms.symbol.as_str());
        let answer = book.authorize(&PreTrade { terms: &terms, instrument: &instrument, quotes: &quotes }).unwrap();
        prop_assert_eq!(&book, &before);
        prop_assert_eq!(answer.outcome.as_ref().err().map(|denial| denial.code), model.judge(&ticket));
        if let Ok(reservation) = answer.outcome {
            prop_assert_eq!(Some(reservation.price.get()), model.reserved(&ticket));
            let mut reserved = book.clone();
            let order_id = bulkhead_domain::OrderId(uuid::Uuid::from_u128(1));
            reserved.reserve(order_id, reservation);
            prop_assert!(reserved.release(order_id));
            let asked = |book: &RiskBook| book.authorize(&PreTrade { terms: &terms, instrument: &instrument, quotes: &quotes });
            prop_assert_eq!(asked(&reserved), asked(&book), "a reservation given back leaves no trace");
        }
    }
}
