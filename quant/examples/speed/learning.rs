//! Forests, of which those that answer single rows come from scikit-learn, and a recurrent net.

use crate::files::Inputs;
use crate::stopwatch::Stopwatch;
use crate::{GO_ON, Outcome};
use bulkhead_quant::learn::forest::{ForestOptions, RandomForestClassifier, TreeArrays};
use bulkhead_quant::learn::lstm::{Lstm, LstmWeights};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::{Matrix, QuantError};
use serde::Deserialize;
use std::hint::black_box;

const FEATURES: usize = 50;
const TRAINING_ROWS: usize = 5_000;
const TEST_ROWS: usize = 1_000;
/// Rows that are asked about one by one, in turns: the same row again and again would find every node in the nearest
/// cache.
const TURNS: usize = 100;

/// A forest that the peer grew; importances do not matter here.
#[derive(Deserialize)]
struct Grown {
    trees: Vec<GrownTree>,
}

#[derive(Deserialize)]
struct GrownTree {
    left: Vec<i64>,
    right: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f64>,
    value: Vec<Vec<f64>>,
}

impl From<GrownTree> for TreeArrays {
    fn from(GrownTree { left, right, feature, threshold, value }: GrownTree) -> Self {
        Self { left, right, feature, threshold, value }
    }
}

pub(crate) fn write(inputs: &Inputs) -> Outcome<()> {
    for (name, rows, seed) in [("training", TRAINING_ROWS, 1), ("test", TEST_ROWS, 2)] {
        let mut random = SplitMix64::new(seed);
        let mut features = Matrix::zeros(rows, FEATURES);
        let mut classes = Vec::new();
        for row in 0..rows {
            features.row_mut(row).fill_with(|| random.normal());
            let x = features.row(row);
            let z = x[0] * x[1] + (2.0 * x[2]).sin() + 0.5 * x[3] + 0.5 * random.normal();
            classes.push(f64::from(u8::from(z > 0.0)));
        }
        inputs.write_numbers(&format!("{name}_features"), features.as_slice())?;
        inputs.write_numbers(&format!("{name}_classes"), &classes)?;
    }
    Ok(())
}

pub(crate) fn measure(inputs: &Inputs, watch: &mut Stopwatch) -> Outcome<()> {
    if watch.wants_area("forest") {
        for depth in ["depth_10", "full_depth"] {
            rows(inputs, depth, watch)?;
        }
        grow(inputs, watch)?;
    }
    if watch.wants_area("lstm") {
        net(watch)?;
    }
    Ok(())
}

fn rows(inputs: &Inputs, depth: &str, watch: &mut Stopwatch) -> Outcome<()> {
    let grown: Grown = inputs.read_json(&format!("forest_{depth}"))?;
    let trees: Vec<TreeArrays> = grown.trees.into_iter().map(TreeArrays::from).collect();
    let forest = RandomForestClassifier::from_trees(&trees, &[1.0 / FEATURES as f64; FEATURES])?;
    let rows = inputs.read_matrix("test_features", FEATURES)?;
    let mut next = 0;
    let ask = || -> Result<f64, QuantError> {
        let mut sum = 0.0;
        for _ in 0..TURNS {
            next = (next + 1) % rows.rows();
            sum += forest.probabilities(black_box(rows.row(next)))?[1];
        }
        Ok(sum)
    };
    let task = format!("forest/row/{depth}");
    if let Some((timed, _)) = watch.time_each((&task, TURNS), ask)? {
        let answer: Result<Vec<f64>, QuantError> =
            (0..TURNS).map(|row| Ok(forest.probabilities(rows.row(row))?[1])).collect();
        timed.answer(&answer?);
    }
    let task = format!("forest/rows/{depth}");
    if let Some((timed, all)) = watch.time(&task, || forest.probabilities_of_rows(black_box(&rows)))? {
        timed.answer(&(0..TURNS).map(|row| all[(row, 1)]).collect::<Vec<_>>());
    }
    Ok(())
}

/// Grows a forest; the answer is the share of rows it never saw that it tells right.
fn grow(inputs: &Inputs, watch: &mut Stopwatch) -> Outcome<()> {
    let features = inputs.read_matrix("training_features", FEATURES)?;
    let classes: Vec<usize> =
        inputs.read_numbers("training_classes")?.iter().map(|class| usize::from(*class > 0.5)).collect();
    let fit = || RandomForestClassifier::fit(&features, &classes, &ForestOptions::default(), GO_ON);
    if let Some((timed, forest)) = watch.time("forest/fit", fit)? {
        let all = forest.probabilities_of_rows(&inputs.read_matrix("test_features", FEATURES)?)?;
        let wanted = inputs.read_numbers("test_classes")?;
        let is_right = |row: &usize| (all[(*row, 1)] > 0.5) == (wanted[*row] > 0.5);
        let hits = (0..wanted.len()).filter(is_right).count();
        timed.answer(&[hits as f64 / wanted.len() as f64]);
    }
    Ok(())
}

fn net(watch: &mut Stopwatch) -> Outcome<()> {
    let mut random = SplitMix64::new(4);
    let mut matrix = |rows: usize, columns: usize, scale: f64| {
        Matrix::new(rows, columns, (0..rows * columns).map(|_| scale * random.normal()).collect())
    };
    let (input, recurrent) = (matrix(256, 16, 0.1)?, matrix(256, 64, 0.1)?);
    let rows = matrix(TURNS, 16, 1.0)?;
    let weights =
        LstmWeights { input, recurrent, bias: vec![0.1; 256], output: vec![0.1; 64], output_bias: 0.0 };
    let net = Lstm::from_weights(&weights, 20)?;
    let mut state = net.state();
    let steps = || -> Result<f64, QuantError> {
        let mut last = 0.0;
        for row in 0..TURNS {
            last = net.step(&mut state, black_box(rows.row(row)))?;
        }
        Ok(last)
    };
    if let Some((timed, last)) = watch.time_each(("lstm/step", TURNS), steps)? {
        timed.answer(&[last]);
    }
    Ok(())
}
