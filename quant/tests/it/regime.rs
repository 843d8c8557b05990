//! Hidden Markov models against hmmlearn, and what must hold of every filter.

use crate::support::{assert_close, golden, number, numbers, table};
use bulkhead_quant::QuantError;
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::regime::{
    FitOptions, HiddenMarkov, RegimeFilter, STORED_VERSION, StoredFilter, StoredHiddenMarkov,
    VolatilityLevel, VolatilityRegime, VolatilityRegimeOptions,
};
use proptest::prelude::*;

const GO_ON: &(dyn Fn() -> bool + Sync) = &|| false;

fn fixed() -> (HiddenMarkov, serde_json::Value) {
    let golden = golden("hmm");
    let start = &golden["start"];
    let stored = StoredHiddenMarkov {
        version: STORED_VERSION,
        start: numbers(&start["pi"]),
        transition: table(&start["A"]),
        means: numbers(&start["mean"]),
        variances: numbers(&start["var"]),
    };
    (stored.try_into().unwrap(), golden)
}

#[test]
fn fixed_parameters_give_what_hmmlearn_gives() {
    let (model, golden) = fixed();
    let observations = numbers(&golden["obs"]);
    let log_likelihood = model.log_likelihood(&observations).unwrap();
    assert_close("log-likelihood", log_likelihood, number(&golden["loglik_fixed"]), (0.0, 1e-9));
    let smoothed = model.smoothed(&observations).unwrap();
    for (at, want) in numbers(&golden["smoothed_p1_fixed"]).iter().enumerate() {
        assert_close("posterior", smoothed[(at, 1)], *want, (0.0, 1e-9));
    }
    let path = model.most_probable_path(&observations).unwrap();
    let want: Vec<f64> = numbers(&golden["viterbi_fixed"]);
    assert_eq!(path.states.iter().map(|&state| state as f64).collect::<Vec<_>>(), want);
    let again = model.path_log_probability(&observations, &path.states).unwrap();
    assert_close("path", again, path.log_probability, (1e-13, 0.0));
}

#[test]
fn the_fit_is_the_one_hmmlearn_finds() {
    let golden = golden("hmm");
    let observations = numbers(&golden["obs"]);
    let fit = HiddenMarkov::fit(&observations, &FitOptions::default(), GO_ON).unwrap();
    let want = &golden["fit"];
    assert!(fit.is_converged, "{fit:?}");
    assert_close("log-likelihood", fit.log_likelihood, number(&want["loglik"]), (0.0, 1e-3));
    for (what, got) in [("mean", fit.model.means()), ("var", fit.model.variances())] {
        for (got, want) in got.iter().zip(numbers(&want[what])) {
            assert_close(what, *got, want, (1e-2, 0.0));
        }
    }
    for (state, row) in table(&want["A"]).iter().enumerate() {
        for (got, want) in fit.model.transition(state).unwrap().iter().zip(row) {
            assert_close("transition", *got, *want, (1e-2, 0.0));
        }
    }
    let direct = fit.model.log_likelihood(&observations).unwrap();
    assert_close("filter and fit agree", direct, fit.log_likelihood, (0.0, 1e-5));
}
