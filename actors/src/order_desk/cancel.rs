//! Cancelling: to the venue at once, to the journal beside it.

use super::{CancelResults, DeskState, OrderDesk};
use crate::exchange_session::SessionMsg;
use crate::failure::CancelError;
use bulkhead_domain::order::CanceledBy;
use bulkhead_domain::{Order, OrderId, Symbol};
use bulkhead_supervision::Reply;
use std::sync::Arc;

impl OrderDesk {
    pub(super) fn cancel(
        &self,
        state: &mut DeskState,
        order_id: OrderId,
        reply: Reply<Result<Arc<Order>, CancelError>>,
    ) {
        match self.request_cancel(state, order_id, CanceledBy::User) {
            Ok(order) => self.when_durable(Box::new(move || reply.send(Ok(order)))),
            Err(error) => reply.send(Err(error)),
        }
    }

    pub(super) fn cancel_all(
        &self,
        state: &mut DeskState,
        symbol: Option<&Symbol>,
        reply: Reply<CancelResults>,
    ) {
        let is_asked =
            |order: &&Order| !order.is_closed() && symbol.is_none_or(|one| *one == order.terms.symbol);
        let open: Vec<OrderId> = state.book.orders().filter(is_asked).map(|order| order.id).collect();
        let results: CancelResults = open
            .into_iter()
            .map(|id| (id, self.request_cancel(state, id, CanceledBy::User).map(drop)))
            .collect();
        self.when_durable(Box::new(move || reply.send(results)));
    }

    /// Records the wish and sends it. Asking again sends again: the first request may have been lost.
    pub(super) fn request_cancel(
        &self,
        state: &mut DeskState,
        order_id: OrderId,
        by: CanceledBy,
    ) -> Result<Arc<Order>, CancelError> {
        let order = state.book.order(order_id).ok_or(CancelError::NotOpen(order_id))?;
        let events = order.decide_cancel(by, crate::clock::now())?;
        if state.unsent.contains_key(&order_id) {
            // The venue has not even seen the order: the cancel must not overtake it, so it leaves with the
            // ledger's releases, which are in order.
            let (session, cancel) = self.cancel_message(state, order_id)?;
            let release = move || {
                if let Some(session) = session {
                    drop(session.notify(cancel));
                }
            };
            self.record(state, events, Box::new(release));
        } else {
            self.send_cancel(state, order_id);
            self.record(state, events, Box::new(|| {}));
        }
        state.book.order(order_id).map(|order| Arc::new(order.clone())).ok_or(CancelError::NotOpen(order_id))
    }

    /// Sends a cancel to the venue now.
    pub(super) fn send_cancel(&self, state: &DeskState, order_id: OrderId) {
        if let Ok((Some(session), cancel)) = self.cancel_message(state, order_id) {
            // A session that is down asks for the order's state when it is up, and the cancel is sent then.
            drop(session.notify(cancel));
        }
    }

    fn cancel_message(
        &self,
        state: &DeskState,
        order_id: OrderId,
    ) -> Result<(Option<bulkhead_supervision::Port<SessionMsg>>, SessionMsg), CancelError> {
        let order = state.book.order(order_id).ok_or(CancelError::NotOpen(order_id))?;
        let session = state.gates.get(&order.terms.account).and_then(|gate| gate.session.clone());
        Ok((session, SessionMsg::Cancel { venue_client_id: order.venue_client_id.clone() }))
    }
}
