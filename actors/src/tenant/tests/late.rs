//! What a venue says about orders that are over and no longer in memory, over a real database.

use super::rig::eventually;
use crate::fakes::core::claim;
use crate::fakes::database::Database;
use crate::fakes::venue::{FakeVenue, VENUE_NOW, accepted, execution, filled, found_open, quote};
use crate::fakes::{Heard, SOON, place};
use crate::journal_writer::{JournalWriter, JournalWriters};
use crate::quotes::{Instruments, QuoteBoard};
use crate::tenant::{Shared, Slots, Tenants};
use crate::{snapshotter, warden};
use arc_swap::ArcSwap;
use bulkhead_domain::order::OrderStatus;
use bulkhead_domain::report::{ReportKind, VenueCancelCause};
use bulkhead_domain::{Event, Order, VenueClientId, VenueOrderId};
use bulkhead_persistence::Plan;
use bulkhead_supervision::{ChildSpec, Port, Strategy, SupervisorSpec, start_root};
use bulkhead_venues::{
    AccountFill, ClockKind, FillCursor, RequestId, RequestKind, Venue, VenueMessage, VenueRequest,
};
use std::sync::Arc;

async fn tenants(database: &Database, venue: &Arc<FakeVenue>) -> Tenants {
    let writers = JournalWriters::new(1);
    let make = {
        let db = database.db.clone();
        move || JournalWriter { db: db.clone() }
    };
    let writer = ChildSpec::worker("writer", writers.ports()[0].clone(), make);
    let root = start_root(SupervisorSpec::new("node", Strategy::OneForOne).child(writer)).await.unwrap();
    let instruments = Instruments::new(venue.instruments());
    let quotes = QuoteBoard::new(&instruments);
    quotes.record(quote("99", "101"));
    let shared = Shared {
        db: database.db.clone(),
        claim: Arc::new(ArcSwap::from_pointee(database.claim.clone())),
        writers,
        snapshotter: Port::new("node/snapshotter", snapshotter::LIMITS),
        venue: venue.clone(),
        instruments,
        quotes,
        root,
    };
    Tenants::new(Arc::new(shared), Slots::default(), Port::new("node/warden", warden::LIMITS))
}

fn submit(kind: RequestKind) -> Option<VenueClientId> {
    if let RequestKind::Submit(order) = kind { Some(order.venue_client_id) } else { None }
}

fn cancel(kind: RequestKind) -> Option<VenueClientId> {
    if let RequestKind::Cancel { venue_client_id } = kind { Some(venue_client_id) } else { None }
}

/// What the venue is told to do next; questions change nothing there.
async fn told_to(
    requests: &mut Heard<VenueRequest>,
    wanted: fn(RequestKind) -> Option<VenueClientId>,
) -> VenueClientId {
    loop {
        let kind = requests.order_request().await;
        if !matches!(kind, RequestKind::QueryOrder { .. } | RequestKind::FillsSince { .. }) {
            return wanted(kind).expect("another request was expected");
        }
    }
}

/// The next list of executions that is asked for.
async fn listing(requests: &mut Heard<VenueRequest>) -> (RequestId, Option<FillCursor>) {
    loop {
        let VenueRequest { request_id, kind, .. } = requests.next().await;
        if let RequestKind::FillsSince { cursor } = kind {
            return (request_id, cursor);
        }
    }
}

fn listed(order: &Order, id: &str, text: &str) -> AccountFill {
    AccountFill {
        venue_client_id: order.venue_client_id.clone(),
        venue_order_id: VenueOrderId::parse("v1").unwrap(),
        symbol: order.terms.symbol.clone(),
        side: order.terms.side,
        execution: execution(id, text),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_execution_that_died_with_the_desk_is_found_at_the_venue() {
    let database = Database::start().await;
    let (venue, mut requests) = FakeVenue::new(ClockKind::Live);
    venue.connect_all();
    let tenants = tenants(&database, &venue).await;
    let tenant_id = database.tenant(Plan::Pro).await;
    let tenant = tenants.open(tenant_id).await.unwrap();
    let order = tenant.place_order(place("a", "2@100")).await.unwrap().order;
    let (request_id, cursor) = listing(&mut requests).await;
    assert_eq!(cursor, None, "nothing is booked yet");
    venue.say(VenueMessage::Fills { request_id, fills: Vec::new(), next: None });
    venue.report(&order.venue_client_id, accepted());
    venue.report(&order.venue_client_id, filled("e1", "0.5@100"));
    venue.report(&order.venue_client_id, ReportKind::Canceled { cause: VenueCancelCause::Unsolicited });
    eventually(async || tenant.find_order(order.id).await.unwrap().is_none()).await;

    // Two more executions were on their way when the desk died.
    tenants.kill_actor(tenant_id, "core/order_desk", "test").await.unwrap();
    let (request_id, _) = listing(&mut requests).await;
    let next = FillCursor { execution_id: execution("e2", "0.25@100").execution_id, venue_ts: VENUE_NOW };
    let fills = vec![listed(&order, "e1", "0.5@100"), listed(&order, "e2", "0.25@100")];
    venue.say(VenueMessage::Fills { request_id, fills, next: Some(next.clone()) });
    let (request_id, cursor) = listing(&mut requests).await;
    assert_eq!(cursor, Some(next));
    venue.say(VenueMessage::Fills { request_id, fills: vec![listed(&order, "e3", "0.125@100")], next: None });

    let trades = |events: &[Event]| events.iter().filter(|event| event.is_trade()).count();
    database.until(tenant_id, |events| trades(events) == 3).await;
    let image = database.replay(tenant_id).await;
    assert_eq!(image.portfolio.positions.values().next().unwrap().quantity.to_string(), "0.875");
    assert_eq!((image.risk.reservation_count(), image.desk.open_count()), (0, 0));
    tenants.quarantine(tenant_id, "the end").await.unwrap();
    database.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_fills_count_once_and_an_order_wrongly_given_up_is_cancelled() {
    let database = Database::start().await;
    assert_ne!(claim(), database.claim);
    let (venue, mut requests) = FakeVenue::new(ClockKind::Live);
    venue.connect_all();
    let tenants = tenants(&database, &venue).await;
    let tenant_id = database.tenant(Plan::Pro).await;
    let tenant = tenants.open(tenant_id).await.unwrap();

    // A session may say twice that it is up, and have what is open then asked for. After this order it has.
    let opener = tenant.place_order(place("opener", "2@100")).await.unwrap().order;
    told_to(&mut requests, submit).await;
    venue.report(&opener.venue_client_id, ReportKind::State { order: None });
    eventually(async || tenant.find_order(opener.id).await.unwrap().is_none()).await;

    let canceled = tenant.place_order(place("canceled", "2@100")).await.unwrap().order;
    told_to(&mut requests, submit).await;
    venue.report(&canceled.venue_client_id, accepted());
    venue.report(&canceled.venue_client_id, ReportKind::Canceled { cause: VenueCancelCause::Unsolicited });
    let given_up = tenant.place_order(place("given-up", "2@100")).await.unwrap().order;
    told_to(&mut requests, submit).await;
    venue.report(&given_up.venue_client_id, ReportKind::State { order: None });
    for id in [canceled.id, given_up.id] {
        eventually(async || tenant.find_order(id).await.unwrap().is_none()).await;
    }

    for _ in 0..3 {
        venue.report(&canceled.venue_client_id, filled("late-1", "0.5@100"));
    }
    venue.report(&given_up.venue_client_id, filled("late-2", "0.25@100"));
    let trades = |events: &[Event]| events.iter().filter(|event| event.is_trade()).count();
    database.until(tenant_id, |events| trades(events) == 2).await;
    assert_eq!(
        told_to(&mut requests, cancel).await,
        given_up.venue_client_id,
        "it lives at the venue, against the inference"
    );
    venue.report(&given_up.venue_client_id, found_open(Vec::new()));
    assert_eq!(told_to(&mut requests, cancel).await, given_up.venue_client_id);

    let late = database.events(tenant_id).await;
    let late: Vec<_> = late.iter().filter(|recorded| recorded.event.is_trade()).collect();
    assert!(late.iter().all(|recorded| matches!(&recorded.event, Event::OrderFilled(data) if data.late)));
    let again = tenant.place_order(place("canceled", "2@100")).await.unwrap();
    assert_eq!(
        (again.order.status(), again.order.filled_quantity().to_string()),
        (OrderStatus::Canceled, "0.5".to_owned())
    );
    let image = database.replay(tenant_id).await;
    assert_eq!((image.risk.reservation_count(), image.desk.open_count()), (0, 0));
    assert_eq!(image.portfolio.positions.values().next().unwrap().quantity.to_string(), "0.75");
    tenants.passivate(tenant_id).await.expect_err("something is held");
    eventually(async || tenant.find_order(canceled.id).await.unwrap().is_none()).await;
    tenants.quarantine(tenant_id, "the end").await.unwrap();
    tokio::time::timeout(SOON, database.db.close()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_fills_that_come_in_bursts_count_once_each_and_break_nothing() {
    let database = Database::start().await;
    let (venue, mut requests) = FakeVenue::new(ClockKind::Live);
    venue.connect_all();
    let tenants = tenants(&database, &venue).await;
    let tenant_id = database.tenant(Plan::Pro).await;
    let tenant = tenants.open(tenant_id).await.unwrap();
    let order = tenant.place_order(place("a", "50@100")).await.unwrap().order;
    told_to(&mut requests, submit).await;
    venue.report(&order.venue_client_id, ReportKind::Canceled { cause: VenueCancelCause::Unsolicited });
    eventually(async || tenant.find_order(order.id).await.unwrap().is_none()).await;
    let trades = |events: &[Event]| events.iter().filter(|event| event.is_trade()).count();
    for number in 0..20 {
        // Looked up side by side: some answers come when the first was recorded and the order forgotten again.
        for _ in 0..12 {
            venue.report(&order.venue_client_id, filled(&format!("e{number}"), "1@100"));
        }
        database.until(tenant_id, |events| trades(events) == number + 1).await;
    }
    eventually(async || tenant.find_order(order.id).await.unwrap().is_none()).await;
    let again = tenant.place_order(place("a", "50@100")).await.unwrap().order;
    assert_eq!(again.filled_quantity().to_string(), "20");
    let incarnations = (tenant.cell.ledger.incarnation(), tenant.cell.desk.incarnation());
    assert_eq!(incarnations, (1, 1), "nothing had to start again");
    tenants.quarantine(tenant_id, "the end").await.unwrap();
    database.db.close().await;
}
