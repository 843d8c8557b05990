//! The reference weights: exact entries to 1e-8, those of other programs to their own accuracy.

use super::{distance, sample_covariance};
use crate::support::{golden, number, numbers, table};
use bulkhead_quant::Matrix;
use bulkhead_quant::portfolio::black_litterman::{
    BlackLitterman, View, black_litterman, equilibrium_returns, tangency_weights,
};
use bulkhead_quant::portfolio::hierarchical::hierarchical_risk_parity;
use bulkhead_quant::portfolio::limits::Limits;
use bulkhead_quant::portfolio::linkage::Linkage;
use bulkhead_quant::portfolio::mean_variance::{
    MeanVariance, Objective, Portfolio, minimum_variance, optimise,
};
use bulkhead_quant::portfolio::risk_parity::{risk_budget, risk_parity};
use bulkhead_quant::portfolio::sizing::inverse_volatility;
use serde_json::Value;

const EXACT: f64 = 1e-8;

struct Golden {
    all: Value,
    covariance: Matrix,
    returns: Vec<f64>,
}

fn read() -> Golden {
    let all = golden("portfolio");
    let covariance = Matrix::from_rows(&table(&all["cov"])).unwrap();
    let returns = numbers(&all["mu"]);
    Golden { covariance, returns, all }
}

impl Golden {
    fn assert_weights(&self, key: &str, got: &[f64], tolerance: f64) {
        self.assert_numbers(key, &self.all[key], (got, tolerance));
    }

    fn assert_numbers(&self, what: &str, want: &Value, (got, tolerance): (&[f64], f64)) {
        let miss = distance(got, &numbers(want));
        assert!(miss <= tolerance, "{what}: off by {miss:e}, allowed {tolerance:e}: {got:?}");
    }

    fn optimise(&self, limits: &Limits, objective: Objective) -> Portfolio {
        let problem = MeanVariance { covariance: &self.covariance, expected_returns: &self.returns, limits };
        let portfolio = optimise(&problem, objective).unwrap();
        assert!(portfolio.residual <= 1e-12, "{objective:?}: residual {:e}", portfolio.residual);
        portfolio
    }
}

#[test]
fn the_covariance_is_that_of_the_returns() {
    let golden = read();
    let covariance = sample_covariance(&table(&golden.all["returns"]));
    let yearly: Vec<f64> = covariance.as_slice().iter().map(|entry| entry * 252.0).collect();
    assert!(distance(&yearly, golden.covariance.as_slice()) <= 1e-13);
}

#[test]
fn minimum_variance_meets_the_reference() {
    let golden = read();
    let long_only = minimum_variance(&golden.covariance, &Limits::long_only(10)).unwrap();
    assert!(long_only.residual <= 1e-12, "{long_only:?}");
    golden.assert_weights("min_vol_long_only_clarabel1e-13", &long_only.weights, EXACT);
    golden.assert_weights("min_vol_long_only_pypfopt", &long_only.weights, 1e-6);
    let free = minimum_variance(&golden.covariance, &Limits::between(10, -10.0, 10.0)).unwrap();
    golden.assert_weights("min_vol_unconstrained_closed_form", &free.weights, 1e-13);
    let capped = minimum_variance(&golden.covariance, &Limits::between(10, 0.0, 0.15)).unwrap();
    golden.assert_weights("min_vol_cap_0.15", &capped.weights, EXACT);
}

#[test]
fn the_largest_sharpe_ratio_meets_the_reference() {
    let golden = read();
    let sharpe = Objective::MaximumSharpe { risk_free_rate: 0.02 };
    let long_only = golden.optimise(&Limits::long_only(10), sharpe);
    golden.assert_weights("max_sharpe_long_only_clarabel1e-13", &long_only.weights, EXACT);
    golden.assert_weights("max_sharpe_long_only_pypfopt", &long_only.weights, 1e-6);
    let performance = [long_only.expected_return, long_only.volatility, long_only.sharpe_ratio(0.02)];
    golden.assert_weights("max_sharpe_perf", &performance, 1e-6);
    let free = golden.optimise(&Limits::between(10, -10.0, 10.0), sharpe);
    golden.assert_weights("tangency_unconstrained_closed_form", &free.weights, 1e-11);
    let excess: Vec<f64> = golden.returns.iter().map(|value| value - 0.02).collect();
    let tangency = tangency_weights(&golden.covariance, &excess).unwrap();
    golden.assert_weights("tangency_unconstrained_closed_form", &tangency, 1e-12);
}

#[test]
fn the_target_return_meets_the_reference() {
    let golden = read();
    let want = &golden.all["efficient_return"];
    let target = number(&want["target"]);
    let limits = Limits::long_only(10);
    let portfolio = golden.optimise(&limits, Objective::TargetReturn { at_least: target });
    golden.assert_numbers("efficient return", &want["weights"], (&portfolio.weights, EXACT));
    assert!((portfolio.expected_return - target).abs() <= 1e-14);
    let again = golden.optimise(&limits, Objective::TargetVolatility { at_most: portfolio.volatility });
    assert!(distance(&again.weights, &portfolio.weights) <= 1e-12, "the same by its volatility");
}

#[test]
fn risk_parity_meets_the_reference() {
    let golden = read();
    let equal = risk_parity(&golden.covariance).unwrap();
    golden.assert_weights("risk_parity_erc_newton", &equal.weights, 1e-12);
    golden.assert_weights("risk_parity_skfolio", &equal.weights, 1e-5);
    let budget = numbers(&golden.all["risk_budget"]["budget"]);
    let budgeted = risk_budget(&golden.covariance, &budget).unwrap();
    golden.assert_numbers("budget", &golden.all["risk_budget"]["weights"], (&budgeted.weights, EXACT));
    assert!(distance(&budgeted.shares, &budget) <= 1e-14);
    let inverse = inverse_volatility(&golden.covariance).unwrap();
    golden.assert_weights("inverse_vol", &inverse, 1e-14);
}

#[test]
fn hierarchical_risk_parity_meets_the_reference() {
    let golden = read();
    let single = hierarchical_risk_parity(&golden.covariance, Linkage::Single).unwrap();
    golden.assert_weights("hrp_single_pypfopt", &single.weights, 1e-12);
    let merges = table(&golden.all["hrp_single_linkage"]);
    assert_eq!(single.merges.len(), merges.len());
    for (got, want) in single.merges.iter().zip(&merges) {
        let row = [got.first as f64, got.second as f64, got.distance, got.size as f64];
        assert!(distance(&row, want) <= 1e-12, "{got:?} {want:?}");
    }
    let ward = hierarchical_risk_parity(&golden.covariance, Linkage::Ward).unwrap();
    golden.assert_weights("hrp_ward_pypfopt", &ward.weights, 1e-12);
}

#[test]
fn black_and_litterman_meet_the_reference() {
    let golden = read();
    let want = &golden.all["black_litterman"];
    let market = numbers(&want["market_weights"]);
    let equilibrium = equilibrium_returns(&golden.covariance, &market, number(&want["delta"])).unwrap();
    golden.assert_numbers("equilibrium", &want["pi_delta_S_w"], (&equilibrium, 1e-15));
    let views = [View::absolute(10, 0, 0.10).unwrap(), View::relative(10, (2, 5), 0.03).unwrap()];
    for (view, exposures) in views.iter().zip(table(&want["P"])) {
        assert_eq!(view.exposures, exposures);
    }
    let problem = BlackLitterman {
        covariance: &golden.covariance,
        equilibrium_returns: &equilibrium,
        views: &views,
        tau: number(&want["tau"]),
    };
    let posterior = black_litterman(&problem).unwrap();
    golden.assert_numbers("posterior", &want["posterior_returns"], (&posterior.returns, 1e-14));
    let covariance = Matrix::from_rows(&table(&want["posterior_cov"])).unwrap();
    assert!(distance(posterior.covariance.as_slice(), covariance.as_slice()) <= 1e-15);
    let weights = tangency_weights(&golden.covariance, &posterior.returns).unwrap();
    golden.assert_numbers("weights", &want["weights_bl"], (&weights, 1e-11));
    let omega = table(&want["omega"]);
    let certain: Vec<View> = views
        .iter()
        .enumerate()
        .map(|(i, view)| View { variance: Some(omega[i][i]), ..view.clone() })
        .collect();
    let again = black_litterman(&BlackLitterman { views: &certain, ..problem }).unwrap();
    assert!(distance(&again.returns, &posterior.returns) <= 1e-15);
}
