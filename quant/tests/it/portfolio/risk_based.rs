//! Portfolios by risk, views and growth: what must hold of them.

use super::{distance, market};
use crate::support::assert_close;
use bulkhead_quant::portfolio::ASSETS_MAX;
use bulkhead_quant::portfolio::black_litterman::{
    BlackLitterman, View, black_litterman, equilibrium_returns, tangency_weights,
};
use bulkhead_quant::portfolio::hierarchical::hierarchical_risk_parity;
use bulkhead_quant::portfolio::linkage::{Linkage, linkage};
use bulkhead_quant::portfolio::risk_parity::{risk_budget, risk_parity};
use bulkhead_quant::portfolio::sizing::{
    KellyLimits, VolatilityTarget, inverse_volatility, kelly, kelly_bet, kelly_single, scale_to_volatility,
    volatility_scale,
};
use bulkhead_quant::{Matrix, QuantError};
use proptest::prelude::*;

fn permuted(covariance: &Matrix, order: &[usize]) -> Matrix {
    let rows: Vec<Vec<f64>> =
        order.iter().map(|&i| order.iter().map(|&j| covariance[(i, j)]).collect()).collect();
    Matrix::from_rows(&rows).unwrap()
}

fn scaled(covariance: &Matrix, factor: f64) -> Matrix {
    let entries = covariance.as_slice().iter().map(|entry| entry * factor).collect();
    Matrix::new(covariance.rows(), covariance.columns(), entries).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_asset_carries_its_budget(n in 1_usize..60, seed in any::<u64>(), power in -200_i32..200) {
        let (covariance, _) = market(n, seed);
        let budgets: Vec<f64> = (0..n).map(|i| 1.0 + (i % 7) as f64).collect();
        let total: f64 = budgets.iter().sum();
        let portfolio = risk_budget(&covariance, &budgets).unwrap();
        let marginal = covariance.times(&portfolio.weights);
        let variance = covariance.quadratic(&portfolio.weights);
        for i in 0..n {
            let share = portfolio.weights[i] * marginal[i] / variance;
            prop_assert!((share - budgets[i] / total).abs() <= 1e-12);
            prop_assert!(portfolio.weights[i] > 0.0);
        }
        prop_assert!((portfolio.weights.iter().sum::<f64>() - 1.0).abs() <= 1e-14);
        let other = risk_budget(&scaled(&covariance, f64::from(power).exp2()), &budgets).unwrap();
        prop_assert!(distance(&portfolio.weights, &other.weights) <= 1e-12, "whatever the scale");
    }

    #[test]
    fn the_order_of_assets_does_not_matter(n in 2_usize..40, seed in any::<u64>()) {
        let (covariance, _) = market(n, seed);
        let order: Vec<usize> = (0..n).rev().collect();
        let turned = permuted(&covariance, &order);
        let pick = |weights: &[f64]| -> Vec<f64> { order.iter().map(|&i| weights[i]).collect() };
        let here = risk_parity(&covariance).unwrap().weights;
        let there = risk_parity(&turned).unwrap().weights;
        prop_assert!(distance(&pick(&here), &there) <= 1e-12);
        let inverse = inverse_volatility(&covariance).unwrap();
        prop_assert!(distance(&pick(&inverse), &inverse_volatility(&turned).unwrap()) <= 1e-15);
    }

    #[test]
    fn hierarchical_weights_are_positive(n in 1_usize..60, seed in any::<u64>()) {
        let (covariance, _) = market(n, seed);
        for method in [Linkage::Single, Linkage::Ward] {
            let portfolio = hierarchical_risk_parity(&covariance, method).unwrap();
            prop_assert!(portfolio.weights.iter().all(|weight| *weight > 0.0));
            prop_assert!((portfolio.weights.iter().sum::<f64>() - 1.0).abs() <= 1e-14);
            let mut order = portfolio.order.clone();
            order.sort_unstable();
            prop_assert_eq!(order, (0..n).collect::<Vec<_>>());
            prop_assert!(portfolio.merges.is_sorted_by(|a, b| a.distance <= b.distance));
            prop_assert!(portfolio.merges.last().is_none_or(|merge| merge.size == n));
            let other = hierarchical_risk_parity(&scaled(&covariance, 1024.0), method).unwrap();
            prop_assert!(distance(&portfolio.weights, &other.weights) <= 1e-14);
        }
    }

    #[test]
    fn linkage_is_that_of_the_definition(n in 2_usize..16, seed in any::<u64>()) {
        let (covariance, _) = market(n, seed);
        let points: Vec<Vec<f64>> = (0..n).map(|i| covariance.row(i).to_vec()).collect();
        let rows: Vec<Vec<f64>> = points
            .iter()
            .map(|a| points.iter().map(|b| {
                a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
            }).collect())
            .collect();
        let distances = Matrix::from_rows(&rows).unwrap();
        for method in [Linkage::Single, Linkage::Ward] {
            let got: Vec<f64> =
                linkage(&distances, method).unwrap().iter().map(|merge| merge.distance).collect();
            let want = naive_heights(&points, &rows, method);
            prop_assert!(distance(&got, &want) <= 1e-12, "{got:?} {want:?}");
        }
    }
}

/// The heights of merges by looking at every pair of clusters each time.
fn naive_heights(points: &[Vec<f64>], distances: &[Vec<f64>], method: Linkage) -> Vec<f64> {
    let mut clusters: Vec<Vec<usize>> = (0..points.len()).map(|i| vec![i]).collect();
    let centre = |cluster: &[usize]| -> Vec<f64> {
        (0..points[0].len())
            .map(|k| cluster.iter().map(|&i| points[i][k]).sum::<f64>() / cluster.len() as f64)
            .collect()
    };
    let between = |a: &[usize], b: &[usize]| match method {
        Linkage::Single => {
            a.iter().flat_map(|&i| b.iter().map(move |&j| distances[i][j])).fold(f64::INFINITY, f64::min)
        }
        Linkage::Ward => {
            let (na, nb) = (a.len() as f64, b.len() as f64);
            let gap: f64 = centre(a).iter().zip(centre(b)).map(|(x, y)| (x - y) * (x - y)).sum();
            (2.0 * na * nb / (na + nb) * gap).sqrt()
        }
    };
    let mut heights = Vec::new();
    while clusters.len() > 1 {
        let mut best = (f64::INFINITY, 0, 0);
        for i in 0..clusters.len() {
            for j in 0..i {
                let gap = between(&clusters[i], &clusters[j]);
                if gap < best.0 {
                    best = (gap, i, j);
                }
            }
        }
        heights.push(best.0);
        let gone = clusters.swap_remove(best.1);
        clusters[best.2].extend(gone);
    }
    heights
}

#[test]
fn risk_parity_bears_strong_correlations() {
    let hard =
        Matrix::from_rows(&[[1.0, 0.9999, -0.999], [0.9999, 1.0, -0.999], [-0.999, -0.999, 1.0]]).unwrap();
    let portfolio = risk_parity(&hard).unwrap();
    assert!(distance(&portfolio.shares, &[1.0 / 3.0; 3]) <= 1e-12, "{portfolio:?}");
    let one = Matrix::from_rows(&[[1.0, 1.0], [1.0, 1.0]]).unwrap();
    assert_eq!(risk_parity(&one).unwrap().weights, [0.5, 0.5], "a singular one with one answer");
    let none = Matrix::from_rows(&[[1.0, -1.0], [-1.0, 1.0]]).unwrap();
    assert!(risk_parity(&none).is_err(), "no risk to share");
    let indefinite = Matrix::from_rows(&[[1.0, -0.9, -0.9], [-0.9, 1.0, -0.9], [-0.9, -0.9, 1.0]]).unwrap();
    assert!(risk_parity(&indefinite).is_err());
}

#[test]
fn one_asset_is_all() {
    let one = Matrix::new(1, 1, vec![0.04]).unwrap();
    assert_eq!(risk_parity(&one).unwrap().weights, [1.0]);
    assert_eq!(inverse_volatility(&one).unwrap(), [1.0]);
    for method in [Linkage::Single, Linkage::Ward] {
        assert_eq!(hierarchical_risk_parity(&one, method).unwrap().weights, [1.0]);
    }
}

#[test]
fn without_views_the_market_stays() {
    let (covariance, _) = market(5, 3);
    let weights = [0.4, 0.3, 0.1, 0.1, 0.1];
    let equilibrium = equilibrium_returns(&covariance, &weights, 3.0).unwrap();
    let problem =
        BlackLitterman { covariance: &covariance, equilibrium_returns: &equilibrium, views: &[], tau: 0.05 };
    let posterior = black_litterman(&problem).unwrap();
    assert_eq!(posterior.returns, equilibrium);
    assert!(distance(&tangency_weights(&covariance, &posterior.returns).unwrap(), &weights) <= 1e-13);
    let certain = View { variance: Some(0.0), ..View::relative(5, (1, 2), 0.25).unwrap() };
    let views = [certain.clone()];
    let posterior = black_litterman(&BlackLitterman { views: &views, ..problem }).unwrap();
    assert!((posterior.returns[1] - posterior.returns[2] - 0.25).abs() <= 1e-14, "a certain view comes true");
    let twice = [certain.clone(), View { expected_return: 0.1, ..certain }];
    let refused = black_litterman(&BlackLitterman { views: &twice, ..problem });
    assert!(matches!(refused, Err(QuantError::NotPositiveDefinite { .. })));
    assert!(View::absolute(5, 5, 0.1).is_none() && View::relative(5, (1, 1), 0.1).is_none());
}

#[test]
fn kelly_bets_what_grows_fastest() {
    assert_close("even odds", kelly_bet(0.6, 1.0).unwrap(), 0.2, (1e-15, 0.0));
    assert_close("long odds", kelly_bet(0.5, 2.0).unwrap(), 0.25, (1e-15, 0.0));
    assert_eq!(kelly_bet(0.4, 1.0), Ok(0.0));
    assert!(kelly_bet(1.1, 1.0).is_err() && kelly_bet(0.5, 0.0).is_err());
    let full = KellyLimits { fraction: 1.0, leverage_max: 100.0 };
    let single = kelly_single(0.06, 0.04, full).unwrap();
    assert!((single.weights[0] - 1.5).abs() < 1e-14 && (single.excess_growth - 0.045).abs() < 1e-15);
    let half = kelly_single(0.06, 0.04, KellyLimits { fraction: 0.5, ..full }).unwrap();
    assert!((half.excess_growth / single.excess_growth - 0.75).abs() < 1e-14);
    let capped = kelly_single(0.06, 0.04, KellyLimits { leverage_max: 1.0, ..full }).unwrap();
    assert!((capped.weights[0] - 1.0).abs() < 1e-15 && (capped.leverage - 1.0).abs() < 1e-15);
    let (covariance, means) = market(8, 11);
    let best = kelly(&covariance, &means, KellyLimits { leverage_max: 1e6, ..full }).unwrap();
    for (got, want) in covariance.times(&best.weights).iter().zip(&means) {
        assert!((got - want).abs() < 1e-15, "the gradient of growth is zero");
    }
    assert_eq!(kelly_single(0.0, 0.04, full).unwrap().weights, [0.0]);
    assert!(kelly_single(0.1, 0.0, full).is_err());
    assert!(kelly_single(0.1, f64::NAN, full).is_err());
    assert!(kelly_single(0.1, 0.1, KellyLimits { fraction: 2.0, ..full }).is_err());
}

#[test]
fn a_target_volatility_is_met_or_capped() {
    assert_eq!(volatility_scale(0.1, 0.2, 3.0), Ok(0.5));
    assert_eq!(volatility_scale(0.1, 0.01, 3.0), Ok(3.0));
    assert!(volatility_scale(0.1, 0.0, 3.0).is_err());
    let (covariance, _) = market(4, 5);
    let target = VolatilityTarget { volatility: 0.01, leverage_max: 50.0 };
    let weights = scale_to_volatility(&covariance, &[0.5, 0.5, 0.0, -0.2], target).unwrap();
    assert!((covariance.quadratic(&weights).sqrt() - 0.01).abs() < 1e-15);
    let capped = VolatilityTarget { leverage_max: 0.3, ..target };
    let weights = scale_to_volatility(&covariance, &[0.5, 0.5, 0.0, -0.2], capped).unwrap();
    assert!((weights.iter().map(|weight| weight.abs()).sum::<f64>() - 0.3).abs() < 1e-15);
    assert!(scale_to_volatility(&covariance, &[0.0; 4], target).is_err());
}

#[test]
fn what_is_no_covariance_is_refused() {
    let refused = |rows: &[[f64; 2]; 2]| {
        let matrix = Matrix::from_rows(rows).unwrap();
        assert!(risk_parity(&matrix).is_err(), "{rows:?}");
        assert!(hierarchical_risk_parity(&matrix, Linkage::Single).is_err(), "{rows:?}");
        assert!(inverse_volatility(&matrix).is_err(), "{rows:?}");
    };
    refused(&[[1.0, 0.5], [0.4, 1.0]]);
    refused(&[[1.0, 2.0], [2.0, 1.0]]);
    refused(&[[0.0, 0.0], [0.0, 1.0]]);
    refused(&[[-1.0, 0.0], [0.0, 1.0]]);
    let mut broken = Matrix::identity(2);
    broken[(0, 1)] = f64::NAN;
    assert!(matches!(risk_parity(&broken), Err(QuantError::NotFinite { .. })));
    assert!(matches!(risk_parity(&Matrix::zeros(0, 0)), Err(QuantError::TooFew { .. })));
    assert!(matches!(risk_parity(&Matrix::zeros(2, 3)), Err(QuantError::LengthMismatch { .. })));
    let many = Matrix::zeros(ASSETS_MAX + 1, 1);
    assert!(matches!(risk_parity(&many), Err(QuantError::TooMany { .. })));
    assert!(risk_budget(&Matrix::identity(2), &[1.0, 0.0]).is_err());
    assert!(risk_budget(&Matrix::identity(2), &[1.0]).is_err());
    assert!(linkage(&Matrix::from_rows(&[[0.0, 1.0], [2.0, 0.0]]).unwrap(), Linkage::Ward).is_err());
}
