//! Volatility surfaces.

use crate::support::assert_close;
use bulkhead_quant::QuantError;
use bulkhead_quant::option::sabr::{Beta, Expansion, Model, Parameters, Underlying};
use bulkhead_quant::option::surface::{Expiry, Grid, Interpolation, Surface, VolatilityQuote};
use proptest::prelude::*;

const SABR: Interpolation = Interpolation::Sabr { beta: Beta::Fixed(1.0), expansion: Expansion::Hagan };
const ALL: [Interpolation; 3] = [SABR, Interpolation::NaturalCubic, Interpolation::MonotoneCubic];
const GRID: Grid = Grid { log_moneyness_min: -1.0, log_moneyness_max: 1.0, points: 401 };

fn expiry(expiry_years: f64, forward: f64, volatility: impl Fn(f64) -> f64) -> Expiry {
    let quote = |i: i32| {
        let log_moneyness = 0.1 * f64::from(i);
        let mid = volatility(log_moneyness);
        VolatilityQuote { strike: forward * log_moneyness.exp(), bid: mid - 0.002, ask: mid + 0.002 }
    };
    Expiry { expiry_years, forward, quotes: (-5..=5).map(quote).collect() }
}

fn smiling(expiry_years: f64, forward: f64) -> Expiry {
    let parameters = Parameters { alpha: 0.25, beta: 1.0, nu: 0.6 / (1.0 + expiry_years), rho: -0.4 };
    let underlying = Underlying { forward, expiry_years, shift: 0.0 };
    let model = Model::new(parameters, underlying, Expansion::Hagan).unwrap();
    expiry(expiry_years, forward, |k| model.volatility(forward * k.exp()).unwrap())
}

#[test]
fn quotes_and_what_lies_between_them_are_met() {
    let expiries = [smiling(0.25, 101.0), smiling(1.0, 104.0), smiling(2.0, 108.0)];
    for interpolation in ALL {
        let surface = Surface::new(&expiries, interpolation).unwrap();
        assert_eq!(surface.expiries_years().collect::<Vec<f64>>(), [0.25, 1.0, 2.0]);
        for expiry in &expiries {
            for quote in &expiry.quotes {
                let got = surface.volatility(quote.strike, expiry.expiry_years).unwrap();
                assert_close("at a quote", got, 0.5 * (quote.bid + quote.ask), (1e-8, 0.0));
            }
        }
        // Linear in total variance, at constant growth of the forward.
        assert_close("forward", surface.forward(0.625).unwrap(), (101.0_f64 * 104.0).sqrt(), (1e-14, 0.0));
        let variance = |years| surface.total_variance(0.13, years).unwrap();
        assert_close("between", variance(0.625), 0.5 * (variance(0.25) + variance(1.0)), (1e-14, 0.0));
        // The volatility of the nearest expiry outside.
        assert_close("before", variance(0.05), 0.2 * variance(0.25), (1e-14, 0.0));
        assert_close("after", variance(6.0), 3.0 * variance(2.0), (1e-14, 0.0));
        assert_close("forward after", surface.forward(6.0).unwrap(), 108.0, (0.0, 0.0));
        let found = surface.arbitrage(&GRID).unwrap();
        assert!(found.calendar.is_empty(), "{interpolation:?}: {:?}", found.calendar);
        if interpolation == SABR {
            assert!(found.is_none(), "{:?}", found.butterfly);
            assert_eq!(surface.models().count(), 3);
        }
    }
}

/// Gatheral's density factor g (Durrleman's condition), by differences of total variance.
fn durrleman(w: impl Fn(f64) -> f64, k: f64) -> f64 {
    let h = 1e-3;
    let (low, at, high) = (w(k - h), w(k), w(k + h));
    let (slope, bend) = ((high - low) / (2.0 * h), (high - 2.0 * at + low) / (h * h));
    (1.0 - 0.5 * k * slope / at).powi(2) - 0.25 * slope * slope * (1.0 / at + 0.25) + 0.5 * bend
}

#[test]
fn an_injected_butterfly_is_found() {
    // One quote too high: the density is negative on both sides of it.
    let mut bad = smiling(0.5, 100.0);
    bad.quotes[7].bid += 0.03;
    bad.quotes[7].ask += 0.03;
    for interpolation in [Interpolation::NaturalCubic, Interpolation::MonotoneCubic] {
        let surface = Surface::new(&[bad.clone()], interpolation).unwrap();
        let found = surface.arbitrage(&GRID).unwrap();
        assert!(found.calendar.is_empty() && !found.butterfly.is_empty(), "{found:?}");
        assert!(found.butterfly.iter().any(|breach| (breach.log_moneyness - 0.2).abs() < 0.05), "{found:?}");
        // Durrleman's condition says the same, by other means.
        let w = |k: f64| surface.total_variance(k, 0.5).unwrap();
        let smooth = |k: f64| {
            interpolation == Interpolation::NaturalCubic || (10.0 * k - (10.0 * k).round()).abs() > 0.1
        };
        for i in 0..=400 {
            let k = -1.0 + 0.005 * f64::from(i);
            let listed = found.butterfly.iter().any(|breach| (breach.log_moneyness - k).abs() < 1e-9);
            let g = durrleman(w, k);
            if smooth(k) && k.abs() < 0.45 && g.abs() > 0.05 {
                assert_eq!(listed, g < 0.0, "{interpolation:?} at {k}: g = {g}");
            }
        }
        for breach in &found.butterfly {
            assert_close("strike", breach.strike, 100.0 * breach.log_moneyness.exp(), (1e-14, 0.0));
            assert!(breach.density < 0.0 && (breach.expiry_years - 0.5).abs() < 1e-15);
        }
    }
}

#[test]
fn what_is_no_surface_is_refused() {
    let good = smiling(1.0, 100.0);
    let with = |change: &dyn Fn(&mut Expiry)| {
        let mut bad = good.clone();
        change(&mut bad);
        Surface::new(&[smiling(0.5, 100.0), bad], Interpolation::NaturalCubic)
    };
    assert!(with(&|_| ()).is_ok());
    let crossed = with(&|expiry| expiry.quotes[3].bid = expiry.quotes[3].ask + 1e-6);
    assert!(matches!(crossed, Err(QuantError::OutOfRange { what: "ask volatility", .. })), "{crossed:?}");
    assert!(matches!(with(&|expiry| expiry.expiry_years = 0.5), Err(QuantError::OutOfRange { .. })));
    assert!(matches!(with(&|expiry| expiry.forward = f64::NAN), Err(QuantError::NotFinite { .. })));
    assert!(matches!(
        with(&|expiry| expiry.quotes[1] = expiry.quotes[0]),
        Err(QuantError::OutOfRange { .. })
    ));
    assert!(matches!(with(&|expiry| expiry.quotes.clear()), Err(QuantError::TooFew { .. })));
    assert!(matches!(with(&|expiry| expiry.quotes[0].bid = 0.0), Err(QuantError::OutOfRange { .. })));
    assert!(matches!(Surface::new(&[], SABR), Err(QuantError::TooFew { .. })));
    let normal = Interpolation::Sabr { beta: Beta::Fixed(0.0), expansion: Expansion::HaganNormal };
    assert!(matches!(Surface::new(std::slice::from_ref(&good), normal), Err(QuantError::Infeasible { .. })));
    // A spline that dips below zero between two quotes, where the monotone cubic does not.
    let dip = |interpolation| {
        let volatilities = [0.9, 0.05, 0.05, 0.9];
        let quote = |(i, &volatility): (usize, &f64)| {
            let strike = [60.0, 90.0, 110.0, 160.0][i];
            VolatilityQuote { strike, bid: volatility, ask: volatility }
        };
        let quotes = volatilities.iter().enumerate().map(quote).collect();
        Surface::new(&[Expiry { expiry_years: 1.0, forward: 100.0, quotes }], interpolation)
    };
    assert!(matches!(dip(Interpolation::NaturalCubic), Err(QuantError::OutOfRange { .. })));
    assert!(dip(Interpolation::MonotoneCubic).is_ok());
    let surface = Surface::new(&[good], SABR).unwrap();
    for grid in [
        Grid { points: 2, ..GRID },
        Grid { points: usize::MAX, ..GRID },
        Grid { log_moneyness_min: 1.0, ..GRID },
        Grid { log_moneyness_max: f64::NAN, ..GRID },
        Grid { log_moneyness_max: 1e5, ..GRID },
    ] {
        assert!(surface.arbitrage(&grid).is_err(), "{grid:?}");
    }
    assert!(surface.total_variance(0.0, 0.0).is_err() && surface.volatility(-1.0, 1.0).is_err());
}

#[test]
fn a_single_quote_makes_a_flat_slice() {
    let quotes = vec![VolatilityQuote { strike: 120.0, bid: 0.2, ask: 0.2 }];
    let single = Expiry { expiry_years: 1.0, forward: 100.0, quotes };
    let surface = Surface::new(&[single], Interpolation::NaturalCubic).unwrap();
    assert_close("far away", surface.volatility(30.0, 0.1).unwrap(), 0.2, (1e-15, 0.0));
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        1 => any::<f64>(),
        16 => 0.01..1.0,
        1 => prop::sample::select(vec![0.0, f64::NAN, f64::INFINITY, f64::MAX, 5e-324, 1e-160, 1e160, -1.0]),
    ]
}

fn any_interpolation() -> impl Strategy<Value = Interpolation> {
    prop::sample::select(ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn flat_volatility_has_no_arbitrage(
        volatility in 0.01..1.5,
        forward in 0.01..1e5,
        first in 0.003..0.5,
        interpolation in any_interpolation(),
    ) {
        let flat = |years: f64| {
            let quote = |i: i32| VolatilityQuote {
                strike: forward * f64::exp(0.1 * f64::from(i)), bid: volatility, ask: volatility
            };
            Expiry { expiry_years: years, forward, quotes: (-5..=5).map(quote).collect() }
        };
        let surface = Surface::new(&[flat(first), flat(2.0 * first), flat(7.0 * first)], interpolation).unwrap();
        let wide = Grid { log_moneyness_min: -3.0, log_moneyness_max: 3.0, points: 601 };
        let found = surface.arbitrage(&wide).unwrap();
        prop_assert!(found.is_none(), "{found:?}");
        let got = surface.volatility(1.3 * forward, 1.5 * first).unwrap();
        assert_close("volatility", got, volatility, (1e-9, 0.0));
    }

    #[test]
    fn an_injected_calendar_breach_is_found(
        fall in 0.02_f64..0.2,
        interpolation in any_interpolation(),
        at in 0_usize..3,
    ) {
        let mut expiries = [0.5, 0.6, 0.7, 0.8].map(|years| smiling(years, 100.0));
        for quote in &mut expiries[at + 1].quotes {
            // Below the total variance of the expiry before.
            let ratio = (1.0 - fall) * f64::sqrt((0.5 + 0.1 * at as f64) / (0.6 + 0.1 * at as f64));
            quote.bid *= ratio;
            quote.ask *= ratio;
        }
        let found = Surface::new(&expiries, interpolation).unwrap().arbitrage(&GRID).unwrap();
        let at_the_money = found.calendar.iter().find(|breach| breach.log_moneyness.abs() < 1e-9);
        let breach = at_the_money.expect("a breach at the money");
        prop_assert!((breach.later_years - 0.6 - 0.1 * at as f64).abs() < 1e-12);
        prop_assert!((breach.earlier_years - 0.5 - 0.1 * at as f64).abs() < 1e-12);
        // Total variance falls from σ²T by the square of what volatility lost.
        let before = 0.25_f64.powi(2) * breach.earlier_years;
        prop_assert!((breach.fall / before - (1.0 - (1.0 - fall).powi(2))).abs() < 0.05, "{breach:?}");
    }

    #[test]
    fn the_order_of_quotes_changes_nothing(
        interpolation in any_interpolation(),
        order in Just((0..11).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let expiries = [smiling(0.3, 100.0), smiling(1.1, 103.0)];
        let mut shuffled = expiries.clone();
        shuffled.reverse();
        for expiry in &mut shuffled {
            expiry.quotes = order.iter().map(|&i| expiry.quotes[i]).collect();
        }
        let surface = Surface::new(&expiries, interpolation).unwrap();
        prop_assert_eq!(Surface::new(&shuffled, interpolation).unwrap(), surface);
    }

    #[test]
    fn a_monotone_cubic_stays_between_its_quotes(volatilities in prop::collection::vec(0.05..1.0, 2..12), at in 0.0..1.0) {
        let strike = |i: usize| 50.0 * f64::powf(1.1, i as f64);
        let quote = |(i, &volatility): (usize, &f64)| VolatilityQuote { strike: strike(i), bid: volatility, ask: volatility };
        let quotes = volatilities.iter().enumerate().map(quote).collect();
        let expiries = [Expiry { expiry_years: 1.0, forward: 80.0, quotes }];
        let surface = Surface::new(&expiries, Interpolation::MonotoneCubic).unwrap();
        for i in 0..volatilities.len() - 1 {
            let (a, b) = (volatilities[i], volatilities[i + 1]);
            let got = surface.volatility(strike(i) * f64::powf(1.1, at), 1.0).unwrap();
            prop_assert!(got >= a.min(b) * (1.0 - 1e-12) && got <= a.max(b) * (1.0 + 1e-12), "{a} {got} {b}");
        }
    }

    #[test]
    fn whatever_goes_in_a_number_or_an_error_comes_out(
        raw in prop::collection::vec(
            (any_number(), any_number(), prop::collection::vec(prop::array::uniform3(any_number()), 0..8)), 0..4),
        interpolation in any_interpolation(),
        fitted in any::<bool>(),
        k in any_number(),
        years in any_number(),
    ) {
        let expiries: Vec<Expiry> = raw.iter().map(|(expiry_years, forward, quotes)| {
            let quote = |&[strike, bid, spread]: &[f64; 3]| VolatilityQuote { strike, bid, ask: bid + spread };
            Expiry { expiry_years: *expiry_years, forward: *forward, quotes: quotes.iter().map(quote).collect() }
        }).collect();
        let expansion = Expansion::FlochKennedy;
        let interpolation = if fitted { Interpolation::Sabr { beta: Beta::Fitted, expansion } } else { interpolation };
        if let Ok(surface) = Surface::new(&expiries, interpolation) {
            let answers =
                [surface.total_variance(k, years), surface.volatility(k, years), surface.forward(years)];
            for number in answers.into_iter().flatten() {
                prop_assert!(number.is_finite() && number >= 0.0, "{number}");
            }
            if let Ok(found) = surface.arbitrage(&Grid { points: 21, ..GRID }) {
                prop_assert!(found.calendar.iter().all(|breach| breach.fall > 0.0));
                prop_assert!(found.butterfly.iter().all(|breach| breach.density < 0.0));
            }
        }
    }
}
