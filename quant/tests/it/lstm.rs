//! The recurrent net against its equations in numpy, and what it learns.

use crate::learn_support::{GO_ON, any_number, any_numbers, matrix_of};
use crate::support::{assert_close, golden, number, numbers, table};
use bulkhead_quant::learn::lstm::{
    Lstm, LstmOptions, LstmState, LstmWeights, STORED_VERSION, SequenceProblem, StoredLstm,
};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::{Matrix, QuantError};
use proptest::prelude::*;

fn imported() -> (Lstm, serde_json::Value) {
    let golden = golden("lstm");
    let (inputs, hidden) = (numbers(&golden["b_ih"]), numbers(&golden["b_hh"]));
    let weights = LstmWeights {
        input: Matrix::from_rows(&table(&golden["W_ih"])).unwrap(),
        recurrent: Matrix::from_rows(&table(&golden["W_hh"])).unwrap(),
        bias: inputs.iter().zip(hidden).map(|(a, b)| a + b).collect(),
        output: table(&golden["W_out"])[0].clone(),
        output_bias: numbers(&golden["b_out"])[0],
    };
    (Lstm::from_weights(&weights, 10).unwrap(), golden)
}

#[test]
fn imported_weights_give_what_numpy_gives() {
    let (net, golden) = imported();
    let rows = table(&golden["x"]);
    let mut state = net.state();
    let mut forecast = 0.0;
    for (row, want) in rows.iter().zip(table(&golden["h"])) {
        forecast = net.step(&mut state, row).unwrap();
        for (got, want) in state.hidden().iter().zip(want) {
            assert_close("hidden state", *got, want, (0.0, 1e-14));
        }
    }
    for (got, want) in state.cell().iter().zip(numbers(&golden["c_T"])) {
        assert_close("cell", *got, want, (0.0, 1e-14));
    }
    assert_close("forecast", forecast, number(&golden["y"][0]), (0.0, 1e-14));
    assert_eq!(net.predict(&rows).unwrap().to_bits(), forecast.to_bits());
}

/// A noisy sine, and as the target its next value.
fn sine(count: usize, noise: f64) -> (Matrix, Vec<f64>) {
    let mut random = SplitMix64::new(4);
    let mut value = |at: usize| 100.0 + 5.0 * (0.3 * at as f64).sin() + noise * random.normal();
    let series: Vec<f64> = (0..=count).map(&mut value).collect();
    (Matrix::new(count, 1, series[..count].to_vec()).unwrap(), series[1..].to_vec())
}

fn options() -> LstmOptions {
    LstmOptions { hidden: 8, window: 10, epochs_max: 60, ..LstmOptions::default() }
}

#[test]
fn a_sine_is_learnt() {
    let (features, targets) = sine(400, 0.05);
    let problem = SequenceProblem { features: &features, targets: &targets };
    let fit = Lstm::fit(problem, &options(), GO_ON).unwrap();
    // The noise is 0.0002 of the variance; the last value would leave 0.09, and the mean 1.
    assert!(fit.validation_error < 0.01, "{} after {} passes", fit.validation_error, fit.epochs);
    let rows: Vec<&[f64]> = (300..310).map(|row| features.row(row)).collect();
    assert_close("next", fit.net.predict(&rows).unwrap(), targets[309], (0.0, 1.0));
    let text = serde_json::to_string(&fit.net).unwrap();
    assert_eq!(serde_json::from_str::<Lstm>(&text).unwrap(), fit.net);
}

#[test]
fn what_a_net_must_remember_is_learnt() {
    let mut random = SplitMix64::new(2);
    let signs: Vec<f64> = (0..1200).map(|_| if random.uniform() < 0.5 { -1.0 } else { 1.0 }).collect();
    let targets: Vec<f64> =
        (0..1200).map(|at: usize| if at < 3 { 0.0 } else { signs[at] * signs[at - 3] }).collect();
    let features = Matrix::new(1200, 1, signs).unwrap();
    let options = LstmOptions { window: 4, epochs_max: 100, patience: 100, ..options() };
    let fit = Lstm::fit(SequenceProblem { features: &features, targets: &targets }, &options, GO_ON).unwrap();
    assert!(fit.validation_error < 0.1, "a product with the third sign before: {}", fit.validation_error);
}

#[test]
fn training_does_not_depend_on_threads_and_stops_early() {
    let (features, targets) = sine(150, 2.0);
    let train = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let problem = SequenceProblem { features: &features, targets: &targets };
        let options = LstmOptions { patience: 3, epochs_max: 1000, purge: 1, ..options() };
        pool.install(|| Lstm::fit(problem, &options, GO_ON).unwrap())
    };
    let fit = train(1);
    assert_eq!(fit, train(3));
    assert!(fit.epochs < 1000, "noise is not learnt for ever");
}

#[test]
fn validation_does_not_scale_training() {
    let (mut features, mut targets) = sine(150, 0.1);
    let fit = |features: &Matrix, targets: &[f64]| {
        let options = LstmOptions { epochs_max: 1, ..options() };
        Lstm::fit(SequenceProblem { features, targets }, &options, GO_ON).unwrap().net
    };
    let before = fit(&features, &targets);
    for row in 125..150 {
        features[(row, 0)] *= -7.0;
        targets[row] = 1e6;
    }
    assert_eq!(fit(&features, &targets), before, "one pass sees nothing of the validation rows");
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let (features, targets) = sine(50, 0.1);
    let fit = |targets: &[f64], options: &LstmOptions| {
        Lstm::fit(SequenceProblem { features: &features, targets }, options, GO_ON).unwrap_err()
    };
    assert!(matches!(fit(&[1.0; 50], &options()), QuantError::Constant { .. }));
    assert!(matches!(fit(&targets[1..], &options()), QuantError::LengthMismatch { .. }));
    assert!(matches!(fit(&[f64::NAN; 50], &options()), QuantError::NotFinite { .. }));
    assert!(matches!(fit(&targets, &LstmOptions { window: 49, ..options() }), QuantError::TooFew { .. }));
    assert!(matches!(fit(&targets, &LstmOptions { hidden: 65, ..options() }), QuantError::TooMany { .. }));
    assert!(matches!(
        fit(&targets, &LstmOptions { purge: usize::MAX, ..options() }),
        QuantError::TooFew { .. }
    ));
    let problem = SequenceProblem { features: &features, targets: &targets };
    assert_eq!(Lstm::fit(problem, &options(), &|| true).unwrap_err(), QuantError::Cancelled);
    let stored = StoredLstm { version: STORED_VERSION + 1, ..imported().0.into() };
    assert!(matches!(Lstm::try_from(stored), Err(QuantError::UnknownModel { .. })));
}

proptest! {
    #[test]
    fn a_net_of_any_numbers_never_panics(
        weights in any_numbers(30),
        (inputs, hidden, window) in (0..4_usize, 0..3_usize, 0..3_usize),
        (target_mean, target_scale) in (any_number(), any_number()),
        row in any_numbers(4),
    ) {
        let stored = StoredLstm {
            version: STORED_VERSION, inputs, hidden, window, weights: weights.clone(), scale: None,
            target_mean, target_scale,
        };
        let fitting: Vec<f64> = weights.iter().cycle().take(15).copied().collect();
        let fitting = StoredLstm { inputs: 1, hidden: 1, window: 1, weights: fitting, target_scale: 2.0, ..stored.clone() };
        for stored in [stored, fitting] {
            let Ok(net) = Lstm::try_from(stored) else { continue };
            let mut state = net.state();
            for value in &row {
                let row = vec![*value; net.feature_count()];
                if let Ok(forecast) = net.step(&mut state, &row) {
                    prop_assert!(forecast.is_finite());
                }
            }
            prop_assert!(net.step(&mut state, &[0.0; 9]).is_err());
            prop_assert!(state.hidden().iter().chain(state.cell()).all(|value| value.is_finite()));
        }
        let text = format!(r#"{{"hidden":[{}],"cell":[]}}"#, row.len());
        let mut foreign: LstmState = serde_json::from_str(&text).unwrap();
        prop_assert!(imported().0.step(&mut foreign, &[0.0; 4]).is_err());
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "whatever the numbers are, two runs give the same bits")]
    fn training_on_anything_never_panics(
        numbers in any_numbers(60),
        targets in any_numbers(30),
        (hidden, window, batch) in (0..3_usize, 0..4_usize, 0..5_usize),
        (learning_rate, gradient_norm_max) in (any_number(), any_number()),
    ) {
        let features = matrix_of(&numbers, 2);
        let targets = &targets[..targets.len().min(features.rows())];
        let wild = LstmOptions {
            hidden, window, batch, learning_rate, gradient_norm_max, epochs_max: 2, ..LstmOptions::default()
        };
        for options in [LstmOptions { learning_rate: 0.01, gradient_norm_max: 1.0, ..wild.clone() }, wild] {
            if let Ok(fit) = Lstm::fit(SequenceProblem { features: &features, targets }, &options, GO_ON) {
                prop_assert!(fit.validation_error.is_finite());
                let rows: Vec<&[f64]> = (0..fit.net.window()).map(|row| features.row(row)).collect();
                if let Ok(forecast) = fit.net.predict(&rows) {
                    prop_assert_eq!(forecast, fit.net.predict(&rows).unwrap());
                }
            }
        }
    }
}
