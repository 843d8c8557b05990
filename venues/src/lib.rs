//! Venues: where orders are executed, behind one trait, each reached as if over a network.
//!
//! [`Venue`] and [`VenueLink`] are the whole contract. A venue has its own clock, its own log and its own
//! balances; a request may be lost, late or answered twice, and silence means that the outcome is unknown.
//! Nothing here starts tasks or threads: whatever must run is a step function or a future that the caller
//! drives.

pub mod clock;
pub mod link;
pub mod market;
pub mod paper;

pub use clock::{ClockKind, ClockMap, WallClock, system_clock};
pub use link::{
    AccountFill, Balance, ConnectError, DisconnectCause, FillCursor, Funding, MarketSubscription,
    NotDeliveredCause, OpenOrder, Refusal, RequestId, RequestKind, SendError, SubmitOrder, Venue,
    VenueAccountKey, VenueInbox, VenueLink, VenueMessage, VenueRequest,
};
pub use market::{Level, MarketEvent, MarketInbox, Quote, TradePrint};
