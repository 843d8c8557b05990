//! New orders, and money for accounts.

use super::PaperError;
use super::log::{AcceptedRecord, DepositRecord, IdSpace, OpenedRecord, Record, RejectedRecord};
use super::state::venue_order_id;
use super::venue::{Call, PaperVenue};
use crate::link::{Funding, Refusal, RequestId, SubmitOrder, VenueMessage};
use bulkhead_domain::instrument::InstrumentRuleError;
use bulkhead_domain::order::{OrderTerms, TermsRuleError, TimeInForce};
use bulkhead_domain::report::{ReportKind, VenueCancelCause};
use bulkhead_domain::{Amount, PortfolioId, Timestamp, VenueClientId};
use std::sync::LazyLock;

/// An account may have so many orders open; more are rejected.
pub const OPEN_ORDERS_PER_ACCOUNT_MAX: usize = 10_000;
/// The venue holds so many open orders; more are rejected.
pub const OPEN_ORDERS_MAX: usize = 1_000_000;
/// The venue holds so many accounts; further openings are refused.
pub const ACCOUNTS_MAX: usize = 100_000;

/// The venue knows no portfolios, but the shared rules are written for terms that have one.
static NO_PORTFOLIO: LazyLock<PortfolioId> =
    LazyLock::new(|| PortfolioId::parse("none").expect("lower-case letters are within the alphabet"));

impl PaperVenue {
    pub(super) fn submit(
        &mut self,
        call: &Call,
        order: &SubmitOrder,
        is_expired: bool,
    ) -> Result<(), PaperError> {
        if self.answer_repeated(call, order)? {
            return Ok(());
        }
        if is_expired {
            self.reject(call, order, refusal("REQUEST_EXPIRED", "the request arrived after it had expired"));
            return Ok(());
        }
        match self.check(call, order) {
            Err(refusal) => self.reject(call, order, refusal),
            Ok(account) => self.accept(call, order, account),
        }
        Ok(())
    }

    /// Answers a request whose id is known, and says whether it is.
    fn answer_repeated(&mut self, call: &Call, order: &SubmitOrder) -> Result<bool, PaperError> {
        let key = &call.request.account;
        let id = &order.venue_client_id;
        let last = match self.state.find_order(key, id).map(|order| order.last) {
            Some(position) => Some(self.log.read(position)?),
            None => self.log.find(key, IdSpace::Order, id)?,
        };
        let Some(line) = last else { return Ok(false) };
        match self.history(line)? {
            Some(history) if history.order == *order => {
                self.report_state(call, id, Some(history.venue_order));
            }
            // Not a report: that would speak about the first order.
            Some(_) => self.refuse(call, "DUPLICATE_CLIENT_ID", "another order has this venue_client_id"),
            None => self.reject_unlogged(call, id),
        }
        Ok(true)
    }

    fn reject_unlogged(&mut self, call: &Call, id: &VenueClientId) {
        let code = "ORDER_BARRED".to_owned();
        let message = "a query was already answered that this order does not exist".to_owned();
        self.report(&call.request.account, id, ReportKind::Rejected { code, message });
    }

    fn check(&self, call: &Call, order: &SubmitOrder) -> Result<usize, Refusal> {
        let Some(account) = self.state.by_key.get(&call.request.account).copied() else {
            return Err(refusal("UNKNOWN_ACCOUNT", "the account was never opened"));
        };
        let Some(book) = self.books.get(&order.symbol) else {
            return Err(refusal("UNKNOWN_SYMBOL", "the symbol is not traded here"));
        };
        if book.is_closed {
            return Err(refusal("MARKET_CLOSED", "the market in this symbol is closed"));
        }
        if self.state.account(account).orders.len() >= OPEN_ORDERS_PER_ACCOUNT_MAX {
            return Err(refusal("TOO_MANY_OPEN_ORDERS", "the account has too many open orders"));
        }
        if self.state.orders.len() >= OPEN_ORDERS_MAX {
            return Err(refusal("VENUE_FULL", "the venue has too many open orders"));
        }
        let terms = OrderTerms {
            portfolio: NO_PORTFOLIO.clone(),
            account: call.request.account.account.clone(),
            symbol: order.symbol.clone(),
            side: order.side,
            kind: order.kind,
            quantity: order.quantity,
            time_in_force: order.time_in_force,
            expires_at: order.expires_at,
            post_only: order.post_only,
            reduce_only: false,
        };
        terms.check().map_err(|error| refusal(terms_code(error), &error.to_string()))?;
        let checked = book.instrument.check(&terms);
        checked.map_err(|error| refusal(rule_code(&error), &error.to_string()))?;
        if order.expires_at.is_some_and(|expires_at| expires_at <= self.now) {
            return Err(refusal("EXPIRES_AT_PASSED", "expires_at is not in the future by the venue's clock"));
        }
        if order.post_only && !book.on_offer(account, order.side, order.kind.limit_price()).is_zero() {
            return Err(refusal("POST_ONLY_WOULD_TAKE", "the order would have been filled at once"));
        }
        Ok(account)
    }

    fn reject(&mut self, call: &Call, order: &SubmitOrder, refusal: Refusal) {
        let key = &call.request.account;
        let Refusal { code, message } = refusal;
        let record = RejectedRecord {
            key: key.clone(),
            order: order.clone(),
            code: code.clone(),
            message: message.clone(),
        };
        self.record(&Record::Rejected(record));
        self.report(key, &order.venue_client_id, ReportKind::Rejected { code, message });
    }

    fn accept(&mut self, call: &Call, order: &SubmitOrder, account: usize) {
        let number = self.state.next_order;
        let key = &call.request.account;
        let venue_order_id = venue_order_id(number);
        let record = AcceptedRecord {
            key: key.clone(),
            venue_order_id: venue_order_id.clone(),
            order: order.clone(),
            ends_at: ends_at(order, self.now),
        };
        self.record(&Record::Accepted(record));

        let limit = order.kind.limit_price();
        let book = self.books.get_mut(&order.symbol).expect("check found the symbol");
        let must_fill = order.time_in_force == TimeInForce::Fok;
        let is_killed = must_fill && book.on_offer(account, order.side, limit) < order.quantity;
        let parts =
            if is_killed { Vec::new() } else { book.take(account, order.side, limit, order.quantity) };
        if parts.is_empty() {
            // A fill proves acceptance: only an order without one is acknowledged by itself.
            self.report(key, &order.venue_client_id, ReportKind::Accepted { venue_order_id });
        }
        for part in parts {
            self.fill_as_taker(number, part);
        }
        if self.state.orders.contains_key(&number) {
            match order.time_in_force {
                TimeInForce::Gtc | TimeInForce::Gtd | TimeInForce::Day => self.rest(number),
                TimeInForce::Ioc | TimeInForce::Fok => self.end_order(number, VenueCancelCause::TimeInForce),
            }
        }
    }

    fn rest(&mut self, number: u64) {
        let live = self.state.orders.get_mut(&number).expect("the caller found it open");
        let order = &live.order;
        let book = self.books.get_mut(&order.symbol).expect("it was accepted in this symbol");
        match order.kind.limit_price() {
            None => book.wait(number),
            Some(price) => {
                book.rest(order.side, price, number);
                live.queue_ahead = book.queue_at(order.side, price);
            }
        }
    }

    pub(super) fn open_account(&mut self, call: &Call, funding: &Funding) {
        let key = &call.request.account;
        let opened_with = self.state.by_key.get(key).map(|index| &self.state.account(*index).opened_with);
        match opened_with {
            Some(known) if known == funding => {}
            Some(_) => {
                self.refuse(call, "ACCOUNT_EXISTS", "the account was opened with other money");
                return;
            }
            None if self.state.accounts.len() >= ACCOUNTS_MAX => {
                self.refuse(call, "TOO_MANY_ACCOUNTS", "the venue opens no more accounts");
                return;
            }
            None if funding.amount < Amount::ZERO => {
                self.refuse(call, "INVALID_AMOUNT", "the amount must not be negative");
                return;
            }
            None => {
                let record = OpenedRecord { key: key.clone(), funding: funding.clone() };
                self.record(&Record::AccountOpened(record));
            }
        }
        self.answer(call, funded(call.request.request_id));
    }

    pub(super) fn deposit(
        &mut self,
        call: &Call,
        id: &VenueClientId,
        funding: &Funding,
    ) -> Result<(), PaperError> {
        let key = &call.request.account;
        if !self.state.by_key.contains_key(key) {
            self.refuse(call, "UNKNOWN_ACCOUNT", "the account was never opened");
            return Ok(());
        }
        match self.log.find(key, IdSpace::Deposit, id)?.map(|line| line.record) {
            Some(Record::Deposit(known)) if known.funding == *funding => {}
            Some(_) => {
                self.refuse(call, "DUPLICATE_DEPOSIT_ID", "another deposit has this deposit_id");
                return Ok(());
            }
            None if funding.amount <= Amount::ZERO => {
                self.refuse(call, "INVALID_AMOUNT", "the amount must be greater than zero");
                return Ok(());
            }
            None => {
                let record =
                    DepositRecord { key: key.clone(), deposit_id: id.clone(), funding: funding.clone() };
                self.record(&Record::Deposit(record));
            }
        }
        self.answer(call, funded(call.request.request_id));
        Ok(())
    }
}

/// When an order that is accepted at `now` expires.
fn ends_at(order: &SubmitOrder, now: Timestamp) -> Option<Timestamp> {
    match order.time_in_force {
        TimeInForce::Gtd => order.expires_at,
        TimeInForce::Day => Some(now.end_of_day()),
        TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => None,
    }
}

fn funded(request_id: RequestId) -> VenueMessage {
    VenueMessage::Funded { request_id }
}

fn refusal(code: &str, message: &str) -> Refusal {
    Refusal { code: code.to_owned(), message: message.to_owned() }
}

fn terms_code(error: TermsRuleError) -> &'static str {
    match error {
        TermsRuleError::ExpiresAtRequired => "EXPIRES_AT_REQUIRED",
        TermsRuleError::ExpiresAtNotAllowed => "EXPIRES_AT_NOT_ALLOWED",
        TermsRuleError::PostOnlyNotAllowed => "POST_ONLY_NOT_ALLOWED",
    }
}

fn rule_code(error: &InstrumentRuleError) -> &'static str {
    match error {
        InstrumentRuleError::PriceOffTick { .. } => "PRICE_OFF_TICK",
        InstrumentRuleError::QuantityOffStep { .. } => "QUANTITY_OFF_STEP",
        InstrumentRuleError::QuantityTooSmall { .. } => "QUANTITY_TOO_SMALL",
        InstrumentRuleError::QuantityTooLarge { .. } => "QUANTITY_TOO_LARGE",
        InstrumentRuleError::NotionalTooSmall { .. } => "NOTIONAL_TOO_SMALL",
        InstrumentRuleError::NotionalTooLarge { .. } => "NOTIONAL_TOO_LARGE",
    }
}
