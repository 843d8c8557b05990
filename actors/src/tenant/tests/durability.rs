//! What leaves a tenant, and when: behind a journal that stands still, after a fence, under known names.

use super::rig::Town;
use crate::failure::{CallFailure, PlaceError};
use crate::fakes::place;
use bulkhead_domain::desk::{PlaceOrder, PlaceRejection};
use bulkhead_domain::order::{OrderStatus, Side};
use bulkhead_domain::report::ReportKind;
use bulkhead_domain::{Event, OrderId};
use bulkhead_persistence::Plan;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

const A_WHILE: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_while_the_journal_stands_still_but_a_cancel_reaches_the_venue() {
    let town = Town::start().await;
    let (tenant_id, tenant) = town.tenant(Plan::Pro).await;
    let mut witness = town.witness(tenant_id);
    let resting = tenant.place_order(town.resting("resting")).await.unwrap().order;
    witness.hears(&resting.venue_client_id, |kind| matches!(kind, ReportKind::Accepted { .. })).await;
    let accepted = |events: &[Event]| events.iter().any(|event| matches!(event, Event::OrderAccepted(_)));
    town.database.until(tenant_id, accepted).await;

    let held = town.database.hold(tenant_id).await;
    let mut calls: Vec<_> = (0..50)
        .map(|number| {
            let (tenant, request) = (tenant.clone(), town.resting(&format!("order-{number}")));
            tokio::spawn(async move { tenant.place_order(request).await })
        })
        .collect();
    let cancel = {
        let (tenant, order_id) = (tenant.clone(), resting.id);
        tokio::spawn(async move { tenant.cancel_order(order_id).await })
    };
    // The venue has done it before the journal knows that it was asked for.
    witness.hears(&resting.venue_client_id, |kind| matches!(kind, ReportKind::Canceled { .. })).await;
    assert!(timeout(A_WHILE, &mut calls[0]).await.is_err(), "no answer before the commit");
    assert!(calls.iter().all(|call| !call.is_finished()) && !cancel.is_finished());
    assert_eq!(witness.open_count().await, 0, "nothing new has reached the venue");
    drop(held);
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().order.status(), OrderStatus::Submitted);
    }
    assert_eq!(cancel.await.unwrap().unwrap().status(), OrderStatus::PendingCancel);
    let all_accepted = |events: &[Event]| {
        events.iter().filter(|event| matches!(event, Event::OrderAccepted(_))).count() == 51
    };
    town.database.until(tenant_id, all_accepted).await;
    assert_eq!(witness.open_count().await, 50);
    town.database.replay(tenant_id).await;
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fenced_append_is_an_unknown_outcome_and_the_core_comes_back() {
    let town = Town::start().await;
    let (tenant_id, tenant) = town.tenant(Plan::Pro).await;
    let first = tenant.place_order(town.resting("first")).await.unwrap().order;
    let accepted = |events: &[Event]| events.iter().any(|event| matches!(event, Event::OrderAccepted(_)));
    town.database.until(tenant_id, accepted).await;
    town.database.fence(tenant_id).await;
    let failed = tenant.place_order(town.resting("second")).await;
    assert_eq!(failed.err(), Some(PlaceError::Failed(CallFailure::OutcomeUnknown)));
    let again = loop {
        match tenant.place_order(town.resting("second")).await {
            Ok(placed) => break placed,
            // Until the new core is there, the old one may still take a request into its grave.
            Err(PlaceError::Failed(_) | PlaceError::Reconciling) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(!again.existing, "the fenced one was never written");
    assert_eq!(tenant.find_order(first.id).await.unwrap().unwrap().status(), OrderStatus::Accepted);
    let image = town.database.replay(tenant_id).await;
    assert_eq!((image.desk.open_count(), image.risk.reservation_count()), (2, 2));
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_order_id_finds_its_order_for_ever() {
    let town = Town::start().await;
    let (tenant_id, tenant) = town.tenant(Plan::Starter).await;
    let bought = tenant.place_order(place("bought", "0.01")).await.unwrap().order;
    let filled = |events: &[Event]| {
        events.iter().any(
            |event| matches!(event, Event::OrderFilled(data) if data.after.status == OrderStatus::Filled),
        )
    };
    town.database.until(tenant_id, filled).await;
    super::rig::eventually(async || tenant.find_order(bought.id).await.unwrap().is_none()).await;
    let again = tenant.place_order(place("bought", "0.01")).await.unwrap();
    assert_eq!(
        (again.order.id, again.existing, again.order.status()),
        (bought.id, true, OrderStatus::Filled)
    );
    let reused = tenant.place_order(place("bought", "0.02")).await;
    assert!(matches!(
        reused,
        Err(PlaceError::Rejected(PlaceRejection::ClientOrderIdReused { order_id, .. })) if order_id == bought.id
    ));
    // A starter may not sell what it does not hold; the refusal is an order, and stays one.
    let short = |name: &str| PlaceOrder {
        order_id: OrderId(Uuid::now_v7()),
        terms: crate::fakes::terms(Side::Sell, "1"),
        ..place(name, "1")
    };
    let denied = tenant.place_order(short("short")).await.unwrap();
    assert_eq!((denied.order.status(), denied.existing), (OrderStatus::Denied, false));
    super::rig::eventually(async || tenant.find_order(denied.order.id).await.unwrap().is_none()).await;
    let again = tenant.place_order(short("short")).await.unwrap();
    assert_eq!((again.order.id, again.order.status()), (denied.order.id, OrderStatus::Denied));
    town.stop().await;
}
