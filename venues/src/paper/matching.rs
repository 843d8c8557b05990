//! Fills: what quotes and trades of the market do to orders. The rules:
//!
//! 1. A taker walks the displayed levels, best first, at their prices.
//! 2. A resting limit order is filled as maker at its own price, once the opposite quote reaches that price.
//! 3. A trade beyond its price fills it as far as the trade's size goes. A trade at exactly its price does so
//!    only with what is left after the queue that was displayed before the order.
//! 4. Displayed size counts once per quote and account, a trade's size once per trade and account.

use super::log::{FilledRecord, Record};
use super::venue::PaperVenue;
use crate::market::{Level, Quote, TradePrint};
use bulkhead_domain::order::{Execution, Liquidity};
use bulkhead_domain::report::ReportKind;
use bulkhead_domain::{Amount, ExecutionId, Qty};
use std::collections::HashMap;

/// Decimal places of a fee.
const FEE_SCALE: u32 = 8;

impl PaperVenue {
    pub(super) fn match_quote(&mut self, quote: &Quote) {
        let Some(book) = self.books.get_mut(&quote.symbol) else { return };
        if book.is_closed || !book.replace(quote) {
            return;
        }
        for number in book.crossing() {
            let live = self.state.orders.get(&number).expect("books hold open orders only");
            let book = self.books.get_mut(&quote.symbol).expect("found above");
            let limit = live.order.kind.limit_price();
            let parts = book.take(live.account, live.order.side, limit, live.leaves());
            match limit {
                None => parts.into_iter().for_each(|part| self.fill_as_taker(number, part)),
                Some(price) => {
                    let quantity = parts.iter().fold(Qty::ZERO, |sum, part| sum.plus(part.quantity));
                    self.fill(number, Level { price, quantity }, Liquidity::Maker);
                }
            }
        }
    }

    pub(super) fn match_print(&mut self, print: &TradePrint) {
        let Some(book) = self.books.get(&print.symbol) else { return };
        if book.is_closed {
            return;
        }
        // What each account has left of this trade.
        let mut left: HashMap<usize, Qty> = HashMap::new();
        for number in book.reached_by(print.price) {
            let live = self.state.orders.get_mut(&number).expect("books hold open orders only");
            let price = live.order.kind.limit_price().expect("only limit orders rest at a price");
            let is_through = price != print.price;
            if !is_through && print.aggressor == live.order.side {
                continue;
            }
            let queue = if is_through { Qty::ZERO } else { live.queue_ahead };
            live.queue_ahead = queue.saturating_minus(print.quantity);
            let left = left.entry(live.account).or_insert(print.quantity);
            let behind_queue = print.quantity.saturating_minus(queue);
            let quantity = live.leaves().min(behind_queue).min(*left);
            *left = left.saturating_minus(quantity);
            self.fill(number, Level { price, quantity }, Liquidity::Maker);
        }
    }

    pub(super) fn fill_as_taker(&mut self, number: u64, part: Level) {
        self.fill(number, part, Liquidity::Taker);
    }

    fn fill(&mut self, number: u64, part: Level, liquidity: Liquidity) {
        if part.quantity.is_zero() {
            return;
        }
        let live = self.state.orders.get(&number).expect("callers pass numbers of open orders");
        let account = self.state.account(live.account);
        let book = self.books.get_mut(&live.order.symbol).expect("orders fill only in a book");
        let rate = match liquidity {
            Liquidity::Maker => book.instrument.maker_fee_rate,
            Liquidity::Taker => book.instrument.taker_fee_rate,
        };
        let fee = part.price.notional(part.quantity).get() * rate;
        let fill_n = account.fill_n + 1;
        let filled_quantity = live.filled.plus(part.quantity);
        assert!(filled_quantity <= live.order.quantity, "an order is never filled beyond its quantity");
        let closed = filled_quantity == live.order.quantity;
        if closed {
            book.remove(live.order.side, live.order.kind.limit_price(), number);
        }
        let execution = Execution {
            execution_id: execution_id(self.log.next_n(), fill_n),
            price: part.price,
            quantity: part.quantity,
            fee: Amount::from(fee.round_dp(FEE_SCALE)),
            fee_currency: book.instrument.quote.clone(),
            liquidity,
            venue_ts: self.now,
        };
        let record = FilledRecord {
            key: account.key.clone(),
            venue_client_id: live.order.venue_client_id.clone(),
            venue_order_id: live.venue_order_id.clone(),
            symbol: live.order.symbol.clone(),
            base: book.instrument.base.clone(),
            side: live.order.side,
            execution: execution.clone(),
            filled_quantity,
            closed,
            fill_n,
            prev: live.last,
            prev_fill: account.last_fill,
        };
        let (key, id) = (record.key.clone(), record.venue_client_id.clone());
        let venue_order_id = record.venue_order_id.clone();
        self.record(&Record::Filled(record));
        self.report(&key, &id, ReportKind::Filled { venue_order_id, execution });
    }
}

/// Unique for ever by the line's number; the second part orders the account's fills.
fn execution_id(n: u64, fill_n: u64) -> ExecutionId {
    ExecutionId::parse(&format!("{n}.{fill_n}")).expect("digits and a point are printable and short")
}

/// The account's fill number within an execution id.
pub(super) fn fill_number(id: &ExecutionId) -> Option<u64> {
    id.as_str().split_once('.').and_then(|(_, fill_n)| fill_n.parse().ok())
}
