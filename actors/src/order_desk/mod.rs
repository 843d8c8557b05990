//! Order desk: one per tenant, decides the life of that tenant's orders. Its state is a cache of the journal.
//!
//! 1. A decision is applied here at once and handed to the ledger; the reply and the request to the venue are
//!    released by the ledger when the decision is durable. A cancel alone goes to the venue first.
//! 2. A reply about an order waits for every uncommitted event of that order.
//! 3. New orders pass an account only while its session is reconciled; cancels always do.
//! 4. After a restart, what was submitted and not acknowledged is unknown until the venue was asked.

mod books;
#[cfg(test)]
mod books_tests;
mod cancel;
mod fills;
mod gate;
mod halt;
mod message;
mod place;
mod rehearse;
mod report;
#[cfg(test)]
mod tests;

pub(crate) use books::BooksMsg;
pub use books::{BookEntry, Made};
pub(crate) use message::{CancelResults, DeskMsg, OrderKey, PlaceCall};

use crate::feed::CommittedBatch;
use crate::image::{ImageSource, patiently};
use crate::ledger::{Append, LedgerMsg, Release};
use crate::quotes::Instruments;
use crate::risk::RiskMsg;
use crate::tenant::Sessions;
use bulkhead_domain::desk::DeskBook;
use bulkhead_domain::portfolio::PortfolioBook;
use bulkhead_domain::report::VenueReport;
use bulkhead_domain::{AccountId, ClientOrderId, Event, Order, OrderId, TenantId, Timestamp, VenueClientId};
use bulkhead_persistence::Db;
use bulkhead_supervision::{Actor, ActorError, Context, Port, PortLimits, Reply};
use gate::Gate;
pub(crate) use rehearse::RehearseReply;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const LIMITS: PortLimits = PortLimits { normal: 2_048, urgent: 512, recovering: 2_048 };
/// Orders that wait for risk, the table or the journal; more are refused as overload.
const IN_FLIGHT_MAX: usize = 4_096;
/// The ledger may be waiting for the database; callers have deadlines of their own.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(3600);

/// The actor.
pub(crate) struct OrderDesk {
    pub(crate) tenant_id: TenantId,
    pub(crate) db: Db,
    pub(crate) images: Arc<ImageSource>,
    pub(crate) ledger: Port<LedgerMsg>,
    pub(crate) risk: Port<RiskMsg>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) instruments: Instruments,
}

/// The book, and what is on its way.
#[derive(Default)]
pub(crate) struct DeskState {
    incarnation: u64,
    /// Everything up to here was loaded; what is told about it concerns a predecessor.
    loaded_seq: i64,
    book: DeskBook,
    /// Positions and cash with everything folded in that was decided here.
    money: PortfolioBook,
    /// Uncommitted events per order.
    dirty: HashMap<OrderId, u32>,
    /// Uncommitted events that are about no order.
    dirty_others: u32,
    /// Submitted orders whose submission is not known to be durable, with how often their account's session had come
    /// up when they were decided: the venue has certainly not seen them, unless the session changed since.
    unsent: HashMap<OrderId, u64>,
    /// Requests between their arrival and their decision, by client order id; repetitions queue up behind.
    placing: HashMap<ClientOrderId, Vec<PlaceCall>>,
    /// Reports about orders that are no longer in memory, until the table was asked for them.
    late: HashMap<VenueClientId, Vec<VenueReport>>,
    gates: BTreeMap<AccountId, Gate>,
    /// Halts and resumptions this desk has recorded: what risk decided before the last of them is decided anew.
    halt_changes: u64,
    /// Orders that close positions for a kill switch, until they are decided.
    flattening: HashSet<OrderId>,
}

impl Actor for OrderDesk {
    type Msg = DeskMsg;
    type State = DeskState;

    async fn init(&self, cx: &Context<DeskMsg>) -> Result<DeskState, ActorError> {
        Ok(DeskState { incarnation: cx.incarnation(), ..DeskState::default() })
    }

    async fn recover(&self, cx: &Context<DeskMsg>, state: &mut DeskState) -> Result<(), ActorError> {
        let incarnation = cx.incarnation();
        let attached =
            self.ledger.call(ATTACH_TIMEOUT, |reply| LedgerMsg::AttachDesk { incarnation, reply }).await?;
        // Sent after the ledger has answered: every commit up to here is in risk's mailbox before this.
        self.risk.notify(RiskMsg::DeskAttached).map_err(|error| error.reason)?;
        state.loaded_seq = attached.seq;
        let image = match attached.image {
            Some(image) => image,
            None => patiently("desk", || self.images.at(attached.seq)).await?,
        };
        (state.book, state.money) = (image.desk.clone(), image.portfolio.clone());
        drop(image);
        self.images.forget().await;
        self.doubt_unacknowledged(state);
        self.reopen_accounts(cx, state);
        Ok(())
    }

    async fn handle(
        &self,
        cx: &Context<DeskMsg>,
        message: DeskMsg,
        state: &mut DeskState,
    ) -> Result<(), ActorError> {
        match message {
            DeskMsg::Place(call) => self.place(cx, state, *call, false),
            DeskMsg::Rehearse { place, reply } => self.rehearse(state, place, reply),
            DeskMsg::Rehearsed { place, authorization, reply } => {
                self.rehearsed(*place, authorization, reply);
            }
            DeskMsg::Cancel { order_id, reply } => self.cancel(state, order_id, reply),
            DeskMsg::Halt { halt, reply } => self.halt(state, &halt, reply),
            DeskMsg::Resume { resume, reply } => self.resume(state, resume, reply),
            DeskMsg::RiskGate(reply) => self.show_gate(state, reply),
            DeskMsg::ChangeLimits { change, reply } => self.change_limits(state, change, reply),
            DeskMsg::Flatten(place) => self.flatten(cx, state, *place),
            DeskMsg::Flattened { order_id, answer } => self.flattened(state, order_id, answer),
            DeskMsg::CancelAll { symbol, reply } => self.cancel_all(state, symbol.as_ref(), reply),
            DeskMsg::Find { key, reply } => self.find(state, &key, reply),
            DeskMsg::Books(message) => self.books(state, message),
            DeskMsg::IsQuiet(reply) => reply.send(state.is_quiet()),
            DeskMsg::Authorized { desk_incarnation, halt_changes, place, authorization } => {
                if desk_incarnation == state.incarnation {
                    if halt_changes == state.halt_changes {
                        self.authorized(cx, state, *place, authorization);
                    } else {
                        self.authorize_again(state, *place);
                    }
                }
            }
            DeskMsg::TableAnswer { client_order_id, found } => {
                self.table_answer(cx, state, &client_order_id, found);
            }
            DeskMsg::Report(report) => self.report(cx, state, report),
            DeskMsg::LateAnswer { venue_client_id, found } => {
                self.late_answer(cx, state, &venue_client_id, found);
            }
            DeskMsg::NotSent { venue_client_id } => self.not_sent(state, venue_client_id),
            DeskMsg::OutcomeUnknown { venue_client_id, cause } => self.doubt(state, &venue_client_id, cause),
            DeskMsg::SessionStarted { account, started } => self.session_started(cx, state, account, started),
            DeskMsg::SessionUp { account, desk_incarnation } => {
                if desk_incarnation == state.incarnation {
                    self.session_up(cx, state, &account);
                }
            }
            DeskMsg::SessionDown { account } => state.session_down(&account),
            DeskMsg::Committed(batch) => state.settle(&batch),
            DeskMsg::StashCheck { account } => self.check_stash(cx, state, &account),
            DeskMsg::LookForFills { account } => self.look_for_fills(cx, &account),
            DeskMsg::FillsKnown { account, cursor } => self.fills_known(cx, state, &account, cursor),
            DeskMsg::Fills { account, fills } => self.fills_listed(cx, &account, fills),
            DeskMsg::FillsMissed { account, fills } => self.fills_missed(cx, state, &account, fills),
        }
        Ok(())
    }
}

impl OrderDesk {
    /// Applies events and hands them to the ledger; `release` runs when they are durable.
    fn record(&self, state: &mut DeskState, events: Vec<Event>, release: Release) {
        if events.is_empty() {
            return self.when_durable(release);
        }
        let at = crate::clock::now();
        let events = events.into_iter().map(|event| state.apply(event, at)).collect();
        let append = Append { desk_incarnation: state.incarnation, at, events, release };
        // A ledger that is gone takes this desk with it: what was applied here never leaves.
        drop(self.ledger.notify(LedgerMsg::Append(append)));
    }

    /// Runs `release` when everything this desk has recorded so far is durable.
    fn when_durable(&self, release: Release) {
        drop(self.ledger.notify(LedgerMsg::Barrier(release)));
    }

    fn find(&self, state: &DeskState, key: &OrderKey, reply: Reply<Option<Arc<Order>>>) {
        let order = match key {
            OrderKey::Id(order_id) => state.book.order(*order_id),
            OrderKey::ClientId(client_order_id) => state.book.order_by_client_id(client_order_id),
        };
        let found = order.map(|order| Arc::new(order.clone()));
        if found.as_ref().is_some_and(|order| state.dirty.contains_key(&order.id)) {
            self.when_durable(Box::new(move || reply.send(found)));
        } else {
            reply.send(found);
        }
    }
}

impl DeskState {
    /// Applies one event; gives it back with the order after it, for the rows that are written with it.
    fn apply(&mut self, event: Event, at: Timestamp) -> (Event, Option<Arc<Order>>) {
        self.book.apply(&event, at);
        self.money.apply(&event);
        let order = event.order_id().and_then(|order_id| self.book.order(order_id));
        let order = order.map(|order| Arc::new(order.clone()));
        if let Some(order) = &order {
            *self.dirty.entry(order.id).or_default() += 1;
        } else if event.order_id().is_none() {
            self.dirty_others += 1;
        }
        (event, order)
    }

    /// Notes what became durable; orders that are over leave memory.
    fn settle(&mut self, batch: &CommittedBatch) {
        for recorded in &batch.events {
            if recorded.seq <= self.loaded_seq {
                continue;
            }
            let Some(order_id) = recorded.event.order_id() else {
                self.dirty_others = self.dirty_others.saturating_sub(1);
                continue;
            };
            if let Event::OrderSubmitted(data) = &recorded.event
                && let Some(session_ups) = self.unsent.remove(&order_id)
                && let Some(gate) = self.gates.get(&data.terms.account)
            {
                gate.ask_if_changed(session_ups, &data.venue_client_id);
            }
            self.settle_one(order_id);
        }
    }

    fn settle_one(&mut self, order_id: OrderId) {
        let Some(count) = self.dirty.get_mut(&order_id) else { return };
        *count -= 1;
        if *count == 0 {
            self.dirty.remove(&order_id);
            self.book.forget(order_id);
        }
    }

    fn is_quiet(&self) -> bool {
        self.book.open_count() == 0
            && self.dirty.is_empty()
            && self.dirty_others == 0
            && self.placing.is_empty()
            && self.late.is_empty()
            && self.gates.values().all(Gate::is_quiet)
    }

    fn is_full(&self) -> bool {
        self.dirty.len() + self.dirty_others as usize + self.placing.len() >= IN_FLIGHT_MAX
    }
}
