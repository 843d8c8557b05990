//! Hidden Markov models against hmmlearn, and what must hold of every filter.

use crate::learn_support::{GO_ON, any_number, any_numbers};
use crate::support::{assert_close, golden, number, numbers, table};
use bulkhead_quant::QuantError;
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::regime::{
    FitOptions, HiddenMarkov, RegimeFilter, STORED_VERSION, StoredFilter, StoredHiddenMarkov,
    VolatilityLevel, VolatilityRegime, VolatilityRegimeOptions,
};
use proptest::prelude::*;

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

/// Two regimes that are told apart by variance.
fn simulated(count: usize, seed: u64) -> Vec<f64> {
    let mut random = SplitMix64::new(seed);
    let mut is_calm = true;
    let mut next = || {
        is_calm ^= random.uniform() < 0.02;
        if is_calm { 0.001 + 0.006 * random.normal() } else { -0.002 + 0.022 * random.normal() }
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn a_fit_finds_the_regimes_that_made_the_data() {
    let fit = HiddenMarkov::fit(&simulated(20_000, 5), &FitOptions::default(), GO_ON).unwrap();
    assert_close("calm", fit.model.variances()[0].sqrt(), 0.006, (0.03, 0.0));
    assert_close("turbulent", fit.model.variances()[1].sqrt(), 0.022, (0.03, 0.0));
    assert_close("stay", fit.model.transition(0).unwrap()[0], 0.98, (0.01, 0.0));
    assert!(fit.model.transition(2).is_none());
    for state_count in 3..=8 {
        let options = FitOptions { state_count, tolerance: 0.01, ..FitOptions::default() };
        let more = HiddenMarkov::fit(&simulated(2000, 6), &options, GO_ON).unwrap();
        assert!(more.model.variances().is_sorted(), "states are in order of variance");
        let direct = more.model.log_likelihood(&simulated(2000, 6)).unwrap();
        assert_close("filter and fit agree", direct, more.log_likelihood, (0.0, 0.02));
    }
}

#[test]
fn the_filter_knows_the_past_only_and_can_be_stored() {
    let (model, golden) = fixed();
    let observations = numbers(&golden["obs"]);
    let whole = model.filtered(&observations).unwrap();
    let half = model.filtered(&observations[..300]).unwrap();
    assert_eq!(whole.as_slice()[..600], *half.as_slice(), "what comes later changes nothing");
    let mut filter = RegimeFilter::new(model.clone());
    for (row, &observation) in observations.iter().enumerate() {
        assert_eq!(filter.update(observation).unwrap(), whole.row(row));
        if row == 300 {
            let text = serde_json::to_string(&filter).unwrap();
            filter = serde_json::from_str(&text).unwrap();
        }
    }
    assert_eq!(filter.count(), 600);
    assert_eq!(filter.state(), usize::from(whole[(599, 1)] > 0.5));
    assert_close("sum", filter.log_likelihood(), number(&golden["loglik_fixed"]), (0.0, 1e-9));
    let before = filter.clone();
    assert!(matches!(filter.update(f64::NAN), Err(QuantError::NotFinite { .. })));
    assert_eq!(filter, before, "a bad value changes nothing");
    let outlier = filter.update(1e50).unwrap();
    assert_close("an outlier is turbulent", outlier[1], 1.0, (0.0, 1e-12));
    assert_eq!(filter.model(), &model);
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let fit = |values: &[f64], options: FitOptions| HiddenMarkov::fit(values, &options, GO_ON).unwrap_err();
    let data = simulated(200, 1);
    assert!(matches!(fit(&[0.3; 100], FitOptions::default()), QuantError::Constant { .. }));
    assert!(matches!(fit(&data[..1], FitOptions::default()), QuantError::TooFew { .. }));
    assert!(matches!(fit(&[f64::NAN; 100], FitOptions::default()), QuantError::NotFinite { .. }));
    for state_count in [0, 1, 9, usize::MAX] {
        let options = FitOptions { state_count, ..FitOptions::default() };
        assert!(matches!(fit(&data, options), QuantError::TooFew { .. } | QuantError::TooMany { .. }));
    }
    let stopped = HiddenMarkov::fit(&data, &FitOptions::default(), &|| true);
    assert_eq!(stopped.unwrap_err(), QuantError::Cancelled);
    let two_values: Vec<f64> = (0..100).map(|at| f64::from(at / 50)).collect();
    assert!(matches!(fit(&two_values, FitOptions::default()), QuantError::NotIdentified { .. }));
    let sound = StoredHiddenMarkov::from(fixed().0);
    let unknown = StoredHiddenMarkov { version: 9, ..sound.clone() };
    assert!(matches!(HiddenMarkov::try_from(unknown), Err(QuantError::UnknownModel { .. })));
    let refused = |spoil: fn(&mut StoredHiddenMarkov)| {
        let mut stored = sound.clone();
        spoil(&mut stored);
        HiddenMarkov::try_from(stored).is_err()
    };
    assert!(refused(|model| model.start[0] = 0.6), "probabilities that do not add up");
    assert!(refused(|model| model.transition[1] = vec![1.0]), "a short row");
    assert!(refused(|model| model.variances[0] = 0.0), "no variance");
}

#[test]
fn volatility_is_ranked_among_its_past() {
    let options = VolatilityRegimeOptions { window: 2, history: 4, calm_below: 0.2, turbulent_above: 0.8 };
    let mut regime = VolatilityRegime::new(options.clone()).unwrap();
    let returns = [0.01, -0.02, 0.03, 0.01, -0.02];
    assert!(returns.iter().all(|value| regime.update(*value).unwrap().is_none()), "no history yet");
    let reading = regime.update(0.1).unwrap().unwrap();
    assert_close("volatility", reading.volatility, (0.0104_f64 / 2.0).sqrt(), (1e-14, 0.0));
    assert_eq!((reading.percentile, reading.level), (1.0, VolatilityLevel::Turbulent));
    let text = serde_json::to_string(&regime).unwrap();
    let mut restored: VolatilityRegime = serde_json::from_str(&text).unwrap();
    assert_eq!(restored, regime);
    for value in [0.0, 0.0] {
        assert_eq!(restored.update(value).unwrap(), regime.update(value).unwrap());
    }
    assert_eq!(regime.update(0.0).unwrap().unwrap().level, VolatilityLevel::Calm);
    assert!(regime.update(f64::INFINITY).is_err());
    assert!(VolatilityRegime::new(VolatilityRegimeOptions { window: 0, ..options.clone() }).is_err());
    assert!(VolatilityRegime::new(VolatilityRegimeOptions { calm_below: 0.9, ..options }).is_err());
}

/// A model of two to eight states with any sound parameters; some moves are impossible.
fn any_model() -> impl Strategy<Value = HiddenMarkov> {
    (2..=8_usize, any::<u64>()).prop_map(|(count, seed)| {
        let mut random = SplitMix64::new(seed);
        let mut distribution = || {
            let mut parts: Vec<f64> = (0..count).map(|_| (random.uniform() - 0.3).max(0.0)).collect();
            parts[random.below(count)] += 0.1;
            let sum: f64 = parts.iter().sum();
            parts.iter().map(|part| part / sum).collect::<Vec<f64>>()
        };
        let start = distribution();
        let transition = (0..count).map(|_| distribution()).collect();
        let means = (0..count).map(|_| random.normal()).collect();
        let variances = (0..count).map(|_| 0.05 + random.uniform()).collect();
        let stored = StoredHiddenMarkov { version: STORED_VERSION, start, transition, means, variances };
        stored.try_into().unwrap()
    })
}

proptest! {
    #[test]
    fn probabilities_of_states_add_up_to_one(model in any_model(), seed: u64) {
        let mut random = SplitMix64::new(seed);
        let observations: Vec<f64> = (0..60).map(|_| 2.0 * random.normal()).collect();
        let filtered = model.filtered(&observations).unwrap();
        let smoothed = model.smoothed(&observations).unwrap();
        for row in 0..60 {
            prop_assert!((filtered.row(row).iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!((smoothed.row(row).iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        for (last, want) in smoothed.row(59).iter().zip(filtered.row(59)) {
            prop_assert!((last - want).abs() < 1e-12, "nothing comes after the last");
        }
    }

    #[test]
    fn no_path_is_more_probable_than_the_most_probable(model in any_model(), seed: u64) {
        let mut random = SplitMix64::new(seed);
        let observations: Vec<f64> = (0..12).map(|_| 2.0 * random.normal()).collect();
        let best = model.most_probable_path(&observations).unwrap();
        for _ in 0..200 {
            let mut states = best.states.clone();
            for state in &mut states {
                if random.uniform() < 0.4 {
                    *state = random.below(model.state_count());
                }
            }
            let other = model.path_log_probability(&observations, &states).unwrap();
            prop_assert!(other <= best.log_probability + 1e-9, "{} {}", other, best.log_probability);
        }
        prop_assert!(best.log_probability <= model.log_likelihood(&observations).unwrap() + 1e-9);
    }

    #[test]
    fn regimes_of_anything_never_panic(
        model in any_model(),
        observations in any_numbers(60),
        floor in any_number(),
        state_count in 0..10_usize,
    ) {
        for rows in [model.filtered(&observations), model.smoothed(&observations)].into_iter().flatten() {
            prop_assert!(rows.as_slice().iter().all(|p| (0.0..=1.0 + 1e-9).contains(p)));
        }
        if let Ok(path) = model.most_probable_path(&observations) {
            prop_assert!(path.log_probability.is_finite());
        }
        let options = FitOptions { state_count, iterations_max: 30, variance_floor: floor, ..FitOptions::default() };
        for options in [FitOptions { variance_floor: 1e-3, ..options.clone() }, options] {
            if let Ok(fit) = HiddenMarkov::fit(&observations, &options, GO_ON) {
                prop_assert!(fit.log_likelihood.is_finite());
                prop_assert!(fit.model.variances().iter().all(|variance| *variance > 0.0));
            }
        }
        let stored = StoredFilter {
            version: STORED_VERSION,
            model: StoredHiddenMarkov {
                version: STORED_VERSION,
                start: observations.clone(),
                transition: vec![observations.clone(); state_count],
                means: observations.clone(),
                variances: observations.clone(),
            },
            probabilities: observations.clone(),
            log_likelihood: floor,
            count: 7,
        };
        prop_assert!(RegimeFilter::try_from(stored).is_err() || !observations.is_empty());
    }

    #[test]
    fn volatility_of_anything_never_panics(returns in any_numbers(40), window in 0..5_usize, edge in any_number()) {
        let options = VolatilityRegimeOptions { window, history: 3, calm_below: 0.3, turbulent_above: edge };
        for options in [VolatilityRegimeOptions { turbulent_above: 0.7, ..options.clone() }, options] {
            let Ok(mut regime) = VolatilityRegime::new(options) else { continue };
            for value in &returns {
                if let Ok(Some(reading)) = regime.update(*value) {
                    prop_assert!(reading.volatility.is_finite() && (0.0..=1.0).contains(&reading.percentile));
                }
            }
        }
    }
}
