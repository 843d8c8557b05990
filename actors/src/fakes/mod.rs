//! What tests put in the place of an actor's neighbours, and builders of what these say.

pub(crate) mod core;
pub(crate) mod database;
pub(crate) mod ledger;
pub(crate) mod venue;
pub(crate) mod writer;

use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::order::{OrderKind, OrderTerms, Side, TimeInForce};
use bulkhead_domain::{AccountId, ClientOrderId, OrderId, PortfolioId, Price, Qty, Symbol, TenantId};
use bulkhead_supervision::{Actor, ActorError, ChildSpec, Context, Message, Port};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId(Uuid::from_u128(7));
/// Longer than anything a test waits for.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Hands every message it gets to the test.
pub(crate) struct Probe<M>(UnboundedSender<M>);

impl<M: Message> Actor for Probe<M> {
    type Msg = M;
    type State = ();

    async fn init(&self, _cx: &Context<M>) -> Result<(), ActorError> {
        Ok(())
    }

    async fn handle(&self, _cx: &Context<M>, message: M, _state: &mut ()) -> Result<(), ActorError> {
        drop(self.0.send(message));
        Ok(())
    }
}

/// An actor under `port` that the returned receiver hears everything of.
pub(crate) fn probe<M: Message>(name: &str, port: &Port<M>) -> (ChildSpec, Heard<M>) {
    let (sender, receiver) = unbounded_channel();
    let make = move || Probe(sender.clone());
    (ChildSpec::worker(name, port.clone(), make), Heard(receiver))
}

/// What a probe or a fake venue was told.
pub(crate) struct Heard<T>(pub(crate) UnboundedReceiver<T>);

impl<T> Heard<T> {
    pub(crate) async fn next(&mut self) -> T {
        timeout(SOON, self.0.recv()).await.expect("nothing came").expect("the sender is gone")
    }

    /// Nothing comes while this much time passes.
    pub(crate) async fn is_silent_for(&mut self, wait: Duration) -> bool {
        timeout(wait, self.0.recv()).await.is_err()
    }

    /// Nothing comes although everybody is idle; on a paused clock only.
    pub(crate) async fn is_silent(&mut self) -> bool {
        self.is_silent_for(Duration::from_millis(1)).await
    }
}

pub(crate) fn paper() -> AccountId {
    AccountId::parse("paper").unwrap()
}

pub(crate) fn btc() -> Symbol {
    Symbol::parse("BTC-USDT").unwrap()
}

pub(crate) fn terms(side: Side, text: &str) -> OrderTerms {
    let (quantity, kind) = match text.split_once('@') {
        Some((quantity, at)) => (quantity, OrderKind::Limit { price: Price::parse(at).unwrap() }),
        None => (text, OrderKind::Market),
    };
    OrderTerms {
        portfolio: PortfolioId::parse("main").unwrap(),
        account: paper(),
        symbol: btc(),
        side,
        kind,
        quantity: Qty::parse(quantity).unwrap(),
        time_in_force: TimeInForce::Gtc,
        expires_at: None,
        post_only: false,
        reduce_only: false,
    }
}

/// `place("a", "1@100")`: a request to buy, named by the caller.
pub(crate) fn place(name: &str, text: &str) -> PlaceOrder {
    PlaceOrder {
        order_id: OrderId(Uuid::now_v7()),
        client_order_id: ClientOrderId::parse(name).unwrap(),
        terms: terms(Side::Buy, text),
        valid_until: None,
    }
}

/// The same to sell.
pub(crate) fn place_sell(name: &str, text: &str) -> PlaceOrder {
    PlaceOrder { terms: terms(Side::Sell, text), ..place(name, "1") }
}
