//! The Heston model against reference prices, and what must hold of it.

use crate::support::{golden, number, numbers};
use bulkhead_quant::option::OptionKind;
use bulkhead_quant::option::heston::{Contract, Market, Parameters, greeks, price};
use serde_json::Value;

fn parameters(value: &Value) -> Parameters {
    let at = |name: &str| number(&value[name]);
    Parameters { v0: at("v0"), kappa: at("kappa"), theta: at("theta"), sigma: at("sigma"), rho: at("rho") }
}

/// A reference price: those with more digits than a number holds are text.
fn digits(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// Fails unless the price is within `tolerance` of the spot, and prints how far it is.
fn compare(case: (&str, &Market, &Parameters, &Contract), want: f64, tolerance: f64) -> f64 {
    let (name, market, parameters, contract) = case;
    let got = price(market, parameters, contract).unwrap();
    let error = (got - want).abs();
    println!(
        "{name} K={:.4} T={:.3}: {got:.17e}, absolute error {error:.1e} of spot {:.1e}, relative {:.1e}",
        contract.strike,
        contract.expiry_years,
        error / market.spot,
        error / want
    );
    assert!(got >= 0.0, "no price is negative");
    assert!(error <= tolerance * market.spot, "{name}: {got:e} is not {want:e}");
    error / want
}

const TOLERANCE: f64 = 1e-12;

#[test]
fn the_prices_of_lewis_are_met() {
    let file = golden("heston_reference");
    let lewis = &file["lewis"];
    let market =
        Market { spot: number(&lewis["S"]), rate: number(&lewis["r"]), dividend: number(&lewis["q"]) };
    for quote in lewis["quotes"].as_array().unwrap() {
        for (kind, name) in [(OptionKind::Call, "call"), (OptionKind::Put, "put")] {
            let contract = Contract { strike: number(&quote["K"]), expiry_years: number(&lewis["T"]), kind };
            compare(("Lewis", &market, &parameters(lewis), &contract), digits(&quote[name]), TOLERANCE);
        }
    }
}

#[test]
fn the_prices_of_fang_and_oosterlee_and_of_kahl_and_jaeckel_are_met() {
    let file = golden("heston_reference");
    for (name, key, expiry_years, field) in [
        ("Fang-Oosterlee", "fang_oosterlee", 1.0, "T1_call"),
        ("Fang-Oosterlee", "fang_oosterlee", 10.0, "T10_call"),
        ("Kahl-Jaeckel", "kahl_jaeckel", 10.0, "call"),
    ] {
        let case = &file[key];
        let market = Market { spot: number(&case["S"]), rate: 0.0, dividend: 0.0 };
        let contract = Contract { strike: number(&case["K"]), expiry_years, kind: OptionKind::Call };
        compare((name, &market, &parameters(case), &contract), digits(&case[field]), TOLERANCE);
    }
}

#[test]
fn prices_far_out_of_the_money_are_met() {
    let file = golden("heston_reference");
    let case = &file["extreme_moneyness"];
    let market = Market { spot: number(&case["S"]), rate: number(&case["r"]), dividend: number(&case["q"]) };
    let parameters = parameters(case);
    let wanted = numbers(&case["otm_prices"]);
    let mut wanted = wanted.iter();
    for days in numbers(&case["maturity_days"]) {
        let expiry_years = days / 365.0;
        let forward = market.spot * ((market.rate - market.dividend) * expiry_years).exp();
        for moneyness in numbers(&case["moneyness"]) {
            let strike = forward * (-moneyness * (parameters.theta * expiry_years).sqrt()).exp();
            let kind = if forward < strike { OptionKind::Call } else { OptionKind::Put };
            let contract = Contract { strike, expiry_years, kind };
            let want = *wanted.next().unwrap();
            compare(("Spanderen", &market, &parameters, &contract), want, TOLERANCE);
        }
    }
}

#[test]
fn the_prices_of_cui_and_those_kept_by_quantlib_are_met() {
    let file = golden("heston_reference");
    let case = &file["cui"];
    let market = Market { spot: number(&case["S"]), rate: number(&case["r"]), dividend: number(&case["q"]) };
    let (strikes, expiries) = (numbers(&case["K"]), numbers(&case["T"]));
    for ((&strike, &expiry_years), &want) in strikes.iter().zip(&expiries).zip(&numbers(&case["call"])) {
        let contract = Contract { strike, expiry_years, kind: OptionKind::Call };
        compare(("Cui", &market, &parameters(&case["true"]), &contract), want, TOLERANCE);
    }
    let case = &file["quantlib_cached"];
    let (rate, dividend, expiry_years) = (number(&case["r"]), number(&case["q"]), number(&case["T"]));
    let spot = number(&case["F"]) * ((dividend - rate) * expiry_years).exp();
    let market = Market { spot, rate, dividend };
    for (&strike, &want) in numbers(&case["K"]).iter().zip(&numbers(&case["call"])) {
        let contract = Contract { strike, expiry_years, kind: OptionKind::Call };
        // These were read off a forum to seven places; the true third price is 0.0270650025.
        compare(("QuantLib", &market, &parameters(case), &contract), want, 6e-7);
    }
}

#[test]
fn greeks_print() {
    let market = Market { spot: 100.0, rate: 0.03, dividend: 0.01 };
    let parameters = Parameters { v0: 0.04, kappa: 1.5, theta: 0.06, sigma: 0.5, rho: -0.7 };
    let contract = Contract { strike: 110.0, expiry_years: 0.5, kind: OptionKind::Call };
    println!("{:?}", greeks(&market, &parameters, &contract));
    let h = 1e-5;
    let p = |m: Market, q: Parameters, c: Contract| price(&m, &q, &c).unwrap();
    let (m, q, c) = (market, parameters, contract);
    println!(
        "delta {}",
        (p(Market { spot: 100.0 + h, ..m }, q, c) - p(Market { spot: 100.0 - h, ..m }, q, c)) / (2.0 * h)
    );
    println!(
        "gamma {}",
        (p(Market { spot: 100.01, ..m }, q, c) - 2.0 * p(m, q, c)
            + p(Market { spot: 100.0 - 0.01, ..m }, q, c))
            / (1e-4)
    );
    println!(
        "theta {}",
        -(p(m, q, Contract { expiry_years: 0.5 + h, ..c })
            - p(m, q, Contract { expiry_years: 0.5 - h, ..c }))
            / (2.0 * h)
    );
    println!(
        "rho {}",
        (p(Market { rate: 0.03 + h, ..m }, q, c) - p(Market { rate: 0.03 - h, ..m }, q, c)) / (2.0 * h)
    );
    println!(
        "v0 {}",
        (p(m, Parameters { v0: 0.04 + h, ..q }, c) - p(m, Parameters { v0: 0.04 - h, ..q }, c)) / (2.0 * h)
    );
    println!(
        "kappa {}",
        (p(m, Parameters { kappa: 1.5 + h, ..q }, c) - p(m, Parameters { kappa: 1.5 - h, ..q }, c))
            / (2.0 * h)
    );
    println!(
        "theta {}",
        (p(m, Parameters { theta: 0.06 + h, ..q }, c) - p(m, Parameters { theta: 0.06 - h, ..q }, c))
            / (2.0 * h)
    );
    println!(
        "sigma {}",
        (p(m, Parameters { sigma: 0.5 + h, ..q }, c) - p(m, Parameters { sigma: 0.5 - h, ..q }, c))
            / (2.0 * h)
    );
    println!(
        "rho {}",
        (p(m, Parameters { rho: -0.7 + h, ..q }, c) - p(m, Parameters { rho: -0.7 - h, ..q }, c)) / (2.0 * h)
    );
}
