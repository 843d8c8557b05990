//! Portfolio: one per tenant, a fold of committed events that answers reads from memory.

#[cfg(test)]
mod tests;
mod view;

pub use view::{CashView, PortfolioFilter, PortfolioView, PositionView};

use crate::failure::UnknownPart;
use crate::feed::CommittedBatch;
use crate::image::{ImageSource, patiently};
use crate::ledger::LedgerMsg;
use crate::quotes::QuoteBoard;
use bulkhead_domain::portfolio::PortfolioBook;
use bulkhead_supervision::{Actor, ActorError, Context, Message, Port, PortLimits, Reply};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const LIMITS: PortLimits = PortLimits { normal: 1_024, urgent: 64, recovering: 256 };
/// The ledger may be waiting for the database; readers have deadlines of their own.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(3600);

/// What a portfolio takes.
pub(crate) enum PortfolioMsg {
    Committed(Arc<CommittedBatch>),
    View(PortfolioFilter, Reply<Result<PortfolioView, UnknownPart>>),
    /// Whether nothing is held but cash.
    IsFlat(Reply<bool>),
}

impl Message for PortfolioMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Committed(_) => "committed",
            Self::View(..) => "view",
            Self::IsFlat(_) => "is_flat",
        }
    }
}

/// The actor.
pub(crate) struct Portfolio {
    pub(crate) images: Arc<ImageSource>,
    pub(crate) ledger: Port<LedgerMsg>,
    pub(crate) quotes: QuoteBoard,
}

/// The book, and how far it is folded.
#[derive(Default)]
pub(crate) struct PortfolioState {
    seq: i64,
    book: PortfolioBook,
}

impl Actor for Portfolio {
    type Msg = PortfolioMsg;
    type State = PortfolioState;

    async fn init(&self, _cx: &Context<PortfolioMsg>) -> Result<PortfolioState, ActorError> {
        Ok(PortfolioState::default())
    }

    async fn recover(
        &self,
        _cx: &Context<PortfolioMsg>,
        state: &mut PortfolioState,
    ) -> Result<(), ActorError> {
        let attached = self.ledger.call(FOLLOW_TIMEOUT, LedgerMsg::Follow).await?;
        state.seq = attached.seq;
        state.book = match attached.image {
            Some(image) => image.portfolio.clone(),
            None => patiently("portfolio", || self.images.at(attached.seq)).await?.portfolio.clone(),
        };
        Ok(())
    }

    async fn handle(
        &self,
        _cx: &Context<PortfolioMsg>,
        message: PortfolioMsg,
        state: &mut PortfolioState,
    ) -> Result<(), ActorError> {
        match message {
            PortfolioMsg::Committed(batch) => state.fold(&batch)?,
            PortfolioMsg::View(filter, reply) => {
                let known = filter.check(&state.book);
                reply.send(known.map(|()| view::picture(&state.book, state.seq, &filter, &self.quotes)));
            }
            PortfolioMsg::IsFlat(reply) => {
                reply.send(state.book.positions.values().all(|position| position.quantity.get().is_zero()));
            }
        }
        Ok(())
    }
}

impl PortfolioState {
    fn fold(&mut self, batch: &CommittedBatch) -> Result<(), ActorError> {
        for recorded in batch.unseen(self.seq)? {
            self.seq = recorded.seq;
            self.book.apply(&recorded.event);
        }
        Ok(())
    }
}
