//! Portfolios by name: what is made, renamed, archived and restored, and what is refused.

use crate::support::{at, book, opening, submitted, terms};
use bulkhead_domain::desk::{DeskBook, PlaceDecision, PlaceOrder, PlaceRejection};
use bulkhead_domain::event::PortfolioArchived;
use bulkhead_domain::named_book::{
    ChangePortfolio, InUse, NamedBooks, PORTFOLIOS_MAX, PortfolioName, PortfolioRejection,
};
use bulkhead_domain::order::Side;
use bulkhead_domain::{Event, PortfolioId, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn id(text: &str) -> PortfolioId {
    PortfolioId::parse(text).unwrap()
}

fn name(text: &str) -> PortfolioName {
    PortfolioName::parse(text).unwrap()
}

fn books() -> NamedBooks {
    let mut books = NamedBooks::default();
    opening(1, false, "1000").iter().for_each(|event| books.apply(event, at(0)));
    books
}

fn archive() -> ChangePortfolio {
    ChangePortfolio { name: None, is_archived: Some(true) }
}

fn restore() -> ChangePortfolio {
    ChangePortfolio { name: None, is_archived: Some(false) }
}

#[test]
fn names_are_short_and_visible() {
    for good in ["Momentum", "a", "Größere Wette №2", &"x".repeat(64), "a b"] {
        assert_eq!(name(good).as_str(), good);
    }
    for bad in ["", " ", " a", "a ", "a\nb", "a\u{200b}b", "\u{202e}a", "a\u{feff}", &"x".repeat(65)] {
        assert!(PortfolioName::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn making_the_same_again_changes_nothing_and_another_under_the_id_is_refused() {
    let mut books = books();
    let event = books.decide_create(&id("fund"), Some(&name("Fund"))).unwrap().unwrap();
    books.apply(&event, at(5));
    let made = books.get(&id("fund")).unwrap();
    assert_eq!((made.name.as_str(), made.created_at, made.is_archived()), ("Fund", at(5), false));
    assert_eq!(books.decide_create(&id("fund"), Some(&name("Fund"))), Ok(None));
    assert_eq!(books.decide_create(&id("fund"), None), Ok(None));
    let exists = PortfolioRejection::Exists { portfolio: id("fund"), name: name("Fund") };
    assert_eq!(books.decide_create(&id("fund"), Some(&name("Other"))), Err(exists));
    assert_eq!(books.get(&book()).unwrap().name.as_str(), "main", "without a name it is called by its id");
}

#[test]
fn archiving_is_refused_while_anything_is_in_use() {
    let mut books = books();
    let event = books.decide_create(&id("fund"), None).unwrap().unwrap();
    books.apply(&event, at(1));
    let busy = |positions, open_orders| {
        books.decide_change(&id("fund"), &archive(), InUse { positions, open_orders })
    };
    let has_positions = PortfolioRejection::HasPositions { portfolio: id("fund"), count: 2 };
    assert_eq!(busy(2, 1), Err(has_positions));
    let has_orders = PortfolioRejection::HasOpenOrders { portfolio: id("fund"), count: 1 };
    assert_eq!(busy(0, 1), Err(has_orders));
    let archived = Event::PortfolioArchived(PortfolioArchived { portfolio: id("fund") });
    assert_eq!(busy(0, 0), Ok(vec![archived]));
    assert_eq!(
        books.decide_change(&book(), &archive(), InUse::default()),
        Err(PortfolioRejection::Permanent)
    );
    let unknown = PortfolioRejection::Unknown { portfolio: id("nowhere") };
    assert_eq!(books.decide_change(&id("nowhere"), &archive(), InUse::default()), Err(unknown));
}

#[test]
fn portfolios_are_capped_with_the_archived_ones() {
    let mut books = books();
    for number in 1..PORTFOLIOS_MAX {
        let event = books.decide_create(&id(&format!("p{number}")), None).unwrap().unwrap();
        books.apply(&event, at(1));
    }
    let events = books.decide_change(&id("p1"), &archive(), InUse::default()).unwrap();
    events.iter().for_each(|event| books.apply(event, at(2)));
    assert_eq!(books.decide_create(&id("one-more"), None), Err(PortfolioRejection::TooMany));
    assert_eq!(books.decide_create(&id("p2"), None), Ok(None), "what exists is still answered");
}

#[test]
fn an_archived_portfolio_takes_no_new_order_and_answers_the_old_ones() {
    let mut desk = DeskBook::default();
    opening(1, false, "1000").iter().for_each(|event| desk.apply(event, at(0)));
    let created = desk.portfolios().decide_create(&id("fund"), None).unwrap().unwrap();
    desk.apply(&created, at(1));
    let mut wanted = terms(Side::Buy, "10@100");
    wanted.portfolio = id("fund");
    let place = |number: u128| {
        let data = submitted(number, wanted.clone());
        PlaceOrder {
            order_id: data.order_id,
            client_order_id: data.client_order_id,
            terms: data.terms,
            valid_until: None,
        }
    };
    desk.apply(&Event::OrderSubmitted(submitted(1, wanted.clone())), at(2));
    assert_eq!((desk.open_count_in(&id("fund")), desk.open_count_in(&book())), (1, 0));
    desk.apply(&Event::PortfolioArchived(PortfolioArchived { portfolio: id("fund") }), at(3));
    let refused = PlaceRejection::PortfolioArchived { portfolio: id("fund") };
    assert_eq!(desk.decide_place(&place(2), false, Timestamp::EPOCH), Err(refused.clone()));
    assert_eq!(
        desk.decide_place(&place(1), false, Timestamp::EPOCH),
        Ok(PlaceDecision::Existing(place(1).order_id))
    );
    let events = desk.portfolios().decide_change(&id("fund"), &restore(), InUse::default()).unwrap();
    events.iter().for_each(|event| desk.apply(event, at(4)));
    assert_eq!(desk.decide_place(&place(2), false, Timestamp::EPOCH), Ok(PlaceDecision::Authorize));
}

#[derive(Debug, Clone)]
enum Step {
    Create(u8, Option<u8>),
    Change(u8, Option<u8>, Option<bool>, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let create = (0u8..4, proptest::option::of(0u8..3)).prop_map(|(id, name)| Step::Create(id, name));
    let change = (0u8..4, proptest::option::of(0u8..3), proptest::option::of(any::<bool>()), 0u8..2)
        .prop_map(|(id, name, is_archived, busy)| Step::Change(id, name, is_archived, busy));
    prop::collection::vec(prop_oneof![create, change], 0..40)
}

proptest! {
    /// Against a map of names and flags, and what is stored comes back.
    #[test]
    fn any_history_is_what_a_naive_map_says(steps in steps()) {
        let mut books = NamedBooks::default();
        let mut model: BTreeMap<String, (String, bool)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Create(number, given) => {
                    let key = format!("p{number}");
                    let called = given.map(|given| format!("Name {given}"));
                    let decided = books.decide_create(&id(&key), called.as_deref().map(name).as_ref());
                    let known = model.get(&key);
                    let is_same = known.is_none_or(|(now, archived)| {
                        !archived && called.as_ref().is_none_or(|called| called == now)
                    });
                    prop_assert_eq!(decided.is_ok(), is_same);
                    if let Ok(Some(event)) = decided {
                        prop_assert!(known.is_none());
                        books.apply(&event, at(1));
                        model.insert(key.clone(), (called.unwrap_or(key), false));
                    }
                }
                Step::Change(number, given, is_archived, busy) => {
                    let key = format!("p{number}");
                    let called = given.map(|given| format!("Name {given}"));
                    let change = ChangePortfolio { name: called.as_deref().map(name), is_archived };
                    let in_use = InUse { positions: 0, open_orders: usize::from(busy) };
                    let decided = books.decide_change(&id(&key), &change, in_use);
                    let Some(known) = model.get_mut(&key) else {
                        prop_assert!(decided.is_err());
                        continue;
                    };
                    let is_refused = is_archived == Some(true) && !known.1 && busy > 0;
                    prop_assert_eq!(decided.is_err(), is_refused);
                    if let Ok(events) = decided {
                        events.iter().for_each(|event| books.apply(event, at(2)));
                        known.0 = called.unwrap_or_else(|| known.0.clone());
                        known.1 = is_archived.unwrap_or(known.1);
                    }
                }
            }
        }
        let shown: BTreeMap<String, (String, bool)> = books
            .iter()
            .map(|(id, book)| (id.to_string(), (book.name.to_string(), book.is_archived())))
            .collect();
        prop_assert_eq!(shown, model);
        let stored = serde_json::to_string(&books).unwrap();
        prop_assert_eq!(serde_json::from_str::<NamedBooks>(&stored).unwrap(), books);
    }
}
