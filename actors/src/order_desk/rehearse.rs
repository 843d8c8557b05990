//! What would become of a request: the same checks, and nothing recorded, reserved or sent.

use super::{DeskState, OrderDesk};
use crate::failure::{PlaceError, Rehearsed, Unavailable};
use crate::risk::RiskMsg;
use bulkhead_domain::desk::{PlaceDecision, PlaceOrder, PlaceRejection};
use bulkhead_domain::risk::Authorization;
use bulkhead_supervision::Reply;
use std::sync::Arc;

pub(crate) type RehearseReply = Reply<Result<Rehearsed, PlaceError>>;

impl OrderDesk {
    /// The caller has asked the table whether the client order id is in use.
    pub(super) fn rehearse(&self, state: &DeskState, place: Box<PlaceOrder>, reply: RehearseReply) {
        match self.first_look(state, &place, true) {
            Err(error) => reply.send(Err(error)),
            Ok(PlaceDecision::Existing(order_id)) => {
                let Some(order) = state.book.order(order_id) else { return };
                let found = Rehearsed::Existing(Arc::new(order.clone()));
                self.when_durable(Box::new(move || reply.send(Ok(found))));
            }
            Ok(PlaceDecision::AskTable | PlaceDecision::Authorize) => {
                if let Err(error) = self.risk.notify(RiskMsg::Rehearse { place, reply })
                    && let RiskMsg::Rehearse { reply, .. } = error.message
                {
                    reply.send(Err(Unavailable::from(error.reason).into()));
                }
            }
        }
    }

    /// What risk says may rest on what is not durable yet, so the answer waits for that.
    pub(super) fn rehearsed(
        &self,
        place: PlaceOrder,
        authorization: Option<Authorization>,
        reply: RehearseReply,
    ) {
        let account = place.terms.account;
        let unknown = || PlaceError::from(PlaceRejection::UnknownAccount { account });
        let result = authorization.map(Rehearsed::Judged).ok_or_else(unknown);
        self.when_durable(Box::new(move || reply.send(result)));
    }
}
