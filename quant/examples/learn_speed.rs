//! How long learning takes: medians of repeats, one line each.
#![expect(clippy::indexing_slicing, reason = "the lists are made here")]

use bulkhead_quant::Matrix;
use bulkhead_quant::learn::forest::{ForestOptions, RandomForestClassifier};
use bulkhead_quant::learn::lstm::{Lstm, LstmWeights};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::regime::{FitOptions, HiddenMarkov, RegimeFilter};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn median(repeats: usize, mut run: impl FnMut()) -> Duration {
    run();
    let mut times: Vec<Duration> = (0..repeats)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[repeats / 2]
}

fn samples(rows: usize, columns: usize, seed: u64) -> (Matrix, Vec<usize>) {
    let mut random = SplitMix64::new(seed);
    let mut features = Matrix::zeros(rows, columns);
    let mut classes = Vec::new();
    for row in 0..rows {
        features.row_mut(row).fill_with(|| random.normal());
        let x = features.row(row);
        let z = x[0] * x[1] + (2.0 * x[2]).sin() + 0.5 * x[3] + 0.5 * random.normal();
        classes.push(usize::from(z > 0.0));
    }
    (features, classes)
}

fn forest(depth_max: usize, name: &str) {
    let (features, classes) = samples(5000, 50, 1);
    let options = ForestOptions { depth_max, ..ForestOptions::default() };
    let fit =
        || RandomForestClassifier::fit(&features, &classes, &options, &|| false).expect("sound samples");
    let model = fit();
    // The same row again and again would find every node in the nearest cache, so rows take turns.
    let calls = 100;
    let mut next = 0;
    let one = median(501, || {
        for _ in 0..calls {
            next = (next + 1) % features.rows();
            black_box(model.probabilities(black_box(features.row(next))).expect("a sound row"));
        }
    });
    println!("forest {name}, predict 1 row x 100 trees: {:.2} us", one.as_secs_f64() * 1e6 / calls as f64);
    let (many, _) = samples(1000, 50, 2);
    let thousand = median(51, || {
        black_box(model.probabilities_of_rows(black_box(&many)).expect("sound rows"));
    });
    println!("forest {name}, predict 1000 rows: {:.3} ms", thousand.as_secs_f64() * 1e3);
    for threads in [1, 0] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let time = median(5, || {
            black_box(pool.install(fit));
        });
        let threads = pool.current_num_threads();
        println!(
            "forest {name}, fit 5000 x 50, 100 trees, {threads} threads: {:.0} ms",
            time.as_secs_f64() * 1e3
        );
    }
}

fn hidden_markov() {
    let mut random = SplitMix64::new(3);
    let mut is_calm = true;
    let observations: Vec<f64> = (0..1000)
        .map(|_| {
            is_calm ^= random.uniform() < 0.02;
            if is_calm { 0.0005 + 0.006 * random.normal() } else { -0.001 + 0.022 * random.normal() }
        })
        .collect();
    let fit = || HiddenMarkov::fit(&observations, &FitOptions::default(), &|| false).expect("two regimes");
    let iterations = fit().iterations;
    let time = median(51, || {
        black_box(fit());
    });
    println!(
        "hidden Markov model, fit 1000 values, 4 starts, {iterations} steps: {:.2} ms",
        time.as_secs_f64() * 1e3
    );
    let mut filter = RegimeFilter::new(fit().model);
    let update = median(501, || {
        for &observation in &observations {
            black_box(filter.update(observation).expect("a finite value"));
        }
    });
    println!("hidden Markov model, filter 1 value: {:.0} ns", update.as_secs_f64() * 1e9 / 1000.0);
}

fn net() {
    let mut random = SplitMix64::new(4);
    let mut weights = |rows: usize, columns: usize| {
        let values = (0..rows * columns).map(|_| 0.1 * random.normal()).collect();
        Matrix::new(rows, columns, values).expect("finite weights")
    };
    let (input, recurrent) = (weights(256, 16), weights(256, 64));
    let weights =
        LstmWeights { input, recurrent, bias: vec![0.1; 256], output: vec![0.1; 64], output_bias: 0.0 };
    let net = Lstm::from_weights(&weights, 20).expect("weights that fit");
    let (rows, _) = samples(100, 16, 5);
    let mut state = net.state();
    let time = median(501, || {
        for row in 0..100 {
            black_box(net.step(&mut state, black_box(rows.row(row))).expect("a sound row"));
        }
    });
    println!("recurrent net, 1 step, 16 inputs, 64 hidden: {:.2} us", time.as_secs_f64() * 1e6 / 100.0);
}

fn main() {
    net();
    hidden_markov();
    forest(10, "depth 10");
    forest(64, "full depth");
}
