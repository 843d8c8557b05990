//! The contract between the platform and every venue.
//!
//! 1. Sending never blocks and never waits for the venue. `Ok` means "may arrive", not "arrived".
//! 2. [`SendError::NotDelivered`] means that the request certainly does not reach the venue.
//! 3. A request whose `expires_at` has passed by the venue's clock is refused, certainly not executed.
//! 4. Silence is an unknown outcome: keep a deadline of your own, then ask with [`RequestKind::QueryOrder`].
//! 5. Reports may be late, repeated or out of order; they are deduplicated by execution id.
//! 6. After [`VenueMessage::Disconnected`] everything in flight is unknown. The link reconnects by itself and
//!    says [`VenueMessage::Connected`]; nothing is sent again on its own.

use crate::clock::ClockKind;
use crate::market::MarketInbox;
use bulkhead_domain::instrument::Instrument;
use bulkhead_domain::order::{Execution, OrderKind, OrderTerms, Side, TimeInForce};
use bulkhead_domain::report::VenueReport;
use bulkhead_domain::{
    AccountId, Amount, Currency, ExecutionId, Qty, Symbol, TenantId, Timestamp, VenueClientId, VenueName,
    VenueOrderId,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A venue's account; stands for the credentials that open it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VenueAccountKey {
    pub tenant_id: TenantId,
    pub account: AccountId,
}

/// Chosen by the sender, echoed in the answer; unique among what one link has in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// One request to a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueRequest {
    pub request_id: RequestId,
    pub account: VenueAccountKey,
    /// By the venue's clock. A request that arrives later is refused and certainly not executed.
    pub expires_at: Timestamp,
    pub kind: RequestKind,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum RequestKind {
    Submit(SubmitOrder),
    Cancel {
        venue_client_id: VenueClientId,
    },
    /// Answered by a `State` report, only to the link that asked. An id that is answered with "never had it"
    /// is barred: a request still under way with that id is refused when it arrives.
    QueryOrder {
        venue_client_id: VenueClientId,
    },
    OpenOrders,
    /// The account's executions after the cursor, oldest first, in pages. Without one, from the beginning.
    FillsSince {
        cursor: Option<FillCursor>,
    },
    Balances,
    /// Only a paper venue opens accounts on request. The same opening again is answered as done.
    OpenAccount(Funding),
    /// Only a paper venue prints money. `deposit_id` makes it happen once.
    Deposit {
        deposit_id: VenueClientId,
        funding: Funding,
    },
}

/// An order as it goes to a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitOrder {
    pub venue_client_id: VenueClientId,
    pub symbol: Symbol,
    pub side: Side,
    #[serde(flatten)]
    pub kind: OrderKind,
    pub quantity: Qty,
    pub time_in_force: TimeInForce,
    /// When a `gtd` order ends, by the venue's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Refuse it rather than let it take liquidity.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub post_only: bool,
}

impl SubmitOrder {
    /// What of an order's terms the venue is told.
    pub fn of(venue_client_id: VenueClientId, terms: &OrderTerms) -> Self {
        Self {
            venue_client_id,
            symbol: terms.symbol.clone(),
            side: terms.side,
            kind: terms.kind,
            quantity: terms.quantity,
            time_in_force: terms.time_in_force,
            expires_at: terms.expires_at,
            post_only: terms.post_only,
        }
    }
}

/// Money that an account is opened with, or given later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funding {
    pub currency: Currency,
    pub amount: Amount,
}

/// The last execution the asker knows. A venue uses the part it can order by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillCursor {
    pub execution_id: ExecutionId,
    pub venue_ts: Timestamp,
}

/// An order that is live at the venue. Executions are left out: where `filled_quantity` differs from what is
/// known, ask for the fills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    pub venue_order_id: VenueOrderId,
    pub filled_quantity: Qty,
    pub order: SubmitOrder,
}

/// One execution with the order it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFill {
    pub venue_client_id: VenueClientId,
    pub venue_order_id: VenueOrderId,
    pub symbol: Symbol,
    pub side: Side,
    pub execution: Execution,
}

/// What an account holds of one currency; may be negative on a margin account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub currency: Currency,
    pub amount: Amount,
}

/// Why a request (not an order) was refused: it had no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    pub code: String,
    pub message: String,
}

/// What comes from a venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum VenueMessage {
    /// Requests can be sent from now on.
    Connected,
    /// What was in flight is unknown; sends fail until `Connected`.
    Disconnected {
        cause: DisconnectCause,
    },
    Report(VenueReport),
    OpenOrders {
        request_id: RequestId,
        orders: Vec<OpenOrder>,
    },
    /// `next` is the cursor to go on with when there is more.
    Fills {
        request_id: RequestId,
        fills: Vec<AccountFill>,
        next: Option<FillCursor>,
    },
    Balances {
        request_id: RequestId,
        balances: Vec<Balance>,
    },
    /// The account is open, or the deposit booked; now, or already before.
    Funded {
        request_id: RequestId,
    },
    /// This request had no effect and never will. Says nothing about the state of any order: one with the same
    /// id may be live, from an earlier request. Answers any kind of request, a submission too (a queue on the way
    /// was full, or the id is another order's).
    Refused {
        request_id: RequestId,
        refusal: Refusal,
    },
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisconnectCause {
    /// The venue went away or closed the connection.
    VenueClosed,
    /// The network failed.
    Network,
    /// The other side sent what is not in the protocol.
    Protocol,
    /// An injected fault.
    Injected,
}

/// Why a request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The venue certainly never sees it.
    #[error("not delivered: {0}")]
    NotDelivered(NotDeliveredCause),
}

/// What kept a request from leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotDeliveredCause {
    #[error("not connected to the venue")]
    Disconnected,
    #[error("the queue to the venue is full")]
    QueueFull,
    #[error("the link was opened for another account")]
    WrongAccount,
}

/// Why a link or a subscription could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    #[error("the venue accepts no more connections")]
    TooManyConnections,
}

/// Takes a venue's messages. Must not block and must not call back into the link; may be called from any
/// thread. `Connected` comes before everything else.
pub type VenueInbox = Arc<dyn Fn(VenueMessage) + Send + Sync>;

/// One account's way to a venue; dropping it hangs up.
pub trait VenueLink: Send + Sync {
    /// Queues a request for sending; keeps the order of the calls.
    fn send(&self, request: VenueRequest) -> Result<(), SendError>;
    /// The venue's clock, as well as it is known here.
    fn clock(&self) -> Timestamp;
}

/// Keeps market events coming while it lives.
pub struct MarketSubscription {
    on_drop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl MarketSubscription {
    /// A subscription that `cancel` ends.
    pub fn new(cancel: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { on_drop: Some(Box::new(cancel)) }
    }
}

impl Drop for MarketSubscription {
    fn drop(&mut self) {
        if let Some(cancel) = self.on_drop.take() {
            cancel();
        }
    }
}

/// A place where orders are executed.
pub trait Venue: Send + Sync {
    fn name(&self) -> VenueName;
    /// What can be traded; fixed for the life of this value.
    fn instruments(&self) -> Arc<[Instrument]>;
    /// The venue's time, as well as it is known here.
    fn clock(&self) -> Timestamp;
    /// Whether the clock shows the present or a recording's time.
    fn clock_kind(&self) -> ClockKind;
    /// Opens a way for one account. Does not wait: `Connected` follows through the inbox.
    fn connect(
        &self,
        account: VenueAccountKey,
        inbox: VenueInbox,
    ) -> Result<Arc<dyn VenueLink>, ConnectError>;
    /// Sends every market event to `inbox`, beginning with the last quote of each symbol.
    fn subscribe(&self, inbox: MarketInbox) -> Result<MarketSubscription, ConnectError>;
}
