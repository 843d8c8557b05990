//! Whatever numbers come in, every function returns, and what it returns is finite.

use bulkhead_quant::Matrix;
use bulkhead_quant::portfolio::black_litterman::{
    BlackLitterman, View, black_litterman, equilibrium_returns, tangency_weights,
};
use bulkhead_quant::portfolio::hierarchical::hierarchical_risk_parity;
use bulkhead_quant::portfolio::limits::{Group, Limits};
use bulkhead_quant::portfolio::linkage::{Linkage, linkage};
use bulkhead_quant::portfolio::mean_variance::{
    MeanVariance, Objective, Portfolio, efficient_frontier, minimum_variance, optimise,
};
use bulkhead_quant::portfolio::rebalance::{Holding, Rules, plan};
use bulkhead_quant::portfolio::risk_parity::{risk_budget, risk_parity};
use bulkhead_quant::portfolio::sizing::{
    KellyLimits, VolatilityTarget, inverse_volatility, kelly, kelly_bet, kelly_single, scale_to_volatility,
    volatility_scale,
};
use proptest::prelude::*;

/// Any number, and often a plain or an awkward one.
fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -2.0..2.0_f64,
        2 => prop::sample::select(vec![0.0, 1.0, -1.0, 0.5, 1e-300, 5e-324, 1e300, -1e300, 1e100, 1e-100, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
        1 => any::<f64>(),
    ]
}

fn wild_list(most: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(wild(), 0..most)
}

/// Square or not; often a covariance with entries from tiny to huge, singular at times.
fn wild_matrix() -> impl Strategy<Value = Matrix> {
    let any_entries =
        (0_usize..6, 0_usize..6, prop::collection::vec(wild(), 36)).prop_map(|(rows, columns, entries)| {
            let mut matrix = Matrix::zeros(rows, columns);
            for i in 0..rows {
                for j in 0..columns {
                    matrix[(i, j)] = entries[6 * i + j];
                }
            }
            matrix
        });
    let factors = prop::collection::vec(prop_oneof![3 => -1.0..1.0_f64, 1 => Just(0.0)], 36);
    let covariance =
        (1_usize..6, 1_usize..6, factors, -340_i32..340).prop_map(|(n, rank, entries, power)| {
            let mut factor = Matrix::zeros(n, rank);
            for i in 0..n {
                for j in 0..rank {
                    factor[(i, j)] = entries[6 * i + j] * f64::from(power).exp2();
                }
            }
            factor.multiply(&factor.transpose())
        });
    prop_oneof![1 => any_entries, 2 => covariance]
}

fn assert_finite(what: &str, values: &[f64]) {
    assert!(values.iter().all(|value| value.is_finite()), "{what}: {values:?}");
}

fn check_portfolio(what: &str, portfolio: &Portfolio) {
    assert_finite(what, &portfolio.weights);
    assert_finite(what, &[portfolio.expected_return, portfolio.volatility, portfolio.residual]);
}

/// The list cut or filled to a length, or as it is.
fn fitted(values: &[f64], length: usize, is_fitted: bool) -> Vec<f64> {
    if is_fitted {
        values.iter().copied().chain(std::iter::repeat(0.1)).take(length).collect()
    } else {
        values.to_vec()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn mean_variance_returns(
        covariance in wild_matrix(),
        lists in prop::collection::vec(wild_list(7), 3),
        number in wild(),
        groups in prop::collection::vec((prop::collection::vec(0_usize..7, 0..5), wild(), wild()), 0..4),
        (is_fitted, is_plain) in (prop::bool::weighted(0.9), prop::bool::weighted(0.6)),
    ) {
        let n = covariance.rows();
        let mut limits = if is_plain {
            Limits::between(n, 0.0, 1.0)
        } else {
            Limits { lower: fitted(&lists[0], n, is_fitted), upper: fitted(&lists[1], n, is_fitted), groups: Vec::new() }
        };
        limits.groups = groups.into_iter().map(|(members, least, most)| Group { members, least, most }).collect();
        let expected_returns = fitted(&lists[2], n, is_fitted);
        let problem = MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
        for objective in [
            Objective::MinimumVariance,
            Objective::MaximumSharpe { risk_free_rate: number },
            Objective::TargetReturn { at_least: number },
            Objective::TargetVolatility { at_most: number },
            Objective::MaximumUtility { risk_aversion: number },
        ] {
            if let Ok(portfolio) = optimise(&problem, objective) {
                check_portfolio("optimise", &portfolio);
            }
        }
        if let Ok(portfolio) = minimum_variance(&covariance, &limits) {
            check_portfolio("minimum variance", &portfolio);
        }
        for portfolio in efficient_frontier(&problem, 4).unwrap_or_default() {
            check_portfolio("frontier", &portfolio);
        }
    }

    #[test]
    fn the_others_return(
        covariance in wild_matrix(),
        lists in prop::collection::vec(wild_list(7), 3),
        numbers in prop::collection::vec(wild(), 4),
        is_fitted in prop::bool::weighted(0.9),
    ) {
        let n = covariance.rows();
        let lists: Vec<Vec<f64>> = lists.iter().map(|list| fitted(list, n, is_fitted)).collect();
        if let Ok(portfolio) = risk_parity(&covariance) {
            assert_finite("risk parity", &portfolio.weights);
        }
        if let Ok(portfolio) = risk_budget(&covariance, &lists[0]) {
            assert_finite("risk budget", &portfolio.weights);
            assert_finite("risk budget", &portfolio.shares);
        }
        for method in [Linkage::Single, Linkage::Ward] {
            if let Ok(portfolio) = hierarchical_risk_parity(&covariance, method) {
                assert_finite("hierarchical risk parity", &portfolio.weights);
            }
            for merge in linkage(&covariance, method).unwrap_or_default() {
                assert_finite("linkage", &[merge.distance]);
            }
        }
        assert_finite("inverse volatility", &inverse_volatility(&covariance).unwrap_or_default());
        assert_finite("equilibrium", &equilibrium_returns(&covariance, &lists[0], numbers[0]).unwrap_or_default());
        assert_finite("tangency", &tangency_weights(&covariance, &lists[0]).unwrap_or_default());
        let views = [
            View { exposures: lists[1].clone(), expected_return: numbers[1], variance: Some(numbers[2]) },
            View { exposures: lists[2].clone(), expected_return: numbers[3], variance: None },
        ];
        for views in [&views[..], &views[1..]] {
            let problem = BlackLitterman { covariance: &covariance, equilibrium_returns: &lists[0], views, tau: numbers[0] };
            if let Ok(posterior) = black_litterman(&problem) {
                assert_finite("posterior", &posterior.returns);
                assert_finite("posterior", posterior.covariance.as_slice());
            }
        }
        let limits = KellyLimits { fraction: numbers[0], leverage_max: numbers[1] };
        for kelly in [kelly(&covariance, &lists[0], limits), kelly_single(numbers[2], numbers[3], limits)].into_iter().flatten() {
            assert_finite("kelly", &kelly.weights);
            assert_finite("kelly", &[kelly.leverage, kelly.excess_growth]);
        }
        assert_finite("bet", &kelly_bet(numbers[0], numbers[1]).map_or(vec![], |bet| vec![bet]));
        assert_finite("scale", &volatility_scale(numbers[0], numbers[1], numbers[2]).map_or(vec![], |scale| vec![scale]));
        let target = VolatilityTarget { volatility: numbers[0], leverage_max: numbers[1] };
        assert_finite("scaled", &scale_to_volatility(&covariance, &lists[0], target).unwrap_or_default());
    }

    #[test]
    fn a_plan_returns(
        holdings in prop::collection::vec(prop::collection::vec(wild(), 5), 0..5),
        numbers in prop::collection::vec(wild(), 5),
        is_made_positive in prop::bool::weighted(0.8),
    ) {
        let sign = |value: f64| if is_made_positive { value.abs() } else { value };
        let holdings: Vec<Holding> = holdings
            .iter()
            .map(|values| Holding {
                quantity: values[0],
                price: sign(values[1]),
                lot: sign(values[2]),
                notional_min: sign(values[3]),
                target_weight: values[4] / 4.0,
            })
            .collect();
        let rules = Rules {
            equity: sign(numbers[0]),
            cost_rate: sign(numbers[1]),
            cost_fixed: sign(numbers[2]),
            band: sign(numbers[3]),
            turnover_max: sign(numbers[4]),
        };
        if let Ok(plan) = plan(&holdings, &rules) {
            assert_finite("plan", &plan.weights);
            assert_finite("plan", &[plan.cash, plan.turnover, plan.cost, plan.deviation_before, plan.deviation_after]);
        }
    }
}
