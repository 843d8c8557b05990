//! Orders per second through the paper venue's core in one process: 100 tenants, batches of 64, two log lines
//! per order. `cargo run --release -p bulkhead-venues --example paper_throughput [orders]`

use bulkhead_domain::order::{OrderKind, Side, TimeInForce};
use bulkhead_domain::{AccountId, Amount, Currency, Price, Qty, Symbol, TenantId, Timestamp, VenueClientId};
use bulkhead_venues::paper::{ConnectionId, PaperInput, PaperVenue, SimulatedMarket};
use bulkhead_venues::{
    Funding, RequestId, RequestKind, SubmitOrder, VenueAccountKey, VenueMessage, VenueRequest,
};
use rust_decimal::Decimal;
use std::time::Instant;

const TENANTS: u128 = 100;
const ORDERS_DEFAULT: u64 = 500_000;
const BATCH: u64 = 64;
/// Recorded time per batch: 10,000 orders a second.
const BATCH_MICROS: i64 = 6_400;

fn account(tenant: u128) -> VenueAccountKey {
    let account = AccountId::parse("paper").expect("lower-case letters");
    VenueAccountKey { tenant_id: TenantId(uuid::Uuid::from_u128(tenant)), account }
}

fn request(tenant: u128, kind: RequestKind) -> PaperInput {
    let expires_at = Timestamp::from_micros(i64::MAX);
    let request = VenueRequest { request_id: RequestId(0), account: account(tenant), expires_at, kind };
    PaperInput::Request { connection: ConnectionId(0), request }
}

fn order(number: u64, kind: OrderKind) -> RequestKind {
    RequestKind::Submit(SubmitOrder {
        venue_client_id: VenueClientId::parse(&format!("order-{number}")).expect("letters and digits"),
        symbol: Symbol::parse("BTC-USDT").expect("capital letters"),
        side: if number.is_multiple_of(2) { Side::Buy } else { Side::Sell },
        kind,
        quantity: Qty::try_from(Decimal::new(1, 3)).expect("a thousandth"),
        time_in_force: TimeInForce::Gtc,
        expires_at: None,
        post_only: false,
    })
}

fn run(name: &str, orders: u64, kind: OrderKind) -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::temp_dir().join(format!("paper-throughput-{}-{name}", std::process::id()));
    let mut market = SimulatedMarket::new(1);
    let mut venue = PaperVenue::open(&dir, &market.instruments())?;
    let mut now = Timestamp::from_micros(1_700_000_000_000_000);
    let funding =
        Funding { currency: Currency::parse("USDT")?, amount: Amount::from(Decimal::from(1_000_000)) };
    let openings = (0..TENANTS).map(|tenant| request(tenant, RequestKind::OpenAccount(funding.clone())));
    venue.step(now, openings)?;

    let started = Instant::now();
    let mut reports = 0u64;
    let mut steps_micros: Vec<u128> = Vec::new();
    for batch in 0..orders.div_ceil(BATCH) {
        now = now.plus_micros(BATCH_MICROS);
        let mut inputs: Vec<PaperInput> = market.advance(now).into_iter().map(PaperInput::Market).collect();
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        inputs.extend(numbers.map(|number| request(u128::from(number) % TENANTS, order(number, kind))));
        let step_started = Instant::now();
        let outputs = venue.step(now, inputs)?;
        steps_micros.push(step_started.elapsed().as_micros());
        reports += outputs
            .iter()
            .map(|output| u64::from(matches!(output.message, VenueMessage::Report(_))))
            .sum::<u64>();
    }
    let seconds = started.elapsed().as_secs_f64();
    steps_micros.sort_unstable();
    let worst = steps_micros.last().copied().unwrap_or_default();
    let median = steps_micros.get(steps_micros.len() / 2).copied().unwrap_or_default();
    let each = seconds * 1e6 / orders as f64;
    println!(
        "{name}: {orders} orders, {reports} reports in {seconds:.2} s: {:.0} orders/s, {each:.2} us each; batch of {BATCH}: median {median} us, worst {worst} us",
        orders as f64 / seconds,
    );
    drop(venue);
    let reopened = Instant::now();
    PaperVenue::open(&dir, &market.instruments())?;
    println!("{name}: opened again in {} ms", reopened.elapsed().as_millis());
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let orders = std::env::args().nth(1).map_or(Ok(ORDERS_DEFAULT), |text| text.parse())?;
    run("market", orders, OrderKind::Market)?;
    // Alternating buys and sells at one price: one side fills at once, the other rests until it crosses.
    run("limit", orders, OrderKind::Limit { price: Price::try_from(Decimal::from(60_000))? })
}
