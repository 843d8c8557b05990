//! The fit of a GARCH(1,1).

use crate::support::{assert_close, golden, number, numbers};
use bulkhead_quant::QuantError;
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::risk::garch::{Garch, HORIZON_MAX};
use proptest::prelude::*;

fn simulated(model: &Garch, count: usize, seed: u64) -> Vec<f64> {
    let mut random = SplitMix64::new(seed);
    let mut variance = model.long_run_variance().unwrap();
    let step = |_| {
        let residual = variance.sqrt() * random.normal();
        variance = model.omega + model.alpha * residual * residual + model.beta * variance;
        model.mean + residual
    };
    (0..count).map(step).collect()
}

#[test]
fn the_fit_is_that_of_arch() {
    let file = golden("garch");
    let returns: Vec<f64> = numbers(&golden("hmm")["obs"]).iter().map(|value| value * 100.0).collect();
    let fit = Garch::fit(&returns).unwrap();
    let want = number(&file["loglik"]);
    assert!(fit.log_likelihood >= want - 1e-9, "got {}, arch has {want}", fit.log_likelihood);
    assert_close("likelihood", fit.log_likelihood, want, (1e-11, 0.0));
    let parameter = |name: &str| number(&file["params"][name]);
    // arch stops its search where the likelihood changes by less than 1e-6, which leaves the last digits open.
    assert_close("mean", fit.model.mean, parameter("mu"), (1e-5, 0.0));
    assert_close("omega", fit.model.omega, parameter("omega"), (1e-6, 0.0));
    assert_close("alpha", fit.model.alpha, parameter("alpha[1]"), (1e-6, 0.0));
    assert_close("beta", fit.model.beta, parameter("beta[1]"), (1e-6, 0.0));
    assert_close("last", *fit.volatilities.last().unwrap(), number(&file["cond_vol_last"]), (1e-6, 0.0));
    // Errors and forecast as arch 8 prints them; its errors come from numerical derivatives.
    let errors = |errors: &Garch| [errors.mean, errors.omega, errors.alpha, errors.beta];
    let classic = [0.049_113_37, 0.018_655_9, 0.031_081_93, 0.028_007_49];
    let robust = [0.048_672_80, 0.028_021_30, 0.038_435_25, 0.035_798_82];
    for (got, want) in [(&fit.standard_errors, classic), (&fit.robust_standard_errors, robust)] {
        for (got, want) in errors(got).into_iter().zip(want) {
            assert_close("standard error", got, want, (1e-4, 0.0));
        }
    }
    let forecast = fit.model.forecast(fit.next_variance, 3).unwrap();
    for (got, want) in forecast.into_iter().zip([2.401_643_13, 2.439_095_03, 2.476_174_78]) {
        assert_close("forecast", got, want, (1e-6, 0.0));
    }
    let again = fit.model.volatilities(&returns).unwrap();
    for (got, want) in again.iter().zip(&fit.volatilities) {
        assert_close("volatility", *got, *want, (1e-9, 0.0));
    }
}

#[test]
fn at_the_best_fit_no_parameter_can_be_moved_to_advantage() {
    let returns = simulated(&Garch { mean: 0.05, omega: 0.05, alpha: 0.1, beta: 0.85 }, 2000, 5);
    let fit = Garch::fit(&returns).unwrap();
    let likelihood = |model: &Garch| {
        let variances = model.volatilities(&returns).unwrap();
        let terms = returns
            .iter()
            .zip(variances)
            .map(|(value, volatility)| 2.0 * volatility.ln() + ((value - model.mean) / volatility).powi(2));
        -0.5 * (terms.sum::<f64>() + 2000.0 * std::f64::consts::TAU.ln())
    };
    assert_close("likelihood", likelihood(&fit.model), fit.log_likelihood, (1e-12, 0.0));
    let nudges: [fn(&mut Garch, f64); 4] =
        [|m, by| m.mean += by, |m, by| m.omega += by, |m, by| m.alpha += by, |m, by| m.beta += by];
    for nudge in nudges {
        for by in [-1e-4, 1e-4] {
            let mut moved = fit.model;
            nudge(&mut moved, by);
            assert!(likelihood(&moved) < fit.log_likelihood, "{moved:?} is better than {:?}", fit.model);
        }
    }
}

#[test]
fn the_truth_lies_within_a_few_standard_errors() {
    let truth = Garch { mean: 0.05, omega: 0.05, alpha: 0.1, beta: 0.85 };
    let mut within = 0;
    for seed in 0..20 {
        let fit = Garch::fit(&simulated(&truth, 4000, seed)).unwrap();
        for errors in [&fit.standard_errors, &fit.robust_standard_errors] {
            let pairs = [
                (fit.model.mean, truth.mean, errors.mean),
                (fit.model.omega, truth.omega, errors.omega),
                (fit.model.alpha, truth.alpha, errors.alpha),
                (fit.model.beta, truth.beta, errors.beta),
            ];
            within += pairs.iter().filter(|(got, want, error)| (got - want).abs() < 2.0 * error).count();
        }
    }
    // Of 160 about 152 are expected.
    assert!((142..160).contains(&within), "{within} of 160 within two standard errors");
}

#[test]
fn the_unit_of_returns_does_not_matter() {
    let returns = simulated(&Garch { mean: 0.05, omega: 0.05, alpha: 0.1, beta: 0.85 }, 1000, 9);
    let plain = Garch::fit(&returns).unwrap();
    for unit in [1e-6, 1e-2, 1e8] {
        let scaled: Vec<f64> = returns.iter().map(|value| value * unit).collect();
        let fit = Garch::fit(&scaled).unwrap();
        assert_close("mean", fit.model.mean, plain.model.mean * unit, (1e-6, 0.0));
        assert_close("omega", fit.model.omega, plain.model.omega * unit * unit, (1e-6, 0.0));
        assert_close("alpha", fit.model.alpha, plain.model.alpha, (1e-6, 0.0));
        let error = plain.robust_standard_errors.beta;
        assert_close("error", fit.robust_standard_errors.beta, error, (1e-5, 0.0));
    }
}

#[test]
fn a_forecast_goes_from_the_next_variance_to_the_long_run() {
    let model = Garch { mean: 0.0, omega: 0.1, alpha: 0.1, beta: 0.8 };
    let forecast = model.forecast(3.0, 200).unwrap();
    assert_close("first", forecast[0], 3.0, (1e-12, 0.0));
    assert_close("second", forecast[1], 0.1 + 0.9 * 3.0, (1e-12, 0.0));
    assert_close("last", forecast[199], 1.0, (1e-8, 0.0));
    assert!(model.forecast(1.0, HORIZON_MAX + 1).is_err());
    assert!(Garch { beta: 0.9, ..model }.forecast(1.0, 1).is_err(), "not stationary");
    assert!(Garch { omega: 0.0, ..model }.volatilities(&[1.0]).is_err());
}

#[test]
fn the_edge_of_the_model_is_named() {
    // Variance that follows the last return only, none that follows any, and one that never settles.
    let cases = [
        (Garch { mean: 0.0, omega: 0.5, alpha: 0.5, beta: 0.0 }, "beta is zero"),
        (Garch { mean: 0.0, omega: 1.0, alpha: 0.0, beta: 0.0 }, "variance does not follow past returns"),
        (Garch { mean: 0.0, omega: 0.000_1, alpha: 0.3, beta: 0.699_9 }, "not stationary"),
    ];
    for (model, why) in cases {
        let refusals = (0..20).filter_map(|seed| Garch::fit(&simulated(&model, 1000, seed)).err());
        let refusals: Vec<String> = refusals.map(|error| error.to_string()).collect();
        assert!(refusals.iter().filter(|refusal| refusal.contains(why)).count() >= 5, "{why}: {refusals:?}");
    }
}

#[test]
fn what_is_no_garch_is_refused() {
    assert!(matches!(Garch::fit(&[0.1; 200]), Err(QuantError::Constant { .. })));
    assert!(matches!(Garch::fit(&[0.1; 10]), Err(QuantError::TooFew { .. })));
    let mut hole = vec![0.1; 200];
    hole[7] = f64::NAN;
    assert!(matches!(Garch::fit(&hole), Err(QuantError::NotFinite { .. })));
    let alternating: Vec<f64> = (0..500).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    assert!(
        matches!(Garch::fit(&alternating), Err(QuantError::NotIdentified { .. })),
        "{:?}",
        Garch::fit(&alternating)
    );
    let explosive: Vec<f64> =
        (0..500).map(|i| 1.02_f64.powi(i) * if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    assert!(
        matches!(Garch::fit(&explosive), Err(QuantError::NotIdentified { .. })),
        "{:?}",
        Garch::fit(&explosive)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_parameters_break_a_known_model(
        parameters in prop::array::uniform5(prop_oneof![0.0..1.0_f64, any::<f64>()]),
        returns in prop::collection::vec(prop_oneof![-1.0..1.0_f64, any::<f64>()], 0..20),
        horizon in 0..50_usize,
    ) {
        let [mean, omega, alpha, beta, next] = parameters;
        let model = Garch { mean, omega, alpha, beta };
        for result in [model.volatilities(&returns), model.forecast(next, horizon)] {
            prop_assert!(result.is_err() || result.is_ok_and(|values| values.iter().all(|value| value.is_finite())));
        }
    }

    #[test]
    fn no_series_breaks_the_fit(
        values in prop::collection::vec(
            prop_oneof![
                6 => -1.0..1.0_f64,
                1 => prop::sample::select(vec![0.0, 1.0, 1e3, -1e10, 1e-300]),
            ],
            0..150,
        ),
        wild in prop::option::weighted(0.2, any::<f64>()),
    ) {
        let values: Vec<f64> = values.into_iter().chain(wild).collect();
        if let Ok(fit) = Garch::fit(&values) {
            let Garch { mean, omega, alpha, beta } = fit.model;
            prop_assert!([mean, omega, alpha, beta, fit.log_likelihood, fit.next_variance].iter().all(|value| value.is_finite()));
            prop_assert!(alpha > 0.0 && beta >= 0.0 && alpha + beta < 1.0 && omega > 0.0);
            prop_assert!(fit.volatilities.iter().all(|value| value.is_finite() && *value > 0.0));
            prop_assert!(fit.model.forecast(fit.next_variance, 10).unwrap().iter().all(|value| *value > 0.0));
        }
    }
}
