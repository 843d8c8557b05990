//! Forests against scikit-learn, and what must hold of every forest.

use crate::support::{assert_close, golden, number, numbers, table};
use bulkhead_quant::learn::forest::{
    FeaturesTried, ForestOptions, RandomForestClassifier, RandomForestRegressor, StoredForest, StoredTree,
    TreeArrays,
};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::{Matrix, QuantError};
use proptest::prelude::*;
use serde_json::Value;

const GO_ON: &(dyn Fn() -> bool + Sync) = &|| false;

fn whole(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|value| value.as_i64().unwrap()).collect()
}

fn trees_of(value: &Value) -> Vec<TreeArrays> {
    let tree = |value: &Value| TreeArrays {
        left: whole(&value["left"]),
        right: whole(&value["right"]),
        feature: whole(&value["feature"]),
        threshold: numbers(&value["threshold"]),
        value: table(&value["value"]),
    };
    value.as_array().unwrap().iter().map(tree).collect()
}

/// Standard normal features, row by row, and a class that depends on a product, a sine, a line and noise; the stream
/// is drawn in the same order by whoever compares.
fn synthetic(rows: usize, columns: usize, seed: u64) -> (Matrix, Vec<usize>, Vec<f64>) {
    let mut random = SplitMix64::new(seed);
    let mut features = Matrix::zeros(rows, columns);
    let (mut classes, mut targets) = (Vec::new(), Vec::new());
    for row in 0..rows {
        features.row_mut(row).fill_with(|| random.normal());
        let x = features.row(row);
        let z = x[0] * x[1] + (2.0 * x[2]).sin() + 0.5 * x[3];
        let target = z + 0.5 * random.normal();
        classes.push(usize::from(target > 0.0));
        targets.push(target);
    }
    (features, classes, targets)
}

fn options(tree_count: usize, seed: u64) -> ForestOptions {
    ForestOptions { tree_count, seed, ..ForestOptions::default() }
}

#[test]
fn imported_trees_predict_what_scikit_learn_does() {
    let golden = golden("random_forest");
    let importances = numbers(&golden["importances"]);
    let forest = RandomForestClassifier::from_trees(&trees_of(&golden["trees"]), &importances).unwrap();
    assert_eq!(forest.importances(), importances);
    let rows = table(&golden["X"]);
    let together = forest.probabilities_of_rows(&Matrix::from_rows(&rows).unwrap()).unwrap();
    for (index, row) in rows.iter().enumerate() {
        let probabilities = forest.probabilities(row).unwrap();
        for (got, want) in probabilities.iter().zip(numbers(&golden["proba"][index])) {
            assert_close("probability", *got, want, (0.0, 1e-15));
        }
        assert_eq!(probabilities, together.row(index), "one row and many");
        assert_eq!(forest.class(row).unwrap() as f64, number(&golden["pred"][index]));
    }
}

#[test]
fn the_forest_is_as_good_as_scikit_learns() {
    let (features, classes, targets) = synthetic(4000, 20, 1);
    let (unseen, truth, later) = synthetic(4000, 20, 2);
    let forest = RandomForestClassifier::fit(&features, &classes, &options(100, 7), GO_ON).unwrap();
    let hits = (0..4000).filter(|&row| forest.class(unseen.row(row)).unwrap() == truth[row]).count();
    let regression = ForestOptions { features_tried: FeaturesTried::Count(7), ..options(100, 7) };
    let values = RandomForestRegressor::fit(&features, &targets, &regression, GO_ON).unwrap();
    let forecasts = values.predict_rows(&unseen).unwrap();
    let score = bulkhead_quant::learn::metric::r_squared(&forecasts, &later).unwrap();
    println!("accuracy {} oob {:?}", hits as f64 / 4000.0, forest.out_of_bag_score());
    println!("r2 {score} oob {:?}", values.out_of_bag_score());
    println!("{:?}", &forest.importances()[..5]);
    println!("{:?}", &values.importances()[..5]);
}
