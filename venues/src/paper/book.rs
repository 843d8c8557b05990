//! One symbol: what the market displays, what each account has taken of it, and whose orders wait.

use crate::market::{Level, Quote};
use bulkhead_domain::instrument::Instrument;
use bulkhead_domain::order::Side;
use bulkhead_domain::{Price, Qty};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What one account has taken of the current quote, per level.
#[derive(Debug, Default)]
struct Taken {
    bids: Vec<Qty>,
    asks: Vec<Qty>,
}

/// One symbol's market and waiting orders, by order number.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) instrument: Instrument,
    pub(super) is_closed: bool,
    bids: Arc<[Level]>,
    asks: Arc<[Level]>,
    generation: Option<u64>,
    taken: HashMap<usize, Taken>,
    buys: BTreeSet<(Price, Reverse<u64>)>,
    sells: BTreeSet<(Price, u64)>,
    /// Market orders that the displayed size did not cover.
    waiting: BTreeSet<u64>,
}

impl Book {
    pub(super) fn new(instrument: Instrument) -> Self {
        Self {
            instrument,
            is_closed: false,
            bids: Arc::from([]),
            asks: Arc::from([]),
            generation: None,
            taken: HashMap::new(),
            buys: BTreeSet::new(),
            sells: BTreeSet::new(),
            waiting: BTreeSet::new(),
        }
    }

    /// Takes a quote over; says whether it is a new one.
    pub(super) fn replace(&mut self, quote: &Quote) -> bool {
        if self.generation == Some(quote.generation) {
            return false;
        }
        self.generation = Some(quote.generation);
        self.bids = Arc::clone(&quote.bids);
        self.asks = Arc::clone(&quote.asks);
        self.taken.clear();
        true
    }

    /// Ends trading.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.bids = Arc::from([]);
        self.asks = Arc::from([]);
        self.taken.clear();
    }

    /// Takes up to `want` from the account's view of the side opposite to `side`, best level first.
    pub(super) fn take(&mut self, account: usize, side: Side, limit: Option<Price>, want: Qty) -> Vec<Level> {
        let taken = self.taken.entry(account).or_default();
        let (levels, taken) = match side {
            Side::Buy => (&self.asks, &mut taken.asks),
            Side::Sell => (&self.bids, &mut taken.bids),
        };
        taken.resize(levels.len(), Qty::ZERO);
        let mut parts = Vec::new();
        let mut rest = want;
        for (level, taken) in levels.iter().zip(taken.iter_mut()) {
            if rest.is_zero() || limit.is_some_and(|limit| is_beyond(side, level.price, limit)) {
                break;
            }
            let part = level.quantity.saturating_minus(*taken).min(rest);
            if !part.is_zero() {
                *taken = taken.plus(part);
                rest = rest.saturating_minus(part);
                parts.push(Level { price: level.price, quantity: part });
            }
        }
        parts
    }

    /// How much the account could take at once.
    pub(super) fn on_offer(&self, account: usize, side: Side, limit: Option<Price>) -> Qty {
        let taken = self.taken.get(&account);
        let (levels, taken) = match side {
            Side::Buy => (&self.asks, taken.map(|taken| &taken.asks)),
            Side::Sell => (&self.bids, taken.map(|taken| &taken.bids)),
        };
        let mut sum = Qty::ZERO;
        for (at, level) in levels.iter().enumerate() {
            if limit.is_some_and(|limit| is_beyond(side, level.price, limit)) {
                break;
            }
            let gone = taken.and_then(|taken| taken.get(at)).copied().unwrap_or(Qty::ZERO);
            sum = sum.plus(level.quantity.saturating_minus(gone));
        }
        sum
    }

    /// What is displayed in front of an order that comes to rest. Beyond the visible book the queue is not
    /// known; the last visible level stands for it, as assuming none would fill too well.
    pub(super) fn queue_at(&self, side: Side, price: Price) -> Qty {
        let levels = match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        };
        if let Some(level) = levels.iter().find(|level| level.price == price) {
            return level.quantity;
        }
        match levels.last() {
            Some(worst) if side == Side::Buy && price < worst.price => worst.quantity,
            Some(worst) if side == Side::Sell && price > worst.price => worst.quantity,
            _ => Qty::ZERO,
        }
    }

    /// Queues a limit order.
    pub(super) fn rest(&mut self, side: Side, price: Price, number: u64) {
        match side {
            Side::Buy => self.buys.insert((price, Reverse(number))),
            Side::Sell => self.sells.insert((price, number)),
        };
    }

    /// Lets a market order wait for the next quote.
    pub(super) fn wait(&mut self, number: u64) {
        self.waiting.insert(number);
    }

    /// Forgets an order that is over.
    pub(super) fn remove(&mut self, side: Side, limit: Option<Price>, number: u64) {
        match (side, limit) {
            (_, None) => self.waiting.remove(&number),
            (Side::Buy, Some(price)) => self.buys.remove(&(price, Reverse(number))),
            (Side::Sell, Some(price)) => self.sells.remove(&(price, number)),
        };
    }

    /// Orders that the current quote can fill: market orders first, then by price and age.
    pub(super) fn crossing(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.waiting.iter().copied().collect();
        if let Some(ask) = self.asks.first() {
            numbers.extend(self.buys_from(ask.price));
        }
        if let Some(bid) = self.bids.first() {
            numbers.extend(self.sells_to(bid.price));
        }
        numbers
    }

    /// Resting orders that a trade at `price` reaches, by price and age.
    pub(super) fn reached_by(&self, price: Price) -> Vec<u64> {
        self.buys_from(price).chain(self.sells_to(price)).collect()
    }

    /// Every order that waits here.
    pub(super) fn all_waiting(&self) -> Vec<u64> {
        let buys = self.buys.iter().map(|(_, number)| number.0);
        let sells = self.sells.iter().map(|(_, number)| *number);
        self.waiting.iter().copied().chain(buys).chain(sells).collect()
    }

    fn buys_from(&self, price: Price) -> impl Iterator<Item = u64> {
        self.buys.range((price, Reverse(u64::MAX))..).rev().map(|(_, number)| number.0)
    }

    fn sells_to(&self, price: Price) -> impl Iterator<Item = u64> {
        self.sells.range(..=(price, u64::MAX)).map(|(_, number)| *number)
    }
}

/// Whether an order of `side` with this limit must not trade at `price`.
fn is_beyond(side: Side, price: Price, limit: Price) -> bool {
    match side {
        Side::Buy => price > limit,
        Side::Sell => price < limit,
    }
}
