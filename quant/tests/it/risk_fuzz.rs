//! Whatever floats are thrown at the measures of risk: an answer that is finite, or an error.

use crate::risk::{ESTIMATORS, QUANTILES, SHORTFALLS};
use bulkhead_quant::risk::component::{Book, Measure, historical_decomposition};
use bulkhead_quant::risk::drawdown::{drawdowns, under_water};
use bulkhead_quant::risk::ewma::ewma_volatilities;
use bulkhead_quant::risk::exposure::Exposure;
use bulkhead_quant::risk::moments::{Divisor, Moments};
use bulkhead_quant::risk::monte_carlo::{Law, Simulation, simulated_profits, simulated_tail};
use bulkhead_quant::risk::parametric::Shape;
use bulkhead_quant::risk::performance::{Convention, Performance, gain_loss_ratio, tail_ratio};
use bulkhead_quant::risk::range::{Bar, realised_variance, realised_volatility};
use bulkhead_quant::risk::relative::Relative;
use bulkhead_quant::risk::rolling::{
    rolling_beta, rolling_max_drawdown, rolling_sharpe, rolling_value_at_risk, rolling_volatility,
};
use bulkhead_quant::risk::tail::{HistoricalTail, QuantileConvention};
use bulkhead_quant::{Matrix, QuantError};
use proptest::prelude::*;

/// Whatever a float can be.
fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1.0..1.0_f64,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 1e-310, 1e160, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ]
}

fn finite_or_refused(what: &str, results: &[Result<f64, QuantError>]) {
    for value in results.iter().flatten() {
        assert!(value.is_finite(), "{what}: {value}");
    }
}

fn all_finite(what: &str, result: &Result<Vec<f64>, QuantError>) {
    for value in result.iter().flatten() {
        assert!(value.is_finite(), "{what}: {value}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_series_breaks_a_measure(
        values in prop::collection::vec(anything(), 0..40),
        others in prop::collection::vec(anything(), 0..40),
        level in anything(),
        parameters in prop::array::uniform2(anything()),
        window in 0..50_usize,
    ) {
        let convention = Convention {
            periods_per_year: parameters[0],
            risk_free_per_period: parameters[1],
            divisor: Divisor::ObservationsLessOne,
        };
        if let Ok(tail) = HistoricalTail::new(&values, level) {
            finite_or_refused("tail", &QUANTILES.map(|convention| Ok(tail.value_at_risk(convention))));
            finite_or_refused("tail", &SHORTFALLS.map(|convention| Ok(tail.expected_shortfall(convention))));
        }
        if let Ok(moments) = Moments::of(&values) {
            finite_or_refused("moments", &[moments.skewness(), moments.excess_kurtosis(), moments.deviation(Divisor::Observations)]);
            if let Ok(shape) = Shape::of(&moments, Divisor::Observations) {
                for risk in [shape.normal_risk(level), shape.cornish_fisher_risk(level)].into_iter().flatten() {
                    finite_or_refused("shape", &[Ok(risk.value_at_risk), Ok(risk.expected_shortfall)]);
                }
            }
        }
        if let Ok(measured) = Performance::of(&values, &convention) {
            finite_or_refused("performance", &[
                measured.sharpe(), measured.sortino(), measured.omega(), measured.cagr(), measured.calmar(),
                measured.volatility(), Ok(measured.ulcer_index()),
                Ok(measured.hit_rate()), Ok(measured.max_drawdown().depth),
            ]);
        }
        if let Ok(relative) = Relative::of(&values, &others, &convention) {
            finite_or_refused("relative", &[
                relative.alpha(), relative.beta(), relative.tracking_error(), relative.information_ratio(),
                relative.together().correlation(), relative.together().covariance(Divisor::Observations),
            ]);
        }
        finite_or_refused("ratios", &[tail_ratio(&values), gain_loss_ratio(&values)]);
        all_finite("drawdowns", &drawdowns(&values));
        drop(under_water(&values));
        all_finite("volatility", &ewma_volatilities(&values, level));
        all_finite("rolling volatility", &rolling_volatility(&values, window, &convention));
        all_finite("rolling drawdown", &rolling_max_drawdown(&values, window));
        all_finite("rolling risk", &rolling_value_at_risk(&values, window, level));
        all_finite("rolling beta", &rolling_beta(&values, &others, window).map(|all| all.into_iter().flatten().collect()));
        all_finite("rolling sharpe", &rolling_sharpe(&values, window, &convention).map(|all| all.into_iter().flatten().collect()));
        if let Ok(book) = Exposure::of(&values) {
            finite_or_refused("exposure", &[Ok(book.herfindahl), Ok(book.largest_share), book.leverage(level), book.net_leverage(level)]);
        }
        let bars: Vec<Bar> = values.chunks_exact(4).map(|part| Bar { open: part[0], high: part[1], low: part[2], close: part[3] }).collect();
        for estimator in ESTIMATORS {
            finite_or_refused("bars", &[realised_volatility(&bars, estimator, parameters[0])]);
        }
    }

    #[test]
    fn no_prices_break_a_bar(prices in prop::collection::vec(prop::array::uniform4(prop_oneof![1e-308..1e308_f64, 0.5..2.0_f64]), 0..8)) {
        let bars: Vec<Bar> = prices
            .iter()
            .map(|[a, b, c, d]| Bar { open: *a, close: *b, high: a.max(*b).max(*c), low: a.min(*b).min(*d) })
            .collect();
        for estimator in ESTIMATORS {
            finite_or_refused("bars", &[realised_variance(&bars, estimator)]);
        }
    }

    #[test]
    fn no_book_breaks_its_decomposition(
        entries in prop::collection::vec(anything(), 9),
        positions in prop::collection::vec(anything(), 0..4),
        means in prop::collection::vec(anything(), 0..4),
        freedom in anything(),
        level in anything(),
    ) {
        let Ok(square) = Matrix::new(3, 3, entries) else { return Ok(()) };
        let symmetric = Matrix::from_rows(&[
            [square[(0, 0)], square[(1, 0)], square[(2, 0)]],
            [square[(1, 0)], square[(1, 1)], square[(2, 1)]],
            [square[(2, 0)], square[(2, 1)], square[(2, 2)]],
        ]).unwrap();
        for covariance in [&square, &symmetric] {
            let book = Book { positions: &positions, means: &means, covariance };
            if let Ok(parts) = book.decompose(level, Measure::ValueAtRisk) {
                all_finite("parts", &Ok([parts.marginal, parts.component, parts.incremental].concat()));
            }
            if let Ok(parts) = historical_decomposition(covariance, &positions, level) {
                all_finite("parts", &Ok(parts.component));
            }
            for law in [Law::Normal, Law::StudentT { degrees_of_freedom: freedom }] {
                let simulation = Simulation { law, paths: 20, seed: 1 };
                if let Ok(tail) = simulated_tail(&book, &simulation, level) {
                    finite_or_refused("simulated", &[Ok(tail.value_at_risk(QuantileConvention::Linear))]);
                }
                all_finite("profits", &simulated_profits((&means, covariance), &simulation, |returns| returns.iter().sum()));
            }
        }
    }
}
