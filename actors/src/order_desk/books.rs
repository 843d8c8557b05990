//! Portfolios: made, renamed, archived and restored by the desk, since orders are decided here against them and nothing
//! can come between. Every answer waits for what it saw to be durable.

use super::{DeskState, OrderDesk};
use crate::failure::{PortfolioError, Unavailable};
use bulkhead_domain::named_book::{ChangePortfolio, InUse, NamedBook, PortfolioName, PortfolioRejection};
use bulkhead_domain::{Event, PortfolioId};
use bulkhead_supervision::Reply;

/// One portfolio with its id.
pub type BookEntry = (PortfolioId, NamedBook);

/// A portfolio as it is after a request; whether the request made it.
pub type Made = (BookEntry, bool);

/// What the desk is asked about portfolios.
pub(crate) enum BooksMsg {
    Create {
        portfolio: PortfolioId,
        name: Option<PortfolioName>,
        reply: Reply<Result<Made, PortfolioError>>,
    },
    Change {
        portfolio: PortfolioId,
        change: ChangePortfolio,
        reply: Reply<Result<BookEntry, PortfolioError>>,
    },
    List(Reply<Vec<BookEntry>>),
}

impl BooksMsg {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create_portfolio",
            Self::Change { .. } => "change_portfolio",
            Self::List(_) => "list_portfolios",
        }
    }
}

impl OrderDesk {
    pub(super) fn books(&self, state: &mut DeskState, message: BooksMsg) {
        match message {
            BooksMsg::Create { portfolio, name, reply } => {
                let decided = state.book.portfolios().decide_create(&portfolio, name.as_ref());
                let decided = decided.map_err(PortfolioError::from).and_then(|event| state.admit(event));
                let answer = decided.and_then(|events| {
                    let is_new = !events.is_empty();
                    self.record(state, events, Box::new(|| {}));
                    Ok((state.entry(&portfolio)?, is_new))
                });
                self.when_durable(Box::new(move || reply.send(answer)));
            }
            BooksMsg::Change { portfolio, change, reply } => {
                let in_use = state.in_use(&portfolio);
                let decided = state.book.portfolios().decide_change(&portfolio, &change, in_use);
                let decided = decided.map_err(PortfolioError::from).and_then(|events| state.admit(events));
                let answer = decided.and_then(|events| {
                    self.record(state, events, Box::new(|| {}));
                    Ok(state.entry(&portfolio)?)
                });
                self.when_durable(Box::new(move || reply.send(answer)));
            }
            BooksMsg::List(reply) => {
                let books = state.book.portfolios().iter();
                let books = books.map(|(id, book)| (id.clone(), book.clone())).collect();
                self.when_durable(Box::new(move || reply.send(books)));
            }
        }
    }
}

impl DeskState {
    /// Lets events in, as long as not too much waits for the journal.
    fn admit(&self, events: impl IntoIterator<Item = Event>) -> Result<Vec<Event>, PortfolioError> {
        let events: Vec<Event> = events.into_iter().collect();
        if events.is_empty() || !self.is_full() {
            return Ok(events);
        }
        Err(PortfolioError::Failed(Unavailable::Overloaded.into()))
    }

    fn entry(&self, portfolio: &PortfolioId) -> Result<BookEntry, PortfolioRejection> {
        self.book.portfolios().find(portfolio).map(|book| (portfolio.clone(), book.clone()))
    }

    /// An order that is being decided counts as open: it may be so in a moment.
    fn in_use(&self, portfolio: &PortfolioId) -> InUse {
        let is_of = |calls: &&Vec<super::PlaceCall>| {
            calls.first().is_some_and(|call| call.place.terms.portfolio == *portfolio)
        };
        let deciding = self.placing.values().filter(is_of).count();
        InUse {
            positions: self.money.open_position_count(portfolio),
            open_orders: self.book.open_count_in(portfolio) + deciding,
        }
    }
}
