//! Closing positions for a kill switch: risk knows what is left to close, the desk places the orders.
//!
//! 1. What open orders close already is not closed again, so a position never goes through zero.
//! 2. What is left is looked at after every commit and once a second; a position that resists is tried less and less often.

use super::{Risk, RiskMsg, RiskState};
use crate::order_desk::DeskMsg;
use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::portfolio::PositionKey;
use bulkhead_domain::risk::ToFlatten;
use bulkhead_domain::{ClientOrderId, OrderId};
use bulkhead_supervision::{Context, Instant};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// How long an order that closes a position has before the next one.
const RETRY: Duration = Duration::from_secs(1);
/// The pause doubles this often.
const DOUBLINGS_MAX: u32 = 6;

/// Where closing the positions stands.
#[derive(Default)]
pub(super) struct Flattening {
    pub(super) is_check_due: bool,
    attempts: BTreeMap<PositionKey, Attempt>,
}

struct Attempt {
    at: Instant,
    count: u32,
}

impl Attempt {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.at) >= RETRY * 2_u32.pow(self.count.saturating_sub(1).min(DOUBLINGS_MAX))
    }
}

impl Risk {
    /// Has the desk close what is left, where a halt says so.
    pub(super) fn flatten(&self, cx: &Context<RiskMsg>, state: &mut RiskState) {
        if !state.book.is_flattening() {
            state.flattening.attempts.clear();
            return;
        }
        let (left, now) = (state.book.to_flatten(), Instant::now());
        for one in &left {
            let attempts = &mut state.flattening.attempts;
            let is_due = attempts.get(&one.position).is_none_or(|attempt| attempt.is_over(now));
            if is_due && self.close(one) {
                let attempt = attempts.entry(one.position.clone()).or_insert(Attempt { at: now, count: 0 });
                *attempt = Attempt { at: now, count: attempt.count + 1 };
            }
        }
        if !left.is_empty() && !state.flattening.is_check_due {
            state.flattening.is_check_due = cx.send_self_after(RETRY, RiskMsg::CheckFlat).is_ok();
        }
    }

    /// Whether an order was handed to the desk: not without a market, nor for less than an order may have.
    fn close(&self, one: &ToFlatten) -> bool {
        let symbol = &one.position.symbol;
        let Some(instrument) = self.instruments.get(symbol) else { return false };
        let Some(quantity) = instrument.largest_order_within(one.quantity) else { return false };
        if self.quotes.quote(symbol).is_none() {
            return false;
        }
        let order_id = OrderId(Uuid::now_v7());
        let client_order_id =
            ClientOrderId::parse(&format!("flatten-{order_id}")).expect("a uuid with a prefix is url-safe");
        let place = PlaceOrder { order_id, client_order_id, terms: one.order(quantity), valid_until: None };
        self.desk.notify(DeskMsg::Flatten(Box::new(place))).is_ok()
    }
}
