//! Covariance, correlation, shrinkage and repair.

use crate::support::{assert_close, golden, number, table};
use bulkhead_quant::matrix::{Cholesky, Matrix};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::risk::covariance::definiteness::restore_definiteness;
use bulkhead_quant::risk::covariance::shrinkage::{Target, ledoit_wolf};
use bulkhead_quant::risk::covariance::{correlation, deviations, ewma_covariance, sample_covariance};
use bulkhead_quant::risk::moments::Divisor;
use bulkhead_quant::risk::relative::CoMoments;
use proptest::prelude::*;

fn matrices_close(what: &str, got: &Matrix, want: &[Vec<f64>], (factor, tolerance): (f64, f64)) {
    assert_eq!((got.rows(), got.columns()), (want.len(), want[0].len()));
    for (i, row) in want.iter().enumerate() {
        for (j, want) in row.iter().enumerate() {
            assert_close(&format!("{what} [{i}, {j}]"), got[(i, j)] * factor, *want, (tolerance, 1e-18));
        }
    }
}

fn random_observations(rows: usize, columns: usize, seed: u64) -> Matrix {
    let mut random = SplitMix64::new(seed);
    let mut data = Vec::with_capacity(rows * columns);
    for _ in 0..rows {
        let common = random.normal();
        data.extend((0..columns).map(|i| 0.01 * (common + (1.0 + 0.1 * i as f64) * random.normal())));
    }
    Matrix::new(rows, columns, data).unwrap()
}

#[test]
fn covariances_are_those_of_the_reference() {
    let file = golden("portfolio");
    let observations = Matrix::from_rows(&table(&file["returns"])).unwrap();
    let sample = sample_covariance(&observations, Divisor::ObservationsLessOne).unwrap();
    matrices_close("sample", &sample, &table(&file["cov"]), (252.0, 1e-10));
    let shrunk = ledoit_wolf(&observations, Target::ConstantVariance).unwrap();
    assert_close("shrinkage", shrunk.shrinkage, number(&file["ledoit_wolf_delta"]), (1e-10, 0.0));
    matrices_close("shrunk", &shrunk.covariance, &table(&file["ledoit_wolf_const_var_cov"]), (252.0, 1e-10));
}

#[test]
fn every_size_of_table_gives_the_covariance_of_each_pair() {
    for (rows, columns) in [(2, 1), (3, 4), (127, 5), (128, 8), (129, 9), (400, 3)] {
        let observations = random_observations(rows, columns, 3);
        let sample = sample_covariance(&observations, Divisor::ObservationsLessOne).unwrap();
        let turned = observations.transpose();
        for i in 0..columns {
            for j in 0..columns {
                let pair = CoMoments::of(turned.row(i), turned.row(j)).unwrap();
                let want = pair.covariance(Divisor::ObservationsLessOne).unwrap();
                assert_close("pair", sample[(i, j)], want, (1e-10, 1e-16));
            }
        }
    }
}

#[test]
fn weights_of_an_ewma_fade_with_age() {
    let observations = Matrix::from_rows(&[[3.0, 1.0], [1.0, 2.0], [-2.0, 1.0]]).unwrap();
    let covariance = ewma_covariance(&observations, 0.5).unwrap();
    let sum = 1.75;
    let want = vec![
        vec![(0.25 * 9.0 + 0.5 * 1.0 + 4.0) / sum, (0.25 * 3.0 + 0.5 * 2.0 - 2.0) / sum],
        vec![(0.25 * 3.0 + 0.5 * 2.0 - 2.0) / sum, (0.25 * 1.0 + 0.5 * 4.0 + 1.0) / sum],
    ];
    matrices_close("ewma", &covariance, &want, (1.0, 1e-12));
    assert!(ewma_covariance(&observations, 1.0).is_err());
}

/// The published sums, pair by pair (Ledoit and Wolf 2004, appendix B).
fn constant_correlation_by_pairs(observations: &Matrix) -> f64 {
    let (n, p) = (observations.rows() as f64, observations.columns());
    let turned = observations.transpose();
    let columns: Vec<Vec<f64>> = (0..p)
        .map(|i| {
            let mean = turned.row(i).iter().sum::<f64>() / n;
            turned.row(i).iter().map(|value| value - mean).collect()
        })
        .collect();
    let mean_of = |f: &dyn Fn(usize) -> f64| (0..observations.rows()).map(f).sum::<f64>() / n;
    let s = |i: usize, j: usize| mean_of(&|t| columns[i][t] * columns[j][t]);
    let pairs: Vec<(usize, usize)> = (0..p).flat_map(|i| (0..p).map(move |j| (i, j))).collect();
    let off = || pairs.iter().filter(|(i, j)| i != j);
    let mean = off().map(|&(i, j)| s(i, j) / (s(i, i) * s(j, j)).sqrt()).sum::<f64>() / (p * (p - 1)) as f64;
    let variance = |i: usize, j: usize| mean_of(&|t| (columns[i][t] * columns[j][t] - s(i, j)).powi(2));
    let theta = |k: usize, (i, j): (usize, usize)| {
        mean_of(&|t| (columns[k][t].powi(2) - s(k, k)) * (columns[i][t] * columns[j][t] - s(i, j)))
    };
    let pi: f64 = pairs.iter().map(|&(i, j)| variance(i, j)).sum();
    let diagonal: f64 = (0..p).map(|i| variance(i, i)).sum();
    let rest: f64 = off()
        .map(|&(i, j)| {
            let root = (s(j, j) / s(i, i)).sqrt();
            0.5 * mean * (root * theta(i, (i, j)) + theta(j, (i, j)) / root)
        })
        .sum();
    let gamma: f64 = off().map(|&(i, j)| (mean * (s(i, i) * s(j, j)).sqrt() - s(i, j)).powi(2)).sum();
    ((pi - diagonal - rest) / gamma / n).clamp(0.0, 1.0)
}

#[test]
fn the_constant_correlation_target_is_that_of_the_paper() {
    for seed in [1, 2, 3] {
        let observations = random_observations(120, 6, seed);
        let shrunk = ledoit_wolf(&observations, Target::ConstantCorrelation).unwrap();
        let want = constant_correlation_by_pairs(&observations);
        assert!(want > 0.0, "a weight to compare");
        assert_close("shrinkage", shrunk.shrinkage, want, (1e-8, 0.0));
    }
}

#[test]
fn shrinking_makes_more_assets_than_observations_definite() {
    let observations = random_observations(20, 40, 4);
    let sample = sample_covariance(&observations, Divisor::Observations).unwrap();
    assert!(Cholesky::new(&sample, "sample").is_err(), "the sample covariance is singular");
    for target in [Target::ConstantVariance, Target::ConstantCorrelation] {
        let shrunk = ledoit_wolf(&observations, target).unwrap();
        assert!(Cholesky::new(&shrunk.covariance, "shrunk").is_ok(), "{target:?}");
    }
    let repaired = restore_definiteness(&sample).unwrap();
    assert!(repaired.shrinkage > 0.0 && repaired.shrinkage < 1e-3, "{}", repaired.shrinkage);
}

#[test]
fn an_indefinite_matrix_is_repaired_with_its_variances() {
    let broken = Matrix::from_rows(&[[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]).unwrap();
    let repaired = restore_definiteness(&broken).unwrap();
    assert!(Cholesky::new(&repaired.matrix, "repaired").is_ok());
    // Its least eigenvalue is 1 - 2 * 0.9, so that 1 - 1.8 (1 - s) must be zero.
    assert_close("weight", repaired.shrinkage, 1.0 - 1.0 / 1.8, (1e-5, 0.0));
    assert_eq!(repaired.matrix.diagonal(), vec![1.0; 3]);
    let fine = Matrix::identity(3);
    assert_eq!(restore_definiteness(&fine).unwrap().matrix, fine);
    assert!(restore_definiteness(&Matrix::zeros(2, 2)).is_err());
    assert!(restore_definiteness(&Matrix::zeros(2, 3)).is_err());
}

#[test]
fn an_asset_that_does_not_vary_has_no_correlation() {
    let rows: Vec<[f64; 2]> = (0..50).map(|i| [0.1, f64::from(i % 7)]).collect();
    let sample = sample_covariance(&Matrix::from_rows(&rows).unwrap(), Divisor::Observations).unwrap();
    assert!(correlation(&sample).is_err());
    assert!(deviations(&sample).is_err());
    let one = Matrix::from_rows(&[[1.0, 2.0]]).unwrap();
    assert!(sample_covariance(&one, Divisor::ObservationsLessOne).is_err());
    assert!(ledoit_wolf(&one, Target::ConstantVariance).is_err());
    assert!(sample_covariance(&Matrix::zeros(5, 0), Divisor::Observations).is_err());
    let asymmetric = Matrix::from_rows(&[[1.0, 0.5], [0.1, 1.0]]).unwrap();
    assert!(correlation(&asymmetric).is_err());
}

proptest! {
    #[test]
    fn estimates_are_symmetric_and_semidefinite(
        rows in 2..40_usize,
        columns in 1..12_usize,
        seed in any::<u64>(),
        weights in prop::collection::vec(-1.0..1.0_f64, 12),
    ) {
        let observations = random_observations(rows, columns, seed);
        let estimates = [
            sample_covariance(&observations, Divisor::ObservationsLessOne).unwrap(),
            ewma_covariance(&observations, 0.9).unwrap(),
            ledoit_wolf(&observations, Target::ConstantVariance).unwrap().covariance,
        ];
        for estimate in estimates {
            prop_assert_eq!(&estimate, &estimate.transpose());
            prop_assert!(estimate.quadratic(&weights[..columns]) >= -1e-15);
            let correlation = correlation(&estimate).unwrap();
            for i in 0..columns {
                prop_assert!((correlation[(i, i)] - 1.0).abs() < 1e-15);
                prop_assert!(correlation.row(i).iter().all(|value| (-1.0..=1.0).contains(value)));
            }
        }
    }

    #[test]
    fn no_observations_break_an_estimate(
        (rows, columns, data) in (0..8_usize, 0..8_usize).prop_flat_map(|(rows, columns)| {
            let entry = prop_oneof![4 => -1.0..1.0_f64, 1 => any::<f64>(), 1 => Just(0.0), 1 => Just(1e200)];
            (Just(rows), Just(columns), prop::collection::vec(entry, rows * columns))
        }),
        decay in any::<f64>(),
    ) {
        let Ok(observations) = Matrix::new(rows, columns, data) else { return Ok(()) };
        let finite = |matrix: Matrix| matrix.as_slice().iter().all(|value| value.is_finite());
        for divisor in [Divisor::Observations, Divisor::ObservationsLessOne] {
            if let Ok(sample) = sample_covariance(&observations, divisor) {
                prop_assert!(correlation(&sample).is_ok_and(finite) || deviations(&sample).is_err());
                prop_assert!(finite(sample));
            }
        }
        for decay in [decay, 0.94] {
            prop_assert!(ewma_covariance(&observations, decay).is_ok_and(finite) || observations.rows() < 9);
        }
        for target in [Target::ConstantVariance, Target::ConstantCorrelation] {
            if let Ok(shrunk) = ledoit_wolf(&observations, target) {
                prop_assert!(finite(shrunk.covariance) && (0.0..=1.0).contains(&shrunk.shrinkage));
            }
        }
        if let Ok(repaired) = restore_definiteness(&observations) {
            prop_assert!(Cholesky::new(&repaired.matrix, "repaired").is_ok());
            prop_assert!(finite(repaired.matrix));
        }
    }
}
