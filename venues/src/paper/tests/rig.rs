//! A venue in a directory of its own with one made-up symbol, and short ways to talk to it.

use crate::link::{
    Funding, RequestId, RequestKind, SubmitOrder, VenueAccountKey, VenueMessage, VenueRequest,
};
use crate::market::{Level, MarketEvent, Quote, TradePrint};
use crate::paper::log::SegmentLimits;
use crate::paper::{ConnectionId, PaperInput, PaperVenue};
use bulkhead_domain::instrument::{Instrument, InstrumentKind};
use bulkhead_domain::order::{Execution, Liquidity, OrderKind, Side, TimeInForce};
use bulkhead_domain::report::{ReportKind, VenueOrder};
use bulkhead_domain::{AccountId, Amount, Currency, Price, Qty, Symbol, TenantId, Timestamp, VenueClientId};
use rust_decimal::Decimal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

pub(super) struct TestDir(PathBuf);

impl TestDir {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("paper-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn qty(text: &str) -> Qty {
    Qty::try_from(dec(text)).unwrap()
}

pub(super) fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub(super) fn symbol() -> Symbol {
    Symbol::parse("BTC-USDT").unwrap()
}

pub(super) fn instrument() -> Instrument {
    Instrument {
        symbol: symbol(),
        kind: InstrumentKind::Spot,
        base: Currency::parse("BTC").unwrap(),
        quote: Currency::parse("USDT").unwrap(),
        price_tick: price("0.01"),
        quantity_step: qty("0.001"),
        quantity_min: qty("0.001"),
        quantity_max: qty("1000"),
        notional_min: price("1"),
        taker_fee_rate: dec("0.001"),
        maker_fee_rate: dec("0.0005"),
    }
}

pub(super) fn account(tenant: u128) -> VenueAccountKey {
    VenueAccountKey {
        tenant_id: TenantId(Uuid::from_u128(tenant)),
        account: AccountId::parse("paper").unwrap(),
    }
}

pub(super) fn id(text: &str) -> VenueClientId {
    VenueClientId::parse(text).unwrap()
}

pub(super) fn levels(text: &str) -> Arc<[Level]> {
    let level = |part: &str| {
        let (quantity, at) = part.split_once('@').unwrap();
        Level { price: price(at), quantity: qty(quantity) }
    };
    text.split_whitespace().map(level).collect()
}

/// `limit("a", Side::Buy, "2@100.00")`, or without a price a market order.
pub(super) fn order(name: &str, side: Side, text: &str) -> SubmitOrder {
    let (quantity, kind) = match text.split_once('@') {
        Some((quantity, at)) => (quantity, OrderKind::Limit { price: price(at) }),
        None => (text, OrderKind::Market),
    };
    let quantity = qty(quantity);
    let time_in_force = TimeInForce::Gtc;
    SubmitOrder {
        venue_client_id: id(name),
        symbol: symbol(),
        side,
        kind,
        quantity,
        time_in_force,
        expires_at: None,
        post_only: false,
    }
}

pub(super) fn with(time_in_force: TimeInForce, order: SubmitOrder) -> SubmitOrder {
    SubmitOrder { time_in_force, ..order }
}

pub(super) struct Rig {
    pub(super) venue: PaperVenue,
    pub(super) now: Timestamp,
    pub(super) generation: u64,
    limits: SegmentLimits,
    pub(super) dir: TestDir,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with_segments(SegmentLimits::default())
    }

    /// Tenants 1, 2 and 3 have accounts with a million each.
    pub(super) fn with_segments(limits: SegmentLimits) -> Self {
        let dir = TestDir::new();
        let venue = PaperVenue::open_with(dir.path(), &[instrument()], limits).unwrap();
        let now = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
        let mut rig = Self { venue, now, generation: 0, limits, dir };
        for tenant in 1..=3 {
            let currency = Currency::parse("USDT").unwrap();
            let funding = Funding { currency, amount: Amount::from(dec("1000000")) };
            rig.ask(tenant, RequestKind::OpenAccount(funding));
        }
        rig
    }

    /// Lets go of the directory.
    pub(super) fn close(&mut self) {
        let elsewhere = TestDir::new();
        self.venue = PaperVenue::open(elsewhere.path(), &[]).unwrap();
    }

    pub(super) fn restart(&mut self) {
        self.close();
        self.venue = PaperVenue::open_with(self.dir.path(), &[instrument()], self.limits).unwrap();
    }

    fn step(&mut self, input: PaperInput) -> Vec<(VenueAccountKey, VenueMessage)> {
        self.now = self.now.plus_micros(1_000);
        let outputs = self.venue.step(self.now, [input]).unwrap();
        outputs.into_iter().map(|output| (output.account, output.message)).collect()
    }

    pub(super) fn request(&self, tenant: u128, kind: RequestKind) -> PaperInput {
        let expires_at = self.now.plus_micros(5_000_000);
        let request = VenueRequest { request_id: RequestId(1), account: account(tenant), expires_at, kind };
        PaperInput::Request { connection: ConnectionId(1), request }
    }

    pub(super) fn ask(&mut self, tenant: u128, kind: RequestKind) -> Vec<VenueMessage> {
        let input = self.request(tenant, kind);
        self.step(input).into_iter().map(|(_, message)| message).collect()
    }

    pub(super) fn submit(&mut self, tenant: u128, order: SubmitOrder) -> Vec<ReportKind> {
        reports(self.ask(tenant, RequestKind::Submit(order)))
    }

    pub(super) fn fills(&mut self, tenant: u128, order: SubmitOrder) -> Vec<String> {
        self.submit(tenant, order).iter().filter_map(fill_text).collect()
    }

    pub(super) fn quote(&mut self, bids: &str, asks: &str) -> Vec<(u128, String)> {
        self.generation += 1;
        let (bids, asks, generation) = (levels(bids), levels(asks), self.generation);
        let quote = Quote { symbol: symbol(), bids, asks, ts: self.now, generation };
        self.market(MarketEvent::Quote(quote))
    }

    /// `print(Side::Sell, "1@100.00")`: someone sold one at 100.
    pub(super) fn print(&mut self, aggressor: Side, text: &str) -> Vec<(u128, String)> {
        let Level { price, quantity } = levels(text)[0];
        let print = TradePrint { symbol: symbol(), price, quantity, aggressor, ts: self.now, trade_id: 1 };
        self.market(MarketEvent::Trade(print))
    }

    pub(super) fn market(&mut self, event: MarketEvent) -> Vec<(u128, String)> {
        let texts = self.step(PaperInput::Market(event)).into_iter().filter_map(|(key, message)| {
            let VenueMessage::Report(report) = message else { return None };
            let text = fill_text(&report.kind).unwrap_or_else(|| format!("{:?}", report.kind));
            Some((key.tenant_id.0.as_u128(), text))
        });
        texts.collect()
    }

    pub(super) fn query(&mut self, tenant: u128, name: &str) -> Option<VenueOrder> {
        let kinds = reports(self.ask(tenant, RequestKind::QueryOrder { venue_client_id: id(name) }));
        let Some(ReportKind::State { order }) = kinds.last() else { panic!("{kinds:?}") };
        order.clone()
    }

    pub(super) fn balance(&mut self, tenant: u128, currency: &str) -> Decimal {
        let messages = self.ask(tenant, RequestKind::Balances);
        // Orders may expire meanwhile, which is said first.
        let Some(VenueMessage::Balances { balances, .. }) = messages.last() else { panic!("{messages:?}") };
        let found = balances.iter().find(|balance| balance.currency.as_str() == currency);
        found.map_or(Decimal::ZERO, |balance| balance.amount.get())
    }
}

pub(super) fn reports(messages: Vec<VenueMessage>) -> Vec<ReportKind> {
    let report = |message| match message {
        VenueMessage::Report(report) => Some(report.kind),
        _ => None,
    };
    messages.into_iter().filter_map(report).collect()
}

/// `maker 1@100.00 fee 0.05`
pub(super) fn fill_text(kind: &ReportKind) -> Option<String> {
    let ReportKind::Filled { execution, .. } = kind else { return None };
    Some(execution_text(execution))
}

pub(super) fn execution_text(execution: &Execution) -> String {
    let liquidity = match execution.liquidity {
        Liquidity::Maker => "maker",
        Liquidity::Taker => "taker",
    };
    format!("{liquidity} {}@{} fee {}", execution.quantity, execution.price, execution.fee)
}
