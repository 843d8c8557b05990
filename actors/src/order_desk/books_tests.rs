//! Portfolios at the desk: answers wait for the commit, and nothing comes between an archive and an order.

use super::{BookEntry, BooksMsg, DeskMsg, Made, PlaceCall};
use crate::failure::{PlaceError, PortfolioError};
use crate::fakes::core::Core;
use crate::fakes::venue::filled;
use crate::fakes::{SOON, place};
use bulkhead_domain::PortfolioId;
use bulkhead_domain::desk::{PlaceOrder, PlaceRejection};
use bulkhead_domain::named_book::{ChangePortfolio, PortfolioName, PortfolioRejection};
use bulkhead_domain::report::ReportKind;
use bulkhead_supervision::{CallError, Reply};
use tokio::task::JoinHandle;

fn fund() -> PortfolioId {
    PortfolioId::parse("fund").unwrap()
}

fn place_in_fund(name: &str, text: &str) -> PlaceOrder {
    let mut place = place(name, text);
    place.terms.portfolio = fund();
    place
}

impl Core {
    fn create(&self, name: Option<&str>) -> JoinHandle<Result<Result<Made, PortfolioError>, CallError>> {
        let (desk, name) = (self.cell.desk.clone(), name.map(|name| PortfolioName::parse(name).unwrap()));
        let ask = |reply| DeskMsg::Books(BooksMsg::Create { portfolio: fund(), name, reply });
        tokio::spawn(async move { desk.call(SOON, ask).await })
    }

    async fn change(&self, is_archived: bool) -> Result<BookEntry, PortfolioError> {
        let change = ChangePortfolio { name: None, is_archived: Some(is_archived) };
        let ask = |reply| DeskMsg::Books(BooksMsg::Change { portfolio: fund(), change, reply });
        self.cell.desk.call(SOON, ask).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_portfolio_is_made_once_and_told_of_when_it_is_durable() {
    let mut core = Core::start_open().await;
    core.hold(true);
    let (first, second) = (core.create(Some("Fund")), core.create(None));
    let refused = core.create(Some("Other"));
    assert!(core.requests.is_silent().await);
    assert!(!first.is_finished() && !second.is_finished(), "the second saw what the first made");
    assert!(!refused.is_finished(), "a refusal saw it too");
    assert!(!core.is_desk_quiet().await, "an event is on its way");
    core.settle(Ok(()));
    let (entry, is_new) = first.await.unwrap().unwrap().unwrap();
    assert_eq!((entry.1.name.as_str(), is_new), ("Fund", true));
    assert_eq!(second.await.unwrap().unwrap().unwrap(), (entry.clone(), false));
    let exists = PortfolioRejection::Exists { portfolio: fund(), name: entry.1.name };
    assert_eq!(refused.await.unwrap().unwrap(), Err(exists.into()));
    assert_eq!(core.journal().kinds().last(), Some(&"portfolio_created"));
    core.hold(false);
    // What opened the gate is over, so that nothing else keeps the desk busy.
    assert!(core.is_desk_quiet().await);
}

#[tokio::test(start_paused = true)]
async fn an_order_on_its_way_or_open_keeps_its_portfolio_and_so_does_what_it_bought() {
    let mut core = Core::start_open().await;
    core.create(None).await.unwrap().unwrap().unwrap();
    // The order is with risk when the archive is asked for: it counts as open.
    let (reply, call) = Reply::channel();
    let place = PlaceCall { place: place_in_fund("a", "1@100"), reply };
    core.cell.desk.notify(DeskMsg::Place(Box::new(place))).unwrap();
    let busy = PortfolioRejection::HasOpenOrders { portfolio: fund(), count: 1 };
    assert_eq!(core.change(true).await, Err(busy.clone().into()));
    let order = call.await.unwrap().unwrap().order;
    core.requests.submit().await;
    assert_eq!(core.change(true).await, Err(busy.into()));
    core.venue.report(&order.venue_client_id, filled("e1", "1@100"));
    core.quiet().await;
    let held = PortfolioRejection::HasPositions { portfolio: fund(), count: 1 };
    assert_eq!(core.change(true).await, Err(held.clone().into()));
    core.kill("core/order_desk").await;
    assert_eq!(core.change(true).await, Err(held.into()), "a new desk knows it too");
}

#[tokio::test(start_paused = true)]
async fn an_archived_portfolio_refuses_orders_until_it_is_restored() {
    let mut core = Core::start_open().await;
    core.create(None).await.unwrap().unwrap().unwrap();
    let order = core.place(place_in_fund("a", "1@100")).await.unwrap().unwrap().unwrap().order;
    core.requests.submit().await;
    let gone = ReportKind::Rejected { code: "NO".to_owned(), message: "no".to_owned() };
    core.venue.report(&order.venue_client_id, gone);
    core.quiet().await;
    assert!(core.change(true).await.unwrap().1.is_archived());
    assert!(core.change(true).await.unwrap().1.is_archived(), "asking again is the same");
    let refused = core.place(place_in_fund("b", "1@100")).await.unwrap().unwrap();
    let archived = PlaceRejection::PortfolioArchived { portfolio: fund() };
    assert_eq!(refused.err(), Some(PlaceError::Rejected(archived)));
    assert!(core.requests.is_silent().await);
    let kinds = core.journal().kinds();
    assert_eq!(kinds.iter().filter(|kind| **kind == "portfolio_archived").count(), 1);
    assert!(!kinds.contains(&"order_denied"), "a refused request is no order");
    assert!(!core.change(false).await.unwrap().1.is_archived());
    core.place(place_in_fund("b", "1@100")).await.unwrap().unwrap().unwrap();
    core.requests.submit().await;
}
