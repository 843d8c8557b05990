//! What a desk takes.

use super::{BooksMsg, RehearseReply};
use crate::exchange_session::SessionMsg;
use crate::failure::{CancelError, HaltError, Halted, LimitsError, PlaceError, Placed, RiskGate};
use crate::feed::CommittedBatch;
use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::event::{TradingHalted, TradingResumed};
use bulkhead_domain::order::UnknownCause;
use bulkhead_domain::report::VenueReport;
use bulkhead_domain::risk::{Authorization, ChangeLimits, LimitBook};
use bulkhead_domain::{AccountId, ClientOrderId, Order, OrderId, Symbol, VenueClientId};
use bulkhead_persistence::DbError;
use bulkhead_supervision::{ActorError, Class, Message, Port, Reply};
use bulkhead_venues::{AccountFill, FillCursor};
use std::sync::Arc;

/// How an order is named in a question.
#[derive(Debug, Clone)]
pub(crate) enum OrderKey {
    Id(OrderId),
    ClientId(ClientOrderId),
}

/// A request for an order and who waits for it.
pub(crate) struct PlaceCall {
    pub(crate) place: PlaceOrder,
    pub(crate) reply: Reply<Result<Placed, PlaceError>>,
}

pub(crate) type CancelResults = Vec<(OrderId, Result<(), CancelError>)>;

/// What a desk takes.
pub(crate) enum DeskMsg {
    Place(Box<PlaceCall>),
    /// What would become of this request?
    Rehearse {
        place: Box<PlaceOrder>,
        reply: RehearseReply,
    },
    Rehearsed {
        place: Box<PlaceOrder>,
        authorization: Option<Authorization>,
        reply: RehearseReply,
    },
    Cancel {
        order_id: OrderId,
        reply: Reply<Result<Arc<Order>, CancelError>>,
    },
    CancelAll {
        symbol: Option<Symbol>,
        reply: Reply<CancelResults>,
    },
    Halt {
        halt: TradingHalted,
        reply: Reply<Result<Halted, HaltError>>,
    },
    Resume {
        resume: TradingResumed,
        reply: Reply<Halted>,
    },
    RiskGate(Reply<RiskGate>),
    ChangeLimits {
        change: ChangeLimits,
        reply: Reply<Result<LimitBook, LimitsError>>,
    },
    /// A kill switch has this position closed.
    Flatten(Box<PlaceOrder>),
    Flattened {
        order_id: OrderId,
        answer: Option<Result<Placed, PlaceError>>,
    },
    /// The order if it is in memory; the table has the others.
    Find {
        key: OrderKey,
        reply: Reply<Option<Arc<Order>>>,
    },
    /// About the tenant's portfolios.
    Books(BooksMsg),
    /// Whether nothing is open or on its way.
    IsQuiet(Reply<bool>),
    Authorized {
        desk_incarnation: u64,
        /// The desk's own count of halts when it asked.
        halt_changes: u64,
        place: Box<PlaceOrder>,
        authorization: Option<Authorization>,
    },
    TableAnswer {
        client_order_id: ClientOrderId,
        found: Result<Option<Box<Order>>, DbError>,
    },
    Report(VenueReport),
    LateAnswer {
        venue_client_id: VenueClientId,
        found: Result<Option<Box<Order>>, DbError>,
    },
    /// The order certainly never left for the venue.
    NotSent {
        venue_client_id: VenueClientId,
    },
    /// Nobody knows what the venue did with the last request.
    OutcomeUnknown {
        venue_client_id: VenueClientId,
        cause: UnknownCause,
    },
    SessionStarted {
        account: AccountId,
        started: Result<Port<SessionMsg>, ActorError>,
    },
    SessionUp {
        account: AccountId,
        desk_incarnation: u64,
    },
    SessionDown {
        account: AccountId,
    },
    Committed(Arc<CommittedBatch>),
    StashCheck {
        account: AccountId,
    },
    /// Ask the venue for executions that may have been missed.
    LookForFills {
        account: AccountId,
    },
    /// From where on the venue is to list them.
    FillsKnown {
        account: AccountId,
        cursor: Result<Option<FillCursor>, DbError>,
    },
    /// What the venue lists.
    Fills {
        account: AccountId,
        fills: Vec<AccountFill>,
    },
    /// What of it is not booked.
    FillsMissed {
        account: AccountId,
        fills: Result<Vec<AccountFill>, DbError>,
    },
}

impl Message for DeskMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Place(_) => "place",
            Self::Rehearse { .. } => "rehearse",
            Self::Rehearsed { .. } => "rehearsed",
            Self::Cancel { .. } => "cancel",
            Self::CancelAll { .. } => "cancel_all",
            Self::Halt { .. } => "halt",
            Self::Resume { .. } => "resume",
            Self::RiskGate(_) => "risk_gate",
            Self::ChangeLimits { .. } => "change_limits",
            Self::Flatten(_) => "flatten",
            Self::Flattened { .. } => "flattened",
            Self::Find { .. } => "find",
            Self::Books(message) => message.kind(),
            Self::IsQuiet(_) => "is_quiet",
            Self::Authorized { .. } => "authorized",
            Self::TableAnswer { .. } => "table_answer",
            Self::Report(_) => "report",
            Self::LateAnswer { .. } => "late_answer",
            Self::NotSent { .. } => "not_sent",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::SessionStarted { .. } => "session_started",
            Self::SessionUp { .. } => "session_up",
            Self::SessionDown { .. } => "session_down",
            Self::Committed(_) => "committed",
            Self::StashCheck { .. } => "stash_check",
            Self::LookForFills { .. } => "look_for_fills",
            Self::FillsKnown { .. } => "fills_known",
            Self::Fills { .. } => "fills",
            Self::FillsMissed { .. } => "fills_missed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Cancel { .. } | Self::CancelAll { .. } | Self::Halt { .. } | Self::Resume { .. } => {
                Class::Urgent
            }
            _ => Class::Normal,
        }
    }
}
