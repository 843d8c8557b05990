//! Anomalies on simulated streams with known faults, on recorded ones, and what must hold for any stream.

use bulkhead_quant::anomaly::{
    Detector, LEVEL_SHIFT_TICKS, Quote, Readiness, Reason, Settings, Trade, Verdict,
};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::{QuantError, anomaly};
use proptest::prelude::*;
use std::collections::BTreeMap;

const SECOND_NS: i64 = 1_000_000_000;

/// A market whose returns have fat tails and whose volatility comes and goes; most trades are at the last price or
/// bounce between bid and ask.
struct Market {
    random: SplitMix64,
    time_ns: i64,
    middle: f64,
    volatility: f64,
    log_size: f64,
}

impl Market {
    fn new(seed: u64) -> Self {
        Self { random: SplitMix64::new(seed), time_ns: 0, middle: 100.0, volatility: 1.0, log_size: 0.0 }
    }

    /// A quote and a trade against it.
    fn step(&mut self) -> (Quote, Trade) {
        let random = &mut self.random;
        self.time_ns += 1 + i64::try_from(random.below(200_000_000)).unwrap();
        self.volatility = (0.98 * self.volatility.ln() + 0.05 * random.normal()).exp();
        let tail = if random.below(20) == 0 { 3.0 } else { 1.0 };
        self.middle *= (5e-5 * self.volatility * tail * random.normal()).exp();
        let half_spread = self.middle * 4e-5 * (0.2 * random.normal()).exp();
        let quote =
            Quote { time_ns: self.time_ns, bid: self.middle - half_spread, ask: self.middle + half_spread };
        self.log_size = 0.8 * self.log_size + 0.6 * random.normal();
        let price = if random.below(2) == 0 { quote.bid } else { quote.ask };
        self.time_ns += 1_000;
        (quote, Trade { time_ns: self.time_ns, price, size: (self.log_size + 0.5 * random.normal()).exp() })
    }
}

fn detector() -> Detector {
    Detector::new(Settings::default()).unwrap()
}

/// A detector that has seen so many clean steps of a market.
fn trained(seed: u64, steps: usize) -> (Market, Detector) {
    let (mut market, mut detector) = (Market::new(seed), detector());
    for _ in 0..steps {
        let (quote, trade) = market.step();
        detector.observe_quote(&quote).unwrap();
        detector.observe_trade(&trade).unwrap();
    }
    (market, detector)
}

#[derive(Default)]
struct Tally {
    ticks: usize,
    flagged: usize,
    reasons: BTreeMap<String, usize>,
}

impl Tally {
    fn add(&mut self, verdict: &Verdict) {
        self.ticks += 1;
        self.flagged += usize::from(verdict.is_flagged());
        for finding in &verdict.findings {
            *self.reasons.entry(format!("{:?}", finding.reason)).or_default() += 1;
        }
    }

    fn rate(&self) -> f64 {
        self.flagged as f64 / self.ticks.max(1) as f64
    }

    fn print(&self, name: &str) {
        println!(
            "{name}: {} of {} flagged ({:.4} %), {:?}",
            self.flagged,
            self.ticks,
            100.0 * self.rate(),
            self.reasons
        );
    }
}

#[test]
fn a_clean_stream_raises_few_alarms() {
    let mut tally = Tally::default();
    for seed in 0..5 {
        let (mut market, mut detector) = trained(seed, 200);
        for _ in 0..20_000 {
            let (quote, trade) = market.step();
            tally.add(&detector.observe_quote(&quote).unwrap());
            tally.add(&detector.observe_trade(&trade).unwrap());
        }
    }
    tally.print("clean");
    assert!(tally.rate() < 0.001, "{}", tally.rate());
}

/// How often a fault that is put into 200 streams is flagged with this reason.
fn detected(reason: Reason, fault: impl Fn(&mut Market, &mut Detector) -> Verdict) -> f64 {
    let found = (0..200).filter(|seed| {
        let (mut market, mut detector) = trained(1_000 + seed, 300);
        fault(&mut market, &mut detector).has(reason)
    });
    let rate = found.count() as f64 / 200.0;
    println!("{reason:?}: {rate:.3} found");
    rate
}

/// A trade that is changed after its quote was seen.
fn changed_trade(market: &mut Market, detector: &mut Detector, change: impl Fn(&mut Trade)) -> Verdict {
    let (quote, mut trade) = market.step();
    detector.observe_quote(&quote).unwrap();
    change(&mut trade);
    detector.observe_trade(&trade).unwrap()
}

fn changed_quote(market: &mut Market, detector: &mut Detector, change: impl Fn(&mut Quote)) -> Verdict {
    let (mut quote, _) = market.step();
    change(&mut quote);
    detector.observe_quote(&quote).unwrap()
}

#[test]
fn faults_are_found() {
    let jump = |market: &mut Market, detector: &mut Detector| {
        changed_trade(market, detector, |trade| trade.price *= 1.005)
    };
    assert!(detected(Reason::PriceJump, jump) > 0.95);
    assert!(detected(Reason::OffMarket, jump) > 0.95);
    let fat_finger = |market: &mut Market, detector: &mut Detector| {
        changed_trade(market, detector, |trade| trade.price /= 10.0)
    };
    assert!(detected(Reason::PriceJump, fat_finger) > 0.999);
    let large = |market: &mut Market, detector: &mut Detector| {
        changed_trade(market, detector, |trade| trade.size *= 2_000.0)
    };
    assert!(detected(Reason::VolumeSpike, large) > 0.9);
    let crossed = |market: &mut Market, detector: &mut Detector| {
        changed_quote(market, detector, |quote| std::mem::swap(&mut quote.bid, &mut quote.ask))
    };
    assert!(detected(Reason::CrossedQuote, crossed) > 0.999);
    let locked = |market: &mut Market, detector: &mut Detector| {
        changed_quote(market, detector, |quote| quote.bid = quote.ask)
    };
    assert!(detected(Reason::LockedQuote, locked) > 0.999);
    let wide = |market: &mut Market, detector: &mut Detector| {
        changed_quote(market, detector, |quote| quote.ask *= 1.001)
    };
    assert!(detected(Reason::WideSpread, wide) > 0.95);
    let shifted = |market: &mut Market, detector: &mut Detector| {
        changed_quote(market, detector, |quote| {
            quote.bid *= 1.005;
            quote.ask *= 1.005;
        })
    };
    assert!(detected(Reason::PriceJump, shifted) > 0.95);
    let silent = |market: &mut Market, detector: &mut Detector| {
        market.time_ns += 61 * SECOND_NS;
        changed_trade(market, detector, |_| ())
    };
    assert!(
        detected(Reason::FeedGap, |market, detector| {
            market.time_ns += 61 * SECOND_NS;
            changed_quote(market, detector, |_| ())
        }) > 0.999
    );
    assert!(detected(Reason::FeedGap, silent) < 0.001, "the quote told already");
}

/// A slow move that no single trade shows: half a standard deviation more in every step.
#[test]
fn a_drift_and_a_surge_are_found() {
    let found = |reason: Reason, change: &dyn Fn(i32, &mut Trade)| {
        let found = (0..100).filter(|seed| {
            let (mut market, mut detector) = trained(3_000 + seed, 300);
            (0..120).any(|i| {
                let (_, mut trade) = market.step();
                change(i, &mut trade);
                detector.observe_trade(&trade).unwrap().has(reason)
            })
        });
        let rate = found.count() as f64 / 100.0;
        println!("{reason:?}: {rate:.2} found");
        rate
    };
    let none = |_: i32, _: &mut Trade| ();
    let drift = |i: i32, trade: &mut Trade| trade.price *= (1.5e-4 * f64::from(i)).exp();
    let surge = |_: i32, trade: &mut Trade| trade.size *= 20.0;
    assert!(found(Reason::PriceDrift, &drift) > 0.9);
    assert!(found(Reason::PriceDrift, &none) < 0.1);
    assert!(found(Reason::VolumeSurge, &surge) > 0.9);
    assert!(found(Reason::VolumeSurge, &none) < 0.1);
}

/// Nanoseconds within the day of "2021-01-08T00:00:01.076000Z"; whole seconds have no fraction.
fn time_ns(text: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| -> i64 { text[range].parse().unwrap() };
    let micros = if text[19..].starts_with('.') { part(20..26) } else { 0 };
    ((part(11..13) * 60 + part(14..16)) * 60 + part(17..19)) * SECOND_NS + micros * 1_000
}

/// The numbers of some columns of a recorded file, behind the time, which is the first.
fn recorded(name: &str, columns: [usize; 2]) -> Option<Vec<(i64, f64, f64)>> {
    let folder = std::env::var("BULKHEAD_MARKET_DATA").ok()?;
    let text = std::fs::read_to_string(format!("{folder}/{name}")).ok()?;
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        (time_ns(cells[0]), cells[columns[0]].parse().unwrap(), cells[columns[1]].parse().unwrap())
    };
    Some(text.lines().skip(1).map(row).collect())
}

/// Runs only where `BULKHEAD_MARKET_DATA` names the folder with recorded data, and says so where it does not.
#[test]
fn recorded_markets_raise_few_alarms() {
    let trades = recorded("btcusdt-trades-2021-01-08.csv", [3, 4]);
    let quotes = recorded("btcusdt-quotes-2021-01-08.csv", [2, 4]);
    let (Some(trades), Some(mut quotes)) = (trades, quotes) else {
        println!("skipped: BULKHEAD_MARKET_DATA does not name a folder with recorded data");
        return;
    };
    let (mut detector, mut tally) = (detector(), Tally::default());
    quotes.reverse();
    for &(time_ns, price, size) in &trades {
        while let Some((time_ns, bid, ask)) = quotes.pop_if(|quote| quote.0 <= time_ns) {
            tally.add(&detector.observe_quote(&Quote { time_ns, bid, ask }).unwrap());
        }
        tally.add(&detector.observe_trade(&Trade { time_ns, price, size }).unwrap());
    }
    tally.print("BTC-USDT");
    assert!(tally.ticks > 2_400 && tally.rate() < 0.01, "{}", tally.rate());

    let (price, size) = (trades.last().unwrap().1, trades.last().unwrap().2);
    let outlier = Trade { time_ns: i64::MAX / 2, price: price * 1.005, size };
    assert!(
        detector.clone().observe_trade(&outlier).unwrap().has(Reason::PriceJump),
        "half a per cent at once"
    );

    let (mut currency, mut tally) = (self::detector(), Tally::default());
    for (time_ns, bid, ask) in recorded("usdjpy-ticks-2013-01-01.csv", [1, 2]).unwrap() {
        tally.add(&currency.observe_quote(&Quote { time_ns, bid, ask }).unwrap());
    }
    tally.print("USD/JPY");
    assert!(tally.ticks > 500 && tally.rate() < 0.02, "{}", tally.rate());
}

#[test]
fn a_jump_that_stays_is_the_level_soon() {
    for factor in [1.05, 0.5, 3.0] {
        let (mut market, mut detector) = trained(77, 1_000);
        market.middle *= factor;
        let flags: Vec<bool> = (0..2_000)
            .map(|_| {
                let (quote, trade) = market.step();
                let on_quote = detector.observe_quote(&quote).unwrap();
                on_quote.is_flagged() | detector.observe_trade(&trade).unwrap().is_flagged()
            })
            .collect();
        assert!(flags[0], "the jump is flagged");
        let later = flags.iter().skip(LEVEL_SHIFT_TICKS as usize).filter(|flag| **flag).count();
        println!("{factor}: {later} flagged after the shift");
        assert!(later <= 4, "{later}");
    }
}

#[test]
fn a_spike_is_flagged_and_what_follows_it_is_not() {
    let (mut market, mut detector) = trained(78, 1_000);
    let spike = changed_trade(&mut market, &mut detector, |trade| trade.price *= 1.02);
    assert!(spike.has(Reason::PriceJump) && spike.score > 0.9);
    let after = (0..100).filter(|_| changed_trade(&mut market, &mut detector, |_| ()).is_flagged()).count();
    assert!(after <= 1, "{after}");
}

#[test]
fn a_market_that_turns_wild_is_usual_soon() {
    let (market, mut detector) = trained(79, 1_000);
    let mut price = market.middle;
    let mut random = SplitMix64::new(80);
    let flags: Vec<bool> = (1..3_000)
        .map(|i| {
            price *= (5e-3 * random.normal()).exp();
            let trade = Trade { time_ns: market.time_ns + i * SECOND_NS / 10, price, size: 1.0 };
            let verdict = detector.observe_trade(&trade).unwrap();
            verdict.has(Reason::PriceJump) || verdict.has(Reason::OffMarket)
        })
        .collect();
    let count = |flags: &[bool]| flags.iter().filter(|flag| **flag).count();
    println!(
        "a hundred times as wild: {} of the first 100, {} after",
        count(&flags[..100]),
        count(&flags[100..])
    );
    assert!(count(&flags[..10]) > 3 && count(&flags[..100]) < 70);
    assert!(count(&flags[100..]) < 20);
}

#[test]
fn a_constant_market_is_no_anomaly_and_its_end_is() {
    let mut detector = detector();
    for i in 0..500 {
        let verdict =
            detector.observe_trade(&Trade { time_ns: i * SECOND_NS, price: 5.0, size: 1.0 }).unwrap();
        assert!(!verdict.is_flagged(), "{verdict:?}");
        assert_eq!(verdict.readiness == Readiness::WarmingUp, i <= 64, "{i}");
    }
    let verdict = detector.observe_trade(&Trade { time_ns: 500 * SECOND_NS, price: 5.5, size: 1e4 }).unwrap();
    assert!(verdict.has(Reason::PriceJump) && verdict.has(Reason::VolumeSpike), "{verdict:?}");
}

#[test]
fn silence_and_age_are_told_once() {
    let mut detector = detector();
    detector.observe_quote(&Quote { time_ns: 0, bid: 1.0, ask: 1.1 }).unwrap();
    assert_eq!(detector.silence(59 * SECOND_NS).unwrap(), None);
    assert_eq!(detector.silence(60 * SECOND_NS).unwrap().unwrap().reason, Reason::FeedGap);
    let trade = |time_ns| Trade { time_ns, price: 1.05, size: 1.0 };
    assert!(!detector.observe_trade(&trade(30 * SECOND_NS)).unwrap().is_flagged());
    assert!(detector.observe_trade(&trade(61 * SECOND_NS)).unwrap().has(Reason::StaleQuote));
    assert!(!detector.observe_trade(&trade(62 * SECOND_NS)).unwrap().is_flagged());
}

#[test]
fn what_is_no_tick_is_refused_and_changes_nothing() {
    let (market, mut detector) = trained(81, 100);
    let before = detector.clone();
    let later = market.time_ns + 1;
    let trade = Trade { time_ns: later, price: 1.0, size: 1.0 };
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0];
    for value in bad {
        assert!(detector.observe_trade(&Trade { price: value, ..trade }).is_err());
        assert!(detector.observe_trade(&Trade { size: value, ..trade }).is_err());
        assert!(detector.observe_quote(&Quote { time_ns: later, bid: value, ask: 1.0 }).is_err());
        assert!(detector.observe_quote(&Quote { time_ns: later, bid: 1.0, ask: value }).is_err());
    }
    assert!(detector.observe_trade(&Trade { price: 0.0, ..trade }).is_err());
    let early = Trade { time_ns: market.time_ns - 1, ..trade };
    assert!(matches!(detector.observe_trade(&early), Err(QuantError::OutOfRange { what: "time", .. })));
    assert!(detector.silence(market.time_ns - 1).is_err());
    assert_eq!(detector, before);
}

#[test]
fn what_is_no_setting_is_refused() {
    let settings = Settings::default;
    for bad in [
        Settings { warm_up_ticks: 7, ..settings() },
        Settings { warm_up_ticks: 1_025, ..settings() },
        Settings { memory_ticks: 1.0, ..settings() },
        Settings { return_floor: 0.0, ..settings() },
        Settings { jump_threshold: f64::NAN, ..settings() },
        Settings { volume_threshold: -1.0, ..settings() },
        Settings { silence_max_ns: 0, ..settings() },
    ] {
        assert!(Detector::new(bad.clone()).is_err(), "{bad:?}");
    }
}

/// A detector that went through its stored state, as JSON.
fn stored(detector: &Detector) -> Detector {
    let text = serde_json::to_string(detector.state()).unwrap();
    Detector::restore(serde_json::from_str(&text).unwrap()).unwrap()
}

#[test]
fn a_state_that_cannot_be_is_refused() {
    let (_, detector) = trained(82, 100);
    let state = serde_json::to_value(detector.state()).unwrap();
    assert!(Detector::restore(serde_json::from_value(state.clone()).unwrap()).is_ok());
    for (path, value) in [
        ("/version", 2.into()),
        ("/trades/suspects", 3.into()),
        ("/trades/reference", (-1.0).into()),
        ("/sizes/Ready/deviation", 0.0.into()),
        ("/sizes/Ready/outliers", 3.into()),
        ("/surge/up", (-1.0).into()),
        ("/settings/memory_ticks", 0.0.into()),
        ("/quote/middle", serde_json::json!([-1.0, 0.0])),
    ] {
        let mut changed = state.clone();
        *changed.pointer_mut(path).unwrap_or_else(|| panic!("{path} is there")) = value;
        let changed: anomaly::State = serde_json::from_value(changed).unwrap();
        assert!(Detector::restore(changed).is_err(), "{path}");
    }
}

/// A tick of any kind that the types allow.
#[derive(Debug, Clone)]
enum Tick {
    Trade(Trade),
    Quote(Quote),
}

fn any_tick() -> impl Strategy<Value = Tick> {
    let time = prop_oneof![0..10_000_i64, any::<i64>()];
    let number = prop_oneof![
        any::<f64>(),
        1.0..2.0_f64,
        prop::sample::select(vec![0.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, 1e300, 1.0]),
    ];
    (time, number.clone(), number, any::<bool>()).prop_map(|(time_ns, a, b, is_trade)| {
        if is_trade {
            Tick::Trade(Trade { time_ns, price: a, size: b })
        } else {
            Tick::Quote(Quote { time_ns, bid: a, ask: b })
        }
    })
}

fn observe(detector: &mut Detector, tick: &Tick) -> Result<Verdict, QuantError> {
    match tick {
        Tick::Trade(trade) => detector.observe_trade(trade),
        Tick::Quote(quote) => detector.observe_quote(quote),
    }
}

/// A stream of a market with faults in it.
fn stream(seed: u64, steps: usize) -> Vec<Tick> {
    let (mut market, mut random) = (Market::new(seed), SplitMix64::new(seed ^ 1));
    let mut ticks = Vec::new();
    for _ in 0..steps {
        let (mut quote, mut trade) = market.step();
        match random.below(50) {
            0 => trade.price *= 1.01,
            1 => trade.size *= 1e4,
            2 => std::mem::swap(&mut quote.bid, &mut quote.ask),
            3 => market.middle *= 1.01,
            _ => {}
        }
        ticks.extend([Tick::Quote(quote), Tick::Trade(trade)]);
    }
    ticks
}

fn verdicts(detector: &mut Detector, ticks: &[Tick]) -> Vec<Verdict> {
    ticks.iter().map(|tick| observe(detector, tick).unwrap()).collect()
}

proptest! {
    #[test]
    fn any_ticks_get_a_verdict_or_an_error(ticks in prop::collection::vec(any_tick(), 0..300)) {
        let settings = Settings { warm_up_ticks: 8, ..Settings::default() };
        let mut detector = Detector::new(settings).unwrap();
        for tick in &ticks {
            if let Ok(verdict) = observe(&mut detector, tick) {
                prop_assert!((0.0..=1.0).contains(&verdict.score));
                prop_assert_eq!(verdict.score >= 0.5, verdict.is_flagged());
                for finding in &verdict.findings {
                    prop_assert!(finding.value.is_finite() && (0.5..=1.0).contains(&finding.score), "{:?}", finding);
                }
            }
        }
        prop_assert_eq!(stored(&detector), detector);
    }

    #[test]
    fn another_unit_of_price_and_size_changes_nothing(seed in any::<u64>(), price in 1e-6..1e6_f64, size in 1e-6..1e6_f64) {
        let ticks = stream(seed, 300);
        let scaled: Vec<Tick> = ticks.iter().map(|tick| match tick {
            Tick::Trade(trade) => Tick::Trade(Trade { price: trade.price * price, size: trade.size * size, ..*trade }),
            Tick::Quote(quote) => Tick::Quote(Quote { bid: quote.bid * price, ask: quote.ask * price, ..*quote }),
        }).collect();
        let (plain, other) = (verdicts(&mut detector(), &ticks), verdicts(&mut detector(), &scaled));
        for (a, b) in plain.iter().zip(&other) {
            let reasons = |verdict: &Verdict| verdict.findings.iter().map(|finding| finding.reason).collect::<Vec<_>>();
            prop_assert_eq!(reasons(a), reasons(b));
            prop_assert!((a.score - b.score).abs() < 1e-6, "{:?} {:?}", a, b);
        }
    }

    #[test]
    fn storing_and_going_on_is_as_never_stopping(seed in any::<u64>(), cut in 0..400_usize) {
        let ticks = stream(seed, 200);
        let mut whole = detector();
        let expected = verdicts(&mut whole, &ticks);
        let mut first = detector();
        let mut got = verdicts(&mut first, &ticks[..cut]);
        let mut second = stored(&first);
        got.extend(verdicts(&mut second, &ticks[cut..]));
        prop_assert_eq!(got, expected);
        prop_assert_eq!(second, whole);
    }
}
