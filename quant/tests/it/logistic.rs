//! Logistic regression, calibration and metrics against scikit-learn 1.9.1, and what must hold of them.

use crate::learn_support::{Samples, any_number, any_numbers, matrix_of};
use crate::support::assert_close;
use bulkhead_quant::learn::calibration::{
    IsotonicScaling, PlattScaling, expected_calibration_error, reliability,
};
use bulkhead_quant::learn::logistic::{LogisticRegression, StoredLogistic};
use bulkhead_quant::learn::metric;
use bulkhead_quant::learn::scale::Standardizer;
use bulkhead_quant::{Matrix, QuantError};
use proptest::prelude::*;

/// The first four features of the first 500 rows.
fn samples() -> (Matrix, Vec<bool>) {
    let all = Samples::new(4000, 20, 1);
    let rows: Vec<&[f64]> = (0..500).map(|row| &all.features.row(row)[..4]).collect();
    (Matrix::from_rows(&rows).unwrap(), all.outcomes()[..500].to_vec())
}

#[test]
fn weights_and_metrics_are_scikit_learns() {
    let (features, outcomes) = samples();
    let model = LogisticRegression::fit(&features, &outcomes, 2.0).unwrap();
    let weights = [
        -0.135_750_225_085_993_66,
        -0.126_751_347_619_998_65,
        0.304_636_344_439_095_2,
        0.559_573_357_810_652_3,
    ];
    for (got, want) in model.weights().iter().zip(weights) {
        assert_close("weight", *got, want, (0.0, 1e-12));
    }
    let errors = [0.093_290_026_231_309_91, 0.093_616_936_127_077_17, 0.094_677_532_179_814_53];
    for (got, want) in model.standard_errors().iter().zip(errors) {
        assert_close("standard error", *got, want, (0.0, 1e-9));
    }
    assert_close("intercept", model.intercept(), -0.043_762_981_808_664_225, (0.0, 1e-12));
    let probabilities: Vec<f64> = (0..500).map(|row| model.probability(features.row(row)).unwrap()).collect();
    for (got, want) in probabilities.iter().zip([0.304_889_670_162_864_6, 0.735_448_239_046_954_9]) {
        assert_close("probability", *got, want, (0.0, 1e-12));
    }
    let close = |got: Result<f64, QuantError>, want| assert_close("metric", got.unwrap(), want, (0.0, 1e-12));
    close(metric::area_under_curve(&probabilities, &outcomes), 0.681_584_633_854_541_4);
    close(metric::brier(&probabilities, &outcomes), 0.225_621_112_697_685_96);
    close(metric::log_loss(&probabilities, &outcomes), 0.642_680_308_081_377_9);
    close(metric::accuracy(&probabilities, &outcomes), 0.622);
}

#[test]
fn calibrations_are_scikit_learns() {
    let all = Samples::new(4000, 20, 1);
    let scores: Vec<f64> = (0..200).map(|row| all.features[(row, 2)]).collect();
    let outcomes = &all.outcomes()[..200];
    let isotonic = IsotonicScaling::fit(&scores, outcomes).unwrap();
    let want = [
        (-3.0, 0.0),
        (-1.0, 5.0 / 18.0),
        (0.0, 5.0 / 11.0),
        (0.3, 0.621_052_631_578_947_4),
        (2.5, 59.0 / 95.0),
    ];
    for (score, want) in want {
        assert_close("isotonic", isotonic.probability(score).unwrap(), want, (0.0, 1e-12));
    }
    let platt = PlattScaling::fit(&scores, outcomes).unwrap();
    for score in [-2.0, 0.0, 1.5] {
        let z: f64 = -0.219_799_520_362_349_37 * score + 0.128_281_151_212_058_63;
        assert_close("Platt", platt.probability(score).unwrap(), 1.0 / (1.0 + z.exp()), (0.0, 1e-6));
    }
    let text = serde_json::to_string(&(&isotonic, &platt)).unwrap();
    assert_eq!(serde_json::from_str::<(IsotonicScaling, PlattScaling)>(&text).unwrap(), (isotonic, platt));
    let falling = r#"{"scores":[0.0,1.0],"probabilities":[0.5,0.4]}"#;
    assert!(serde_json::from_str::<IsotonicScaling>(falling).is_err());
    assert!(serde_json::from_str::<IsotonicScaling>(r#"{"scores":[],"probabilities":[]}"#).is_err());
}

#[test]
fn overconfident_scores_are_calibrated() {
    let mut random = bulkhead_quant::random::SplitMix64::new(3);
    let truth: Vec<f64> = (0..20_000).map(|_| random.uniform()).collect();
    let outcomes: Vec<bool> = truth.iter().map(|p| random.uniform() < *p).collect();
    let claimed: Vec<f64> = truth.iter().map(|p| p.powi(3) / (p.powi(3) + (1.0 - p).powi(3))).collect();
    let log_odds: Vec<f64> = claimed.iter().map(|p| (p / (1.0 - p)).clamp(1e-9, 1e9).ln()).collect();
    let platt = PlattScaling::fit(&log_odds, &outcomes).unwrap();
    let isotonic = IsotonicScaling::fit(&claimed, &outcomes).unwrap();
    let error = |probabilities: &[f64]| expected_calibration_error(probabilities, &outcomes, 20).unwrap();
    assert!(error(&claimed) > 0.12, "{}", error(&claimed));
    let platt: Vec<f64> = log_odds.iter().map(|score| platt.probability(*score).unwrap()).collect();
    let isotonic: Vec<f64> = claimed.iter().map(|score| isotonic.probability(*score).unwrap()).collect();
    assert!(error(&platt) < 0.015 && error(&isotonic) < 0.015, "{} {}", error(&platt), error(&isotonic));
    let bins = reliability(&claimed, &outcomes, 20).unwrap();
    assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), 20_000);
}

#[test]
fn separable_classes_need_a_penalty() {
    let rows: Vec<[f64; 2]> = (0..40).map(|at| [f64::from(at), 3.0]).collect();
    let features = Matrix::from_rows(&rows).unwrap();
    let outcomes: Vec<bool> = (0..40).map(|at| at >= 20).collect();
    let model = LogisticRegression::fit(&features, &outcomes, 0.5).unwrap();
    assert!(model.probability(&[0.0, 3.0]).unwrap() < 0.1 && model.probability(&[39.0, 3.0]).unwrap() > 0.9);
    assert_eq!(model.weights()[1..], [0.0], "a constant feature has no weight");
    assert!(model.standard_errors()[0] > 0.0);
    assert!(LogisticRegression::fit(&features, &outcomes, 0.0).is_err());
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<LogisticRegression>(&text).unwrap(), model);
    let later = StoredLogistic { version: 2, ..model.into() };
    assert!(matches!(LogisticRegression::try_from(later), Err(QuantError::UnknownModel { .. })));
    let constant = LogisticRegression::fit(&features, &[true; 40], 1.0);
    assert_eq!(constant.unwrap_err(), QuantError::Constant { what: "outcome" });
    let single = LogisticRegression::fit(&Matrix::zeros(1, 1), &[true], 1.0);
    assert!(matches!(single, Err(QuantError::TooFew { .. })));
    assert!(matches!(
        LogisticRegression::fit(&features, &[true], 1.0),
        Err(QuantError::LengthMismatch { .. })
    ));
}

#[test]
fn metrics_of_plain_cases() {
    let outcomes = [true, false, true, false];
    assert_eq!(metric::area_under_curve(&[0.5; 4], &outcomes), Ok(0.5));
    assert_eq!(metric::area_under_curve(&[0.9, 0.1, 0.8, 0.2], &outcomes), Ok(1.0));
    assert_eq!(metric::r_squared(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), Ok(1.0));
    assert_eq!(metric::r_squared(&[2.0; 3], &[1.0, 2.0, 3.0]), Ok(0.0));
    assert_eq!(metric::mean_absolute_error(&[1.0, 2.0], &[2.0, 4.0]), Ok(1.5));
    assert!(metric::r_squared(&[1.0; 3], &[2.0; 3]).is_err());
    assert!(metric::area_under_curve(&[0.1, 0.2], &[true, true]).is_err());
    assert!(metric::log_loss(&[0.0, 1.0], &[true, false]).unwrap().is_finite());
    assert!(metric::accuracy(&[1.5], &[true]).is_err() && metric::brier(&[], &[]).is_err());
}

proptest! {
    #[test]
    fn isotonic_probabilities_rise(seed: u64, count in 1..200_usize, first in -4.0..4.0_f64, second in -4.0..4.0_f64) {
        let mut random = bulkhead_quant::random::SplitMix64::new(seed);
        let scores: Vec<f64> = (0..count).map(|_| (4.0 * random.normal()).round() / 4.0).collect();
        let outcomes: Vec<bool> = scores.iter().map(|score| score + random.normal() > 0.0).collect();
        let isotonic = IsotonicScaling::fit(&scores, &outcomes).unwrap();
        let (low, high) = (first.min(second), first.max(second));
        let (low, high) = (isotonic.probability(low).unwrap(), isotonic.probability(high).unwrap());
        prop_assert!((0.0..=1.0).contains(&low) && low <= high && high <= 1.0);
    }

    #[test]
    fn learning_from_anything_never_panics(
        numbers in any_numbers(60),
        signs in prop::collection::vec(any::<bool>(), 0..60),
        columns in 1..4_usize,
        penalty in any_number(),
    ) {
        let features = matrix_of(&numbers, columns);
        let fitting = &signs[..signs.len().min(features.rows())];
        for penalty in [penalty, 1.0] {
            if let Ok(model) = LogisticRegression::fit(&features, fitting, penalty) {
                if let Ok(p) = model.probability(features.row(0)) {
                    prop_assert!((0.0..=1.0).contains(&p));
                }
                prop_assert!(model.standard_errors().iter().all(|error| error.is_finite()));
            }
        }
        let fitting = &signs[..signs.len().min(numbers.len())];
        let scores = &numbers[..fitting.len()];
        if let Ok(platt) = PlattScaling::fit(scores, fitting)
            && let Ok(p) = platt.probability(penalty) {
            prop_assert!((0.0..=1.0).contains(&p));
        }
        if let Ok(isotonic) = IsotonicScaling::fit(scores, fitting)
            && let Ok(p) = isotonic.probability(penalty) {
            prop_assert!((0.0..=1.0).contains(&p));
        }
        if let Ok(scale) = Standardizer::fit(&features)
            && let Ok(scaled) = scale.apply_rows(&features) {
            prop_assert!(scaled.as_slice().iter().all(|value| value.is_finite()));
        }
        let actual: Vec<f64> = scores.iter().rev().copied().collect();
        let results = [
            metric::accuracy(scores, fitting), metric::brier(scores, fitting), metric::log_loss(scores, fitting),
            metric::area_under_curve(scores, fitting), metric::r_squared(scores, &actual),
            metric::mean_absolute_error(scores, &actual), expected_calibration_error(scores, fitting, 7),
        ];
        for value in results.into_iter().flatten() {
            prop_assert!(value.is_finite());
        }
    }

    #[test]
    fn a_stored_regression_of_any_numbers_never_panics(
        weights in any_numbers(4), scales in any_numbers(4), row in any_numbers(4), intercept in any_number(),
    ) {
        let list = |values: &[f64]| serde_json::to_string(values).unwrap();
        let text = format!(
            r#"{{"version":1,"scale":{{"means":{w},"scales":{s}}},"weights":{w},"intercept":{i},"standard_errors":{w}}}"#,
            w = list(&weights), s = list(&scales), i = serde_json::to_string(&intercept).unwrap(),
        );
        if let Ok(model) = serde_json::from_str::<LogisticRegression>(&text)
            && let Ok(p) = model.probability(&row) {
            prop_assert!((0.0..=1.0).contains(&p));
        }
    }
}
