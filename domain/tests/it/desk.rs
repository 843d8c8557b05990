//! The desk's book: client order ids, what is known, what is open.

use crate::history::History;
use crate::support::{Life, TENANT, at, currency, opening, submitted, terms};
use bulkhead_domain::desk::{
    DeskBook, OPEN_ORDERS_MAX, PlaceDecision, PlaceOrder, PlaceRejection, same_request,
};
use bulkhead_domain::order::{OrderStatus, Side};
use bulkhead_domain::risk::{Authorization, Denial, DenialCode, Reservation};
use bulkhead_domain::{AccountId, Event, Order, OrderId, PortfolioId, VenueClientId};
use uuid::Uuid;

fn book() -> DeskBook {
    let mut book = DeskBook::default();
    opening(1, false, "1000").iter().for_each(|event| book.apply(event, at(0)));
    book
}

fn request(number: u128, text: &str) -> PlaceOrder {
    let data = submitted(number, terms(Side::Buy, text));
    PlaceOrder {
        order_id: data.order_id,
        client_order_id: data.client_order_id,
        terms: data.terms,
        valid_until: None,
    }
}

fn closed(number: u128) -> Event {
    let mut life = Life::new(number, terms(Side::Buy, "10@100"));
    life.hear(crate::support::rejected());
    life.events.pop().unwrap().0
}

#[test]
fn a_client_order_id_names_one_order_for_ever() {
    let mut book = book();
    let first = request(1, "10@100");
    assert_eq!(book.decide_place(&first, false, at(0)), Ok(PlaceDecision::Authorize), "nothing is known yet");
    book.apply(&Event::OrderSubmitted(submitted(1, first.terms.clone())), at(1));
    let again = PlaceOrder { order_id: OrderId(Uuid::from_u128(99)), ..first.clone() };
    assert_eq!(book.decide_place(&again, false, at(0)), Ok(PlaceDecision::Existing(first.order_id)));
    let other_terms = PlaceOrder { terms: terms(Side::Buy, "11@100"), ..again.clone() };
    let reused = PlaceRejection::ClientOrderIdReused {
        client_order_id: first.client_order_id.clone(),
        order_id: first.order_id,
    };
    assert_eq!(book.decide_place(&other_terms, false, at(0)), Err(reused.clone()));
    book.apply(&closed(1), at(2));
    assert_eq!(
        book.decide_place(&again, false, at(0)),
        Ok(PlaceDecision::Existing(first.order_id)),
        "closed, not durable"
    );
    let order = book.order(first.order_id).unwrap().clone();
    book.forget(first.order_id);
    assert_eq!(book.decide_place(&again, false, at(0)), Ok(PlaceDecision::AskTable));
    assert_eq!(book.decide_place(&again, true, at(0)), Ok(PlaceDecision::Authorize), "the filter erred");
    assert_eq!(same_request(&again, &order), Ok(first.order_id));
    assert_eq!(same_request(&other_terms, &order), Err(reused));
}

#[test]
fn unknown_accounts_and_portfolios_are_named() {
    let mut wrong = request(1, "10@100");
    wrong.terms.account = AccountId::parse("elsewhere").unwrap();
    let expected = PlaceRejection::UnknownAccount { account: wrong.terms.account.clone() };
    assert_eq!(book().decide_place(&wrong, false, at(0)), Err(expected));
    let mut wrong = request(1, "10@100");
    wrong.terms.portfolio = PortfolioId::parse("elsewhere").unwrap();
    let expected = PlaceRejection::UnknownPortfolio { portfolio: wrong.terms.portfolio.clone() };
    assert_eq!(book().decide_place(&wrong, false, at(0)), Err(expected));
}

#[test]
fn a_request_that_is_looked_at_too_late_leads_to_nothing_and_its_name_stays_findable() {
    let mut book = book();
    let mut late = request(1, "10@100");
    late.valid_until = Some(at(5));
    assert_eq!(book.decide_place(&late, false, at(5)), Ok(PlaceDecision::Authorize), "up to and with");
    let expected = PlaceRejection::ValidUntilPassed { valid_until: at(5), now: at(6) };
    assert_eq!(book.decide_place(&late, false, at(6)), Err(expected));
    book.apply(&Event::OrderSubmitted(submitted(1, late.terms.clone())), at(4));
    assert_eq!(book.decide_place(&late, false, at(6)), Ok(PlaceDecision::Existing(late.order_id)));
    book.apply(&closed(1), at(7));
    book.forget(late.order_id);
    assert_eq!(book.decide_place(&late, false, at(8)), Ok(PlaceDecision::AskTable), "the table may know it");
}

#[test]
fn open_orders_are_capped_and_closing_one_makes_room() {
    let mut book = book();
    for number in 1..=OPEN_ORDERS_MAX as u128 {
        book.apply(&Event::OrderSubmitted(submitted(number, terms(Side::Buy, "10@100"))), at(1));
    }
    let next = request(1_000_000, "10@100");
    assert_eq!(book.open_count(), OPEN_ORDERS_MAX);
    assert_eq!(book.decide_place(&next, true, at(0)), Err(PlaceRejection::TooManyOpenOrders));
    let known = request(5, "10@100");
    assert_eq!(
        book.decide_place(&known, false, at(0)),
        Ok(PlaceDecision::Existing(known.order_id)),
        "known ids are answered"
    );
    book.apply(&closed(5), at(2));
    assert_eq!(book.decide_place(&next, true, at(0)), Ok(PlaceDecision::Authorize));
}

#[test]
fn only_what_is_closed_is_forgotten_and_what_is_late_comes_back() {
    let mut book = book();
    let data = submitted(1, terms(Side::Buy, "10@100"));
    book.apply(&Event::OrderSubmitted(data.clone()), at(1));
    book.forget(data.order_id);
    assert!(book.order(data.order_id).is_some(), "an open order stays");
    book.apply(&closed(1), at(2));
    let order: Order = book.order_by_venue_id(&data.venue_client_id).unwrap().clone();
    book.forget(data.order_id);
    assert!(book.order_by_venue_id(&data.venue_client_id).is_none());
    assert!(book.order_by_client_id(&data.client_order_id).is_none());
    book.hold(order.clone());
    book.hold(order);
    assert_eq!((book.orders().count(), book.open_count()), (1, 0));
    book.forget(data.order_id);
    assert_eq!(book.orders().count(), 0);
}

#[test]
fn holding_an_open_order_again_counts_it_once() {
    let mut book = book();
    let order = Life::buy().order;
    book.hold(order.clone());
    book.hold(order);
    assert_eq!(book.open_count(), 1);
}

#[test]
fn a_decision_says_what_it_makes() {
    let place = request(1, "10@100");
    let reservation = Reservation {
        account: place.terms.account.clone(),
        symbol: place.terms.symbol.clone(),
        side: Side::Buy,
        price: crate::support::price("100"),
        leaves: place.terms.quantity,
    };
    let yes = Authorization { verdicts: Vec::new(), outcome: Ok(reservation) };
    let event = book().decide_authorized(TENANT, place.clone(), currency("USDT"), yes);
    let Event::OrderSubmitted(data) = event else { panic!("{event:?}") };
    assert_eq!((data.after.status, data.after.version), (OrderStatus::Submitted, 1));
    assert_eq!(data.venue_client_id, VenueClientId::derive(TENANT, place.order_id));
    assert_eq!(data.reserved_price.get(), crate::support::dec("100"));
    let denial =
        Denial { code: DenialCode::InsufficientFunds, message: "too much".to_owned(), numbers: None };
    let no = Authorization { verdicts: Vec::new(), outcome: Err(denial) };
    let event = book().decide_authorized(TENANT, place, currency("USDT"), no);
    let Event::OrderDenied(data) = &event else { panic!("{event:?}") };
    assert_eq!((data.code.as_str(), data.after.status), ("INSUFFICIENT_FUNDS", OrderStatus::Denied));
    let mut book = book();
    book.apply(&event, at(1));
    assert_eq!((book.open_count(), book.orders().count()), (0, 1), "a denied order is an order and not open");
}

#[test]
fn a_stored_book_finds_everything_again() {
    let mut history = History::open();
    history.place(terms(Side::Buy, "1@100"));
    history.place(terms(Side::Buy, "500@100"));
    let stored = serde_json::to_string(&history.image.desk).unwrap();
    let restored: DeskBook = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored, history.image.desk);
    let order = history.image.desk.orders().next().unwrap();
    assert_eq!(restored.order_by_venue_id(&order.venue_client_id), Some(order));
    assert_eq!(restored.order_by_client_id(&order.client_order_id), Some(order));
    let denied = request(2, "500@100");
    assert_eq!(
        restored.decide_place(&denied, false, at(0)),
        Ok(PlaceDecision::AskTable),
        "denied ids are known too"
    );
}
