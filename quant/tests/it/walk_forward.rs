//! Validation that must not look ahead.

use crate::learn_support::{GO_ON, Samples};
use bulkhead_quant::learn::forest::{ForestOptions, RandomForestClassifier, RandomForestRegressor};
use bulkhead_quant::learn::logistic::LogisticRegression;
use bulkhead_quant::learn::lstm::{Lstm, LstmOptions, SequenceProblem};
use bulkhead_quant::learn::walk_forward::{Forecast, TrainingRows, WalkForward};
use bulkhead_quant::learn::{Forecaster, metric};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::{Matrix, QuantError};
use proptest::prelude::*;

fn plan(training: TrainingRows) -> WalkForward {
    WalkForward { training, train_count: 60, test_count: 20, purge: 3, embargo: 2 }
}

fn up_or_down(targets: &[f64]) -> Vec<bool> {
    targets.iter().map(|target| *target > 0.0).collect()
}

fn logistic(features: &Matrix, targets: &[f64]) -> Result<LogisticRegression, QuantError> {
    LogisticRegression::fit(features, &up_or_down(targets), 1.0)
}

fn classifier(features: &Matrix, targets: &[f64]) -> Result<RandomForestClassifier, QuantError> {
    let classes: Vec<usize> = up_or_down(targets).into_iter().map(usize::from).collect();
    let options = ForestOptions { tree_count: 10, ..ForestOptions::default() };
    RandomForestClassifier::fit(features, &classes, &options, GO_ON)
}

fn regressor(features: &Matrix, targets: &[f64]) -> Result<RandomForestRegressor, QuantError> {
    let options = ForestOptions { tree_count: 10, ..ForestOptions::default() };
    RandomForestRegressor::fit(features, targets, &options, GO_ON)
}

fn net(features: &Matrix, targets: &[f64]) -> Result<Lstm, QuantError> {
    let options = LstmOptions { hidden: 2, window: 3, epochs_max: 2, ..LstmOptions::default() };
    Lstm::fit(SequenceProblem { features, targets }, &options, GO_ON).map(|fit| fit.net)
}

fn run<M: Forecaster>(
    samples: &Samples,
    learn: fn(&Matrix, &[f64]) -> Result<M, QuantError>,
    training: TrainingRows,
) -> Vec<Forecast> {
    plan(training).run((&samples.features, &samples.targets), learn, GO_ON).unwrap()
}

/// Whatever happens from a row on, forecasts of rows before it stay as they are.
fn assert_blind<M: Forecaster>(learn: fn(&Matrix, &[f64]) -> Result<M, QuantError>) {
    for training in [TrainingRows::Expanding, TrainingRows::Rolling] {
        let mut samples = Samples::new(200, 4, 6);
        let before = run(&samples, learn, training);
        let mut random = SplitMix64::new(1);
        for row in 150..200 {
            samples.features.row_mut(row).fill_with(|| 1e3 * random.normal());
            samples.targets[row] *= -5.0;
        }
        let after = run(&samples, learn, training);
        let past = before.iter().take_while(|forecast| forecast.row < 150).count();
        assert_eq!(before[..past], after[..past]);
        assert!(past == 85 && before[past..] != after[past..], "the change is seen when it comes");
    }
}

#[test]
fn the_future_changes_no_forecast_of_the_past() {
    assert_blind(logistic);
    assert_blind(classifier);
    assert_blind(regressor);
    assert_blind(net);
}

/// The target is a sum over the next rows; a feature holds noise plus the part of it that lies beyond the training.
#[test]
fn purging_takes_away_what_overlapping_labels_leak() {
    let mut random = SplitMix64::new(12);
    let count = 3000;
    let horizon = 10;
    let shocks: Vec<f64> = (0..count + horizon).map(|_| random.normal()).collect();
    let targets: Vec<f64> = (0..count).map(|row| shocks[row..row + horizon].iter().sum()).collect();
    // The row's number lets a tree find the nearest labels, which share shocks with the test's.
    let features = Matrix::new(count, 1, (0..count).map(|row| row as f64).collect()).unwrap();
    let skill = |purge| {
        let plan = WalkForward {
            training: TrainingRows::Rolling,
            train_count: 200,
            test_count: 1,
            purge,
            embargo: 0,
        };
        let learn = |features: &Matrix, targets: &[f64]| {
            let options = ForestOptions { tree_count: 5, ..ForestOptions::default() };
            RandomForestRegressor::fit(features, targets, &options, GO_ON)
        };
        let forecasts = plan.run((&features, &targets), learn, GO_ON).unwrap();
        let said: Vec<f64> = forecasts.iter().map(|forecast| forecast.forecast).collect();
        let came: Vec<f64> = forecasts.iter().map(|forecast| forecast.actual).collect();
        metric::r_squared(&said, &came).unwrap()
    };
    assert!(skill(0) > 0.5, "without a purge the labels leak: {}", skill(0));
    assert!(skill(horizon) < 0.0, "with one there is nothing to know: {}", skill(horizon));
}

#[test]
fn what_cannot_be_walked_is_refused() {
    let samples = Samples::new(60, 2 + 2, 1);
    let refused = |plan: WalkForward| plan.windows(60).unwrap_err();
    let sound = plan(TrainingRows::Rolling);
    assert!(matches!(refused(sound.clone()), QuantError::TooFew { .. }));
    let short = WalkForward { train_count: 20, ..sound };
    assert!(matches!(refused(WalkForward { test_count: 0, ..short.clone() }), QuantError::TooFew { .. }));
    assert!(matches!(refused(WalkForward { purge: usize::MAX, ..short.clone() }), QuantError::TooFew { .. }));
    assert!(matches!(
        WalkForward { test_count: 1, ..short.clone() }.windows(10_000_000),
        Err(QuantError::TooMany { .. })
    ));
    let stopped = short.run((&samples.features, &samples.targets), logistic, &|| true);
    assert_eq!(stopped.unwrap_err(), QuantError::Cancelled);
    let unequal = short.run((&samples.features, &samples.targets[1..]), logistic, GO_ON);
    assert!(matches!(unequal, Err(QuantError::LengthMismatch { .. })));
}

proptest! {
    #[test]
    fn windows_never_reach_forward(
        is_rolling: bool,
        (train_count, test_count) in (0..50_usize, 0..50_usize),
        (purge, embargo) in (0..20_usize, 0..20_usize),
        row_count in 0..400_usize,
    ) {
        let training = if is_rolling { TrainingRows::Rolling } else { TrainingRows::Expanding };
        let plan = WalkForward { training, train_count, test_count, purge, embargo };
        let Ok(windows) = plan.windows(row_count) else {
            prop_assert!(train_count < 2 || test_count < 1 || train_count + purge + embargo >= row_count);
            return Ok(());
        };
        let mut next = train_count + purge + embargo;
        for window in windows {
            prop_assert_eq!(window.test.start, next, "tests follow each other");
            prop_assert!(!window.test.is_empty() && window.test.len() <= test_count);
            prop_assert_eq!(window.train.end + purge + embargo, window.test.start);
            prop_assert!(window.train.len() >= train_count);
            prop_assert!(!is_rolling || window.train.len() == train_count);
            next = window.test.end;
        }
        prop_assert_eq!(next, row_count);
    }
}
