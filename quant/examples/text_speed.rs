//! Prints how long a headline takes (VADER and finance) and how long a tick takes (anomalies): the median of repeats.
//! `cargo run --release -p bulkhead-quant --example text_speed`

use bulkhead_quant::QuantError;
use bulkhead_quant::anomaly::{Detector, Quote, Settings, Trade};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::sentiment::{finance, vader};
use std::hint::black_box;
use std::time::Instant;

const REPEATS: usize = 31;
const HEADLINES: [&str; 8] = [
    "Bitcoin rallies 8% as ETF inflows surge",
    "Exchange hacked, $200M stolen; users furious",
    "The Fed left rates unchanged",
    "VERY bullish on ETH!!!",
    "Revenue growth was great, but guidance is terrible",
    "Shares plunge amid fraud probe :(",
    "LOL to the moon 🚀🚀",
    "Lender avoids default after last-minute deal with its largest creditors, people familiar say",
];

/// The median time of one of `count` calls, in nanoseconds.
#[expect(clippy::cast_precision_loss, reason = "a measurement")]
fn median_ns(count: usize, mut run: impl FnMut() -> Result<(), QuantError>) -> Result<f64, QuantError> {
    let mut times = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed().as_nanos() as f64 / count as f64);
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(times.get(REPEATS / 2).copied().unwrap_or(f64::NAN))
}

/// Quotes and trades of a market that moves a little.
fn ticks(count: i64) -> Vec<(Quote, Trade)> {
    let mut random = SplitMix64::new(1);
    let mut price = 40_000.0;
    let tick = |i: i64| {
        price *= (5e-5 * random.normal()).exp();
        let quote = Quote { time_ns: 2 * i, bid: price * 0.999_95, ask: price * 1.000_05 };
        let price = if random.below(2) == 0 { quote.bid } else { quote.ask };
        (quote, Trade { time_ns: 2 * i + 1, price, size: random.normal().exp() })
    };
    (0..count).map(tick).collect()
}

fn main() -> Result<(), QuantError> {
    let rounds = 2_000;
    let count = rounds * HEADLINES.len();
    let over_headlines = |read: &dyn Fn(&str) -> Result<f64, QuantError>| {
        median_ns(count, || {
            for text in (0..rounds).flat_map(|_| HEADLINES) {
                black_box(read(black_box(text))?);
            }
            Ok(())
        })
    };
    let vader_ns = over_headlines(&|text| vader::polarity(text).map(|polarity| polarity.compound))?;
    let finance_ns = over_headlines(&|text| finance::read(text).map(|reading| reading.score))?;
    let ticks = ticks(50_000);
    let mut flagged = 0;
    let tick_ns = median_ns(2 * ticks.len(), || {
        let mut detector = Detector::new(Settings::default())?;
        for (quote, trade) in &ticks {
            flagged += usize::from(detector.observe_quote(quote)?.is_flagged());
            flagged += usize::from(detector.observe_trade(trade)?.is_flagged());
        }
        Ok(())
    })?;
    println!("VADER    {:.3} us per headline", vader_ns / 1e3);
    println!("finance  {:.3} us per headline", finance_ns / 1e3);
    println!("anomaly  {tick_ns:.0} ns per tick ({flagged} flagged)");
    Ok(())
}
