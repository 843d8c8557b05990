//! What must hold of every price.

use bulkhead_quant::normal;
use bulkhead_quant::option::OptionKind;
use bulkhead_quant::option::heston::{
    Calibration, Contract, Greeks, Market, Observed, Parameters, Quote, Surface, greeks, price,
};
use proptest::prelude::*;

prop_compose! {
    /// Parameters well beyond those of any market.
    fn any_parameters()(
        v0 in -9.0..1.0, kappa in -4.0..3.0, theta in -7.0..1.0, sigma in -7.0..2.0, rho in -0.99..0.99,
    ) -> Parameters {
        let [v0, kappa, theta, sigma] = [v0, kappa, theta, sigma].map(f64::exp);
        Parameters { v0, kappa, theta, sigma, rho }
    }
}

prop_compose! {
    /// Parameters of markets.
    fn market_parameters()(
        v0 in -5.0..0.0, kappa in -0.7..2.0, theta in -5.0..0.0, sigma in -2.3..0.7, rho in -0.95..0.95,
    ) -> Parameters {
        let [v0, kappa, theta, sigma] = [v0, kappa, theta, sigma].map(f64::exp);
        Parameters { v0, kappa, theta, sigma, rho }
    }
}

prop_compose! {
    fn any_market()(spot in 0.1..1000.0, rate in -0.05..0.15, dividend in -0.05..0.15) -> Market {
        Market { spot, rate, dividend }
    }
}

fn contract(market: &Market, moneyness: f64, expiry_years: f64) -> Contract {
    Contract { strike: market.spot * moneyness.exp(), expiry_years, kind: OptionKind::Call }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn prices_are_arbitrage_free(
        parameters in any_parameters(), market in any_market(), moneyness in -1.5..1.5, log_time in -6.0..2.3,
    ) {
        let time = f64::exp(log_time);
        let call = contract(&market, moneyness, time);
        let (forward, discount) =
            (market.spot * (-market.dividend * time).exp(), (-market.rate * time).exp());
        let at = |strike: f64, kind| price(&market, &parameters, &Contract { strike, kind, ..call }).unwrap();
        let strike = call.strike;
        let (value, other) = (at(strike, OptionKind::Call), at(strike, OptionKind::Put));
        let rounding = 1e-12 * (market.spot + forward + discount * strike);
        prop_assert!((value - other - forward + discount * strike).abs() < rounding, "parity");
        prop_assert!(value >= 0.0 && other >= 0.0);
        prop_assert!(value >= forward - discount * strike - rounding && value <= forward + rounding, "bounds");
        let (below, above) = (at(0.98 * strike, OptionKind::Call), at(1.02 * strike, OptionKind::Call));
        prop_assert!(below >= value - rounding && value >= above - rounding, "monotone in strike");
        prop_assert!(below + above - 2.0 * value >= -rounding, "convex in strike");
    }

    #[test]
    fn sensitivities_are_the_slopes_of_the_price(
        parameters in market_parameters(), market in any_market(), moneyness in -0.3..0.3, time in 0.1..3.0,
    ) {
        let call = contract(&market, moneyness, time);
        let Greeks { price: value, delta, gamma, theta, rho, vega, by_parameter } =
            greeks(&market, &parameters, &call).unwrap();
        let worth = |market: &Market, parameters: &Parameters, contract: &Contract| {
            price(market, parameters, contract).unwrap()
        };
        // A difference over five points, with an error of the fourth power of the step.
        let slope = |at: f64, f: &dyn Fn(f64) -> f64| {
            let h = 2e-4 * at;
            (8.0 * (f(at + h) - f(at - h)) - (f(at + 2.0 * h) - f(at - 2.0 * h))) / (12.0 * h)
        };
        let check = |name: &str, got: f64, at: f64, f: &dyn Fn(f64) -> f64| {
            let want = slope(at, f);
            let close = (got - want).abs() * at.abs() < 1e-7 * market.spot * (1.0 + got.abs());
            prop_assert!(close, "{name}: {got} is not {want}");
            Ok(())
        };
        prop_assert!((value - worth(&market, &parameters, &call)).abs() < 1e-15 * market.spot);
        check("delta", delta, market.spot, &|spot| worth(&Market { spot, ..market }, &parameters, &call))?;
        check("gamma", gamma * market.spot, market.spot, &|spot| {
            market.spot * greeks(&Market { spot, ..market }, &parameters, &call).unwrap().delta
        })?;
        check("theta", -theta, time, &|expiry_years| {
            worth(&market, &parameters, &Contract { expiry_years, ..call })
        })?;
        check("rho", rho, 1.0, &|one| {
            worth(&Market { rate: market.rate + one - 1.0, ..market }, &parameters, &call)
        })?;
        check("vega", vega, parameters.v0.sqrt(), &|volatility| {
            worth(&market, &Parameters { v0: volatility * volatility, ..parameters }, &call)
        })?;
        let by = by_parameter;
        check("v0", by.v0, parameters.v0, &|v0| worth(&market, &Parameters { v0, ..parameters }, &call))?;
        check("kappa", by.kappa, parameters.kappa, &|kappa| {
            worth(&market, &Parameters { kappa, ..parameters }, &call)
        })?;
        check("mean variance", by.theta, parameters.theta, &|theta| {
            worth(&market, &Parameters { theta, ..parameters }, &call)
        })?;
        check("sigma", by.sigma, parameters.sigma, &|sigma| {
            worth(&market, &Parameters { sigma, ..parameters }, &call)
        })?;
        check("correlation", by.rho, 1.0, &|one| {
            worth(&market, &Parameters { rho: parameters.rho + 0.01 * (one - 1.0), ..parameters }, &call) * 100.0
        })?;
    }

    #[test]
    fn a_surface_has_the_prices_and_sensitivities_of_its_options(
        parameters in market_parameters(), market in any_market(),
    ) {
        let mut options = Vec::new();
        for expiry_years in [1.0, 0.1, 0.5] {
            for moneyness in [-0.2, 0.0, 0.3] {
                let call = contract(&market, moneyness * expiry_years, expiry_years);
                options.push((market, call));
                options.push((market, Contract { kind: OptionKind::Put, ..call }));
            }
        }
        let mut surface = Surface::new(&options).unwrap();
        let valued = surface.value(&parameters).unwrap();
        for ((market, contract), valued) in options.iter().zip(&valued) {
            let want = greeks(market, &parameters, contract).unwrap();
            let tolerance = 1e-9 * market.spot;
            prop_assert!((valued.price - want.price).abs() < 1e-11 * market.spot);
            let (got, want) = (valued.by_parameter, want.by_parameter);
            prop_assert!((got.v0 - want.v0).abs() * parameters.v0 < tolerance);
            prop_assert!((got.kappa - want.kappa).abs() * parameters.kappa < tolerance);
            prop_assert!((got.theta - want.theta).abs() * parameters.theta < tolerance);
            prop_assert!((got.sigma - want.sigma).abs() * parameters.sigma < tolerance);
            prop_assert!((got.rho - want.rho).abs() < tolerance);
        }
    }

    #[test]
    fn nothing_is_too_strange_to_answer(
        numbers in prop::collection::vec(strange(), 10), count in 0_usize..9, put in any::<bool>(),
    ) {
        let market = Market { spot: numbers[0], rate: numbers[1], dividend: numbers[2] };
        let parameters = Parameters {
            v0: numbers[3], kappa: numbers[4], theta: numbers[5], sigma: numbers[6], rho: numbers[7],
        };
        let kind = if put { OptionKind::Put } else { OptionKind::Call };
        let contract = Contract { strike: numbers[8], expiry_years: numbers[9], kind };
        if let Ok(value) = price(&market, &parameters, &contract) {
            prop_assert!(value.is_finite() && value >= 0.0, "{value}");
        }
        if let Ok(all) = greeks(&market, &parameters, &contract) {
            let by = all.by_parameter;
            for number in [all.price, all.delta, all.gamma, all.theta, all.rho, all.vega,
                by.v0, by.kappa, by.theta, by.sigma, by.rho] {
                prop_assert!(number.is_finite(), "{all:?}");
            }
        }
        if let Ok(valued) = Surface::new(&vec![(market, contract); count])
            .and_then(|mut surface| surface.value(&parameters)) {
            prop_assert!(valued.iter().all(|valued| valued.price.is_finite()));
        }
        let quotes: Vec<Quote> = (0..count)
            .map(|i| {
                let observed = if i % 2 == 0 {
                    Observed::Price(numbers[i])
                } else {
                    Observed::Volatility(numbers[i])
                };
                Quote { market, contract, observed }
            })
            .collect();
        if let Ok(fit) = Calibration::new(&quotes).start(parameters).run() {
            prop_assert!(fit.rmse_volatility.is_finite());
        }
    }
}

/// Any number at all, and often one that means something.
fn strange() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..2.0,
        2 => prop::num::f64::ANY,
        2 => (-30.0..14.0).prop_map(f64::exp),
        1 => prop::sample::select(vec![0.0, -0.0, 1.0, -1.0, 1e-300, 1e300, 1e6, 1e-12, f64::NAN, f64::INFINITY]),
    ]
}

/// The price without randomness in the variance.
fn black(market: &Market, contract: &Contract, variance: f64) -> f64 {
    let time = contract.expiry_years;
    let forward = market.spot * ((market.rate - market.dividend) * time).exp();
    let deviation = variance.sqrt();
    let upper = (forward / contract.strike).ln() / deviation + 0.5 * deviation;
    let call = forward * normal::cdf(upper) - contract.strike * normal::cdf(upper - deviation);
    (-market.rate * time).exp() * call
}

#[test]
fn the_price_goes_over_into_that_of_black_and_scholes() {
    let market = Market { spot: 100.0, rate: 0.03, dividend: 0.01 };
    for (v0, kappa, theta, expiry_years) in [
        (0.04, 1.5, 0.09, 1.0),
        (0.04, 1e-12, 0.09, 1.0),
        (0.04, 1e-6, 0.09, 10.0),
        (0.0, 2.0, 0.04, 0.5),
        (1e-10, 1e-3, 0.04, 1.0),
        (0.04, 1.0, 0.04, 1e-6),
        (0.04, 500.0, 0.09, 1.0),
    ] {
        for moneyness in [-1.0, 0.0, 0.5] {
            let deviation =
                Parameters { v0, kappa, theta, sigma: 1.0, rho: 0.0 }.expected_variance(expiry_years).sqrt();
            let call = contract(&market, moneyness * deviation, expiry_years);
            for sigma in [1e-12, 1e-9, 1e-7] {
                // The price moves in proportion to σ.
                let tolerance = 1e-12 + sigma;
                let parameters = Parameters { v0, kappa, theta, sigma, rho: -0.5 };
                let got = price(&market, &parameters, &call)
                    .unwrap_or_else(|error| panic!("{parameters:?} {call:?}: {error}"));
                let want = black(&market, &call, parameters.expected_variance(expiry_years));
                let error = (got - want).abs() / market.spot;
                assert!(error < tolerance, "{parameters:?} {call:?}: {got} is not {want} ({error:.1e})");
            }
        }
    }
}
