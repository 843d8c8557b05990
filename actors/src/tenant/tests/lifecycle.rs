//! A tenant's tree as a whole: stopped when idle, kept out when it fails too often, quick to come back.

use super::rig::{Town, eventually};
use crate::failure::{PlaceError, Unavailable};
use crate::fakes::{btc, place, place_sell};
use crate::image::load_image;
use crate::ledger::{Append, LedgerMsg};
use crate::tenant::AdminError;
use bulkhead_domain::event::PortfolioCreated;
use bulkhead_domain::order::OrderStatus;
use bulkhead_domain::tenant::TenantImage;
use bulkhead_domain::{Event, PortfolioId};
use bulkhead_persistence::Plan;
use bulkhead_persistence::snapshot::load_snapshot;
use bulkhead_supervision::Fault;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_passivates_only_when_nothing_is_open_held_or_followed() {
    let town = Town::start().await;
    let (tenant_id, tenant) = town.tenant(Plan::Pro).await;
    let tenants = town.node.tenants();
    let in_use = async || matches!(tenants.passivate(tenant_id).await, Err(AdminError::InUse));
    let order = tenant.place_order(town.resting("resting")).await.unwrap().order;
    assert!(in_use().await, "an order is open");
    tenant.cancel_order(order.id).await.unwrap();
    eventually(async || tenant.find_order(order.id).await.unwrap().is_none()).await;
    let follower = tenant.subscribe();
    assert!(in_use().await, "somebody follows");
    drop(follower);
    tenant.place_order(place("buy", "0.01")).await.unwrap();
    let filled = |events: &[Event]| events.iter().any(Event::is_trade);
    town.database.until(tenant_id, filled).await;
    assert!(in_use().await, "something is held");
    tenant.place_order(place_sell("sell", "0.01")).await.unwrap();
    eventually(async || tenants.passivate(tenant_id).await.is_ok()).await;
    assert_eq!((tenants.count_live(), tenants.tree(tenant_id).is_none()), (0, true));
    let stale = tenant.place_order(place("stale", "0.01")).await;
    assert_eq!(stale.err(), Some(PlaceError::from(Unavailable::Stopped)));
    let before = town.database.replay(tenant_id).await;
    let again = tenants.open(tenant_id).await.unwrap().place_order(place("buy", "0.01")).await.unwrap();
    assert!(again.existing, "the id is known after a passivation");
    assert_eq!(town.database.replay(tenant_id).await, before);
    assert!(matches!(
        tenants.open(bulkhead_domain::TenantId(uuid::Uuid::nil())).await,
        Err(Unavailable::UnknownTenant)
    ));
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarantine_cancels_at_the_venue_and_a_release_lets_in_again() {
    let town = Town::start().await;
    let (tenant_id, tenant) = town.tenant(Plan::Pro).await;
    let (other_id, other) = town.tenant(Plan::Pro).await;
    let (mut witness, mut other_witness) = (town.witness(tenant_id), town.witness(other_id));
    let order = tenant.place_order(town.resting("mine")).await.unwrap().order;
    other.place_order(town.resting("theirs")).await.unwrap();
    eventually(async || witness.open_count().await == 1 && other_witness.open_count().await == 1).await;
    let tenants = town.node.tenants();
    assert!(matches!(tenants.release(tenant_id).await, Err(AdminError::NotQuarantined)));
    tenants.quarantine(tenant_id, "a test").await.unwrap();
    assert!(matches!(tenants.open(tenant_id).await, Err(Unavailable::Quarantined)));
    eventually(async || witness.open_count().await == 0).await;
    assert_eq!(other_witness.open_count().await, 1, "the neighbour's order stays");
    tenants.release(tenant_id).await.unwrap();
    let tenant = tenants.open(tenant_id).await.unwrap();
    eventually(async || tenant.find_order(order.id).await.is_ok_and(|order| order.is_none())).await;
    let canceled = |events: &[Event]| events.iter().any(|event| matches!(event, Event::OrderCanceled(_)));
    town.database.until(tenant_id, canceled).await;
    let placed = tenant.place_order(town.resting("after")).await.unwrap();
    assert_eq!(placed.order.status(), OrderStatus::Submitted);
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loop_quarantines_its_tenant_alone() {
    let town = Town::start().await;
    let (tenant_id, tenant) = town.tenant(Plan::Pro).await;
    let (_, other) = town.tenant(Plan::Pro).await;
    let mut witness = town.witness(tenant_id);
    tenant.place_order(town.resting("mine")).await.unwrap();
    let tenants = town.node.tenants();
    eventually(async || {
        // Refused while it is being restarted, which is when the next one waits its turn.
        drop(tenants.inject(tenant_id, "core/order_desk", Fault::Panic));
        matches!(tenants.open(tenant_id).await, Err(Unavailable::Quarantined))
    })
    .await;
    eventually(async || witness.open_count().await == 0).await;
    let placed = other.place_order(town.resting("theirs")).await.unwrap();
    assert_eq!(placed.order.status(), OrderStatus::Submitted);
    eventually(async || tenants.release(tenant_id).await.is_ok()).await;
    let tenant = tenants.open(tenant_id).await.unwrap();
    tenant.place_order(town.resting("after")).await.unwrap();
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_after_many_events_is_the_full_replay() {
    let town = Town::start().await;
    let (tenant_id, tenant) = town.tenant(Plan::Pro).await;
    tenant.place_order(place("buy", "0.01")).await.unwrap();
    tenant.place_order(town.resting("resting")).await.unwrap();
    let cell = &tenant.cell;
    let create = |number: i32| {
        let portfolio = PortfolioId::parse(&format!("p{number}")).unwrap();
        (Event::PortfolioCreated(PortfolioCreated { portfolio, name: None }), None)
    };
    for part in 0..3 {
        let events = (part * 1_700..(part + 1) * 1_700).map(create).collect();
        let desk_incarnation = cell.desk.incarnation();
        let append = Append { desk_incarnation, at: crate::clock::now(), events, release: Box::new(|| {}) };
        cell.ledger.notify(LedgerMsg::Append(append)).unwrap();
    }
    let db = &town.database.db;
    let load = async || {
        let mut tx = db.begin_for(tenant_id).await.unwrap();
        load_snapshot(&mut tx, TenantImage::VERSION).await.unwrap()
    };
    eventually(async || load().await.is_some()).await;
    let snapshot = load().await.unwrap();
    assert!(snapshot.seq > 1_000);
    let stored: TenantImage = serde_json::from_slice(&snapshot.body).unwrap();
    let mut image = TenantImage::default();
    let events = town.database.events(tenant_id).await;
    let (before, after): (Vec<_>, Vec<_>) = events.iter().partition(|recorded| recorded.seq <= snapshot.seq);
    before.into_iter().for_each(|recorded| image.apply(recorded));
    assert_eq!(stored, image);
    after.into_iter().for_each(|recorded| image.apply(recorded));
    assert_eq!(load_image(db, tenant_id, image.seq).await.unwrap(), image);
    // The tree comes back from it.
    town.node.tenants().kill_actor(tenant_id, "core/ledger", "a test").await.unwrap();
    eventually(async || tenant.place_order(town.resting("after")).await.is_ok()).await;
    assert!(town.node.quotes().quote(&btc()).is_some());
    town.stop().await;
}
