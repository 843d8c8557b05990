//! A made-up market: a mean-reverting walk per symbol with a ten-level book around it. The same seed gives
//! the same events at the same times.

use crate::market::{Level, MarketEvent, Quote, TradePrint};
use bulkhead_domain::instrument::{Instrument, InstrumentKind};
use bulkhead_domain::order::Side;
use bulkhead_domain::{Currency, Price, Qty, Symbol, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use std::sync::Arc;

/// Between two quotes of a symbol.
const STEP_MICROS: i64 = 100_000;
/// Steps made up for at once after a pause; the time before them is left out.
const CATCH_UP_STEPS_MAX: i64 = 10;
const LEVELS: i64 = 10;
const PRINTS_PER_STEP_MAX: u64 = 2;
/// The price is pulled back by this part of its distance from the base per step.
const REVERSION_DIVISOR: i64 = 20_000;
/// It never leaves the base by more than a part of this size.
const RANGE_DIVISOR: i64 = 4;

/// How one symbol trades; prices in ticks, sizes in quantity steps.
struct Shape {
    base: &'static str,
    price_scale: u32,
    quantity_scale: u32,
    quantity_max: i64,
    start_ticks: i64,
    walk_ticks: i64,
    half_spread_ticks: i64,
    gap_ticks: i64,
    level_steps: i64,
}

const SHAPES: [Shape; 5] = [
    Shape {
        base: "BTC",
        price_scale: 2,
        quantity_scale: 5,
        quantity_max: 9_000,
        start_ticks: 6_000_000,
        walk_ticks: 150,
        half_spread_ticks: 20,
        gap_ticks: 60,
        level_steps: 300_000,
    },
    Shape {
        base: "ETH",
        price_scale: 2,
        quantity_scale: 4,
        quantity_max: 9_000,
        start_ticks: 300_000,
        walk_ticks: 10,
        half_spread_ticks: 2,
        gap_ticks: 5,
        level_steps: 400_000,
    },
    Shape {
        base: "SOL",
        price_scale: 2,
        quantity_scale: 3,
        quantity_max: 90_000,
        start_ticks: 15_000,
        walk_ticks: 2,
        half_spread_ticks: 1,
        gap_ticks: 1,
        level_steps: 500_000,
    },
    Shape {
        base: "XRP",
        price_scale: 4,
        quantity_scale: 1,
        quantity_max: 9_000_000,
        start_ticks: 5_500,
        walk_ticks: 1,
        half_spread_ticks: 1,
        gap_ticks: 1,
        level_steps: 400_000,
    },
    Shape {
        base: "DOGE",
        price_scale: 5,
        quantity_scale: 0,
        quantity_max: 90_000_000,
        start_ticks: 12_000,
        walk_ticks: 2,
        half_spread_ticks: 1,
        gap_ticks: 1,
        level_steps: 150_000,
    },
];

#[derive(Debug)]
struct Walker {
    shape: &'static Shape,
    symbol: Symbol,
    mid_ticks: i64,
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.base)
    }
}

/// The made-up market of five symbols against USDT.
#[derive(Debug)]
pub struct SimulatedMarket {
    rng: ChaCha8Rng,
    walkers: Vec<Walker>,
    instruments: Arc<[Instrument]>,
    /// The step that comes next, counted since 1970, so that quotes' generations grow across restarts.
    next_step: Option<i64>,
    next_trade_id: u64,
}

impl SimulatedMarket {
    /// The market of this seed.
    pub fn new(seed: u64) -> Self {
        let walkers = SHAPES.iter().map(|shape| Walker {
            shape,
            symbol: Symbol::parse(&format!("{}-USDT", shape.base)).expect("capital letters and a dash"),
            mid_ticks: shape.start_ticks,
        });
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            walkers: walkers.collect(),
            instruments: SHAPES.iter().map(instrument).collect(),
            next_step: None,
            next_trade_id: 1,
        }
    }

    /// What is traded.
    pub fn instruments(&self) -> Arc<[Instrument]> {
        Arc::clone(&self.instruments)
    }

    /// When the next quotes come.
    pub fn next_due(&self) -> Timestamp {
        self.next_step.map_or(Timestamp::EPOCH, |step| Timestamp::from_micros(step * STEP_MICROS))
    }

    /// The events of all steps up to `now`.
    pub fn advance(&mut self, now: Timestamp) -> Vec<MarketEvent> {
        let last = now.micros().div_euclid(STEP_MICROS);
        let first = self.next_step.unwrap_or(last).max(last - CATCH_UP_STEPS_MAX + 1);
        let mut events = Vec::new();
        for step in first..=last {
            self.make_step(step, &mut events);
            self.next_step = Some(step + 1);
        }
        events
    }

    fn make_step(&mut self, step: i64, events: &mut Vec<MarketEvent>) {
        let ts = Timestamp::from_micros(step * STEP_MICROS);
        let generation = u64::try_from(step).unwrap_or_default();
        for walker in &mut self.walkers {
            walker.move_mid(&mut self.rng);
            let shape = walker.shape;
            let spread = self.rng.random_range(1..=shape.half_spread_ticks);
            let bids = walker.levels(&mut self.rng, -spread);
            let asks = walker.levels(&mut self.rng, spread);
            for _ in 0..self.rng.random_range(0..=PRINTS_PER_STEP_MAX) {
                let is_buy = self.rng.random_bool(0.5);
                let (aggressor, touch) =
                    if is_buy { (Side::Buy, asks.first()) } else { (Side::Sell, bids.first()) };
                let price = touch.expect("ten levels were just made").price;
                let quantity = shape.quantity(self.rng.random_range(1..=shape.level_steps / 4));
                let symbol = walker.symbol.clone();
                let trade_id = self.next_trade_id;
                self.next_trade_id += 1;
                events.push(MarketEvent::Trade(TradePrint {
                    symbol,
                    price,
                    quantity,
                    aggressor,
                    ts,
                    trade_id,
                }));
            }
            let symbol = walker.symbol.clone();
            events.push(MarketEvent::Quote(Quote { symbol, bids, asks, ts, generation }));
        }
    }
}

impl Walker {
    fn move_mid(&mut self, rng: &mut ChaCha8Rng) {
        let shape = self.shape;
        let pull = (shape.start_ticks - self.mid_ticks) / REVERSION_DIVISOR.min(shape.start_ticks);
        let step = rng.random_range(-shape.walk_ticks..=shape.walk_ticks);
        let range = shape.start_ticks / RANGE_DIVISOR;
        self.mid_ticks =
            (self.mid_ticks + pull + step).clamp(shape.start_ticks - range, shape.start_ticks + range);
    }

    /// Ten levels outwards from the mid price; `offset` is negative for bids.
    fn levels(&self, rng: &mut ChaCha8Rng, offset: i64) -> Arc<[Level]> {
        let shape = self.shape;
        let mut ticks = self.mid_ticks + offset;
        let mut levels = Vec::new();
        for _ in 0..LEVELS {
            let steps = rng.random_range(shape.level_steps / 3..=shape.level_steps * 2);
            levels.push(Level { price: shape.price(ticks), quantity: shape.quantity(steps) });
            ticks += offset.signum() * rng.random_range(1..=shape.gap_ticks);
        }
        levels.into()
    }
}

impl Shape {
    fn price(&self, ticks: i64) -> Price {
        Price::try_from(Decimal::new(ticks, self.price_scale))
            .expect("the walk stays within its range above zero")
    }

    fn quantity(&self, steps: i64) -> Qty {
        Qty::try_from(Decimal::new(steps, self.quantity_scale)).expect("sizes are small and positive")
    }
}

fn instrument(shape: &Shape) -> Instrument {
    let currency = |code: &str| Currency::parse(code).expect("capital letters are within the alphabet");
    let quantity_max = Decimal::from(shape.quantity_max);
    Instrument {
        symbol: Symbol::parse(&format!("{}-USDT", shape.base)).expect("capital letters and a dash"),
        kind: InstrumentKind::Spot,
        base: currency(shape.base),
        quote: currency("USDT"),
        price_tick: shape.price(1),
        quantity_step: shape.quantity(1),
        quantity_min: shape.quantity(1),
        quantity_max: Qty::try_from(quantity_max).expect("constants are within bounds"),
        notional_min: Price::try_from(Decimal::from(5)).expect("five is positive"),
        taker_fee_rate: Decimal::new(10, 4),
        maker_fee_rate: Decimal::new(8, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64) -> Vec<MarketEvent> {
        let mut market = SimulatedMarket::new(seed);
        let start = Timestamp::from_micros(1_700_000_000_000_000);
        (0..50).flat_map(|step| market.advance(start.plus_micros(step * 37_000))).collect()
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn books_are_two_sided_ordered_deep_and_on_tick() {
        let market = SimulatedMarket::new(1);
        for event in run(7) {
            let MarketEvent::Quote(quote) = event else { continue };
            let instrument = market.instruments.iter().find(|i| i.symbol == quote.symbol).unwrap();
            assert_eq!((quote.bids.len(), quote.asks.len()), (10, 10));
            assert!(quote.bids[0].price < quote.asks[0].price);
            assert!(quote.bids.windows(2).all(|pair| pair[0].price > pair[1].price));
            assert!(quote.asks.windows(2).all(|pair| pair[0].price < pair[1].price));
            for level in quote.bids.iter().chain(quote.asks.iter()) {
                assert!((level.price.get() % instrument.price_tick.get()).is_zero());
                assert!((level.quantity.get() % instrument.quantity_step.get()).is_zero());
            }
            if quote.symbol.as_str() == "BTC-USDT" {
                let depth: Decimal = quote.asks.iter().map(|level| level.quantity.get()).sum();
                assert!(depth > Decimal::TEN, "{depth}");
            }
        }
    }

    #[test]
    fn a_pause_is_not_made_up_for_in_full() {
        let mut market = SimulatedMarket::new(1);
        let start = Timestamp::from_micros(1_700_000_000_000_000);
        market.advance(start);
        let quotes = market.advance(start.plus_micros(3_600_000_000));
        let quotes = quotes.iter().filter(|event| matches!(event, MarketEvent::Quote(_))).count();
        assert_eq!(quotes, 10 * 5);
    }
}
