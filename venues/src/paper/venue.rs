//! The paper venue's core: time and inputs in, outputs out, the log written in between.

use super::PaperError;
use super::book::Book;
use super::handle::ConnectionId;
use super::log::{self, CanceledRecord, ExpiredRecord, Log, Position, Record, SegmentLimits};
use super::state::State;
use crate::link::{Refusal, RequestKind, VenueAccountKey, VenueMessage, VenueRequest};
use crate::market::MarketEvent;
use bulkhead_domain::instrument::Instrument;
use bulkhead_domain::report::{ReportKind, VenueCancelCause, VenueReport};
use bulkhead_domain::{Symbol, Timestamp, VenueClientId};
use std::collections::HashMap;
use std::path::Path;

/// What happens to the venue.
#[derive(Debug, Clone)]
pub enum PaperInput {
    Market(MarketEvent),
    Request { connection: ConnectionId, request: VenueRequest },
}

/// What the venue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperOutput {
    pub account: VenueAccountKey,
    /// Only for this connection; `None`: for every connection of the account.
    pub connection: Option<ConnectionId>,
    pub message: VenueMessage,
}

/// Accounts, orders and books of the venue.
#[derive(Debug)]
pub struct PaperVenue {
    pub(super) books: HashMap<Symbol, Book>,
    pub(super) state: State,
    pub(super) log: Log,
    /// The venue's time; never goes back.
    pub(super) now: Timestamp,
    /// When the current request arrived: by the clock as it is, even where that went back.
    arrived: Timestamp,
    pub(super) outputs: Vec<PaperOutput>,
    is_stopped: bool,
}

/// A request with whom it came from.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) connection: ConnectionId,
    pub(super) request: VenueRequest,
}

impl PaperVenue {
    /// Opens the log in `dir`, or begins one, and goes on where it ends.
    pub fn open(dir: &Path, instruments: &[Instrument]) -> Result<Self, PaperError> {
        Self::open_with(dir, instruments, SegmentLimits::default())
    }

    /// Like [`Self::open`], with segments of another size.
    pub fn open_with(
        dir: &Path,
        instruments: &[Instrument],
        limits: SegmentLimits,
    ) -> Result<Self, PaperError> {
        let mut state = State::default();
        let mut now = Timestamp::EPOCH;
        let log = log::open(dir, limits, |position, line| {
            now = now.max(line.ts);
            state.apply(&line.record, position).map_err(|error| PaperError::Corrupt {
                path: dir.to_owned(),
                offset: u64::from(position.offset),
                detail: format!("line {}: {error}", line.n),
            })
        })?;
        let book = |instrument: &Instrument| (instrument.symbol.clone(), Book::new(instrument.clone()));
        let mut books: HashMap<Symbol, Book> = instruments.iter().map(book).collect();
        for order in state.orders.values() {
            // An order in a symbol that is no longer traded waits for its cancel.
            if let Some(book) = books.get_mut(&order.order.symbol) {
                match order.order.kind.limit_price() {
                    Some(price) => book.rest(order.order.side, price, order.number),
                    None => book.wait(order.number),
                }
            }
        }
        Ok(Self { books, state, log, now, arrived: now, outputs: Vec::new(), is_stopped: false })
    }

    /// When the next order expires, if one does.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.state.next_end().map(|(ends_at, _)| ends_at)
    }

    /// The venue's time as of its last step.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Handles `inputs` at the time `now` and returns what may be said now that it is in the log. After an
    /// error nothing more is said: what was done and not answered is an unknown outcome to whoever asked.
    pub fn step(
        &mut self,
        now: Timestamp,
        inputs: impl IntoIterator<Item = PaperInput>,
    ) -> Result<Vec<PaperOutput>, PaperError> {
        if self.is_stopped {
            return Err(PaperError::Stopped);
        }
        let result = self.run(now, inputs);
        let outputs = std::mem::take(&mut self.outputs);
        self.is_stopped = result.is_err();
        result.map(|()| outputs)
    }

    fn run(
        &mut self,
        now: Timestamp,
        inputs: impl IntoIterator<Item = PaperInput>,
    ) -> Result<(), PaperError> {
        for input in inputs {
            match input {
                PaperInput::Market(event) => {
                    self.expire_until(event.ts());
                    self.now = self.now.max(event.ts());
                    self.take_market_event(event);
                }
                PaperInput::Request { connection, request } => {
                    self.arrived = now;
                    self.expire_until(now);
                    self.now = self.now.max(now);
                    self.take_request(&Call { connection, request })?;
                }
            }
        }
        self.expire_until(now);
        self.log.flush()?;
        if self.log.is_segment_full() {
            self.log.rotate(self.now, self.state.record())?;
        }
        Ok(())
    }

    /// Ends the orders whose time is over at `until`, in the order of their ends.
    fn expire_until(&mut self, until: Timestamp) {
        while let Some((ends_at, number)) = self.state.next_end()
            && ends_at <= until
        {
            self.now = self.now.max(ends_at);
            self.expire_order(number);
        }
    }

    fn take_market_event(&mut self, event: MarketEvent) {
        match event {
            MarketEvent::Quote(quote) => self.match_quote(&quote),
            MarketEvent::Trade(print) => self.match_print(&print),
            MarketEvent::Closed { symbol, .. } => self.close_market(&symbol),
        }
    }

    fn take_request(&mut self, call: &Call) -> Result<(), PaperError> {
        let is_expired = self.arrived > call.request.expires_at;
        match &call.request.kind {
            // Looks for the id first: a repeated request for a live order must not read as "not executed".
            RequestKind::Submit(order) => self.submit(call, order, is_expired)?,
            RequestKind::Cancel { venue_client_id } if is_expired => {
                self.reject_cancel(call, venue_client_id, "the request arrived after it had expired");
            }
            _ if is_expired => {
                self.refuse(call, "REQUEST_EXPIRED", "the request arrived after it had expired");
            }
            RequestKind::Cancel { venue_client_id } => self.cancel(call, venue_client_id),
            RequestKind::QueryOrder { venue_client_id } => self.query_order(call, venue_client_id)?,
            RequestKind::OpenOrders => self.list_open_orders(call),
            RequestKind::FillsSince { cursor } => self.list_fills(call, cursor.as_ref())?,
            RequestKind::Balances => self.list_balances(call),
            RequestKind::OpenAccount(funding) => self.open_account(call, funding),
            RequestKind::Deposit { deposit_id, funding } => self.deposit(call, deposit_id, funding)?,
        }
        Ok(())
    }

    fn cancel(&mut self, call: &Call, id: &VenueClientId) {
        match self.state.find_order(&call.request.account, id).map(|order| order.number) {
            Some(number) => self.end_order(number, VenueCancelCause::Requested),
            None => self.reject_cancel(call, id, "no open order has this id"),
        }
    }

    fn reject_cancel(&mut self, call: &Call, id: &VenueClientId, message: &str) {
        let kind = ReportKind::CancelRejected { message: message.to_owned() };
        self.report(&call.request.account, id, kind);
    }

    /// Ends an open order without a further fill.
    pub(super) fn end_order(&mut self, number: u64, cause: VenueCancelCause) {
        let order = self.state.orders.get(&number).expect("callers pass numbers of open orders");
        let key = self.state.account(order.account).key.clone();
        let id = order.order.venue_client_id.clone();
        if let Some(book) = self.books.get_mut(&order.order.symbol) {
            book.remove(order.order.side, order.order.kind.limit_price(), number);
        }
        let record = CanceledRecord {
            key: key.clone(),
            venue_client_id: id.clone(),
            venue_order_id: order.venue_order_id.clone(),
            symbol: order.order.symbol.clone(),
            cause,
            filled_quantity: order.filled,
            prev: order.last,
        };
        self.record(&Record::Canceled(record));
        self.report(&key, &id, ReportKind::Canceled { cause });
    }

    fn expire_order(&mut self, number: u64) {
        let order = self.state.orders.get(&number).expect("only open orders have an end");
        let (key, id) = (self.state.account(order.account).key.clone(), order.order.venue_client_id.clone());
        if let Some(book) = self.books.get_mut(&order.order.symbol) {
            book.remove(order.order.side, order.order.kind.limit_price(), number);
        }
        let record = ExpiredRecord {
            key: key.clone(),
            venue_client_id: id.clone(),
            venue_order_id: order.venue_order_id.clone(),
            symbol: order.order.symbol.clone(),
            filled_quantity: order.filled,
            prev: order.last,
        };
        self.record(&Record::Expired(record));
        self.report(&key, &id, ReportKind::Expired);
    }

    fn close_market(&mut self, symbol: &Symbol) {
        let Some(book) = self.books.get_mut(symbol) else { return };
        book.close();
        for number in book.all_waiting() {
            self.end_order(number, VenueCancelCause::Unsolicited);
        }
    }

    /// Logs and applies one line.
    pub(super) fn record(&mut self, record: &Record) -> Position {
        let position = self.log.append(self.now, record);
        self.state.apply(record, position).expect("the venue writes only lines that fit its state");
        position
    }

    /// Tells the account's connections about an order.
    pub(super) fn report(&mut self, key: &VenueAccountKey, id: &VenueClientId, kind: ReportKind) {
        let report = VenueReport { venue_client_id: id.clone(), venue_ts: self.now, kind };
        let message = VenueMessage::Report(report);
        self.outputs.push(PaperOutput { account: key.clone(), connection: None, message });
    }

    /// Tells only the connection that asked.
    pub(super) fn answer(&mut self, call: &Call, message: VenueMessage) {
        let account = call.request.account.clone();
        self.outputs.push(PaperOutput { account, connection: Some(call.connection), message });
    }

    pub(super) fn refuse(&mut self, call: &Call, code: &str, message: &str) {
        let refusal = Refusal { code: code.to_owned(), message: message.to_owned() };
        self.answer(call, VenueMessage::Refused { request_id: call.request.request_id, refusal });
    }
}
