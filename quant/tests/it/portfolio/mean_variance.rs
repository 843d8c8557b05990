//! Portfolios on the efficient frontier: what must hold of them.

use super::{distance, market};
use bulkhead_quant::portfolio::limits::{GROUPS_MAX, Group, Limits};
use bulkhead_quant::portfolio::mean_variance::{
    MeanVariance, Objective, Portfolio, efficient_frontier, minimum_variance, optimise,
};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::{Matrix, QuantError};
use proptest::prelude::*;

/// Limits of one of several kinds, with overlapping groups, which some portfolio is within.
fn limits(n: usize, random: &mut SplitMix64) -> Limits {
    let mut limits = match random.below(4) {
        0 => Limits::long_only(n),
        1 => Limits::between(n, -0.2, 0.6_f64.max(2.0 / n as f64)),
        2 => Limits::between(n, 0.0, 2.5 / n as f64),
        _ => {
            let mut mixed = Limits::between(n, 0.0, 1.0);
            for i in 0..n {
                mixed.lower[i] = (random.uniform() - 0.5) / n as f64;
                mixed.upper[i] = mixed.lower[i] + (1.0 + 3.0 * random.uniform()) / n as f64 + 0.5 / n as f64;
            }
            mixed
        }
    };
    // Groups are around a portfolio within the bounds, so that some portfolio is within all.
    let (least, most): (f64, f64) = (limits.lower.iter().sum(), limits.upper.iter().sum());
    let part = (1.0 - least) / (most - least);
    for _ in 0..random.below(5) {
        let members: Vec<usize> = (0..n).filter(|_| random.uniform() < 0.4).collect();
        if !members.is_empty() {
            let sum: f64 =
                members.iter().map(|&i| limits.lower[i] + part * (limits.upper[i] - limits.lower[i])).sum();
            let (below, above) = (0.1 * random.uniform(), 0.1 * random.uniform());
            limits.groups.push(Group { members, least: sum - below, most: sum + above });
        }
    }
    limits
}

fn assert_within(limits: &Limits, portfolio: &Portfolio) {
    let weights = &portfolio.weights;
    assert!((weights.iter().sum::<f64>() - 1.0).abs() <= 1e-12, "{portfolio:?}");
    for (i, weight) in weights.iter().enumerate() {
        assert!((limits.lower[i]..=limits.upper[i]).contains(weight), "{i}: {portfolio:?} {limits:?}");
    }
    for group in &limits.groups {
        let sum: f64 = group.members.iter().map(|&i| weights[i]).sum();
        assert!(sum >= group.least - 1e-12 && sum <= group.most + 1e-12, "{group:?} {portfolio:?}");
    }
    assert!(portfolio.residual <= 1e-10, "{portfolio:?}");
}

/// Steps of the active-set method are checked against the conditions of optimality, by a program that shares no code:
/// the best of pairs of weights to shift between, within the limits, brings nothing.
fn assert_no_shift_helps(problem: &MeanVariance<'_>, portfolio: &Portfolio, trade_off: f64) {
    if !problem.limits.groups.is_empty() {
        return;
    }
    let weights = &portfolio.weights;
    let slope: Vec<f64> = problem
        .covariance
        .times(weights)
        .iter()
        .zip(problem.expected_returns)
        .map(|(risk, value)| risk - trade_off * value)
        .collect();
    let size = slope.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    for i in 0..weights.len() {
        for j in 0..weights.len() {
            if weights[i] < problem.limits.upper[i] && weights[j] > problem.limits.lower[j] {
                assert!(slope[i] - slope[j] >= -1e-9 * size, "from {j} to {i}: {portfolio:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn portfolios_are_within_limits_and_optimal(n in 1_usize..45, seed in any::<u64>()) {
        let mut random = SplitMix64::new(seed);
        let (covariance, expected_returns) = market(n, random.next_u64());
        let limits = limits(n, &mut random);
        let problem = MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
        let least = optimise(&problem, Objective::MinimumVariance).unwrap();
        assert_within(&limits, &least);
        assert_no_shift_helps(&problem, &least, 0.0);
        let utility = optimise(&problem, Objective::MaximumUtility { risk_aversion: 4.0 }).unwrap();
        assert_within(&limits, &utility);
        assert_no_shift_helps(&problem, &utility, 0.25);
        prop_assert!(utility.expected_return >= least.expected_return - 1e-15);
        let frontier = efficient_frontier(&problem, 7).unwrap();
        prop_assert_eq!(frontier.len(), 7);
        for pair in frontier.windows(2) {
            assert_within(&limits, &pair[1]);
            prop_assert!(pair[0].volatility <= pair[1].volatility * (1.0 + 1e-12));
            prop_assert!(pair[0].expected_return <= pair[1].expected_return + 1e-14);
        }
        let most = frontier[6].expected_return;
        for (point, portfolio) in frontier.iter().enumerate() {
            let want = least.expected_return + (most - least.expected_return) * point as f64 / 6.0;
            prop_assert!((portfolio.expected_return - want).abs() <= 1e-12 * (1.0 + want.abs()), "{point}");
        }
        let target = Objective::TargetReturn { at_least: most + 1e-6 };
        let refused = optimise(&problem, target);
        assert!(matches!(refused, Err(QuantError::Infeasible { .. })), "{refused:?}");
        let target = Objective::TargetVolatility { at_most: frontier[3].volatility };
        let same = optimise(&problem, target).unwrap();
        prop_assert!(distance(&same.weights, &frontier[3].weights) <= 1e-6);
    }

    #[test]
    fn the_largest_sharpe_ratio_beats_the_frontier(n in 2_usize..30, seed in any::<u64>()) {
        let mut random = SplitMix64::new(seed);
        let (covariance, expected_returns) = market(n, random.next_u64());
        let limits = limits(n, &mut random);
        let problem = MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
        let frontier = efficient_frontier(&problem, 50).unwrap();
        let rate = frontier[0].expected_return - 0.0005 * (random.uniform() - 0.2);
        let best = optimise(&problem, Objective::MaximumSharpe { risk_free_rate: rate });
        if frontier[49].expected_return <= rate {
            assert!(matches!(best, Err(QuantError::Infeasible { .. })), "{best:?}");
            return Ok(());
        }
        let best = best.unwrap();
        assert_within(&limits, &best);
        for portfolio in &frontier {
            let (ratio, most) = (portfolio.sharpe_ratio(rate), best.sharpe_ratio(rate));
            prop_assert!(ratio <= most + 1e-12 * most.abs(), "{ratio} beats {most}");
        }
        let trade_off = best.volatility * best.volatility / (best.expected_return - rate);
        if best.expected_return < frontier[49].expected_return {
            assert_no_shift_helps(&problem, &best, trade_off);
        }
    }

    #[test]
    fn no_random_portfolio_varies_less(n in 2_usize..20, seed in any::<u64>()) {
        let mut random = SplitMix64::new(seed);
        let (covariance, _) = market(n, seed);
        let best = minimum_variance(&covariance, &Limits::long_only(n)).unwrap();
        for _ in 0..1_000 {
            let parts: Vec<f64> = (0..n).map(|_| -(1.0 - random.uniform()).ln()).collect();
            let total: f64 = parts.iter().sum();
            let weights: Vec<f64> = parts.iter().map(|part| part / total).collect();
            prop_assert!(covariance.quadratic(&weights).sqrt() >= best.volatility * (1.0 - 1e-14));
        }
    }

    #[test]
    fn neither_order_nor_scale_matters(n in 2_usize..40, seed in any::<u64>(), power in -150_i32..150) {
        let mut random = SplitMix64::new(seed);
        let (covariance, expected_returns) = market(n, seed);
        let limits = limits(n, &mut random);
        let problem = MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, random.below(i + 1));
        }
        let pick = |values: &[f64]| -> Vec<f64> { order.iter().map(|&i| values[i]).collect() };
        let factor = f64::from(power).exp2();
        let rows: Vec<Vec<f64>> =
            order.iter().map(|&i| order.iter().map(|&j| covariance[(i, j)] * factor).collect()).collect();
        let place = |asset: usize| order.iter().position(|&i| i == asset).unwrap();
        let turned_limits = Limits {
            lower: pick(&limits.lower),
            upper: pick(&limits.upper),
            groups: limits
                .groups
                .iter()
                .map(|group| Group { members: group.members.iter().map(|&i| place(i)).collect(), ..group.clone() })
                .collect(),
        };
        let turned = MeanVariance {
            covariance: &Matrix::from_rows(&rows).unwrap(),
            expected_returns: &pick(&expected_returns),
            limits: &turned_limits,
        };
        let here = optimise(&problem, Objective::MinimumVariance).unwrap();
        let there = optimise(&turned, Objective::MinimumVariance).unwrap();
        prop_assert!(distance(&pick(&here.weights), &there.weights) <= 1e-9);
        let aversion = Objective::MaximumUtility { risk_aversion: 3.0 };
        let scaled_aversion = Objective::MaximumUtility { risk_aversion: 3.0 / factor };
        let here = optimise(&problem, aversion).unwrap();
        let there = optimise(&turned, scaled_aversion).unwrap();
        prop_assert!(distance(&pick(&here.weights), &there.weights) <= 1e-9);
    }
}

#[test]
fn two_assets_have_a_closed_form() {
    let covariance = Matrix::from_rows(&[[0.04, 0.006], [0.006, 0.09]]).unwrap();
    let portfolio = minimum_variance(&covariance, &Limits::long_only(2)).unwrap();
    let first = (0.09 - 0.006) / (0.04 + 0.09 - 0.012);
    assert!(distance(&portfolio.weights, &[first, 1.0 - first]) <= 1e-15);
    let limits = Limits::long_only(2);
    let problem = MeanVariance { covariance: &covariance, expected_returns: &[0.05, 0.10], limits: &limits };
    let half = optimise(&problem, Objective::TargetReturn { at_least: 0.075 }).unwrap();
    assert!(distance(&half.weights, &[0.5, 0.5]) <= 1e-14);
    let all = optimise(&problem, Objective::TargetReturn { at_least: 0.10 }).unwrap();
    assert!(distance(&all.weights, &[0.0, 1.0]) <= 1e-12);
    let bold = optimise(&problem, Objective::TargetVolatility { at_most: 9.0 }).unwrap();
    assert_eq!(bold.weights, [0.0, 1.0]);
    let modest = optimise(&problem, Objective::TargetReturn { at_least: -1.0 }).unwrap();
    assert_eq!(modest.weights, portfolio.weights, "the least variance returns more than that");
}

#[test]
fn one_asset_is_all() {
    let covariance = Matrix::new(1, 1, vec![0.04]).unwrap();
    let limits = Limits::long_only(1);
    let problem = MeanVariance { covariance: &covariance, expected_returns: &[0.1], limits: &limits };
    for objective in [
        Objective::MinimumVariance,
        Objective::MaximumSharpe { risk_free_rate: 0.02 },
        Objective::TargetReturn { at_least: 0.1 },
        Objective::TargetVolatility { at_most: 0.2 },
        Objective::MaximumUtility { risk_aversion: 1.0 },
    ] {
        let portfolio = optimise(&problem, objective).unwrap();
        assert_eq!((portfolio.weights, portfolio.volatility), (vec![1.0], 0.2), "{objective:?}");
    }
    assert_eq!(efficient_frontier(&problem, 5).unwrap().len(), 5);
}

#[test]
fn equal_assets_are_degenerate_and_still_solved() {
    let n = 30;
    let mut covariance = Matrix::zeros(n, n);
    for i in 0..n {
        covariance.row_mut(i).fill(0.01);
        covariance[(i, i)] = 0.04;
    }
    let expected_returns = vec![0.1; n];
    for upper in [1.0, 0.1, 1.0 / n as f64] {
        let limits = Limits::between(n, 0.0, upper);
        let problem =
            MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
        for objective in [Objective::MinimumVariance, Objective::MaximumSharpe { risk_free_rate: 0.0 }] {
            let portfolio = optimise(&problem, objective).unwrap();
            assert!(
                distance(&portfolio.weights, &vec![1.0 / n as f64; n]) <= 1e-14,
                "{upper}: {portfolio:?}"
            );
        }
    }
}

/// Where so many limits meet, rounding must not be taken for a direction.
#[test]
fn corners_of_many_limits_are_left() {
    for (n, seed) in [
        (12, 11354385686784270479),
        (29, 17232039929669340565),
        (13, 6575208884122449996),
        (44, 4362128140609849581),
    ] {
        let mut random = SplitMix64::new(seed);
        let (covariance, expected_returns) = market(n, random.next_u64());
        let limits = limits(n, &mut random);
        let problem =
            MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
        for portfolio in efficient_frontier(&problem, 9).unwrap() {
            assert_within(&limits, &portfolio);
        }
    }
    for (n, seed) in [(12, 11354385686784270479), (29, 17232039929669340565)] {
        let (covariance, _) = market(n, seed);
        let limits = limits(n, &mut SplitMix64::new(seed));
        assert_within(&limits, &minimum_variance(&covariance, &limits).unwrap());
    }
}

#[test]
fn groups_that_overlap_and_touch_are_met() {
    let (covariance, expected_returns) = market(12, 1);
    let group = |members: &[usize], least, most| Group { members: members.to_vec(), least, most };
    let limits = Limits::long_only(12)
        .with_group(group(&[0, 1, 2, 3], 0.5, 0.5))
        .with_group(group(&[3, 4, 5, 6], 0.5, 0.6))
        .with_group(group(&[0, 4], 0.2, 0.2))
        .with_group(group(&(0..12).collect::<Vec<_>>(), 1.0, 1.0))
        .with_group(group(&[7, 8], 0.0, 0.0));
    let problem =
        MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
    for objective in [
        Objective::MinimumVariance,
        Objective::MaximumUtility { risk_aversion: 0.5 },
        Objective::MaximumUtility { risk_aversion: 1e-80 },
        Objective::MaximumUtility { risk_aversion: 1e80 },
    ] {
        assert_within(&limits, &optimise(&problem, objective).unwrap());
    }
}

#[test]
fn contradicting_limits_are_infeasible() {
    let (covariance, expected_returns) = market(6, 2);
    let group = |members: &[usize], least, most| Group { members: members.to_vec(), least, most };
    for limits in [
        Limits::between(6, 0.2, 1.0),
        Limits::between(6, 0.0, 0.1),
        Limits::between(6, 0.5, 0.4),
        Limits::long_only(6).with_group(group(&[0, 1, 2, 3, 4, 5], 0.0, 0.9)),
        Limits::long_only(6).with_group(group(&[0, 1], 0.6, 1.0)).with_group(group(&[2, 3], 0.6, 1.0)),
        Limits::between(6, 0.0, 0.2).with_group(group(&[0, 1], 0.5, 1.0)),
        Limits::long_only(6)
            .with_group(group(&[0, 1], 0.5, 0.5))
            .with_group(group(&[1, 2], 0.5, 0.5))
            .with_group(group(&[0, 2], 1.1, 1.1)),
    ] {
        let refused = minimum_variance(&covariance, &limits);
        assert!(matches!(refused, Err(QuantError::Infeasible { .. })), "{limits:?}: {refused:?}");
    }
    let limits = Limits::long_only(6);
    let problem =
        MeanVariance { covariance: &covariance, expected_returns: &expected_returns, limits: &limits };
    for objective in [
        Objective::TargetReturn { at_least: 1.0 },
        Objective::TargetReturn { at_least: 1e100 },
        Objective::TargetVolatility { at_most: 1e-9 },
        Objective::MaximumSharpe { risk_free_rate: 1.0 },
        Objective::MaximumSharpe { risk_free_rate: 1e100 },
    ] {
        let refused = optimise(&problem, objective);
        assert!(matches!(refused, Err(QuantError::Infeasible { .. })), "{objective:?}: {refused:?}");
    }
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let long_only = Limits::long_only(2);
    let singular = Matrix::from_rows(&[[1.0, 1.0], [1.0, 1.0]]).unwrap();
    let refused = minimum_variance(&singular, &long_only);
    assert!(matches!(refused, Err(QuantError::NotPositiveDefinite { .. })));
    // Fewer observations than assets.
    let rows: Vec<Vec<f64>> = {
        let mut random = SplitMix64::new(9);
        (0..10).map(|_| (0..30).map(|_| random.normal()).collect()).collect()
    };
    let refused = minimum_variance(&super::sample_covariance(&rows), &Limits::long_only(30));
    assert!(matches!(refused, Err(QuantError::NotPositiveDefinite { .. })), "{refused:?}");
    let identity = Matrix::identity(2);
    assert!(minimum_variance(&identity, &Limits::long_only(3)).is_err());
    assert!(minimum_variance(&identity, &Limits::between(2, f64::NAN, 1.0)).is_err());
    assert!(minimum_variance(&identity, &Limits::between(2, -1e9, 1.0)).is_err());
    for members in [vec![], vec![2], vec![0, 0], vec![0; 9]] {
        let limits = Limits::long_only(2).with_group(Group { members, least: 0.0, most: 1.0 });
        assert!(minimum_variance(&identity, &limits).is_err(), "{limits:?}");
    }
    let group = Group { members: vec![0], least: 0.0, most: 1.0 };
    let crowded = Limits { groups: vec![group; GROUPS_MAX + 1], ..Limits::long_only(2) };
    assert!(matches!(minimum_variance(&identity, &crowded), Err(QuantError::TooMany { .. })));
    let problem =
        MeanVariance { covariance: &identity, expected_returns: &[0.1, f64::NAN], limits: &long_only };
    assert!(matches!(optimise(&problem, Objective::MinimumVariance), Err(QuantError::NotFinite { .. })));
    let problem = MeanVariance { expected_returns: &[0.1, 0.2], ..problem };
    for objective in [
        Objective::MaximumUtility { risk_aversion: 0.0 },
        Objective::TargetVolatility { at_most: -1.0 },
        Objective::TargetReturn { at_least: f64::NAN },
        Objective::MaximumSharpe { risk_free_rate: f64::INFINITY },
    ] {
        assert!(optimise(&problem, objective).is_err(), "{objective:?}");
    }
    assert!(efficient_frontier(&problem, 1).is_err());
    assert!(efficient_frontier(&problem, 1_001).is_err());
}
