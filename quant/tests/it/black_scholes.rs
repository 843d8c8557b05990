//! Black-Scholes, Bachelier and their inverses.

use crate::support::{assert_close, golden, number};
use bulkhead_quant::QuantError;
use bulkhead_quant::option::OptionKind::{self, Call, Put};
use bulkhead_quant::option::bachelier;
use bulkhead_quant::option::black_scholes::{
    ForwardInputs, Greeks, Inputs, forward_greeks, forward_price, greeks, price,
};
use bulkhead_quant::option::implied_volatility::{
    ForwardQuote, Quote, normal_of_forward_price, of_forward_price, of_price,
};
use proptest::prelude::*;

#[test]
fn the_reference_sensitivities_are_met() {
    let file = golden("black_scholes_greeks");
    for case in file["cases"].as_array().unwrap() {
        let inputs = Inputs {
            spot: number(&case["S"]),
            strike: number(&case["K"]),
            expiry_years: number(&case["T"]),
            rate: number(&case["r"]),
            dividend: number(&case["q"]),
            volatility: number(&case["vol"]),
        };
        let kind = if case["type"] == "call" { Call } else { Put };
        let got = greeks(kind, &inputs).unwrap();
        for (name, value) in [
            ("price", got.price),
            ("delta", got.delta),
            ("gamma", got.gamma),
            ("vega", got.vega),
            ("theta_per_year", got.theta),
            ("rho", got.rho),
            ("vanna", got.vanna),
            ("volga", got.volga),
        ] {
            assert_close(&format!("{name} of {case}"), value, number(&case[name]), (1e-12, 0.0));
        }
        assert_close("price alone", price(kind, &inputs).unwrap(), got.price, (0.0, 0.0));
    }
}

/// Forward, strike, total volatility and price of calls, by the formula in sixty digits.
const TAILS: [(f64, f64, f64, f64); 10] = [
    (100.0, 200.0, 0.05, 2.680_842_079_928_59e-44),
    (100.0, 200.0, 0.1, 4.082_966_631_587_882e-12),
    (100.0, 101.0, 0.001, 1.244_869_595_164_283_4e-25),
    (100.0, 300.0, 0.2, 1.168_582_763_137_139_8e-7),
    (1.0, 1e6, 1.5, 1.965_750_382_646_187_7e-18),
    (100.0, 110.0, 0.5, 16.095_681_194_570_23),
    (0.001, 0.005, 0.3, 4.713_631_078_437_343e-12),
    (100.0, 100.0001, 1e-6, 8.331_559_156_778_174e-6),
    (100.0, 120.0, 8.0, 99.993_062_804_542_44),
    (100.0, 100.5, 0.0625, 2.257_166_802_039_435_7),
];

#[test]
fn the_tails_keep_their_digits() {
    for (forward, strike, volatility, want) in TAILS {
        let inputs = ForwardInputs { forward, strike, expiry_years: 1.0, rate: 0.0, volatility };
        let got = forward_price(Call, &inputs).unwrap();
        // The distance in deviations multiplies the rounding of the logarithm.
        let distance = (forward / strike).ln() / volatility;
        let tolerance = 8.0 * f64::EPSILON * (1.0 + distance * distance);
        assert_close(&format!("{inputs:?}"), got, want, (tolerance, 0.0));
        let quote = ForwardQuote { price: got, forward, strike, expiry_years: 1.0 };
        let back = of_forward_price(Call, &quote).unwrap();
        assert_close(&format!("volatility of {inputs:?}"), back, volatility, (2e-13, 0.0));
    }
}

#[test]
fn the_limits_are_the_discounted_intrinsic_value() {
    let at = |spot, expiry_years, volatility| Inputs {
        spot,
        strike: 100.0,
        expiry_years,
        rate: 0.05,
        dividend: 0.02,
        volatility,
    };
    assert_close("call", price(Call, &at(110.0, 0.0, 0.2)).unwrap(), 10.0, (0.0, 0.0));
    assert_close("put", price(Put, &at(110.0, 0.0, 0.2)).unwrap(), 0.0, (0.0, 0.0));
    let certain = 110.0 * (-0.02_f64).exp() - 100.0 * (-0.05_f64).exp();
    let limit = greeks(Call, &at(110.0, 1.0, 0.0)).unwrap();
    let near = greeks(Call, &at(110.0, 1.0, 1e-3)).unwrap();
    assert_close("no volatility", limit.price, certain, (1e-15, 0.0));
    for (name, limit, near) in [
        ("price", limit.price, near.price),
        ("delta", limit.delta, near.delta),
        ("theta", limit.theta, near.theta),
        ("rho", limit.rho, near.rho),
        ("dividend rho", limit.dividend_rho, near.dividend_rho),
        ("charm", limit.charm, near.charm),
        ("vega", limit.vega, near.vega),
    ] {
        assert_close(name, limit, near, (1e-13, 0.0));
    }
    assert_close("at the kink", price(Call, &at(100.0, 0.0, 0.2)).unwrap(), 0.0, (0.0, 0.0));
    let refused = greeks(Call, &at(100.0, 0.0, 0.2));
    assert!(matches!(refused, Err(QuantError::OutOfRange { .. })), "{refused:?}");
}

#[test]
fn what_no_volatility_explains_is_refused() {
    let quote =
        |price| Quote { price, spot: 100.0, strike: 90.0, expiry_years: 1.0, rate: 0.05, dividend: 0.02 };
    let (spot, strike) = (100.0 * (-0.02_f64).exp(), 90.0 * (-0.05_f64).exp());
    for bad in [spot - strike - 1e-9, spot, spot + 1.0, -1.0] {
        let refused = of_price(Call, &quote(bad));
        assert!(matches!(refused, Err(QuantError::OutOfRange { what: "price", .. })), "{bad}: {refused:?}");
    }
    for bad in [strike, strike + 1.0, -1e-300] {
        let refused = of_price(Put, &quote(bad));
        assert!(matches!(refused, Err(QuantError::OutOfRange { what: "price", .. })), "{bad}: {refused:?}");
    }
    assert_close("intrinsic", of_price(Call, &quote(spot - strike)).unwrap(), 0.0, (0.0, 1e-300));
    assert_close("nothing", of_price(Put, &quote(0.0)).unwrap(), 0.0, (0.0, 1e-300));
    let expired = Quote { expiry_years: 0.0, ..quote(5.0) };
    assert!(of_price(Call, &expired).is_err());
    let normal = ForwardQuote { price: 0.5, forward: 1.0, strike: 0.0, expiry_years: 1.0 };
    assert!(matches!(normal_of_forward_price(Call, &normal), Err(QuantError::OutOfRange { .. })));
}

fn kinds() -> impl Strategy<Value = OptionKind> {
    prop_oneof![Just(Call), Just(Put)]
}

/// Any number at all, with the usual ones and the extremes made likely.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<f64>(),
        4 => -2.0..200.0,
        2 => prop::sample::select(vec![
            0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::MIN,
            1e-300, 1e300, 1e-160, 1e160, 1.0, 100.0,
        ]),
    ]
}

prop_compose! {
    fn ordinary()(
        strike in 50.0..200.0,
        expiry_years in 0.05..3.0,
        rate in -0.03..0.1,
        dividend in -0.02..0.08,
        volatility in 0.05..1.0,
    ) -> Inputs {
        Inputs { spot: 100.0, strike, expiry_years, rate, dividend, volatility }
    }
}

/// The derivative of `f` at zero: central differences at two steps, extrapolated (Richardson).
fn derivative(f: impl Fn(f64) -> f64, step: f64) -> f64 {
    let central = |h: f64| (f(h) - f(-h)) / (2.0 * h);
    (4.0 * central(0.5 * step) - central(step)) / 3.0
}

proptest! {
    #[test]
    fn a_call_and_a_put_make_a_forward(inputs in ordinary()) {
        let (call, put) = (price(Call, &inputs).unwrap(), price(Put, &inputs).unwrap());
        let spot = inputs.spot * (-inputs.dividend * inputs.expiry_years).exp();
        let strike = inputs.strike * (-inputs.rate * inputs.expiry_years).exp();
        prop_assert!((call - put - (spot - strike)).abs() < 1e-12, "{call} - {put}");
        prop_assert!(call >= (spot - strike).max(0.0) && call < spot);
        prop_assert!(put >= (strike - spot).max(0.0) && put < strike);
    }

    #[test]
    fn prices_rise_with_volatility_and_calls_fall_with_the_strike(inputs in ordinary(), more in 1e-3..0.5) {
        for kind in [Call, Put] {
            let volatile = Inputs { volatility: inputs.volatility + more, ..inputs };
            prop_assert!(price(kind, &volatile).unwrap() >= price(kind, &inputs).unwrap());
        }
        let higher = Inputs { strike: inputs.strike * (1.0 + more), ..inputs };
        prop_assert!(price(Call, &higher).unwrap() <= price(Call, &inputs).unwrap());
        prop_assert!(price(Put, &higher).unwrap() >= price(Put, &inputs).unwrap());
    }

    #[test]
    fn sensitivities_are_differences(inputs in ordinary(), kind in kinds()) {
        let deviation = inputs.volatility * inputs.expiry_years.sqrt();
        let at = |change: &dyn Fn(&mut Inputs)| {
            let mut moved = inputs;
            change(&mut moved);
            greeks(kind, &moved).unwrap()
        };
        let by_spot = |pick: fn(&Greeks) -> f64| derivative(|h| pick(&at(&|i| i.spot += h)), (5.0 * deviation).min(1.0));
        let by_volatility = |pick: fn(&Greeks) -> f64| derivative(|h| pick(&at(&|i| i.volatility += h)), 0.02 * inputs.volatility);
        let by_time = |pick: fn(&Greeks) -> f64| derivative(|h| pick(&at(&|i| i.expiry_years -= h)), 0.02 * inputs.expiry_years);
        let got = greeks(kind, &inputs).unwrap();
        let rho = derivative(|h| at(&|i| i.rate += h).price, 1e-3);
        let dividend_rho = derivative(|h| at(&|i| i.dividend += h).price, 1e-3);
        // The scale of each is what it may reach near the money; errors are measured against that.
        let (vol, years) = (inputs.volatility, inputs.expiry_years);
        let gamma = 0.4 / (100.0 * deviation);
        for (name, got, want, scale) in [
            ("delta", got.delta, by_spot(|g| g.price), 1.0),
            ("gamma", got.gamma, by_spot(|g| g.delta), gamma),
            ("vega", got.vega, by_volatility(|g| g.price), 40.0),
            ("theta", got.theta, by_time(|g| g.price), 20.0 * vol / years + 10.0),
            ("rho", got.rho, rho, 100.0),
            ("dividend rho", got.dividend_rho, dividend_rho, 100.0),
            ("vanna", got.vanna, by_spot(|g| g.vega), 1.0 / vol),
            ("volga", got.volga, by_volatility(|g| g.vega), 100.0 / vol),
            ("charm", got.charm, by_time(|g| g.delta), 1.0 / years),
            ("veta", got.veta, by_time(|g| g.vega), 100.0 / years),
            ("speed", got.speed, by_spot(|g| g.gamma), gamma / (50.0 * deviation)),
            ("zomma", got.zomma, by_volatility(|g| g.gamma), 3.0 * gamma / vol),
            ("color", got.color, by_time(|g| g.gamma), 3.0 * gamma / years),
            ("ultima", got.ultima, by_volatility(|g| g.volga), 500.0 / (vol * vol)),
        ] {
            prop_assert!((got - want).abs() < 2e-5 * scale, "{name}: {got} against {want}, scale {scale}");
        }
    }

    #[test]
    fn a_forward_is_a_spot_without_drift(inputs in ordinary(), kind in kinds()) {
        let ForwardInputs { forward, strike, expiry_years, rate, volatility } = ForwardInputs {
            forward: inputs.spot * ((inputs.rate - inputs.dividend) * inputs.expiry_years).exp(),
            strike: inputs.strike,
            expiry_years: inputs.expiry_years,
            rate: inputs.rate,
            volatility: inputs.volatility,
        };
        let at = |rate: f64| ForwardInputs { forward, strike, expiry_years, rate, volatility };
        let got = forward_greeks(kind, &at(rate)).unwrap();
        assert_close("price", got.price, price(kind, &inputs).unwrap(), (1e-12, 1e-13));
        let rho = derivative(|h| forward_price(kind, &at(rate + h)).unwrap(), 1e-3);
        prop_assert!((got.rho - rho).abs() < 1e-8 * (1.0 + rho.abs()), "{} against {rho}", got.rho);
    }

    #[test]
    fn the_volatility_of_a_price_comes_back(
        distance in -30.0_f64..6.0,
        log_deviation in -9.0_f64..1.5,
        expiry_years in 0.003..30.0,
        kind in kinds(),
    ) {
        let deviation = log_deviation.exp();
        let volatility = deviation / f64::sqrt(expiry_years);
        let log_moneyness = if kind == Call { distance * deviation } else { -distance * deviation };
        let inputs = ForwardInputs {
            forward: 100.0 * log_moneyness.exp(), strike: 100.0, expiry_years, rate: 0.0, volatility,
        };
        let price = forward_price(kind, &inputs).unwrap();
        let gain = if kind == Call { inputs.forward - 100.0 } else { 100.0 - inputs.forward };
        let most = if kind == Call { inputs.forward } else { 100.0 };
        // Next to the most that it can be, a price says only that the volatility is large.
        prop_assume!(price > gain.max(1e-290) && price < most * (1.0 - 1e-12));
        let quote = ForwardQuote { price, forward: inputs.forward, strike: 100.0, expiry_years };
        let back = of_forward_price(kind, &quote).unwrap();
        // A few of the last digits of the price, at what they are worth here, and of the volatility itself.
        let vega = forward_greeks(kind, &inputs).unwrap().vega;
        let moneyness = f64::EPSILON * log_moneyness.abs().max(1.0) / deviation.max(1.0);
        let allowed = f64::EPSILON * (16.0 * price / (vega * volatility) + 32.0) + moneyness;
        prop_assert!((back / volatility - 1.0).abs() < allowed, "{volatility} -> {back}, allowed {allowed:e}");
    }

    #[test]
    fn the_normal_volatility_of_a_price_comes_back(
        strike in -0.05..0.1,
        log_volatility in -8.0_f64..-1.0,
        expiry_years in 0.01..30.0,
    ) {
        let volatility = log_volatility.exp();
        let kind = if strike > 0.02 { Call } else { Put };
        let inputs = bachelier::Inputs { forward: 0.02, strike, expiry_years, rate: 0.0, volatility };
        let price = bachelier::price(kind, &inputs).unwrap();
        prop_assume!(price > 1e-290);
        let back = normal_of_forward_price(kind, &ForwardQuote { price, forward: 0.02, strike, expiry_years });
        assert_close("volatility", back.unwrap(), volatility, (1e-13, 0.0));
        let other = if kind == Call { Put } else { Call };
        let parity = bachelier::price(Call, &inputs).unwrap() - bachelier::price(Put, &inputs).unwrap();
        assert_close("parity", parity, 0.02 - strike, (0.0, 1e-15));
        prop_assert!(bachelier::price(other, &inputs).unwrap() >= price);
    }

    #[test]
    fn whatever_goes_in_a_number_or_an_error_comes_out(
        n in prop::array::uniform6(any_number()),
        kind in kinds(),
    ) {
        let [spot, strike, expiry_years, rate, dividend, volatility] = n;
        let inputs = Inputs { spot, strike, expiry_years, rate, dividend, volatility };
        let forward = ForwardInputs { forward: spot, strike, expiry_years, rate, volatility };
        let normal = bachelier::Inputs { forward: spot, strike, expiry_years, rate, volatility };
        let quote = Quote { price: volatility, spot, strike, expiry_years, rate, dividend };
        let forward_quote = ForwardQuote { price: volatility, forward: spot, strike, expiry_years };
        let answers = [
            price(kind, &inputs),
            forward_price(kind, &forward),
            bachelier::price(kind, &normal),
            of_price(kind, &quote),
            of_forward_price(kind, &forward_quote),
            normal_of_forward_price(kind, &forward_quote),
        ];
        for number in answers.into_iter().flatten() {
            prop_assert!(number.is_finite() && number >= 0.0, "{number}");
        }
        for all in [greeks(kind, &inputs), forward_greeks(kind, &forward)].into_iter().flatten() {
            prop_assert!(!format!("{all:?}").contains("NaN") && !format!("{all:?}").contains("inf"), "{all:?}");
        }
    }
}
