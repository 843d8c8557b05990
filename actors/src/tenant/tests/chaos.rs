//! Every actor killed in turn under load, over a venue whose reports are lost, doubled, late and cut off.

use super::rig::{Town, eventually};
use crate::fakes::{btc, paper, place, place_sell};
use crate::portfolio::PortfolioFilter;
use crate::tenant::TenantHandle;
use bulkhead_domain::invariants::{check_positions, check_sequence};
use bulkhead_domain::portfolio::CashKey;
use bulkhead_domain::{Currency, Event, OrderId, PortfolioId, TenantId};
use bulkhead_persistence::Plan;
use bulkhead_venues::paper::PaperFaults;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::{JoinHandle, yield_now};

const VICTIMS: [&str; 5] =
    ["core/order_desk", "core/risk", "sessions/paper", "core/portfolio", "core/ledger"];
const CLIENTS: usize = 4;

/// Buys and sells in turn until told to stop; the orders that were acknowledged.
fn client(
    town: &Town,
    tenant: TenantHandle,
    number: usize,
    stop: Arc<AtomicBool>,
) -> JoinHandle<Vec<OrderId>> {
    let resting = town.resting("template").terms;
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for turn in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let name = format!("client-{number}-{turn}");
            let mut request = if turn % 2 == 0 { place(&name, "0.01") } else { place_sell(&name, "0.01") };
            if turn % 5 == 4 {
                request.terms = resting.clone();
            }
            match tenant.place_order(request).await {
                Ok(placed) => acknowledged.push(placed.order.id),
                // A refusal comes at once, and those who mend its cause need the thread.
                Err(_) => yield_now().await,
            }
        }
        acknowledged
    })
}

async fn kill_in_turn(town: &Town, tenant_id: TenantId) {
    let tenants = town.node.tenants();
    for path in VICTIMS.iter().chain(&VICTIMS) {
        let before = town.database.head(tenant_id).await.seq;
        tenants.kill_actor(tenant_id, path, "a test").await.unwrap();
        // It serves again before the next one falls.
        eventually(async || town.database.head(tenant_id).await.seq > before + 10).await;
    }
}

/// Everything is cancelled and answered for.
async fn quiesce(town: &Town, tenant_id: TenantId, tenant: &TenantHandle) {
    eventually(async || {
        drop(tenant.cancel_all(None).await);
        town.database.replay(tenant_id).await.desk.open_count() == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_under_load_lose_nothing_and_repeat_nothing() {
    let town = Town::start().await;
    let (tenant_id, tenant) = town.tenant(Plan::Unlimited).await;
    let mut witness = town.witness(tenant_id);
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> =
        (0..CLIENTS).map(|number| client(&town, tenant.clone(), number, stop.clone())).collect();
    eventually(async || town.database.head(tenant_id).await.seq > 50).await;
    let faults = PaperFaults {
        seed: 3,
        lose_permille: 10,
        duplicate_fill_permille: 50,
        delay_permille: 20,
        delay_micros: 20_000,
        disconnect_permille: 1,
    };
    town.venue.set_faults(faults);
    kill_in_turn(&town, tenant_id).await;
    town.venue.set_faults(PaperFaults::default());
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeSet::new();
    for client in clients {
        acknowledged.extend(client.await.unwrap());
    }
    quiesce(&town, tenant_id, &tenant).await;

    let image = town.database.replay(tenant_id).await;
    let events = town.database.events(tenant_id).await;
    check_sequence(0, &events).unwrap();
    check_positions(events.iter().map(|recorded| &recorded.event), &image.portfolio).unwrap();
    let made = |event: &Event| matches!(event, Event::OrderSubmitted(_) | Event::OrderDenied(_));
    let journaled: Vec<OrderId> =
        events.iter().filter(|one| made(&one.event)).filter_map(|one| one.event.order_id()).collect();
    assert_eq!(journaled.iter().collect::<BTreeSet<_>>().len(), journaled.len(), "each order was made once");
    assert!(acknowledged.len() > 50 && acknowledged.iter().all(|id| journaled.contains(id)));
    assert_eq!(image.risk.reservation_count(), 0);

    assert_eq!(witness.open_count().await, 0);
    let held = image.portfolio.positions.values().next().unwrap().quantity.get();
    assert_eq!(witness.balance("BTC").await, held, "the venue's position is the journal's");
    let key = CashKey {
        portfolio: PortfolioId::parse("main").unwrap(),
        account: paper(),
        currency: Currency::parse("USDT").unwrap(),
    };
    assert_eq!(witness.balance("USDT").await, image.portfolio.cash[&key].get());
    let view = tenant.portfolio(PortfolioFilter::default()).await.unwrap();
    assert_eq!(view.as_of_seq, image.seq);
    assert_eq!(view.positions[0].quantity.get(), held);
    assert_eq!(view.positions[0].symbol, btc());
    town.stop().await;
}
