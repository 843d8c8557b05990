//! Signals against their formulas, against simulation, and in the mirror.

use crate::support::assert_close;
use bulkhead_quant::QuantError;
use bulkhead_quant::normal;
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::signal::consensus::{SIGNALS_MAX, consensus};
use bulkhead_quant::signal::mean_reversion::{
    Bands, MeanReversionInput, MeanReversionSignal, OuParameters, Zone, mean_reversion,
};
use bulkhead_quant::signal::term_structure::{RollThresholds, Shape, TermPoint, term_structure};
use bulkhead_quant::signal::volatility::{VolatilityQuote, VolatilityThresholds, volatility_arbitrage};
use bulkhead_quant::signal::{Direction, Signal};
use proptest::prelude::*;

const VOLATILITY: VolatilityThresholds = VolatilityThresholds { entry: 0.01, full: 0.05 };
const BANDS: Bands = Bands { entry: 1.5, exit: 0.5, full: 3.0 };
const ROLL: RollThresholds = RollThresholds { entry: 0.02, full: 0.2 };
const EXACT: (f64, f64) = (1e-12, 1e-12);

fn quote(model: f64, market: f64, vega: f64) -> VolatilityQuote {
    VolatilityQuote { model, market, vega, model_error: 0.01, market_error: 0.005 }
}

#[test]
fn volatility_is_bought_below_the_model() {
    let quotes = [quote(0.25, 0.22, 30.0), quote(0.24, 0.23, 10.0)];
    let got = volatility_arbitrage(&quotes, &VOLATILITY).unwrap();
    assert_close("edge", got.edge_points, 2.5, EXACT);
    // Weights 3/4 and 1/4: the model's errors add up to 1 point, the market's to half a point times √(9/16 + 1/16).
    let standard_error = (1.0 + 0.25 * 10.0 / 16.0_f64).sqrt();
    assert_close("standard error", got.standard_error_points, standard_error, EXACT);
    assert_close("z", got.z, 2.5 / standard_error, EXACT);
    assert_close("gain", got.gain, 1.0, EXACT);
    assert_eq!(got.signal.direction, Direction::Buy);
    assert_close("strength", got.signal.strength, 0.5, EXACT);
    assert_close("confidence", got.signal.confidence, 2.0 * normal::cdf(got.z) - 1.0, EXACT);
    let small = volatility_arbitrage(&[quote(0.225, 0.22, 30.0)], &VOLATILITY).unwrap();
    assert_eq!(small.signal.direction, Direction::Flat);
    assert!(small.signal.strength > 0.0);
}

#[test]
fn volatility_without_error_is_certain_and_without_vega_is_refused() {
    let sure = VolatilityQuote { model_error: 0.0, market_error: 0.0, ..quote(0.25, 0.2, 1.0) };
    assert_close(
        "confidence",
        volatility_arbitrage(&[sure], &VOLATILITY).unwrap().signal.confidence,
        1.0,
        EXACT,
    );
    let equal = VolatilityQuote { model: 0.2, ..sure };
    assert_close(
        "confidence",
        volatility_arbitrage(&[equal], &VOLATILITY).unwrap().signal.confidence,
        0.0,
        EXACT,
    );
    assert!(matches!(volatility_arbitrage(&[], &VOLATILITY), Err(QuantError::TooFew { .. })));
    assert!(volatility_arbitrage(&[quote(0.2, 0.2, 0.0)], &VOLATILITY).is_err());
    assert!(volatility_arbitrage(&[quote(f64::NAN, 0.2, 1.0)], &VOLATILITY).is_err());
    assert!(volatility_arbitrage(&[quote(-0.1, 0.2, 1.0)], &VOLATILITY).is_err());
    let crossed = VolatilityThresholds { entry: 0.2, full: 0.1 };
    assert!(volatility_arbitrage(&[quote(0.2, 0.2, 1.0)], &crossed).is_err());
}

const PROCESS: OuParameters = OuParameters { kappa: 8.0, mu: 1.0, sigma: 0.4 };

/// A value so many stationary deviations, which are 0.1, from the mean.
fn at(z: f64) -> MeanReversionSignal {
    let input = MeanReversionInput { parameters: PROCESS, kappa_error: 3.0, level: 1.0 + 0.1 * z };
    mean_reversion(&input, &BANDS).unwrap().unwrap()
}

#[test]
fn a_value_far_above_its_mean_is_sold() {
    let high = at(2.0);
    assert_close("z", high.z, 2.0, EXACT);
    assert_close("deviation", high.deviation, 0.1, EXACT);
    assert_close("half-life", high.half_life, 2.0_f64.ln() / 8.0, EXACT);
    assert_eq!((high.signal.direction, high.zone), (Direction::Sell, Zone::Enter));
    assert_close("strength", high.signal.strength, -2.0 / 3.0, EXACT);
    assert_close("confidence", high.signal.confidence, 2.0 * normal::cdf(8.0 / 3.0) - 1.0, EXACT);
    assert_eq!((at(1.0).signal.direction, at(1.0).zone), (Direction::Flat, Zone::Hold));
    assert_eq!((at(-0.4).signal.direction, at(-0.4).zone), (Direction::Flat, Zone::Exit));
    assert!(at(-0.4).holding_time.abs() < f64::EPSILON);
    assert_eq!(at(-1.6).signal.direction, Direction::Buy);
}

#[test]
fn the_holding_time_is_what_simulation_finds() {
    let (z, step, paths) = (2.0, 5e-4_f64, 4_000);
    let mut random = SplitMix64::new(11);
    // A path that is looked at in steps is seen to cross late; the barrier is moved by as much (Broadie, Glasserman and
    // Kou 1997).
    let barrier = BANDS.exit + 0.5826 * (2.0 * step).sqrt();
    let (decay, noise) = ((-step).exp(), (1.0 - (-2.0 * step).exp()).sqrt());
    let mut total = 0.0;
    for _ in 0..paths {
        let mut value: f64 = z;
        while value > barrier {
            value = value * decay + noise * random.normal();
            total += step;
        }
    }
    let (found, told) = (total / f64::from(paths), at(z).holding_time * PROCESS.kappa);
    println!("holding time: simulated {found:.4}, computed {told:.4} times 1/kappa");
    assert_close("holding time", told, found, (0.04, 0.0));
}

#[test]
fn no_reversion_gives_no_signal_and_no_process_is_refused() {
    let input = MeanReversionInput { parameters: PROCESS, kappa_error: 3.0, level: 1.3 };
    let with = |parameters| mean_reversion(&MeanReversionInput { parameters, ..input }, &BANDS);
    assert_eq!(with(OuParameters { kappa: 0.0, ..PROCESS }), Ok(None));
    assert_eq!(with(OuParameters { kappa: -1.0, ..PROCESS }), Ok(None));
    assert!(with(OuParameters { sigma: 0.0, ..PROCESS }).is_err());
    assert!(with(OuParameters { mu: f64::NAN, ..PROCESS }).is_err());
    for bands in [
        Bands { exit: 1.5, ..BANDS },
        Bands { exit: -0.1, ..BANDS },
        Bands { entry: 4.0, ..BANDS },
        Bands { full: f64::INFINITY, ..BANDS },
    ] {
        assert!(mean_reversion(&input, &bands).is_err(), "{bands:?}");
    }
}

fn curve(points: &[(f64, f64)]) -> Vec<TermPoint> {
    let point = |&(expiry_years, price)| TermPoint { expiry_years, price, relative_error: 0.001 };
    points.iter().map(point).collect()
}

#[test]
fn backwardation_is_bought_and_contango_sold() {
    let falling: Vec<_> =
        (0..5).map(|i| f64::from(i) * 0.25).map(|t| (t, 100.0 * (-0.12 * t).exp())).collect();
    let got = term_structure(&curve(&falling), &ROLL).unwrap();
    assert_eq!((got.shape, got.signal.direction), (Shape::Backwardation, Direction::Buy));
    assert_close("roll yield", got.roll_yield, 0.12, EXACT);
    assert_close("slope", got.slope, -0.12, EXACT);
    assert_close("curvature", got.curvature.unwrap(), 0.0, (0.0, 1e-11));
    assert_close("error", got.roll_yield_error, 0.004 * 2.0_f64.sqrt(), EXACT);
    assert_close("strength", got.signal.strength, 0.6, EXACT);

    // ln F = 4 + 0.05 T + 0.03 T²: the second derivative is 0.06 everywhere.
    let bent: Vec<_> =
        [0.1, 0.3, 0.6, 1.0, 1.7].map(|t: f64| (t, (4.0 + 0.05 * t + 0.03 * t * t).exp())).into();
    let got = term_structure(&curve(&bent), &ROLL).unwrap();
    assert_eq!((got.shape, got.signal.direction), (Shape::Contango, Direction::Sell));
    assert_close("curvature", got.curvature.unwrap(), 0.06, (1e-9, 0.0));
    assert_close("roll yield", got.roll_yield, -(0.05 + 0.03 * 0.4), (1e-9, 0.0));
}

#[test]
fn other_curves_have_their_names_and_no_curve_is_refused() {
    let of = |points: &[(f64, f64)]| term_structure(&curve(points), &ROLL);
    assert_eq!(of(&[(0.1, 5.0), (0.2, 5.0)]).unwrap().shape, Shape::Flat);
    assert_eq!(of(&[(0.1, 5.0), (0.2, 5.0)]).unwrap().signal.direction, Direction::Flat);
    assert_eq!(of(&[(0.1, 5.0), (0.2, 6.0), (0.3, 5.5)]).unwrap().shape, Shape::Mixed);
    assert_eq!(of(&[(0.1, 5.0), (0.2, 6.0)]).unwrap().curvature, None);
    assert!(of(&[(0.1, 5.0)]).is_err());
    assert!(of(&[(0.1, 5.0), (0.1, 6.0)]).is_err());
    assert!(of(&[(0.2, 5.0), (0.1, 6.0)]).is_err());
    assert!(of(&[(-0.1, 5.0), (0.1, 6.0)]).is_err());
    assert!(of(&[(0.1, 0.0), (0.2, 6.0)]).is_err());
    assert!(of(&[(0.1, f64::NAN), (0.2, 6.0)]).is_err());
}

fn signal(strength: f64, confidence: f64) -> Signal {
    let direction = match strength {
        s if s > 0.0 => Direction::Buy,
        s if s < 0.0 => Direction::Sell,
        _ => Direction::Flat,
    };
    Signal { direction, strength, confidence }
}

#[test]
fn a_consensus_weighs_by_confidence() {
    let got = consensus(&[signal(0.8, 0.9), signal(-0.4, 0.3), signal(0.5, 0.0)], 0.1).unwrap();
    assert_close("strength", got.signal.strength, (0.72 - 0.12) / 1.2, EXACT);
    assert_close("agreement", got.agreement, 0.6 / 0.84, EXACT);
    assert_close("confidence", got.signal.confidence, 0.6 / 0.84 * (0.81 + 0.09) / 1.2, EXACT);
    assert_close("share", got.share, 2.0 / 3.0, EXACT);
    assert_eq!(got.signal.direction, Direction::Buy);
    let torn = consensus(&[signal(0.5, 0.5), signal(-0.5, 0.5)], 0.1).unwrap();
    assert_eq!((torn.signal.direction, torn.agreement.abs() < 1e-15), (Direction::Flat, true));
    let none = consensus(&[], 0.1).unwrap();
    assert!(none.signal.direction == Direction::Flat && none.signal.confidence.abs() < 1e-15);
    assert!(consensus(&[signal(1.1, 0.5)], 0.1).is_err());
    assert!(consensus(&[signal(0.1, f64::NAN)], 0.1).is_err());
    assert!(consensus(&[signal(0.1, 0.1)], -0.1).is_err());
    assert!(consensus(&vec![signal(0.1, 0.1); SIGNALS_MAX + 1], 0.1).is_err());
}

/// Fails unless the second signal is the first in the mirror.
fn assert_mirrored(a: &Signal, b: &Signal, tolerance: f64) {
    let turned = match a.direction {
        Direction::Buy => Direction::Sell,
        Direction::Sell => Direction::Buy,
        Direction::Flat => Direction::Flat,
    };
    assert_eq!(b.direction, turned);
    assert!((a.strength + b.strength).abs() <= tolerance, "{a:?} {b:?}");
    assert!((a.confidence - b.confidence).abs() <= tolerance, "{a:?} {b:?}");
}

fn signals() -> impl Strategy<Value = Vec<Signal>> {
    prop::collection::vec((-1.0..=1.0, 0.0..=1.0).prop_map(|(s, c)| signal(s, c)), 0..20)
}

fn quotes() -> impl Strategy<Value = Vec<VolatilityQuote>> {
    let quote = (0.01..2.0_f64, 0.01..2.0_f64, 0.01..100.0_f64, 0.0..0.1_f64, 0.001..0.1_f64);
    let quote = quote.prop_map(|(model, market, vega, model_error, market_error)| VolatilityQuote {
        model,
        market,
        vega,
        model_error,
        market_error,
    });
    prop::collection::vec(quote, 1..20)
}

/// Any number at all.
fn wild() -> impl Strategy<Value = f64> {
    let special =
        vec![0.0, -0.0, 1.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, f64::NAN, f64::INFINITY, 1e-300, 1e300];
    prop_oneof![any::<f64>(), -2.0..2.0_f64, prop::sample::select(special)]
}

fn assert_sane(signal: &Signal, numbers: &[f64]) {
    assert!(
        (-1.0..=1.0).contains(&signal.strength) && (0.0..=1.0).contains(&signal.confidence),
        "{signal:?}"
    );
    assert!(numbers.iter().all(|number| number.is_finite()), "{numbers:?}");
}

proptest! {
    #[test]
    fn volatility_is_mirrored(quotes in quotes()) {
        let mirrored: Vec<_> = quotes
            .iter()
            .map(|quote| VolatilityQuote { model: quote.market, market: quote.model, ..*quote })
            .collect();
        let (a, b) = (volatility_arbitrage(&quotes, &VOLATILITY)?, volatility_arbitrage(&mirrored, &VOLATILITY)?);
        assert_mirrored(&a.signal, &b.signal, 1e-12);
    }

    #[test]
    fn volatility_grows_with_the_edge(market in 0.1..1.0_f64, edge in -0.1..0.1_f64, more in 0.0..0.1_f64) {
        let of = |edge: f64| volatility_arbitrage(&[quote(market + edge, market, 2.0)], &VOLATILITY);
        let (a, b) = (of(edge)?, of(edge + more)?);
        prop_assert!(b.signal.strength >= a.signal.strength);
        prop_assert!(edge < 0.0 || b.signal.confidence >= a.signal.confidence);
        prop_assert!(!(a.signal.direction == Direction::Buy && b.signal.direction != Direction::Buy));
    }

    #[test]
    fn mean_reversion_is_mirrored_and_grows_with_the_distance(z in -6.0..6.0_f64, more in 0.001..3.0_f64) {
        let (a, b) = (at(z), at(-z));
        assert_mirrored(&a.signal, &b.signal, 1e-12);
        prop_assert!((a.holding_time - b.holding_time).abs() < 1e-9);
        let further = at(z + more.copysign(z));
        prop_assert!(further.signal.strength.abs() >= a.signal.strength.abs());
        prop_assert!(further.holding_time >= a.holding_time);
    }

    #[test]
    fn an_uncertain_reversion_is_believed_less(error in 0.1..20.0_f64, more in 0.01..20.0_f64) {
        let of = |kappa_error: f64| {
            mean_reversion(&MeanReversionInput { parameters: PROCESS, kappa_error, level: 1.2 }, &BANDS)
        };
        let (sure, unsure) = (of(error)?.unwrap(), of(error + more)?.unwrap());
        prop_assert!(unsure.signal.confidence <= sure.signal.confidence);
    }

    #[test]
    fn a_term_structure_is_mirrored(
        prices in prop::collection::vec(0.5..2.0_f64, 2..10),
        gaps in prop::collection::vec(0.02..0.5_f64, 10),
        more in 1.0..1.5_f64,
    ) {
        let mut expiry = 0.0;
        let points: Vec<(f64, f64)> = prices.iter().zip(&gaps).map(|(price, gap)| { expiry += gap; (expiry, *price) }).collect();
        let mirrored: Vec<_> = points.iter().map(|(expiry, price)| (*expiry, 1.0 / price)).collect();
        let (a, b) = (term_structure(&curve(&points), &ROLL)?, term_structure(&curve(&mirrored), &ROLL)?);
        assert_mirrored(&a.signal, &b.signal, 1e-9);
        prop_assert!((a.slope + b.slope).abs() < 1e-9 && (a.roll_yield + b.roll_yield).abs() < 1e-9);
        let mut richer = points.clone();
        richer[0].1 *= more;
        prop_assert!(term_structure(&curve(&richer), &ROLL)?.signal.strength >= a.signal.strength);
    }

    #[test]
    fn a_consensus_is_mirrored_and_does_not_mind_the_order(signals in signals(), turn in 0..20_usize) {
        let a = consensus(&signals, 0.1)?;
        let mirrored: Vec<_> = signals.iter().map(|s| signal(-s.strength, s.confidence)).collect();
        assert_mirrored(&a.signal, &consensus(&mirrored, 0.1)?.signal, 1e-12);
        let mut turned = signals.clone();
        turned.rotate_left(turn.min(signals.len()));
        let b = consensus(&turned, 0.1)?;
        prop_assert!((a.signal.strength - b.signal.strength).abs() < 1e-12 && (a.agreement - b.agreement).abs() < 1e-12);
        assert_sane(&a.signal, &[a.agreement, a.share]);
        let spread = signals.iter().map(|s| s.strength);
        let (least, most) = (spread.clone().fold(1.0, f64::min), spread.fold(-1.0, f64::max));
        prop_assert!(signals.is_empty() || (least - 1e-12..=most.max(0.0) + 1e-12).contains(&a.signal.strength) || a.signal.strength.abs() < 1e-12);
    }

    #[test]
    fn any_numbers_give_a_signal_or_an_error(numbers in prop::collection::vec(wild(), 0..60)) {
        let value = |i: usize| numbers.get(i % numbers.len().max(1)).copied().unwrap_or(1.0);
        for thresholds in [(0.01, 0.05), (value(0), value(1))] {
            let quotes: Vec<_> = numbers.chunks_exact(5)
                .map(|n| VolatilityQuote { model: n[0], market: n[1], vega: n[2], model_error: n[3], market_error: n[4] })
                .collect();
            let (entry, full) = thresholds;
            if let Ok(got) = volatility_arbitrage(&quotes, &VolatilityThresholds { entry, full }) {
                assert_sane(&got.signal, &[got.edge_points, got.standard_error_points, got.z, got.gain]);
            }
            let points: Vec<_> = numbers.chunks_exact(3)
                .map(|n| TermPoint { expiry_years: n[0], price: n[1], relative_error: n[2] })
                .collect();
            if let Ok(got) = term_structure(&points, &RollThresholds { entry, full }) {
                let numbers = [got.roll_yield, got.roll_yield_error, got.z, got.slope, got.curvature.unwrap_or(0.0)];
                assert_sane(&got.signal, &numbers);
            }
            let parameters = OuParameters { kappa: value(2), mu: value(3), sigma: value(4) };
            let input = MeanReversionInput { parameters, kappa_error: value(5), level: value(6) };
            for bands in [BANDS, Bands { entry, exit: value(7), full }] {
                if let Ok(Some(got)) = mean_reversion(&input, &bands) {
                    assert_sane(&got.signal, &[got.z, got.deviation, got.half_life, got.holding_time]);
                }
            }
            let signals: Vec<_> = numbers.chunks_exact(2).map(|n| signal(n[0], n[1])).collect();
            if let Ok(got) = consensus(&signals, value(8)) {
                assert_sane(&got.signal, &[got.agreement, got.share]);
            }
        }
    }

    #[test]
    fn any_two_prices_give_a_signal_or_an_error(a in (wild(), wild()), b in (wild(), wild())) {
        if let Ok(got) = term_structure(&curve(&[a, b]), &ROLL) {
            assert_sane(&got.signal, &[got.roll_yield, got.roll_yield_error, got.slope]);
        }
    }
}
