//! Exchange session: one per venue account, between the desk and the venue.
//!
//! 1. It takes orders only from the desk's current incarnation; cancels it always passes on.
//! 2. Every request has a deadline here and an expiry at the venue. Silence is reported as an unknown outcome
//!    and followed by questions until the venue answers; nothing is ever submitted twice.
//! 3. It keeps no order state: what it knows dies with it, and the desk has everything asked for again.

#[cfg(test)]
mod tests;

use crate::order_desk::DeskMsg;
use bulkhead_domain::order::UnknownCause;
use bulkhead_domain::report::{ReportKind, VenueReport};
use bulkhead_domain::{AccountId, VenueClientId};
use bulkhead_supervision::{Actor, ActorError, Class, Context, Instant, Message, Port, PortLimits};
use bulkhead_venues::{
    AccountFill, ClockKind, FillCursor, Funding, RequestId, RequestKind, SubmitOrder, Venue, VenueAccountKey,
    VenueLink, VenueMessage, VenueRequest,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, warn};

pub(crate) const LIMITS: PortLimits = PortLimits { normal: 1_024, urgent: 512, recovering: 1_024 };
/// Silence for this long means that the outcome is unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// A request older than this is refused by the venue, so that it cannot arrive after it was given up.
const EXPIRES_AFTER_MICROS: i64 = 2_000_000;
/// The same on a recording's clock, which may run many times faster.
const EXPIRES_AFTER_RECORDED_MICROS: i64 = 3_600_000_000;
const CHECK_EVERY: Duration = Duration::from_millis(250);
const QUERY_DELAY_MAX: Duration = Duration::from_secs(30);
const CONNECT_RETRY: Duration = Duration::from_millis(200);

/// What a session takes.
pub(crate) enum SessionMsg {
    Submit {
        desk_incarnation: u64,
        order: Box<SubmitOrder>,
    },
    Cancel {
        venue_client_id: VenueClientId,
    },
    /// What is the state of this order?
    Query {
        venue_client_id: VenueClientId,
    },
    /// Which executions has the account had since? Without a cursor, all of them.
    ListFills {
        cursor: Option<FillCursor>,
    },
    /// A desk has started; orders of its predecessors are refused from now on.
    Hello {
        desk_incarnation: u64,
    },
    Venue(VenueMessage),
    Connect,
    Check,
}

impl Message for SessionMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Submit { .. } => "submit",
            Self::Cancel { .. } => "cancel",
            Self::Query { .. } => "query",
            Self::ListFills { .. } => "list_fills",
            Self::Hello { .. } => "hello",
            Self::Venue(_) => "venue",
            Self::Connect => "connect",
            Self::Check => "check",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Cancel { .. } => Class::Urgent,
            _ => Class::Normal,
        }
    }
}

/// The actor.
pub(crate) struct ExchangeSession {
    pub(crate) key: VenueAccountKey,
    pub(crate) venue: Arc<dyn Venue>,
    pub(crate) desk: Port<DeskMsg>,
    /// What a paper account is opened with; `None` where accounts are not ours to open.
    pub(crate) funding: Option<Funding>,
}

/// What a request wants, as far as its answer is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    Submit,
    Cancel,
    State,
}

struct InFlight {
    deadline: Instant,
    attempts: u32,
}

/// A list of executions that was asked for.
struct Listing {
    request_id: RequestId,
    cursor: Option<FillCursor>,
    deadline: Instant,
}

/// The link, and what was asked and not answered.
pub(crate) struct SessionState {
    link: Option<Arc<dyn VenueLink>>,
    is_connected: bool,
    desk_incarnation: u64,
    in_flight: HashMap<(VenueClientId, Asked), InFlight>,
    listing: Option<Listing>,
    next_request: u64,
    is_checking: bool,
}

impl Actor for ExchangeSession {
    type Msg = SessionMsg;
    type State = SessionState;

    async fn init(&self, _cx: &Context<SessionMsg>) -> Result<SessionState, ActorError> {
        Ok(SessionState {
            link: None,
            is_connected: false,
            desk_incarnation: 0,
            in_flight: HashMap::new(),
            listing: None,
            next_request: 0,
            is_checking: false,
        })
    }

    async fn recover(&self, cx: &Context<SessionMsg>, state: &mut SessionState) -> Result<(), ActorError> {
        // What the predecessor had in flight is the desk's to ask for.
        let incarnation = self.desk.incarnation();
        state.desk_incarnation = incarnation;
        drop(self.desk.notify(DeskMsg::SessionDown { account: self.account().clone() }));
        self.connect(cx, state);
        Ok(())
    }

    async fn handle(
        &self,
        cx: &Context<SessionMsg>,
        message: SessionMsg,
        state: &mut SessionState,
    ) -> Result<(), ActorError> {
        match message {
            SessionMsg::Submit { desk_incarnation, order } => {
                self.submit(cx, state, desk_incarnation, *order);
            }
            SessionMsg::Cancel { venue_client_id } => {
                let kind = RequestKind::Cancel { venue_client_id: venue_client_id.clone() };
                self.ask(cx, state, (venue_client_id, Asked::Cancel), kind);
            }
            SessionMsg::Query { venue_client_id } => self.query(cx, state, venue_client_id),
            SessionMsg::ListFills { cursor } => self.list_fills(cx, state, cursor),
            SessionMsg::Hello { desk_incarnation } => self.hello(state, desk_incarnation),
            SessionMsg::Venue(message) => self.hear(cx, state, message),
            SessionMsg::Connect => self.connect(cx, state),
            SessionMsg::Check => self.check(cx, state),
        }
        Ok(())
    }
}

impl ExchangeSession {
    fn account(&self) -> &AccountId {
        &self.key.account
    }

    fn connect(&self, cx: &Context<SessionMsg>, state: &mut SessionState) {
        let port = cx.port().clone();
        // The venue's queue to this account bounds what it has to say to it.
        let inbox = Arc::new(move |message| drop(port.notify(SessionMsg::Venue(message))));
        match self.venue.connect(self.key.clone(), inbox) {
            Ok(link) => state.link = Some(link),
            Err(error) => {
                warn!(account = %self.account(), %error, "venue link not opened");
                drop(cx.send_self_after(CONNECT_RETRY, SessionMsg::Connect));
            }
        }
    }

    fn hello(&self, state: &mut SessionState, desk_incarnation: u64) {
        state.desk_incarnation = desk_incarnation;
        if state.is_connected {
            self.say_up(state);
        }
    }

    fn say_up(&self, state: &SessionState) {
        let desk_incarnation = state.desk_incarnation;
        drop(self.desk.notify(DeskMsg::SessionUp { account: self.account().clone(), desk_incarnation }));
    }

    fn submit(
        &self,
        cx: &Context<SessionMsg>,
        state: &mut SessionState,
        desk_incarnation: u64,
        order: SubmitOrder,
    ) {
        let venue_client_id = order.venue_client_id.clone();
        let is_current = desk_incarnation == state.desk_incarnation;
        let key = (venue_client_id.clone(), Asked::Submit);
        if !is_current || !self.ask(cx, state, key, RequestKind::Submit(order)) {
            drop(self.desk.notify(DeskMsg::NotSent { venue_client_id }));
        }
    }

    fn query(&self, cx: &Context<SessionMsg>, state: &mut SessionState, venue_client_id: VenueClientId) {
        let kind = RequestKind::QueryOrder { venue_client_id: venue_client_id.clone() };
        self.ask(cx, state, (venue_client_id, Asked::State), kind);
    }

    /// Sends a request and waits for its answer; `false` when it certainly did not leave.
    fn ask(
        &self,
        cx: &Context<SessionMsg>,
        state: &mut SessionState,
        key: (VenueClientId, Asked),
        kind: RequestKind,
    ) -> bool {
        let attempts = state.in_flight.get(&key).map_or(0, |earlier| earlier.attempts) + 1;
        let is_sent = self.send(state, kind);
        if is_sent || key.1 == Asked::State {
            let deadline = Instant::now() + answer_within(&key, attempts);
            state.in_flight.insert(key, InFlight { deadline, attempts });
            self.keep_checking(cx, state);
        }
        is_sent
    }

    fn send(&self, state: &mut SessionState, kind: RequestKind) -> bool {
        let Some(link) = &state.link else { return false };
        state.next_request += 1;
        let lifetime = match self.venue.clock_kind() {
            ClockKind::Live => EXPIRES_AFTER_MICROS,
            ClockKind::Recorded => EXPIRES_AFTER_RECORDED_MICROS,
        };
        let request = VenueRequest {
            request_id: RequestId(state.next_request),
            account: self.key.clone(),
            expires_at: link.clock().plus_micros(lifetime),
            kind,
        };
        link.send(request).is_ok()
    }

    fn hear(&self, cx: &Context<SessionMsg>, state: &mut SessionState, message: VenueMessage) {
        match message {
            VenueMessage::Connected => {
                state.is_connected = true;
                if let Some(funding) = self.funding.clone() {
                    self.send(state, RequestKind::OpenAccount(funding));
                }
                self.say_up(state);
            }
            VenueMessage::Disconnected { cause } => {
                warn!(account = %self.account(), ?cause, "venue disconnected");
                self.lose_connection(state);
            }
            VenueMessage::Report(report) => {
                state.note_answer(&report);
                drop(self.desk.notify(DeskMsg::Report(report)));
            }
            VenueMessage::Fills { request_id, fills, next } => {
                self.hear_fills(cx, state, request_id, (fills, next));
            }
            VenueMessage::Refused { request_id, refusal } => {
                // It would be refused again.
                state.listing.take_if(|listing| listing.request_id == request_id);
                warn!(account = %self.account(), request = request_id.0, %refusal, "venue refused request");
            }
            VenueMessage::Funded { .. } | VenueMessage::OpenOrders { .. } | VenueMessage::Balances { .. } => {
                debug!(account = %self.account(), "venue answered");
            }
        }
        self.keep_checking(cx, state);
    }

    /// What was in flight may or may not have arrived; the desk asks for all of it when the link is back.
    fn lose_connection(&self, state: &mut SessionState) {
        state.is_connected = false;
        state.listing = None;
        drop(self.desk.notify(DeskMsg::SessionDown { account: self.account().clone() }));
        for ((venue_client_id, asked), _) in state.in_flight.drain() {
            if asked != Asked::State {
                let cause = UnknownCause::Disconnected;
                drop(self.desk.notify(DeskMsg::OutcomeUnknown { venue_client_id, cause }));
            }
        }
    }

    fn keep_checking(&self, cx: &Context<SessionMsg>, state: &mut SessionState) {
        let waits = !state.in_flight.is_empty() || state.listing.is_some();
        if !state.is_checking && waits {
            state.is_checking = cx.send_self_after(CHECK_EVERY, SessionMsg::Check).is_ok();
        }
    }

    /// Silence past its deadline: the outcome is unknown, and the venue is asked (again).
    fn check(&self, cx: &Context<SessionMsg>, state: &mut SessionState) {
        state.is_checking = false;
        let now = Instant::now();
        let overdue: Vec<(VenueClientId, Asked)> = state
            .in_flight
            .iter()
            .filter(|(_, in_flight)| in_flight.deadline <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for (venue_client_id, asked) in overdue {
            if asked != Asked::State {
                state.in_flight.remove(&(venue_client_id.clone(), asked));
                let cause = UnknownCause::Timeout;
                let unknown = DeskMsg::OutcomeUnknown { venue_client_id: venue_client_id.clone(), cause };
                drop(self.desk.notify(unknown));
            }
            self.query(cx, state, venue_client_id);
        }
        if let Some(listing) = state.listing.take_if(|listing| listing.deadline <= now) {
            self.list_fills(cx, state, listing.cursor);
        }
        self.keep_checking(cx, state);
    }

    /// A listing that cannot be sent is asked for again by the desk when the link is back.
    fn list_fills(&self, cx: &Context<SessionMsg>, state: &mut SessionState, cursor: Option<FillCursor>) {
        if self.send(state, RequestKind::FillsSince { cursor: cursor.clone() }) {
            let request_id = RequestId(state.next_request);
            state.listing = Some(Listing { request_id, cursor, deadline: Instant::now() + ANSWER_WITHIN });
            self.keep_checking(cx, state);
        }
    }

    /// Passes a page on, and asks for the next one.
    fn hear_fills(
        &self,
        cx: &Context<SessionMsg>,
        state: &mut SessionState,
        request_id: RequestId,
        (fills, next): (Vec<AccountFill>, Option<FillCursor>),
    ) {
        if state.listing.take_if(|listing| listing.request_id == request_id).is_none() {
            return debug!(account = %self.account(), "list of executions came too late");
        }
        if !fills.is_empty() {
            drop(self.desk.notify(DeskMsg::Fills { account: self.account().clone(), fills }));
        }
        if next.is_some() {
            self.list_fills(cx, state, next);
        }
    }
}

impl SessionState {
    /// Any report about an order answers what it could be an answer to.
    fn note_answer(&mut self, report: &VenueReport) {
        let answered: &[Asked] = match report.kind {
            ReportKind::State { .. } => &[Asked::State, Asked::Submit],
            ReportKind::Accepted { .. } | ReportKind::Rejected { .. } => &[Asked::Submit],
            ReportKind::Filled { .. } => &[Asked::Submit],
            ReportKind::CancelRejected { .. } => &[Asked::Cancel],
            ReportKind::Canceled { .. } | ReportKind::Expired => &[Asked::Submit, Asked::Cancel],
        };
        for asked in answered {
            self.in_flight.remove(&(report.venue_client_id.clone(), *asked));
        }
    }
}

/// Questions are repeated with growing patience.
fn answer_within(key: &(VenueClientId, Asked), attempts: u32) -> Duration {
    match key.1 {
        Asked::State => ANSWER_WITHIN.saturating_mul(attempts).min(QUERY_DELAY_MAX),
        Asked::Submit | Asked::Cancel => ANSWER_WITHIN,
    }
}
