//! The order desk's book: the orders that are open, and every client order id ever used.
//!
//! 1. A client order id names one order for ever; the same request under it finds that order again.
//! 2. Closed orders leave memory once they are durable; the table remembers them.
//! 3. The number of open orders is capped.

use crate::event::{OrderAfter, OrderDenied, OrderSubmitted, TradingHalted};
use crate::filter::IdFilter;
use crate::named_book::NamedBooks;
use crate::order::{Mode, Order, OrderTerms, Origin};
use crate::risk::{
    Authorization, ChangeLimits, HaltBook, HaltRejection, HaltScope, LimitBook, LimitsRejection,
};
use crate::{
    AccountId, ClientOrderId, Currency, Event, OrderId, PortfolioId, TenantId, Timestamp, VenueClientId,
    VenueName,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Orders one tenant may have open at a time.
pub const OPEN_ORDERS_MAX: usize = 2_000;

/// A request for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Becomes the order's id if it is new.
    pub order_id: OrderId,
    pub client_order_id: ClientOrderId,
    pub terms: OrderTerms,
    /// A request that is looked at later leads to no order. It is no part of the order: the same request may be
    /// repeated under another one to find out what became of it.
    pub valid_until: Option<Timestamp>,
}

/// Why a request never becomes an order. Nothing is journaled and the client order id stays free.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceRejection {
    #[error(
        "client_order_id {client_order_id} already names order {order_id}, which has other terms: use a new one"
    )]
    ClientOrderIdReused { client_order_id: ClientOrderId, order_id: OrderId },
    #[error("{OPEN_ORDERS_MAX} orders are open: wait for some to close or cancel them")]
    TooManyOpenOrders,
    #[error(
        "the request was valid until {valid_until} and was looked at {now}: send it anew if it is still wanted"
    )]
    ValidUntilPassed { valid_until: Timestamp, now: Timestamp },
    #[error("there is no account {account}")]
    UnknownAccount { account: AccountId },
    #[error("there is no portfolio {portfolio}")]
    UnknownPortfolio { portfolio: PortfolioId },
    #[error("portfolio {portfolio} is archived: restore it or name another one")]
    PortfolioArchived { portfolio: PortfolioId },
}

/// What a request for an order leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceDecision {
    /// The same request was made before: this is its order.
    Existing(OrderId),
    /// The id may have been used by an order that is no longer in memory: the table knows.
    AskTable,
    /// New: ask the pre-trade chain.
    Authorize,
}

/// An account as the desk needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskAccount {
    pub venue: VenueName,
    pub mode: Mode,
}

/// The orders in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredDesk", into = "StoredDesk")]
pub struct DeskBook {
    accounts: BTreeMap<AccountId, DeskAccount>,
    portfolios: NamedBooks,
    halts: HaltBook,
    limits: LimitBook,
    orders: BTreeMap<OrderId, Order>,
    known_ids: IdFilter,
    open_count: usize,
    by_client_id: HashMap<ClientOrderId, OrderId>,
    by_venue_id: HashMap<VenueClientId, OrderId>,
}

/// What of the book is stored; the rest is derived.
#[derive(Serialize, Deserialize)]
struct StoredDesk {
    accounts: BTreeMap<AccountId, DeskAccount>,
    portfolios: NamedBooks,
    halts: HaltBook,
    limits: LimitBook,
    orders: Vec<Order>,
    known_ids: IdFilter,
}

impl From<StoredDesk> for DeskBook {
    fn from(stored: StoredDesk) -> Self {
        let StoredDesk { accounts, portfolios, halts, limits, orders, known_ids } = stored;
        let mut book = Self { accounts, portfolios, halts, limits, known_ids, ..Self::default() };
        for order in orders {
            book.hold(order);
        }
        book
    }
}

impl From<DeskBook> for StoredDesk {
    fn from(book: DeskBook) -> Self {
        let DeskBook { accounts, portfolios, halts, limits, orders, known_ids, .. } = book;
        Self { accounts, portfolios, halts, limits, orders: orders.into_values().collect(), known_ids }
    }
}

impl DeskBook {
    /// The order, if it is in memory.
    pub fn order(&self, order_id: OrderId) -> Option<&Order> {
        self.orders.get(&order_id)
    }

    /// The order a venue's report is about, if it is in memory.
    pub fn order_by_venue_id(&self, venue_client_id: &VenueClientId) -> Option<&Order> {
        self.order(*self.by_venue_id.get(venue_client_id)?)
    }

    /// The order of that client order id, if it is in memory.
    pub fn order_by_client_id(&self, client_order_id: &ClientOrderId) -> Option<&Order> {
        self.order(*self.by_client_id.get(client_order_id)?)
    }

    /// All orders in memory, by id.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    /// How many orders are open.
    pub fn open_count(&self) -> usize {
        self.open_count
    }

    /// The account, if the tenant has it.
    pub fn account(&self, account: &AccountId) -> Option<&DeskAccount> {
        self.accounts.get(account)
    }

    /// All accounts of the tenant.
    pub fn accounts(&self) -> impl Iterator<Item = (&AccountId, &DeskAccount)> {
        self.accounts.iter()
    }

    /// The tenant's portfolios.
    pub fn portfolios(&self) -> &NamedBooks {
        &self.portfolios
    }

    /// How many orders of a portfolio are open.
    pub fn open_count_in(&self, portfolio: &PortfolioId) -> usize {
        self.orders().filter(|order| !order.is_closed() && order.terms.portfolio == *portfolio).count()
    }

    /// The halts that stand.
    pub fn halts(&self) -> &HaltBook {
        &self.halts
    }

    /// The event a halt leads to; none if its scope is halted like this already.
    pub fn decide_halt(&self, halt: TradingHalted) -> Result<Option<Event>, HaltRejection> {
        if let HaltScope::Account(account) = &halt.scope
            && !self.accounts.contains_key(account)
        {
            return Err(HaltRejection::UnknownAccount { account: account.clone() });
        }
        self.halts.decide_halt(halt)
    }

    /// The limits there are.
    pub fn limits(&self) -> &LimitBook {
        &self.limits
    }

    /// The event a change of limits leads to; none if they are like this already.
    pub fn decide_limits(&self, change: ChangeLimits) -> Result<Option<Event>, LimitsRejection> {
        if let HaltScope::Account(account) = &change.scope
            && !self.accounts.contains_key(account)
        {
            return Err(LimitsRejection::UnknownAccount { account: account.clone() });
        }
        self.limits.decide(change)
    }

    /// The open orders within a scope.
    pub fn open_orders_in(&self, scope: &HaltScope) -> Vec<OrderId> {
        let is_within =
            |order: &&Order| !order.is_closed() && scope.covers(&order.terms.account, &order.terms.symbol);
        self.orders.values().filter(is_within).map(|order| order.id).collect()
    }

    /// First look at a request at `now`. `asked_table`: the table was asked and does not know the client order id.
    pub fn decide_place(
        &self,
        place: &PlaceOrder,
        asked_table: bool,
        now: Timestamp,
    ) -> Result<PlaceDecision, PlaceRejection> {
        if let Some(order) = self.order_by_client_id(&place.client_order_id) {
            return same_request(place, order).map(PlaceDecision::Existing);
        }
        let terms = &place.terms;
        if !self.accounts.contains_key(&terms.account) {
            return Err(PlaceRejection::UnknownAccount { account: terms.account.clone() });
        }
        let Some(portfolio) = self.portfolios.get(&terms.portfolio) else {
            return Err(PlaceRejection::UnknownPortfolio { portfolio: terms.portfolio.clone() });
        };
        if !asked_table && self.known_ids.may_contain(place.client_order_id.as_str()) {
            return Ok(PlaceDecision::AskTable);
        }
        if let Some(valid_until) = place.valid_until.filter(|valid_until| *valid_until < now) {
            return Err(PlaceRejection::ValidUntilPassed { valid_until, now });
        }
        if portfolio.is_archived() {
            return Err(PlaceRejection::PortfolioArchived { portfolio: terms.portfolio.clone() });
        }
        if self.open_count >= OPEN_ORDERS_MAX {
            return Err(PlaceRejection::TooManyOpenOrders);
        }
        Ok(PlaceDecision::Authorize)
    }

    /// The event that the chain's answer makes of a request.
    pub fn decide_authorized(
        &self,
        tenant_id: TenantId,
        place: PlaceOrder,
        quote_currency: Currency,
        authorization: Authorization,
    ) -> Event {
        let PlaceOrder { order_id, client_order_id, terms, .. } = place;
        let venue_client_id = VenueClientId::derive(tenant_id, order_id);
        let mode = self.accounts.get(&terms.account).map_or(Mode::Paper, |account| account.mode);
        let (origin, verdicts, after) = (Origin::User, authorization.verdicts, OrderAfter::unset());
        let mut event = match authorization.outcome {
            Ok(reservation) => Event::OrderSubmitted(OrderSubmitted {
                order_id,
                client_order_id,
                venue_client_id,
                mode,
                origin,
                terms,
                quote_currency,
                verdicts,
                reserved_price: reservation.price,
                after,
            }),
            Err(denial) => Event::OrderDenied(OrderDenied {
                order_id,
                client_order_id,
                venue_client_id,
                mode,
                origin,
                terms,
                quote_currency,
                verdicts,
                code: denial.code.to_string(),
                message: denial.message,
                after,
            }),
        };
        if let Some(order) = first_state(&event, Timestamp::EPOCH) {
            event.set_after(order.after());
        }
        event
    }

    /// Folds one event in. Closed orders stay until [`Self::forget`] is called.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::AccountOpened(data) => {
                let account = DeskAccount { venue: data.venue.clone(), mode: data.mode };
                self.accounts.insert(data.account.clone(), account);
            }
            Event::PortfolioCreated(_)
            | Event::PortfolioRenamed(_)
            | Event::PortfolioArchived(_)
            | Event::PortfolioRestored(_) => self.portfolios.apply(event, at),
            Event::TradingHalted(_) | Event::TradingResumed(_) => self.halts.apply(event),
            Event::LimitsChanged(_) => self.limits.apply(event),
            _ => self.apply_order_event(event, at),
        }
    }

    /// Takes a closed order back into memory, because something late arrived for it.
    pub fn hold(&mut self, order: Order) {
        self.by_client_id.insert(order.client_order_id.clone(), order.id);
        self.by_venue_id.insert(order.venue_client_id.clone(), order.id);
        self.open_count += usize::from(!order.is_closed());
        if let Some(replaced) = self.orders.insert(order.id, order) {
            self.open_count -= usize::from(!replaced.is_closed());
        }
    }

    /// Lets go of an order that is closed and durable.
    pub fn forget(&mut self, order_id: OrderId) {
        if self.orders.get(&order_id).is_some_and(Order::is_closed)
            && let Some(order) = self.orders.remove(&order_id)
        {
            self.by_client_id.remove(&order.client_order_id);
            self.by_venue_id.remove(&order.venue_client_id);
        }
    }

    fn apply_order_event(&mut self, event: &Event, at: Timestamp) {
        if let Some(order) = first_state(event, at) {
            self.known_ids.insert(order.client_order_id.as_str());
            self.hold(order);
            return;
        }
        let Some(order) = event.order_id().and_then(|order_id| self.orders.get_mut(&order_id)) else {
            return;
        };
        let was_open = !order.is_closed();
        order.apply(event, at);
        self.open_count -= usize::from(was_open && order.is_closed());
    }
}

/// Whether `order` is what `place` asks for; an old order found in the table is compared the same way.
pub fn same_request(place: &PlaceOrder, order: &Order) -> Result<OrderId, PlaceRejection> {
    if order.terms == place.terms {
        return Ok(order.id);
    }
    let client_order_id = place.client_order_id.clone();
    Err(PlaceRejection::ClientOrderIdReused { client_order_id, order_id: order.id })
}

fn first_state(event: &Event, at: Timestamp) -> Option<Order> {
    match event {
        Event::OrderSubmitted(data) => Some(Order::submitted(data, at)),
        Event::OrderDenied(data) => Some(Order::denied(data, at)),
        _ => None,
    }
}
