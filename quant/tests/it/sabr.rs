//! The SABR model.

use crate::support::{assert_close, golden, number, numbers};
use bulkhead_quant::QuantError;
use bulkhead_quant::option::OptionKind::{Call, Put};
use bulkhead_quant::option::black_scholes::{ForwardInputs, forward_price};
use bulkhead_quant::option::implied_volatility::{ForwardQuote, normal_of_forward_price};
use bulkhead_quant::option::sabr::{
    Beta, Expansion, Fit, Model, Parameters, Quote, Settings, Underlying, fit,
};
use bulkhead_quant::option::surface::Grid;
use proptest::prelude::*;
use serde_json::Value;

const EXPANSIONS: [Expansion; 4] =
    [Expansion::Hagan, Expansion::Obloj, Expansion::FlochKennedy, Expansion::HaganNormal];

fn parameters(case: &Value) -> Parameters {
    let [alpha, beta, nu, rho] = ["alpha", "beta", "nu", "rho"].map(|name| number(&case[name]));
    Parameters { alpha, beta, nu, rho }
}

fn underlying(forward: f64, expiry_years: f64) -> Underlying {
    Underlying { forward, expiry_years, shift: 0.0 }
}

fn check_smile(model: &Model, case: &Value, name: &str, tolerance: f64) {
    for (&strike, want) in numbers(&case["K"]).iter().zip(numbers(&case[name])) {
        if !want.is_nan() {
            let what = format!("{name} at {strike} of {:?}", model.parameters());
            assert_close(&what, model.volatility(strike).unwrap(), want, (tolerance, 0.0));
        }
    }
}

#[test]
fn the_reference_volatilities_are_met() {
    let file = golden("sabr");
    for case in file["cases"].as_array().unwrap() {
        let smile = underlying(number(&case["F"]), number(&case["T"]));
        let at = |expansion| Model::new(parameters(case), smile, expansion).unwrap();
        check_smile(&at(Expansion::Hagan), case, "hagan_lognormal", 1e-12);
        check_smile(&at(Expansion::HaganNormal), case, "hagan_normal", 1e-12);
        // The reference subtracts nearly equal numbers here.
        check_smile(&at(Expansion::FlochKennedy), case, "floch_kennedy", 1e-11);
    }
    let case = &file["shifted"];
    let smile =
        Underlying { shift: number(&case["shift"]), ..underlying(number(&case["F"]), number(&case["T"])) };
    let model = Model::new(parameters(case), smile, Expansion::Hagan).unwrap();
    check_smile(&model, case, "shifted_lognormal", 1e-12);
    let case = &file["quantlib_testSabrInterpolation"];
    let smile = underlying(number(&case["F"]), number(&case["T"]));
    check_smile(&Model::new(parameters(case), smile, Expansion::Hagan).unwrap(), case, "vol", 1e-12);
}

/// The value that QuantLib's test of this expansion expects.
#[test]
fn le_floch_and_kennedy_are_smooth_at_the_money() {
    let parameters = Parameters { alpha: 0.35, beta: 0.3, nu: 1.1, rho: 0.25 };
    let model = Model::new(parameters, underlying(1.1, 2.1), Expansion::FlochKennedy).unwrap();
    assert_close("at the money", model.volatility(1.1).unwrap(), 0.396_388_394_4, (0.0, 1e-9));
    let at = |i: i32| model.volatility(1.1 * (1.0 + 1e-4 * f64::from(i))).unwrap();
    for i in -60..60 {
        let bend = at(i + 1) - 2.0 * at(i) + at(i - 1);
        assert!((bend - 1.1e-8).abs() < 1.1e-8, "at {i}: {bend}");
    }
}

fn fit_three(case: &Value) -> (Parameters, Fit) {
    let quotes: Vec<Quote> = numbers(&case["K"])
        .into_iter()
        .zip(numbers(&case["vol"]))
        .map(|(strike, volatility)| Quote { strike, volatility, weight: 1.0 })
        .collect();
    let settings = Settings { expansion: Expansion::Hagan, beta: Beta::Fixed(1.0), start: None };
    (parameters(case), fit(&underlying(2016.0, number(&case["T"])), &quotes, &settings).unwrap())
}

#[test]
fn the_published_table_is_calibrated() {
    for case in golden("sabr")["lefloch_kennedy_table"].as_array().unwrap() {
        let (want, got) = fit_three(case);
        let got = got.model.parameters();
        assert_close("alpha", got.alpha, want.alpha, (0.0, 1e-9));
        assert_close("nu", got.nu, want.nu, (0.0, 1e-7));
        assert_close("rho", got.rho, want.rho, (0.0, 1e-7));
    }
}

fn smile_of(model: &Model, strikes: &[f64]) -> Vec<Quote> {
    let quote = |&strike: &f64| Quote { strike, volatility: model.volatility(strike).unwrap(), weight: 1.0 };
    strikes.iter().map(quote).collect()
}

fn strikes_about(forward: f64, width: f64, count: u32) -> Vec<f64> {
    let share = |i: u32| 2.0 * f64::from(i) / f64::from(count - 1) - 1.0;
    (0..count).map(|i| forward * (width * share(i)).exp()).collect()
}

#[test]
fn a_negative_density_is_found_where_it_is() {
    let parameters = Parameters { alpha: 0.03, beta: 0.3, nu: 0.6, rho: -0.3 };
    let model = Model::new(parameters, underlying(0.03, 20.0), Expansion::Hagan).unwrap();
    let grid = Grid { log_moneyness_min: -4.0, log_moneyness_max: 1.0, points: 501 };
    let found = model.arbitrage(&grid).unwrap();
    assert!(!found.is_empty());
    for breach in &found {
        let call = |strike: f64| {
            let volatility = model.volatility(strike).unwrap();
            let inputs = ForwardInputs { forward: 0.03, strike, expiry_years: 20.0, rate: 0.0, volatility };
            forward_price(Put, &inputs).unwrap()
        };
        let h = 1e-3 * breach.strike;
        let butterfly = call(breach.strike + h) - 2.0 * call(breach.strike) + call(breach.strike - h);
        let density = 0.03 * butterfly / (h * h);
        assert!(density < 0.0, "{breach:?}: {density}");
        assert_close("density", breach.density, density, (0.05, 0.02));
    }
    let calm = Parameters { alpha: 0.2, beta: 1.0, nu: 0.3, rho: -0.2 };
    for expansion in EXPANSIONS {
        let scale = if expansion == Expansion::HaganNormal { 1.0 } else { 3.0 };
        let grid = Grid { log_moneyness_min: -0.4 * scale, log_moneyness_max: 0.4 * scale, points: 301 };
        let model = Model::new(calm, underlying(100.0, 0.5), expansion).unwrap();
        assert_eq!(model.arbitrage(&grid).unwrap(), [], "{expansion:?}");
    }
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let smile = underlying(100.0, 1.0);
    let settings = Settings { expansion: Expansion::Hagan, beta: Beta::Fixed(0.5), start: None };
    let quote = |strike, volatility| Quote { strike, volatility, weight: 1.0 };
    let good = [quote(90.0, 0.3), quote(100.0, 0.25), quote(110.0, 0.24)];
    assert!(fit(&smile, &good, &settings).unwrap().root_mean_square_error < 1e-9);
    let refused = |quotes: &[Quote]| fit(&smile, quotes, &settings).unwrap_err();
    assert!(matches!(refused(&good[..2]), QuantError::TooFew { needed: 3, got: 2, .. }));
    assert!(matches!(refused(&[good[0], good[0], good[2]]), QuantError::TooFew { got: 2, .. }));
    assert!(matches!(refused(&[good[0], good[1], quote(110.0, -0.1)]), QuantError::OutOfRange { .. }));
    assert!(matches!(refused(&[good[0], good[1], quote(-1.0, 0.2)]), QuantError::OutOfRange { .. }));
    assert!(matches!(refused(&[good[0], good[1], quote(f64::NAN, 0.2)]), QuantError::NotFinite { .. }));
    let fitted = Settings { beta: Beta::Fitted, ..settings };
    assert!(matches!(fit(&smile, &good, &fitted), Err(QuantError::TooFew { needed: 4, .. })));
    assert!(fit(&smile, &good, &Settings { beta: Beta::Fixed(1.5), ..settings }).is_err());
    let start = Some(Parameters { alpha: -1.0, beta: 0.5, nu: 0.5, rho: 0.0 });
    assert!(fit(&smile, &good, &Settings { start, ..settings }).is_err());
    let rho = Parameters { alpha: 0.2, beta: 0.5, nu: 0.5, rho: 1.0 };
    assert!(Model::new(rho, smile, Expansion::Hagan).is_err());
}

#[test]
fn a_flat_smile_has_no_volatility_of_volatility() {
    let strikes = strikes_about(100.0, 0.4, 15);
    let quotes: Vec<Quote> =
        strikes.into_iter().map(|strike| Quote { strike, volatility: 0.2, weight: 1.0 }).collect();
    let settings = Settings { expansion: Expansion::Hagan, beta: Beta::Fixed(1.0), start: None };
    let got = fit(&underlying(100.0, 1.0), &quotes, &settings).unwrap();
    let Parameters { alpha, nu, .. } = got.model.parameters();
    assert_close("alpha", alpha, 0.2, (1e-8, 0.0));
    assert_close("nu", nu, 0.0, (0.0, 1e-4));
    assert!(got.worst_error < 1e-9, "{got:?}");
}

fn expansions() -> impl Strategy<Value = Expansion> {
    prop::sample::select(EXPANSIONS.to_vec())
}

prop_compose! {
    /// A forward at some scale, and parameters that give it a volatility in keeping with the expiry.
    fn smiles()(
        log_forward in -4.0_f64..11.0,
        expiry_years in 0.02..5.0,
        deviation in 0.05..0.4,
        beta in 0.0..=1.0,
        vol_of_vol in 0.2..1.0,
        rho in -0.8..0.6,
    ) -> (Underlying, Parameters) {
        let forward = log_forward.exp();
        let alpha = deviation / f64::sqrt(expiry_years) * forward.powf(1.0 - beta);
        let nu = vol_of_vol / f64::sqrt(expiry_years);
        (underlying(forward, expiry_years), Parameters { alpha, beta, nu, rho })
    }
}

fn close_parameters(got: &Fit, want: &Parameters, tolerance: f64) {
    let Parameters { alpha, beta, nu, rho } = got.model.parameters();
    assert_close("alpha", alpha, want.alpha, (tolerance, 0.0));
    assert_close("beta", beta, want.beta, (0.0, tolerance));
    assert_close("nu", nu, want.nu, (tolerance, 0.0));
    assert_close("rho", rho, want.rho, (0.0, tolerance));
}

proptest! {
    #[test]
    fn a_fit_recovers_the_parameters((smile, want) in smiles(), expansion in expansions(), deviations in 1.0..2.0) {
        let width = deviations * 0.2;
        let model = Model::new(want, smile, expansion).unwrap();
        let strikes = strikes_about(smile.forward, width, 15);
        prop_assume!(strikes.iter().all(|&strike| model.volatility(strike).is_ok()));
        let quotes = smile_of(&model, &strikes);
        let settings = Settings { expansion, beta: Beta::Fixed(want.beta), start: None };
        let got = fit(&smile, &quotes, &settings).unwrap();
        close_parameters(&got, &want, 1e-6);
        prop_assert!(got.worst_error < 1e-9 * quotes[0].volatility, "{got:?}");
        prop_assert!(got.iterations < 30, "{got:?}");
    }

    #[test]
    fn a_bad_start_does_no_harm((smile, want) in smiles(), nu in 0.05..3.0, rho in -0.9..0.9) {
        let model = Model::new(want, smile, Expansion::Hagan).unwrap();
        let quotes = smile_of(&model, &strikes_about(smile.forward, 0.3, 15));
        let start = Some(Parameters { alpha: 3.0 * want.alpha, nu, rho, ..want });
        let settings = Settings { expansion: Expansion::Hagan, beta: Beta::Fixed(want.beta), start };
        close_parameters(&fit(&smile, &quotes, &settings).unwrap(), &want, 1e-6);
    }

    #[test]
    fn the_order_of_quotes_changes_nothing(
        (smile, want) in smiles(),
        expansion in expansions(),
        noise in prop::collection::vec(-0.02_f64..0.02, 11),
        order in Just((0..11).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let model = Model::new(want, smile, Expansion::Hagan).unwrap();
        let mut quotes = smile_of(&model, &strikes_about(smile.forward, 0.3, 11));
        for (quote, noise) in quotes.iter_mut().zip(&noise) {
            quote.volatility *= 1.0 + noise;
            quote.weight = 1.0 + 20.0 * noise.abs();
            if expansion == Expansion::HaganNormal {
                quote.volatility *= smile.forward;
            }
        }
        let shuffled: Vec<Quote> = order.iter().map(|&i| quotes[i]).collect();
        let settings = Settings { expansion, beta: Beta::Fixed(want.beta), start: None };
        let got = fit(&smile, &quotes, &settings).unwrap();
        prop_assert_eq!(&fit(&smile, &shuffled, &settings).unwrap(), &got);
        // It is a minimum: no small change of a parameter is better.
        let cost = |parameters: Parameters| {
            let model = Model::new(parameters, smile, expansion).unwrap();
            quotes.iter().map(|q| q.weight * (model.volatility(q.strike).unwrap() - q.volatility).powi(2)).sum::<f64>()
        };
        let best = got.model.parameters();
        let least = cost(best);
        for (alpha, nu, rho) in [(1.001, 1.0, 0.0), (0.999, 1.0, 0.0), (1.0, 1.001, 0.0), (1.0, 0.999, 0.0),
            (1.0, 1.0, 1e-3), (1.0, 1.0, -1e-3)] {
            let near = Parameters { alpha: alpha * best.alpha, beta: best.beta, nu: nu * best.nu, rho: best.rho + rho };
            if near.rho.abs() <= 0.9999 {
                prop_assert!(cost(near) >= least * (1.0 - 1e-9), "{near:?} beats {best:?}");
            }
        }
    }

    #[test]
    fn the_unit_of_the_forward_does_not_matter((smile, want) in smiles(), expansion in expansions(), k in 0.5..2.0) {
        let normal = expansion == Expansion::HaganNormal;
        let model = Model::new(want, smile, expansion).unwrap();
        let other = underlying(10.0 * smile.forward, smile.expiry_years);
        let scaled = Parameters { alpha: want.alpha * f64::powf(10.0, 1.0 - want.beta), ..want };
        let scaled = Model::new(scaled, other, expansion).unwrap();
        if let Ok(volatility) = model.volatility(k * smile.forward) {
            let want = if normal { 10.0 * volatility } else { volatility };
            assert_close("volatility", scaled.volatility(10.0 * k * smile.forward).unwrap(), want, (1e-11, 0.0));
        }
    }

    #[test]
    fn black_and_normal_expansions_price_alike(beta in 0.0..1.0, nu in 0.1..0.5, rho in -0.5..0.5, k in 0.97..1.03) {
        // Both are of first order in the variance, which is small here.
        let (forward, strike, expiry_years) = (100.0, 100.0 * k, 0.05);
        let smile = underlying(forward, expiry_years);
        let parameters = Parameters { alpha: 0.1 * f64::powf(forward, 1.0 - beta), beta, nu, rho };
        let black = Model::new(parameters, smile, Expansion::Obloj).unwrap().volatility(strike).unwrap();
        let normal = Model::new(parameters, smile, Expansion::HaganNormal).unwrap().volatility(strike).unwrap();
        let kind = if k > 1.0 { Call } else { Put };
        let inputs = ForwardInputs { forward, strike, expiry_years, rate: 0.0, volatility: black };
        let quote = ForwardQuote { price: forward_price(kind, &inputs).unwrap(), forward, strike, expiry_years };
        let implied = normal_of_forward_price(kind, &quote).unwrap();
        assert_close("normal volatility", normal, implied, (1e-5, 0.0));
    }

    #[test]
    fn whatever_goes_in_a_number_or_an_error_comes_out(
        n in prop::array::uniform8(any_number()),
        raw in prop::collection::vec(prop::array::uniform3(any_number()), 0..12),
        expansion in expansions(),
        fixed in any::<bool>(),
        begin in any::<bool>(),
    ) {
        let [alpha, beta, nu, rho, forward, expiry_years, shift, strike] = n;
        let smile = Underlying { forward, expiry_years, shift };
        let parameters = Parameters { alpha, beta, nu, rho };
        if let Ok(model) = Model::new(parameters, smile, expansion) {
            if let Ok(volatility) = model.volatility(strike) {
                prop_assert!(volatility.is_finite() && volatility > 0.0);
            }
            let grid = Grid { log_moneyness_min: -3.0, log_moneyness_max: 3.0, points: 31 };
            if let Ok(found) = model.arbitrage(&grid) {
                prop_assert!(found.iter().all(|breach| breach.density < 0.0), "{found:?}");
            }
        }
        let quotes: Vec<Quote> =
            raw.iter().map(|&[strike, volatility, weight]| Quote { strike, volatility, weight }).collect();
        let start = if begin { Some(parameters) } else { None };
        let beta = if fixed { Beta::Fixed(beta) } else { Beta::Fitted };
        if let Ok(got) = fit(&smile, &quotes, &Settings { expansion, beta, start }) {
            prop_assert!(got.root_mean_square_error.is_finite() && got.worst_error.is_finite(), "{got:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_fit_finds_the_backbone_too((smile, want) in smiles(), expansion in expansions()) {
        // Only a wide smile of a long expiry tells the backbone from the correlation.
        let smile = Underlying { expiry_years: 1.0, ..smile };
        let want = Parameters { alpha: 0.25 * smile.forward.powf(1.0 - want.beta), nu: 0.5, ..want };
        let model = Model::new(want, smile, expansion).unwrap();
        let quotes = smile_of(&model, &strikes_about(smile.forward, 0.8, 21));
        let got = fit(&smile, &quotes, &Settings { expansion, beta: Beta::Fitted, start: None }).unwrap();
        prop_assert!(got.worst_error < 1e-5 * quotes[0].volatility, "{want:?}: {got:?}");
    }
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        2 => any::<f64>(),
        12 => 0.0..1.0,
        2 => -1.0..2.0,
        1 => prop::sample::select(vec![
            0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, 1e-160, 1e160, 1e300, -1.0,
        ]),
    ]
}
