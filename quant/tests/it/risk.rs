//! Value at risk, ratios, drawdowns, decompositions, volatility from bars and exposure.

use crate::support::{assert_close, golden, number, numbers};
use bulkhead_quant::risk::component::{Book, Measure, historical_decomposition};
use bulkhead_quant::risk::drawdown::{drawdowns, max_drawdown, under_water};
use bulkhead_quant::risk::ewma::{DAILY_DECAY, ewma_volatilities};
use bulkhead_quant::risk::exposure::{Exposure, exposure_by_group};
use bulkhead_quant::risk::moments::{Divisor, Moments};
use bulkhead_quant::risk::monte_carlo::{Law, PATHS_MAX, Simulation, simulated_profits, simulated_tail};
use bulkhead_quant::risk::parametric::Shape;
use bulkhead_quant::risk::performance::{Convention, Performance, gain_loss_ratio, tail_ratio};
use bulkhead_quant::risk::range::{Bar, RangeEstimator, realised_variance, realised_volatility};
use bulkhead_quant::risk::relative::{CoMoments, Relative};
use bulkhead_quant::risk::rolling::{
    rolling_beta, rolling_max_drawdown, rolling_moments, rolling_sharpe, rolling_value_at_risk,
    rolling_volatility,
};
use bulkhead_quant::risk::tail::{HistoricalTail, QuantileConvention, ShortfallConvention};
use bulkhead_quant::{Matrix, QuantError};
use proptest::prelude::*;

const EXACT: (f64, f64) = (1e-12, 0.0);
const ROUNDING: (f64, f64) = (1e-9, 1e-12);
pub(crate) const QUANTILES: [QuantileConvention; 3] =
    [QuantileConvention::Linear, QuantileConvention::Lower, QuantileConvention::KthWorst];
pub(crate) const SHORTFALLS: [ShortfallConvention; 3] = [
    ShortfallConvention::MeanOfWorst,
    ShortfallConvention::MeanBeyondLinearQuantile,
    ShortfallConvention::RockafellarUryasev,
];
pub(crate) const ESTIMATORS: [RangeEstimator; 5] = [
    RangeEstimator::CloseToClose,
    RangeEstimator::Parkinson,
    RangeEstimator::GarmanKlass,
    RangeEstimator::RogersSatchell,
    RangeEstimator::YangZhang,
];

fn daily() -> Convention {
    Convention { periods_per_year: 252.0, risk_free_per_period: 0.0, divisor: Divisor::ObservationsLessOne }
}

#[test]
fn tails_are_those_of_the_reference() {
    let file = golden("risk");
    let returns = numbers(&file["returns"]);
    for (level, key) in [(0.95, "0.95"), (0.99, "0.99")] {
        let want = |name: &str| number(&file["var"][key][name]);
        let tail = HistoricalTail::new(&returns, level).unwrap();
        let close = |name: &str, got: f64| assert_close(&format!("{key} {name}"), got, want(name), EXACT);
        close("hist_var_linear", tail.value_at_risk(QuantileConvention::Linear));
        close("hist_var_lower", tail.value_at_risk(QuantileConvention::Lower));
        close("hist_var_kth_worst", tail.value_at_risk(QuantileConvention::KthWorst));
        close("order_stat_k", tail.worst_count() as f64);
        close("cvar_mean_of_k_worst", tail.expected_shortfall(ShortfallConvention::MeanOfWorst));
        let beyond = tail.expected_shortfall(ShortfallConvention::MeanBeyondLinearQuantile);
        close("cvar_mean_leq_linear_quantile", beyond);
        close("cvar_rockafellar_uryasev", tail.expected_shortfall(ShortfallConvention::RockafellarUryasev));
        let shape = Shape::of(&Moments::of(&returns).unwrap(), Divisor::ObservationsLessOne).unwrap();
        let normal = shape.normal_risk(level).unwrap();
        close("param_var_normal", normal.value_at_risk);
        close("param_cvar_normal", normal.expected_shortfall);
        close("cornish_fisher_var", shape.cornish_fisher_risk(level).unwrap().value_at_risk);
    }
}

#[test]
fn performance_is_that_of_the_reference() {
    let file = golden("risk");
    let returns = numbers(&file["returns"]);
    let close = |name: &str, got: f64| assert_close(name, got, number(&file[name]), EXACT);
    let measured = Performance::of(&returns, &daily()).unwrap();
    let moments = measured.moments();
    close("mean", moments.mean());
    close("std_ddof1", moments.deviation(Divisor::ObservationsLessOne).unwrap());
    // These two are differences that cancel to about a hundredth of their terms.
    assert_close("skew", moments.skewness().unwrap(), number(&file["skew_biased"]), (1e-12, 1e-14));
    close("excess_kurt_biased", moments.excess_kurtosis().unwrap());
    close("sharpe", measured.sharpe().unwrap());
    close("sortino", measured.sortino().unwrap());
    close("omega_0", measured.omega().unwrap());
    close("max_drawdown", measured.max_drawdown().depth);
    close("dd_peak_index", measured.max_drawdown().peak as f64);
    close("dd_trough_index", measured.max_drawdown().trough as f64);
    close("cagr", measured.cagr().unwrap());
    close("calmar", measured.calmar().unwrap());
    close("ulcer_index", measured.ulcer_index());
    let last = *ewma_volatilities(&returns, DAILY_DECAY).unwrap().last().unwrap();
    close("ewma_vol_last_ann", last * 252.0_f64.sqrt());
}

#[test]
fn the_number_of_worst_returns_does_not_depend_on_rounding() {
    let returns: Vec<f64> = (0..1000).map(f64::from).collect();
    for (level, count) in [(0.99, 10), (0.9, 100), (0.95, 50), (0.975, 25), (0.999, 1), (0.99999, 1)] {
        assert_eq!(HistoricalTail::new(&returns, level).unwrap().worst_count(), count, "{level}");
    }
    // Position 0.1 * 10 falls short of one in floating point.
    let tail = HistoricalTail::new(&returns[..11], 0.9).unwrap();
    assert_close("lower", tail.value_at_risk(QuantileConvention::Lower), -1.0, EXACT);
}

#[test]
fn a_fraction_of_a_return_counts_by_its_fraction() {
    let returns = [-5.0, -3.0, -1.0, 0.0, 1.0];
    let tail = HistoricalTail::new(&returns, 0.7).unwrap();
    let shortfall = tail.expected_shortfall(ShortfallConvention::RockafellarUryasev);
    assert_close("shortfall", shortfall, (5.0 + 0.5 * 3.0) / 1.5, EXACT);
    let beyond = HistoricalTail::new(&returns, 0.99).unwrap();
    assert_close(
        "less than one",
        beyond.expected_shortfall(ShortfallConvention::RockafellarUryasev),
        5.0,
        EXACT,
    );
}

/// The long way: everything sorted.
fn sorted_tail(returns: &[f64], level: f64) -> (f64, f64) {
    let mut sorted = returns.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = (1.0 - level) * (sorted.len() - 1) as f64;
    let at = (0..sorted.len()).rfind(|&i| i as f64 <= position).unwrap();
    let above = sorted[(at + 1).min(sorted.len() - 1)];
    let quantile = sorted[at] + (above - sorted[at]) * (position - at as f64);
    let beyond: Vec<f64> = sorted.iter().copied().filter(|&value| value <= quantile).collect();
    (-quantile, -beyond.iter().sum::<f64>() / beyond.len() as f64)
}

#[test]
fn large_samples_of_any_order_give_the_same_as_sorting() {
    let mut random = bulkhead_quant::random::SplitMix64::new(7);
    let normal: Vec<f64> = (0..100_003).map(|_| random.normal()).collect();
    let mut rising = normal.clone();
    rising.sort_by(f64::total_cmp);
    let falling: Vec<f64> = rising.iter().rev().copied().collect();
    // Every place that is sampled holds a value below all others, so that the threshold misleads.
    let misleading: Vec<f64> =
        (0..100_003).map(|i| if i % 24 == 0 { -9.0 - f64::from(i) } else { f64::from(i % 97) }).collect();
    let equal: Vec<f64> = (0..100_003).map(|i| f64::from(i % 3)).collect();
    for returns in [normal, rising, falling, misleading, equal] {
        for level in [0.5, 0.9, 0.95, 0.99, 0.999_99] {
            let tail = HistoricalTail::new(&returns, level).unwrap();
            let (quantile, beyond) = sorted_tail(&returns, level);
            assert_close(
                "quantile",
                tail.value_at_risk(QuantileConvention::Linear),
                quantile,
                (1e-12, 1e-12),
            );
            let shortfall = tail.expected_shortfall(ShortfallConvention::MeanBeyondLinearQuantile);
            assert_close("shortfall", shortfall, beyond, (1e-11, 1e-12));
        }
    }
}

#[test]
fn a_large_sample_with_a_hole_is_refused() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut returns = vec![0.01; 50_000];
        returns[31_234] = bad;
        assert!(matches!(HistoricalTail::new(&returns, 0.99), Err(QuantError::NotFinite { .. })), "{bad}");
        assert!(Performance::of(&returns, &daily()).is_err(), "{bad}");
    }
}

#[test]
fn cornish_fisher_is_the_normal_without_skewness_and_refuses_beyond_its_domain() {
    let shape = Shape { mean: 0.001, deviation: 0.02, skewness: 0.0, excess_kurtosis: 0.0 };
    let (normal, bent) = (shape.normal_risk(0.99).unwrap(), shape.cornish_fisher_risk(0.99).unwrap());
    assert_close("value at risk", bent.value_at_risk, normal.value_at_risk, EXACT);
    assert_close("shortfall", bent.expected_shortfall, normal.expected_shortfall, EXACT);
    let skewed = Shape { skewness: -2.5, excess_kurtosis: 1.0, ..shape };
    assert!(matches!(skewed.cornish_fisher_risk(0.99), Err(QuantError::OutOfRange { .. })));
    assert!(shape.cornish_fisher_risk(1.0 - 1e-8).is_err(), "so far out the transform is not checked");
}

#[test]
fn the_cornish_fisher_shortfall_is_the_mean_of_the_quantiles_beyond() {
    let shape = Shape { mean: 0.0, deviation: 1.0, skewness: -0.4, excess_kurtosis: 1.2 };
    let shortfall = shape.cornish_fisher_risk(0.95).unwrap().expected_shortfall;
    let steps = 20_000;
    let mean = (0..steps)
        .map(|i| 0.05 * (f64::from(i) + 0.5) / f64::from(steps))
        .map(|p| shape.cornish_fisher_risk(1.0 - p).unwrap().value_at_risk)
        .sum::<f64>()
        / f64::from(steps);
    assert_close("shortfall", shortfall, mean, (1e-4, 0.0));
}

#[test]
fn drawdowns_are_followed_through() {
    let returns = [0.1, -0.5, 0.5, 0.5, -0.1, 0.2];
    let depths = drawdowns(&returns).unwrap();
    for (got, want) in depths.iter().zip([0.0, -0.5, -0.25, 0.0, -0.1, 0.0]) {
        assert_close("depth", *got, want, (1e-12, 1e-12));
    }
    let worst = max_drawdown(&returns).unwrap();
    assert_eq!((worst.peak, worst.trough), (1, 2));
    let under = under_water(&returns).unwrap();
    assert_eq!((under.longest, under.current, under.total), (2, 0, 3));
    assert_eq!(max_drawdown(&[0.1, 0.2]).unwrap().trough, 0, "equity that never fell");
    assert_close("all lost", max_drawdown(&[0.1, -1.0, 0.5]).unwrap().depth, -1.0, EXACT);
    assert!(max_drawdown(&[0.1, -1.5]).is_err());
    for before in [0.1, -1.0] {
        let mut returns = [0.01; 40];
        (returns[3], returns[29]) = (before, -1.5);
        let refused = Performance::of(&returns, &daily());
        assert!(matches!(refused, Err(QuantError::OutOfRange { .. })), "more than all lost after {before}");
    }
}

#[test]
fn equity_that_grows_beyond_a_float_still_has_a_growth() {
    let returns: Vec<f64> = (0..3000).map(|i| if i % 2 == 0 { 1.0 } else { 0.5 }).collect();
    let measured = Performance::of(&returns, &Convention { periods_per_year: 2.0, ..daily() }).unwrap();
    assert_close("growth", measured.cagr().unwrap(), 2.0, EXACT);
}

#[test]
fn ratios_without_a_divisor_are_refused() {
    let constant = Performance::of(&[0.1; 2000], &daily()).unwrap();
    assert!(matches!(constant.sharpe(), Err(QuantError::Constant { .. })));
    assert!(matches!(constant.sortino(), Err(QuantError::Constant { .. })));
    assert!(matches!(constant.calmar(), Err(QuantError::Constant { .. })));
    assert!(matches!(constant.moments().skewness(), Err(QuantError::Constant { .. })));
    let one = Performance::of(&[0.1], &daily()).unwrap();
    assert!(matches!(one.sharpe(), Err(QuantError::TooFew { .. })));
    assert!(matches!(Performance::of(&[], &daily()), Err(QuantError::TooFew { .. })));
    assert!(matches!(
        Relative::of(&[0.1, 0.2], &[0.1, 0.1], &daily()).unwrap().beta(),
        Err(QuantError::Constant { .. })
    ));
    assert!(Relative::of(&[0.1], &[0.1, 0.2], &daily()).is_err());
}

#[test]
fn a_levered_benchmark_has_its_leverage_as_beta() {
    let benchmark = numbers(&golden("risk")["returns"]);
    let returns: Vec<f64> = benchmark.iter().map(|value| 0.0001 + 1.5 * value).collect();
    let relative = Relative::of(&returns, &benchmark, &daily()).unwrap();
    assert_close("beta", relative.beta().unwrap(), 1.5, EXACT);
    assert_close("alpha", relative.alpha().unwrap(), 0.0252, (1e-11, 0.0));
    assert_close("correlation", relative.together().correlation().unwrap(), 1.0, EXACT);
    let deviation = Moments::of(&benchmark).unwrap().deviation(Divisor::ObservationsLessOne).unwrap();
    let error = 0.5 * deviation * 252.0_f64.sqrt();
    assert_close("tracking error", relative.tracking_error().unwrap(), error, (1e-11, 0.0));
    let mean = (0.0001 + 0.5 * Moments::of(&benchmark).unwrap().mean()) * 252.0;
    assert_close("information ratio", relative.information_ratio().unwrap(), mean / error, (1e-11, 0.0));
}

#[test]
fn simple_ratios_are_as_by_hand() {
    let returns = [0.02, -0.01, 0.04, -0.03, 0.0];
    let measured = Performance::of(&returns, &daily()).unwrap();
    assert_close("hit rate", measured.hit_rate(), 0.4, EXACT);
    assert_close("gain to loss", gain_loss_ratio(&returns).unwrap(), 1.5, EXACT);
    assert_close("omega", measured.omega().unwrap(), 1.5, EXACT);
    assert_close("tail ratio", tail_ratio(&returns).unwrap(), 0.036 / 0.026, EXACT);
}

#[test]
fn a_bar_estimator_is_as_by_hand() {
    let bars = [
        Bar { open: 100.0, high: 102.0, low: 99.0, close: 101.0 },
        Bar { open: 101.5, high: 103.0, low: 100.0, close: 100.5 },
        Bar { open: 100.0, high: 101.0, low: 98.0, close: 99.0 },
        Bar { open: 99.5, high: 104.0, low: 99.0, close: 103.0 },
    ];
    // Worked out with Python's math module from the formulas of the papers.
    let want = BAR_VARIANCES;
    for (estimator, want) in ESTIMATORS.into_iter().zip(want) {
        assert_close(&format!("{estimator:?}"), realised_variance(&bars, estimator).unwrap(), want, EXACT);
        let annual = realised_volatility(&bars, estimator, 252.0).unwrap();
        assert_close("annual", annual, (want * 252.0).sqrt(), EXACT);
    }
    let crossed = Bar { open: 100.0, high: 99.0, low: 98.0, close: 99.0 };
    assert!(realised_variance(&[crossed], RangeEstimator::Parkinson).is_err());
    assert!(realised_variance(&bars[..2], RangeEstimator::YangZhang).is_err());
    assert!(realised_variance(&[], RangeEstimator::Parkinson).is_err());
}

const BAR_VARIANCES: [f64; 5] = [
    0.0008457434021274008,
    0.0004600181176349627,
    0.0004935141940790048,
    0.00046546912272814865,
    0.0005393608528502107,
];

#[test]
fn exposure_is_as_by_hand() {
    let book = Exposure::of(&[60.0, -30.0, 10.0]).unwrap();
    assert_close("gross", book.gross, 100.0, EXACT);
    assert_close("net", book.net, 40.0, EXACT);
    assert_close("long", book.long, 70.0, EXACT);
    assert_close("short", book.short, 30.0, EXACT);
    assert_close("largest", book.largest_share, 0.6, EXACT);
    assert_close("herfindahl", book.herfindahl, 0.46, EXACT);
    assert_close("leverage", book.leverage(50.0).unwrap(), 2.0, EXACT);
    assert_close("net leverage", book.net_leverage(50.0).unwrap(), 0.8, EXACT);
    assert!(book.leverage(0.0).is_err());
    assert_close("flat", Exposure::of(&[]).unwrap().herfindahl, 0.0, (0.0, 0.0));
    let groups = exposure_by_group(&[("tech", 60.0), ("oil", -30.0), ("tech", -10.0)]).unwrap();
    assert_close("group", groups["tech"].net, 50.0, EXACT);
    assert_eq!(groups.len(), 2);
}

fn three_assets() -> Matrix {
    Matrix::from_rows(&[[0.04, 0.006, 0.01], [0.006, 0.01, 0.002], [0.01, 0.002, 0.09]]).unwrap()
}

#[test]
fn simulation_comes_close_to_what_is_known_exactly() {
    let covariance = three_assets();
    let (positions, means) = ([100.0, -50.0, 30.0], [0.01, 0.02, 0.0]);
    let book = Book { positions: &positions, means: &means, covariance: &covariance };
    let simulation = Simulation { law: Law::Normal, paths: 200_000, seed: 11 };
    let tail = simulated_tail(&book, &simulation, 0.99).unwrap();
    for (measure, got) in [
        (Measure::ValueAtRisk, tail.value_at_risk(QuantileConvention::Linear)),
        (Measure::ExpectedShortfall, tail.expected_shortfall(ShortfallConvention::MeanOfWorst)),
    ] {
        assert_close("simulated", got, book.decompose(0.99, measure).unwrap().total, (0.02, 0.0));
    }
    let revalued = simulated_profits((&means, &covariance), &simulation, |returns| {
        returns.iter().zip(&positions).map(|(step, position)| step * position).sum()
    });
    let revalued = HistoricalTail::new(&revalued.unwrap(), 0.99).unwrap();
    let linear = QuantileConvention::Linear;
    assert_close("revalued", revalued.value_at_risk(linear), tail.value_at_risk(linear), ROUNDING);
    assert_eq!(tail, simulated_tail(&book, &simulation, 0.99).unwrap(), "the same seed, the same tail");

    // The 99 % quantile of Student's t with five degrees of freedom is 3.36493, its deviation the root of 5/3.
    let heavy = Simulation { law: Law::StudentT { degrees_of_freedom: 5.0 }, ..simulation };
    let tail = simulated_tail(&book, &heavy, 0.99).unwrap();
    let mean: f64 = means.iter().zip(&positions).map(|(mean, position)| mean * position).sum();
    let want = 3.364_93 / (5.0_f64 / 3.0).sqrt() * covariance.quadratic(&positions).sqrt() - mean;
    assert_close("Student", tail.value_at_risk(linear), want, (0.02, 0.0));

    assert!(simulated_tail(&book, &Simulation { paths: 0, ..simulation }, 0.99).is_err());
    assert!(simulated_tail(&book, &Simulation { paths: PATHS_MAX + 1, ..simulation }, 0.99).is_err());
    let light = Simulation { law: Law::StudentT { degrees_of_freedom: 2.0 }, ..simulation };
    assert!(simulated_tail(&book, &light, 0.99).is_err());
}

#[test]
fn a_book_without_variance_has_no_marginal_risk() {
    let covariance = three_assets();
    let book = Book { positions: &[0.0; 3], means: &[0.0; 3], covariance: &covariance };
    assert!(matches!(book.decompose(0.99, Measure::ValueAtRisk), Err(QuantError::Constant { .. })));
    let skewed = Matrix::from_rows(&[[1.0, 0.5], [0.1, 1.0]]).unwrap();
    let book = Book { positions: &[1.0; 2], means: &[0.0; 2], covariance: &skewed };
    assert!(book.decompose(0.99, Measure::ValueAtRisk).is_err(), "not symmetric");
}

fn returns(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-0.2..0.2_f64, length)
}

fn pairs(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((-0.2..0.2_f64, -0.2..0.2_f64), length)
}

proptest! {
    #[test]
    fn tails_are_ordered(returns in returns(1..200), a in 0.01..0.995_f64, b in 0.01..0.995_f64) {
        let low = HistoricalTail::new(&returns, a.min(b)).unwrap();
        let high = HistoricalTail::new(&returns, a.max(b)).unwrap();
        for convention in QUANTILES {
            prop_assert!(low.value_at_risk(convention) <= high.value_at_risk(convention) + 1e-15);
        }
        for convention in [ShortfallConvention::MeanOfWorst, ShortfallConvention::RockafellarUryasev] {
            prop_assert!(low.expected_shortfall(convention) <= high.expected_shortfall(convention) + 1e-12);
        }
        for (quantile, shortfall) in [
            (QuantileConvention::KthWorst, ShortfallConvention::MeanOfWorst),
            (QuantileConvention::Linear, ShortfallConvention::MeanBeyondLinearQuantile),
            (QuantileConvention::Linear, ShortfallConvention::RockafellarUryasev),
        ] {
            prop_assert!(high.value_at_risk(quantile) <= high.expected_shortfall(shortfall) + 1e-12);
        }
    }

    #[test]
    fn tails_move_and_scale_with_returns(returns in returns(1..200), shift in -1.0..1.0_f64, scale in 0.01..100.0_f64) {
        let plain = HistoricalTail::new(&returns, 0.95).unwrap();
        let moved: Vec<f64> = returns.iter().map(|value| scale * value + shift).collect();
        let moved = HistoricalTail::new(&moved, 0.95).unwrap();
        for convention in QUANTILES {
            let want = scale * plain.value_at_risk(convention) - shift;
            assert_close("value at risk", moved.value_at_risk(convention), want, (1e-10, 1e-12));
        }
        for convention in [ShortfallConvention::MeanOfWorst, ShortfallConvention::RockafellarUryasev] {
            let want = scale * plain.expected_shortfall(convention) - shift;
            assert_close("shortfall", moved.expected_shortfall(convention), want, (1e-10, 1e-12));
        }
    }

    #[test]
    fn the_order_of_returns_does_not_matter(returns in returns(3..200), seed in any::<u64>()) {
        let mut random = bulkhead_quant::random::SplitMix64::new(seed);
        let mut shuffled = returns.clone();
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, random.below(i + 1));
        }
        let (a, b) = (HistoricalTail::new(&returns, 0.9).unwrap(), HistoricalTail::new(&shuffled, 0.9).unwrap());
        for convention in QUANTILES {
            prop_assert_eq!(a.value_at_risk(convention).to_bits(), b.value_at_risk(convention).to_bits());
        }
        for convention in SHORTFALLS {
            assert_close("shortfall", a.expected_shortfall(convention), b.expected_shortfall(convention), ROUNDING);
        }
        let (a, b) = (Performance::of(&returns, &daily()).unwrap(), Performance::of(&shuffled, &daily()).unwrap());
        assert_close("sharpe", a.sharpe().unwrap(), b.sharpe().unwrap(), ROUNDING);
        assert_close("growth", a.cagr().unwrap(), b.cagr().unwrap(), ROUNDING);
    }

    #[test]
    fn components_sum_to_the_risk(
        positions in prop::array::uniform3(1.0..100.0_f64),
        means in prop::array::uniform3(-0.01..0.01_f64),
        level in 0.6..0.999_f64,
    ) {
        let covariance = three_assets();
        let book = Book { positions: &positions, means: &means, covariance: &covariance };
        for measure in [Measure::ValueAtRisk, Measure::ExpectedShortfall] {
            let parts = book.decompose(level, measure).unwrap();
            assert_close("sum", parts.component.iter().sum(), parts.total, ROUNDING);
            for i in 0..3 {
                let mut more = positions;
                more[i] += 1e-5;
                let raised = Book { positions: &more, ..book }.decompose(level, measure).unwrap().total;
                assert_close("marginal", parts.marginal[i], (raised - parts.total) / 1e-5, (1e-4, 1e-6));
                let mut without = positions;
                without[i] = 0.0;
                let left = Book { positions: &without, ..book }.decompose(level, measure).unwrap().total;
                assert_close("incremental", parts.incremental[i], parts.total - left, (1e-8, 1e-9));
            }
        }
    }

    #[test]
    fn historical_components_sum_to_the_shortfall(rows in prop::collection::vec(prop::array::uniform3(-0.2..0.2_f64), 1..60)) {
        let scenarios = Matrix::from_rows(&rows).unwrap();
        let parts = historical_decomposition(&scenarios, &[10.0, -5.0, 20.0], 0.9).unwrap();
        assert_close("sum", parts.component.iter().sum(), parts.expected_shortfall, ROUNDING);
        prop_assert!(parts.expected_shortfall >= parts.value_at_risk - 1e-12);
    }

    #[test]
    fn drawdowns_stay_between_minus_one_and_zero(returns in prop::collection::vec(-1.0..3.0_f64, 1..300)) {
        let depths = drawdowns(&returns).unwrap();
        prop_assert!(depths.iter().all(|depth| (-1.0..=0.0).contains(depth)));
        let worst = max_drawdown(&returns).unwrap();
        let deepest = depths.iter().copied().fold(0.0, f64::min);
        assert_close("deepest", worst.depth, deepest, ROUNDING);
        prop_assert!(worst.peak <= worst.trough);
        let measured = Performance::of(&returns, &daily()).unwrap();
        prop_assert!(measured.ulcer_index() <= -worst.depth + 1e-12);
    }

    #[test]
    fn a_rolling_measure_equals_the_direct_one(pairs in pairs(2..80), window in 2..30_usize) {
        let (returns, benchmark): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let window = window.min(returns.len());
        let moments = rolling_moments(&returns, window).unwrap();
        prop_assert_eq!(moments.len(), returns.len() - window + 1);
        let volatility = rolling_volatility(&returns, window, &daily()).unwrap();
        let sharpe = rolling_sharpe(&returns, window, &daily()).unwrap();
        let beta = rolling_beta(&returns, &benchmark, window).unwrap();
        let depth = rolling_max_drawdown(&returns, window).unwrap();
        let risk = rolling_value_at_risk(&returns, window, 0.95).unwrap();
        for (i, part) in returns.windows(window).enumerate() {
            let direct = Performance::of(part, &daily()).unwrap();
            assert_close("kurtosis", moments[i].excess_kurtosis().unwrap(), direct.moments().excess_kurtosis().unwrap(), (1e-9, 1e-9));
            assert_close("skewness", moments[i].skewness().unwrap(), direct.moments().skewness().unwrap(), (1e-9, 1e-9));
            assert_close("volatility", volatility[i], direct.volatility().unwrap(), ROUNDING);
            assert_close("sharpe", sharpe[i].unwrap(), direct.sharpe().unwrap(), ROUNDING);
            assert_close("depth", depth[i], direct.max_drawdown().depth, ROUNDING);
            let tail = HistoricalTail::new(part, 0.95).unwrap();
            assert_close("risk", risk[i], tail.value_at_risk(QuantileConvention::Linear), EXACT);
            let direct = CoMoments::of(part, &benchmark[i..i + window]).unwrap().beta().unwrap();
            assert_close("beta", beta[i].unwrap(), direct, (1e-9, 1e-9));
        }
    }
}
