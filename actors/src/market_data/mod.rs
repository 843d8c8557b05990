//! Market data: takes in what the venues publish and keeps the quote board. Shared by all tenants; holds
//! nothing of any.

use crate::quotes::QuoteBoard;
use bulkhead_supervision::{Actor, ActorError, Context, Message, PortLimits};
use bulkhead_venues::{MarketEvent, MarketSubscription, Venue};
use std::sync::Arc;
use std::time::Duration;

/// Events that may wait. More are dropped: the next quote of a symbol replaces the one that was lost.
pub(crate) const LIMITS: PortLimits = PortLimits { normal: 8_192, urgent: 1, recovering: 8_192 };
const SUBSCRIBE_RETRY: Duration = Duration::from_millis(200);

/// What market data takes.
pub(crate) enum MarketMsg {
    Event(MarketEvent),
    Subscribe,
}

impl Message for MarketMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "event",
            Self::Subscribe => "subscribe",
        }
    }
}

/// The actor.
pub(crate) struct MarketData {
    pub(crate) venue: Arc<dyn Venue>,
    pub(crate) board: QuoteBoard,
}

impl Actor for MarketData {
    type Msg = MarketMsg;
    type State = Option<MarketSubscription>;

    async fn init(&self, cx: &Context<MarketMsg>) -> Result<Self::State, ActorError> {
        Ok(self.subscribe(cx))
    }

    async fn handle(
        &self,
        cx: &Context<MarketMsg>,
        message: MarketMsg,
        state: &mut Self::State,
    ) -> Result<(), ActorError> {
        match message {
            MarketMsg::Event(event) => self.board.record(event),
            MarketMsg::Subscribe => *state = self.subscribe(cx),
        }
        Ok(())
    }
}

impl MarketData {
    fn subscribe(&self, cx: &Context<MarketMsg>) -> Option<MarketSubscription> {
        let port = cx.port().clone();
        let inbox = Arc::new(move |event| drop(port.send(MarketMsg::Event(event), None)));
        let subscription = self.venue.subscribe(inbox).ok();
        if subscription.is_none() {
            drop(cx.send_self_after(SUBSCRIBE_RETRY, MarketMsg::Subscribe));
        }
        subscription
    }
}
