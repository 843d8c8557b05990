//! What tests of learning share: samples, and numbers of every kind.

use bulkhead_quant::Matrix;
use bulkhead_quant::random::SplitMix64;
use proptest::prelude::*;

/// Never cancels.
pub(crate) const GO_ON: &(dyn Fn() -> bool + Sync) = &|| false;

/// Samples of a known process.
pub(crate) struct Samples {
    pub(crate) features: Matrix,
    pub(crate) classes: Vec<usize>,
    pub(crate) targets: Vec<f64>,
}

impl Samples {
    /// Standard normal features, row by row, and a target of a product, a sine, a line and noise, whose sign is the class.
    pub(crate) fn new(rows: usize, columns: usize, seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let mut features = Matrix::zeros(rows, columns);
        let (mut classes, mut targets) = (Vec::new(), Vec::new());
        for row in 0..rows {
            features.row_mut(row).fill_with(|| random.normal());
            let x = features.row(row);
            let target = x[0] * x[1] + (2.0 * x[2]).sin() + 0.5 * x[3] + 0.5 * random.normal();
            classes.push(usize::from(target > 0.0));
            targets.push(target);
        }
        Self { features, classes, targets }
    }

    pub(crate) fn outcomes(&self) -> Vec<bool> {
        self.classes.iter().map(|class| *class == 1).collect()
    }
}

/// Any number at all, NaN and infinities included, but ordinary ones half of the time.
pub(crate) fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -3.0..3.0_f64,
        1 => proptest::num::f64::ANY,
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(1e-310), Just(1e99), Just(-1e99), Just(f64::MAX)],
    ]
}

/// Numbers that are mostly finite, so that checks of single values do not end every run.
pub(crate) fn any_numbers(most: usize) -> impl Strategy<Value = Vec<f64>> {
    let finite = prop_oneof![
        6 => -3.0..3.0_f64,
        1 => prop_oneof![Just(0.0), Just(1e-310), Just(1e-160), Just(1e30), Just(-1e99), Just(1e100)],
    ];
    prop_oneof![
        3 => prop::collection::vec(-3.0..3.0_f64, 0..most),
        3 => prop::collection::vec(finite, 0..most),
        1 => prop::collection::vec(any_number(), 0..most),
        1 => (any_number(), 0..most).prop_map(|(value, count)| vec![value; count]),
    ]
}

/// As many whole rows of `columns` as the numbers fill, whatever the numbers are.
pub(crate) fn matrix_of(numbers: &[f64], columns: usize) -> Matrix {
    let mut matrix = Matrix::zeros(numbers.len() / columns, columns);
    for row in 0..matrix.rows() {
        matrix.row_mut(row).copy_from_slice(&numbers[row * columns..(row + 1) * columns]);
    }
    matrix
}
