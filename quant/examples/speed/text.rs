//! Headlines, by VADER and by the words of finance, and ticks of a market that are looked at for anomalies.

use crate::Outcome;
use crate::files::Inputs;
use crate::stopwatch::Stopwatch;
use bulkhead_quant::QuantError;
use bulkhead_quant::anomaly::{Detector, Quote, Settings, Trade};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::sentiment::{finance, vader};
use std::hint::black_box;

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
const TICKS: i64 = 50_000;

pub(crate) fn write(inputs: &Inputs) -> Outcome<()> {
    inputs.write_json("headlines", &HEADLINES)
}

pub(crate) fn measure(inputs: &Inputs, watch: &mut Stopwatch) -> Outcome<()> {
    if watch.wants_area("text") {
        let headlines: Vec<String> = inputs.read_json("headlines")?;
        let all = |read: fn(&str) -> Result<f64, QuantError>| {
            headlines.iter().map(|text| read(black_box(text))).collect::<Result<Vec<_>, _>>()
        };
        let vader = || all(|text| vader::polarity(text).map(|polarity| polarity.compound));
        if let Some((timed, scores)) = watch.time_each(("text/vader", HEADLINES.len()), vader)? {
            timed.answer(&scores);
        }
        let finance = || all(|text| finance::read(text).map(|reading| reading.score));
        if let Some((timed, scores)) = watch.time_each(("text/finance", HEADLINES.len()), finance)? {
            timed.answer(&scores);
        }
    }
    if watch.wants_area("anomaly") {
        anomalies(watch)?;
    }
    Ok(())
}

/// Quotes and trades of a market that moves a little.
fn ticks() -> Vec<(Quote, Trade)> {
    let mut random = SplitMix64::new(1);
    let mut price = 40_000.0;
    let tick = |i: i64| {
        price *= (5e-5 * random.normal()).exp();
        let quote = Quote { time_ns: 2 * i, bid: price * 0.999_95, ask: price * 1.000_05 };
        let price = if random.below(2) == 0 { quote.bid } else { quote.ask };
        (quote, Trade { time_ns: 2 * i + 1, price, size: random.normal().exp() })
    };
    (0..TICKS).map(tick).collect()
}

fn anomalies(watch: &mut Stopwatch) -> Outcome<()> {
    let ticks = ticks();
    let observe = || -> Result<u32, QuantError> {
        let mut detector = Detector::new(Settings::default())?;
        let mut flagged = 0;
        for (quote, trade) in &ticks {
            flagged += u32::from(detector.observe_quote(quote)?.is_flagged());
            flagged += u32::from(detector.observe_trade(trade)?.is_flagged());
        }
        Ok(flagged)
    };
    if let Some((timed, flagged)) = watch.time_each(("anomaly/tick", 2 * ticks.len()), observe)? {
        timed.answer(&[f64::from(flagged)]);
    }
    Ok(())
}
