//! A tenant as the fold of its journal: snapshots at any point, reservations, money.

use crate::history::{History, actions};
use crate::support::{at, book, currency, dec, paper, price, terms};
use bulkhead_domain::order::Side;
use bulkhead_domain::portfolio::CashKey;
use bulkhead_domain::tenant::TenantImage;
use bulkhead_domain::{Event, EventId, RecordedEvent};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

fn decoded(recorded: &RecordedEvent) -> RecordedEvent {
    let event = Event::decode(recorded.event.kind(), Event::VERSION, &recorded.event.payload()).unwrap();
    RecordedEvent { event, ..recorded.clone() }
}

fn number(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

fn risk_account(image: &TenantImage) -> Value {
    serde_json::to_value(&image.risk).unwrap()["accounts"]["paper"].clone()
}

fn cash(image: &TenantImage) -> Decimal {
    let key = CashKey { portfolio: book(), account: paper(), currency: currency("USDT") };
    image.portfolio.cash[&key].get()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_snapshot_anywhere_and_the_rest_is_the_whole(actions in actions(40), cut in any::<prop::sample::Index>()) {
        let history = History::run(actions);
        let cut = cut.index(history.events.len() + 1);
        let (before, after) = history.events.split_at(cut);
        let mut image = TenantImage::default();
        before.iter().for_each(|recorded| image.apply(&decoded(recorded)));
        let stored = serde_json::to_vec(&image).unwrap();
        let mut restored: TenantImage = serde_json::from_slice(&stored).unwrap();
        prop_assert_eq!(&restored, &image);
        after.iter().for_each(|recorded| restored.apply(&decoded(recorded)));
        prop_assert_eq!(&restored, &history.image);
        prop_assert_eq!(restored.streams.events, restored.seq);
    }

    #[test]
    fn closing_everything_gives_every_reservation_back(actions in actions(40)) {
        let mut history = History::run(actions);
        history.close_all();
        prop_assert_eq!(history.image.risk.reservation_count(), 0);
        prop_assert_eq!(history.image.desk.open_count(), 0);
        let account = risk_account(&history.image);
        for symbol in account["symbols"].as_object().unwrap().values() {
            for sum in ["buy_quantity", "buy_notional", "sell_quantity", "sell_notional"] {
                prop_assert_eq!(number(&symbol[sum]), Decimal::ZERO, "{}", sum);
            }
        }
    }

    #[test]
    fn risk_and_portfolio_agree_on_money_and_positions(actions in actions(40)) {
        let history = History::run(actions);
        let account = risk_account(&history.image);
        prop_assert_eq!(number(&account["cash"]["USDT"]), cash(&history.image));
        for (key, position) in &history.image.portfolio.positions {
            prop_assert_eq!(number(&account["symbols"][key.symbol.as_str()]["position"]), position.quantity.get());
        }
        let moved: Decimal = history.orders.values().flat_map(|order| {
            order.fills.values().map(|fill| {
                -order.terms.side.signed(fill.quantity).get() * fill.price.get() - fill.fee.get()
            })
        }).sum();
        prop_assert_eq!(cash(&history.image), dec("2000") + moved);
    }
}

#[test]
fn a_late_fill_moves_the_position_and_reserves_nothing() {
    let mut history = History::open();
    history.place(terms(Side::Buy, "5@100"));
    history.close_all();
    let order = history.orders.values().next().unwrap().clone();
    let report = bulkhead_domain::report::VenueReport {
        venue_client_id: order.venue_client_id.clone(),
        venue_ts: at(0),
        kind: crate::support::filled("late", "2@99"),
    };
    let events = order.decide_report(&report, at(9)).events;
    assert_eq!(events.len(), 1);
    let seq = history.image.seq + 1;
    let event = events.into_iter().next().unwrap();
    let recorded = RecordedEvent { seq, event_id: EventId(Uuid::from_u128(9)), recorded_at: at(9), event };
    history.image.apply(&recorded);
    assert_eq!(history.image.risk.reservation_count(), 0);
    assert_eq!(history.image.desk.orders().count(), 0);
    assert_eq!(history.image.streams.trades, seq);
    let position = history.image.portfolio.positions.values().next().unwrap();
    assert_eq!((position.quantity.get(), position.cost.get()), (dec("2"), dec("198")));
    assert_eq!(position.average_price().unwrap().get(), price("99").get());
}

#[test]
#[should_panic(expected = "events are folded in sequence")]
fn a_gap_is_never_folded() {
    let history = History::open();
    TenantImage::default().apply(&history.events[1]);
}
