//! Questions about orders, fills and balances. Closed orders are read back from the log.

use super::PaperError;
use super::log::{BarredRecord, IdSpace, Line, Position, Record};
use super::matching::fill_number;
use super::state::{FILL_MARK_STRIDE, LiveOrder};
use super::venue::{Call, PaperVenue};
use crate::link::{AccountFill, Balance, FillCursor, OpenOrder, SubmitOrder, VenueMessage};
use bulkhead_domain::order::Execution;
use bulkhead_domain::report::{ReportKind, VenueOrder, VenueOrderState, VenueReport};
use bulkhead_domain::{Qty, VenueClientId, VenueOrderId};

/// Everything the log says about one order.
pub(super) struct History {
    pub(super) order: SubmitOrder,
    pub(super) venue_order: VenueOrder,
}

impl PaperVenue {
    pub(super) fn query_order(&mut self, call: &Call, id: &VenueClientId) -> Result<(), PaperError> {
        let key = &call.request.account;
        let last = match self.state.find_order(key, id).map(|order| order.last) {
            Some(position) => Some(self.log.read(position)?),
            None => self.log.find(key, IdSpace::Order, id)?,
        };
        let history = match last {
            Some(line) => self.history(line)?,
            None => {
                // Makes the answer true for ever, whatever is still under way.
                let record = BarredRecord { key: key.clone(), venue_client_id: id.clone() };
                self.record(&Record::Barred(record));
                None
            }
        };
        self.report_state(call, id, history.map(|history| history.venue_order));
        Ok(())
    }

    pub(super) fn report_state(&mut self, call: &Call, id: &VenueClientId, order: Option<VenueOrder>) {
        let kind = ReportKind::State { order };
        let report = VenueReport { venue_client_id: id.clone(), venue_ts: self.now, kind };
        self.answer(call, VenueMessage::Report(report));
    }

    /// Follows an order's lines from its last one back to its first; `None` for a barred id.
    pub(super) fn history(&mut self, last: Line) -> Result<Option<History>, PaperError> {
        let mut state = VenueOrderState::Open;
        let mut filled_quantity = None;
        let mut executions: Vec<Execution> = Vec::new();
        let mut line = last;
        loop {
            let prev = match line.record {
                Record::Accepted(accepted) => {
                    executions.reverse();
                    let venue_order = VenueOrder {
                        venue_order_id: accepted.venue_order_id,
                        state,
                        filled_quantity: filled_quantity.unwrap_or(Qty::ZERO),
                        executions,
                    };
                    return Ok(Some(History { order: accepted.order, venue_order }));
                }
                Record::Rejected(rejected) => {
                    let venue_order_id = rejected_order_id(line.n);
                    let state = VenueOrderState::Rejected { code: rejected.code, message: rejected.message };
                    let venue_order =
                        VenueOrder { venue_order_id, state, filled_quantity: Qty::ZERO, executions };
                    return Ok(Some(History { order: rejected.order, venue_order }));
                }
                Record::Canceled(canceled) => {
                    state = VenueOrderState::Canceled { cause: canceled.cause };
                    canceled.prev
                }
                Record::Expired(expired) => {
                    state = VenueOrderState::Expired;
                    expired.prev
                }
                Record::Filled(filled) => {
                    if filled.closed {
                        state = VenueOrderState::Filled;
                    }
                    filled_quantity.get_or_insert(filled.filled_quantity);
                    executions.push(filled.execution);
                    filled.prev
                }
                Record::Barred(_) | Record::State(_) | Record::AccountOpened(_) | Record::Deposit(_) => {
                    return Ok(None);
                }
            };
            line = self.log.read(prev)?;
        }
    }

    pub(super) fn list_open_orders(&mut self, call: &Call) {
        let Some(index) = self.account_of(call) else { return };
        let account = self.state.account(index);
        let mut live: Vec<&LiveOrder> =
            account.orders.values().filter_map(|number| self.state.orders.get(number)).collect();
        live.sort_unstable_by_key(|order| order.number);
        let open = |order: &&LiveOrder| OpenOrder {
            venue_order_id: order.venue_order_id.clone(),
            filled_quantity: order.filled,
            order: order.order.clone(),
        };
        let orders = live.iter().map(open).collect();
        self.answer(call, VenueMessage::OpenOrders { request_id: call.request.request_id, orders });
    }

    pub(super) fn list_balances(&mut self, call: &Call) {
        let Some(index) = self.account_of(call) else { return };
        let balances = self.state.account(index).balances.iter();
        let balances =
            balances.map(|(currency, amount)| Balance { currency: currency.clone(), amount: *amount });
        let balances = balances.collect();
        self.answer(call, VenueMessage::Balances { request_id: call.request.request_id, balances });
    }

    pub(super) fn list_fills(&mut self, call: &Call, cursor: Option<&FillCursor>) -> Result<(), PaperError> {
        let Some(index) = self.account_of(call) else { return Ok(()) };
        let after = match cursor.map(|cursor| fill_number(&cursor.execution_id)) {
            None => 0,
            Some(Some(fill_n)) => fill_n,
            Some(None) => {
                self.refuse(call, "INVALID_CURSOR", "the cursor must hold an execution_id of this venue");
                return Ok(());
            }
        };
        let (from, is_last) = self.page_end(index, after);
        let mut fills = self.fills_back(from, after)?;
        fills.reverse();
        let cursor_at = |fill: &AccountFill| FillCursor {
            execution_id: fill.execution.execution_id.clone(),
            venue_ts: fill.execution.venue_ts,
        };
        let next = if is_last { None } else { fills.last().map(cursor_at) };
        self.answer(call, VenueMessage::Fills { request_id: call.request.request_id, fills, next });
        Ok(())
    }

    /// Where the page after the account's fill number `after` ends, and whether it is the last one.
    fn page_end(&self, account: usize, after: u64) -> (Option<Position>, bool) {
        let account = self.state.account(account);
        let mark = usize::try_from(after / FILL_MARK_STRIDE).ok().and_then(|at| account.fill_marks.get(at));
        match mark {
            Some(mark) if Some(*mark) != account.last_fill => (Some(*mark), false),
            _ => (account.last_fill, true),
        }
    }

    /// The account's fills from the one at `from` back to the one after number `after`, newest first.
    fn fills_back(&mut self, from: Option<Position>, after: u64) -> Result<Vec<AccountFill>, PaperError> {
        let mut fills = Vec::new();
        let mut next = from;
        while let Some(position) = next {
            let Record::Filled(filled) = self.log.read(position)?.record else { break };
            if filled.fill_n <= after {
                break;
            }
            next = filled.prev_fill;
            fills.push(AccountFill {
                venue_client_id: filled.venue_client_id,
                venue_order_id: filled.venue_order_id,
                symbol: filled.symbol,
                side: filled.side,
                execution: filled.execution,
            });
        }
        Ok(fills)
    }

    /// The account a request is for; refuses the request when there is none.
    fn account_of(&mut self, call: &Call) -> Option<usize> {
        let index = self.state.by_key.get(&call.request.account).copied();
        if index.is_none() {
            self.refuse(call, "UNKNOWN_ACCOUNT", "the account was never opened");
        }
        index
    }
}

/// A rejected order has no number of its own; its line does.
fn rejected_order_id(n: u64) -> VenueOrderId {
    VenueOrderId::parse(&format!("R{n}")).expect("a letter and digits are printable and short")
}
