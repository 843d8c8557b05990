//! Prices against reference prices.

use crate::support::{golden, number, numbers};
use bulkhead_quant::option::OptionKind;
use bulkhead_quant::option::heston::{Contract, Market, Parameters, price};
use serde_json::Value;

pub(super) fn parameters(value: &Value) -> Parameters {
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

/// The smallest of those reference prices end where their authors' precision did. These are from a contour integral in
/// eighty digits.
#[test]
fn the_smallest_prices_have_all_their_digits() {
    let file = golden("heston_reference");
    let case = &file["extreme_moneyness"];
    let market = Market { spot: number(&case["S"]), rate: number(&case["r"]), dividend: number(&case["q"]) };
    let parameters = parameters(case);
    for (days, moneyness, want) in
        [(1.0, 20.0, 5.553_204_982_741_47e-58), (3652.0, -20.0, 3.566_591_604_050_28e-55)]
    {
        let expiry_years = days / 365.0;
        let forward = market.spot * ((market.rate - market.dividend) * expiry_years).exp();
        let strike = forward * f64::exp(-moneyness * (parameters.theta * expiry_years).sqrt());
        let kind = if forward < strike { OptionKind::Call } else { OptionKind::Put };
        let contract = Contract { strike, expiry_years, kind };
        let relative = compare(("eighty digits", &market, &parameters, &contract), want, TOLERANCE);
        assert!(relative < 1e-11);
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
