//! From a request to a durable decision: known id, instrument rules, account, risk, journal, venue.

use super::{DeskMsg, DeskState, OrderDesk, PlaceCall};
use crate::exchange_session::SessionMsg;
use crate::failure::{PlaceError, Placed, Unavailable};
use crate::ledger::Release;
use crate::risk::RiskMsg;
use bulkhead_domain::desk::{PlaceDecision, PlaceOrder, PlaceRejection, same_request};
use bulkhead_domain::order::Origin;
use bulkhead_domain::risk::Authorization;
use bulkhead_domain::{ClientOrderId, Event, Order, OrderId};
use bulkhead_persistence::order::find_order_by_client_id;
use bulkhead_persistence::{Db, DbError};
use bulkhead_supervision::{Context, Port, Reply};
use bulkhead_venues::SubmitOrder;
use std::sync::Arc;

/// Requests of one client order id, its repetitions included, that may wait for its decision.
pub(super) const REPETITIONS_MAX: usize = 256;

impl OrderDesk {
    /// `asked_table`: the table does not know the client order id.
    pub(super) fn place(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        call: PlaceCall,
        asked_table: bool,
    ) {
        if let Some(waiting) = state.placing.get_mut(&call.place.client_order_id) {
            if waiting.len() < REPETITIONS_MAX {
                waiting.push(call);
            } else {
                call.refuse(PlaceError::InProgress);
            }
            return;
        }
        match self.first_look(state, &call.place, asked_table) {
            Err(error) => call.refuse(error),
            Ok(PlaceDecision::Existing(order_id)) => self.answer_existing(state, order_id, call.reply),
            Ok(PlaceDecision::AskTable) => self.ask_table(cx, state, call),
            Ok(PlaceDecision::Authorize) => self.pass_gate(cx, state, call, asked_table),
        }
    }

    pub(super) fn first_look(
        &self,
        state: &DeskState,
        place: &PlaceOrder,
        asked_table: bool,
    ) -> Result<PlaceDecision, PlaceError> {
        let symbol = &place.terms.symbol;
        let instrument =
            self.instruments.get(symbol).ok_or_else(|| PlaceError::UnknownSymbol(symbol.clone()))?;
        place.terms.check()?;
        instrument.check(&place.terms)?;
        let decision = state.book.decide_place(place, asked_table, crate::clock::now())?;
        if decision == PlaceDecision::Authorize && state.is_full() {
            return Err(Unavailable::Overloaded.into());
        }
        Ok(decision)
    }

    fn answer_existing(
        &self,
        state: &DeskState,
        order_id: OrderId,
        reply: Reply<Result<Placed, PlaceError>>,
    ) {
        let Some(order) = state.book.order(order_id) else { return };
        let placed = Placed { order: Arc::new(order.clone()), existing: true };
        if state.dirty.contains_key(&order_id) {
            self.when_durable(Box::new(move || reply.send(Ok(placed))));
        } else {
            reply.send(Ok(placed));
        }
    }

    fn ask_table(&self, cx: &Context<DeskMsg>, state: &mut DeskState, call: PlaceCall) {
        let client_order_id = call.place.client_order_id.clone();
        let question = find_in_table(self.db.clone(), self.tenant_id, client_order_id.clone());
        let asked = client_order_id.clone();
        let answer = move |found| DeskMsg::TableAnswer { client_order_id: asked, found };
        if cx.pipe(question, answer).is_err() {
            call.refuse(Unavailable::Overloaded.into());
            return;
        }
        state.placing.insert(client_order_id, vec![call]);
    }

    pub(super) fn table_answer(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        client_order_id: &ClientOrderId,
        found: Result<Option<Box<Order>>, DbError>,
    ) {
        let calls = state.placing.remove(client_order_id).unwrap_or_default();
        match found {
            Ok(Some(order)) => {
                let order: Arc<Order> = Arc::from(order);
                calls.into_iter().for_each(|call| call.answer_with(&order));
            }
            // The first of them becomes the order; the others find it.
            Ok(None) => calls.into_iter().for_each(|call| self.place(cx, state, call, true)),
            Err(error) => {
                let unavailable = Unavailable::from(&error);
                calls.into_iter().for_each(|call| call.refuse(unavailable.into()));
            }
        }
    }

    /// Asks risk; the account is open.
    pub(super) fn ask_risk(&self, state: &mut DeskState, call: PlaceCall) {
        let place = Box::new(call.place.clone());
        let ask = state.question(place);
        match self.risk.notify(ask) {
            Ok(()) => drop(state.placing.insert(call.place.client_order_id.clone(), vec![call])),
            Err(error) => call.refuse(Unavailable::from(error.reason).into()),
        }
    }

    /// Something was halted or resumed since risk decided: it gives back what it reserved and decides anew.
    pub(super) fn authorize_again(&self, state: &mut DeskState, place: PlaceOrder) {
        let client_order_id = place.client_order_id.clone();
        if let Err(error) = self.risk.notify(state.question(Box::new(place))) {
            let unavailable = Unavailable::from(error.reason);
            let calls = state.placing.remove(&client_order_id).unwrap_or_default();
            calls.into_iter().for_each(|call| call.refuse(unavailable.into()));
        }
    }

    pub(super) fn authorized(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        place: PlaceOrder,
        authorization: Option<Authorization>,
    ) {
        let mut calls = state.placing.remove(&place.client_order_id).unwrap_or_default();
        if calls.is_empty() {
            return;
        }
        let first = calls.remove(0);
        match (authorization, self.instruments.get(&place.terms.symbol)) {
            (Some(authorization), Some(instrument)) => {
                let quote = instrument.quote.clone();
                let is_own = state.flattening.contains(&place.order_id);
                let event = state.book.decide_authorized(self.tenant_id, place, quote, authorization);
                let event = if is_own { event.placed_by(Origin::Platform) } else { event };
                self.decided(cx, state, event, first.reply);
            }
            _ => first.refuse(PlaceRejection::UnknownAccount { account: place.terms.account }.into()),
        }
        calls.into_iter().for_each(|call| self.place(cx, state, call, false));
    }

    fn decided(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        event: Event,
        reply: Reply<Result<Placed, PlaceError>>,
    ) {
        let Some(order_id) = event.order_id() else { return };
        let submit = match &event {
            Event::OrderSubmitted(data) => {
                let gate = state.gates.get(&data.terms.account);
                state.unsent.insert(order_id, gate.map_or(0, |gate| gate.session_ups));
                let session = gate.and_then(|gate| gate.session.clone());
                let order = SubmitOrder::of(data.venue_client_id.clone(), &data.terms);
                Some(Submission {
                    session,
                    order,
                    desk: cx.port().clone(),
                    desk_incarnation: state.incarnation,
                })
            }
            _ => None,
        };
        let at = crate::clock::now();
        let (event, order) = state.apply(event, at);
        let Some(order) = order else { return };
        let placed = Placed { order: order.clone(), existing: false };
        let release: Release = Box::new(move || {
            reply.send(Ok(placed));
            if let Some(submission) = submit {
                submission.send();
            }
        });
        let append = crate::ledger::Append {
            desk_incarnation: state.incarnation,
            at,
            events: vec![(event, Some(order))],
            release,
        };
        drop(self.ledger.notify(crate::ledger::LedgerMsg::Append(append)));
    }
}

/// An order on its way to its session, once it is durable.
struct Submission {
    session: Option<Port<SessionMsg>>,
    order: SubmitOrder,
    desk: Port<DeskMsg>,
    desk_incarnation: u64,
}

impl Submission {
    fn send(self) {
        let venue_client_id = self.order.venue_client_id.clone();
        let submit =
            SessionMsg::Submit { desk_incarnation: self.desk_incarnation, order: Box::new(self.order) };
        let is_sent = self.session.is_some_and(|session| session.notify(submit).is_ok());
        if !is_sent {
            drop(self.desk.notify(DeskMsg::NotSent { venue_client_id }));
        }
    }
}

impl DeskState {
    fn question(&self, place: Box<PlaceOrder>) -> RiskMsg {
        let (desk_incarnation, halt_changes) = (self.incarnation, self.halt_changes);
        RiskMsg::Authorize { desk_incarnation, halt_changes, place }
    }
}

impl PlaceCall {
    /// Answers "no": nothing was executed.
    pub(super) fn refuse(self, error: PlaceError) {
        self.reply.send(Err(error));
    }

    fn answer_with(self, order: &Arc<Order>) {
        let same = same_request(&self.place, order);
        self.reply
            .send(same.map(|_| Placed { order: order.clone(), existing: true }).map_err(PlaceError::from));
    }
}

async fn find_in_table(
    db: Db,
    tenant_id: bulkhead_domain::TenantId,
    client_order_id: ClientOrderId,
) -> Result<Option<Box<Order>>, DbError> {
    let mut tx = db.begin_for(tenant_id).await?;
    let row = find_order_by_client_id(&mut tx, &client_order_id).await?;
    tx.commit().await?;
    row.map(|row| row.order().map(Box::new)).transpose()
}
