//! Estimation of processes.

use crate::support::{assert_close, golden, number, numbers};
use bulkhead_quant::QuantError;
use bulkhead_quant::process::ornstein_uhlenbeck::{Estimate, Fit, Reason, fit, fit_uneven};
use bulkhead_quant::random::SplitMix64;
use proptest::prelude::*;

fn reverting(estimate: Result<Estimate, QuantError>) -> Fit {
    match estimate {
        Ok(Estimate::MeanReverting(fit)) => fit,
        other => panic!("reverts, but: {other:?}"),
    }
}

/// Values at these times of a process that is simulated exactly.
fn simulate(times: &[f64], [kappa, mean, sigma]: [f64; 3], seed: u64) -> Vec<f64> {
    let mut random = SplitMix64::new(seed);
    let mut value = mean + sigma / (2.0 * kappa).sqrt() * random.normal();
    let mut series = vec![value];
    for pair in times.windows(2) {
        let left = (-kappa * (pair[1] - pair[0])).exp();
        let deviation = sigma * ((1.0 - left * left) / (2.0 * kappa)).sqrt();
        value = mean + left * (value - mean) + deviation * random.normal();
        series.push(value);
    }
    series
}

fn even_times(count: u32, step: f64) -> Vec<f64> {
    (0..count).map(|i| f64::from(i) * step).collect()
}

fn uneven_times(count: usize, step: f64, seed: u64) -> Vec<f64> {
    let mut random = SplitMix64::new(seed);
    let mut time = 0.0;
    let mut times = vec![0.0];
    while times.len() < count {
        time += step * (0.1 + 1.8 * random.uniform());
        times.push(time);
    }
    times
}

/// All numbers of a fit, by name.
fn fields(fit: &Fit) -> [(&'static str, f64); 11] {
    [
        ("kappa", fit.kappa),
        ("kappa error", fit.kappa_error),
        ("kappa unbiased", fit.kappa_unbiased),
        ("mean", fit.mean),
        ("mean error", fit.mean_error),
        ("sigma", fit.sigma),
        ("sigma error", fit.sigma_error),
        ("phi", fit.phi),
        ("residual variance", fit.residual_variance),
        ("half-life", fit.half_life),
        ("log likelihood", fit.log_likelihood),
    ]
}

#[test]
fn the_reference_estimates_are_met() {
    let file = golden("ou");
    let series = numbers(&file["series"]);
    let step = number(&file["true"]["dt"]);
    let got = reverting(fit(&series, step));
    let want = |name: &str| number(&file["estimates"][name]);
    for (name, value) in [
        ("phi", got.phi),
        ("kappa", got.kappa),
        ("mu", got.mean),
        ("sigma", got.sigma),
        ("resid_var_mle", got.residual_variance),
        ("loglik", got.log_likelihood),
        ("half_life", got.half_life),
        ("se_kappa_delta", got.kappa_error),
        ("kappa_tang_chen", got.kappa_unbiased),
    ] {
        assert_close(name, value, want(name), (1e-10, 0.0));
    }
}

#[test]
fn the_errors_are_those_of_repeated_samples() {
    let times = even_times(2000, 0.02);
    let fits: Vec<Fit> =
        (0..400).map(|seed| reverting(fit(&simulate(&times, [3.0, 5.0, 0.8], seed), 0.02))).collect();
    let check = |name: &str, truth: f64, pick: fn(&Fit) -> (f64, f64)| {
        let scores: Vec<f64> = fits.iter().map(|fit| (pick(fit).0 - truth) / pick(fit).1).collect();
        let variance = scores.iter().map(|score| score * score).sum::<f64>() / 400.0;
        assert!((0.75..1.35).contains(&variance), "{name}: variance of scores {variance}");
    };
    check("mean", 5.0, |fit| (fit.mean, fit.mean_error));
    check("sigma", 0.8, |fit| (fit.sigma, fit.sigma_error));
    check("kappa", 3.0, |fit| (fit.kappa_unbiased, fit.kappa_error));
    let average = |pick: fn(&Fit) -> f64| fits.iter().map(pick).sum::<f64>() / 400.0;
    let (raw, corrected) = (average(|fit| fit.kappa), average(|fit| fit.kappa_unbiased));
    assert!((corrected - 3.0).abs() < 0.5 * (raw - 3.0).abs(), "bias: {raw} before, {corrected} after");
}

#[test]
fn what_does_not_revert_is_told() {
    let walk: Vec<f64> = (0..100).map(|i| 1.02_f64.powi(i) + 0.01 * f64::from(i % 3)).collect();
    let swing: Vec<f64> = (0..100).map(|i| f64::from(i % 2) + 0.01 * f64::from(i % 7)).collect();
    let times = even_times(100, 0.1);
    for (series, reason) in [(&walk, Reason::NoPull), (&swing, Reason::FasterThanObserved)] {
        for answer in [fit(series, 0.1), fit_uneven(&times, series)] {
            match answer {
                Ok(Estimate::NotMeanReverting { why, phi }) => {
                    assert_eq!(why, reason);
                    assert!(if reason == Reason::NoPull { phi > 0.999 } else { phi < 1e-3 }, "{phi}");
                }
                other => panic!("{reason:?}, but: {other:?}"),
            }
        }
    }
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let times = even_times(50, 1.0);
    let constant = [0.1; 50];
    for refused in [fit(&constant, 1.0), fit_uneven(&times, &constant)] {
        assert!(matches!(refused, Err(QuantError::Constant { .. })), "{refused:?}");
    }
    let decay: Vec<f64> = times.iter().map(|time| 3.0 + (-0.1 * time).exp()).collect();
    assert!(matches!(fit(&decay, 1.0), Err(QuantError::NotIdentified { .. })), "{:?}", fit(&decay, 1.0));
    assert!(matches!(fit(&decay[..3], 1.0), Err(QuantError::TooFew { needed: 4, got: 3, .. })));
    assert!(matches!(fit(&decay, 0.0), Err(QuantError::OutOfRange { .. })));
    assert!(matches!(fit(&[1.0, f64::NAN, 2.0, 3.0], 1.0), Err(QuantError::NotFinite { .. })));
    assert!(matches!(fit_uneven(&times[1..], &decay), Err(QuantError::LengthMismatch { .. })));
    let mut stalled = times.clone();
    stalled[7] = stalled[6];
    assert!(matches!(fit_uneven(&stalled, &decay), Err(QuantError::OutOfRange { .. })));
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        2 => any::<f64>(),
        8 => -1.0..1.0,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, 1e308, 5e-324, 1e-160, 1e160]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn even_spacing_is_a_case_of_uneven(seed in any::<u64>(), kappa in 0.5..30.0, step in 0.002..0.05) {
        let times = even_times(400, step);
        let series = simulate(&times, [kappa, -2.0, 0.5], seed);
        if let Estimate::MeanReverting(even) = fit(&series, step).unwrap() {
            let uneven = reverting(fit_uneven(&times, &series));
            for ((name, a), (_, b)) in fields(&even).into_iter().zip(fields(&uneven)) {
                assert_close(name, b, a, (1e-7, 1e-9));
            }
        }
    }

    #[test]
    fn shift_and_scale_pass_through(seed in any::<u64>(), shift in -1e3..1e3, scale in 0.01..100.0) {
        let even = even_times(300, 0.01);
        let uneven = uneven_times(300, 0.01, seed);
        let series = simulate(&uneven, [12.0, 0.0, 1.0], seed);
        let moved: Vec<f64> = series.iter().map(|value| shift + scale * value).collect();
        for (a, b) in [
            (reverting(fit(&series, 0.01)), reverting(fit(&moved, 0.01))),
            (reverting(fit_uneven(&uneven, &series)), reverting(fit_uneven(&uneven, &moved))),
        ] {
            assert_close("kappa", b.kappa, a.kappa, (1e-8, 0.0));
            assert_close("kappa error", b.kappa_error, a.kappa_error, (1e-8, 0.0));
            assert_close("mean", b.mean, shift + scale * a.mean, (1e-8, 1e-8 * scale));
            assert_close("sigma", b.sigma, scale * a.sigma, (1e-8, 0.0));
            assert_close("sigma error", b.sigma_error, scale * a.sigma_error, (1e-8, 0.0));
        }
        // Time only changes the unit of the speed.
        let slow = reverting(fit(&series, 0.04));
        assert_close("kappa", 4.0 * slow.kappa, reverting(fit(&series, even[1])).kappa, (1e-12, 0.0));
    }

    #[test]
    fn uneven_spacing_finds_the_parameters(seed in any::<u64>()) {
        let times = uneven_times(4000, 0.02, seed);
        let got = reverting(fit_uneven(&times, &simulate(&times, [6.0, 1.5, 0.4], seed ^ 1)));
        for (name, value, error, truth) in [
            ("kappa", got.kappa_unbiased, got.kappa_error, 6.0),
            ("mean", got.mean, got.mean_error, 1.5),
            ("sigma", got.sigma, got.sigma_error, 0.4),
        ] {
            prop_assert!((value - truth).abs() < 5.0 * error, "{name}: {value} ± {error}");
            prop_assert!(error < 0.2 * truth, "{name}: {value} ± {error}");
        }
    }

    #[test]
    fn whatever_goes_in_a_number_or_an_error_comes_out(
        series in prop::collection::vec(any_number(), 0..40),
        times in prop::collection::vec(any_number(), 0..40),
        mut sorted in prop::collection::vec(any::<f64>(), 40),
        step in any_number(),
    ) {
        sorted.sort_by(f64::total_cmp);
        for answer in [
            fit(&series, step),
            fit_uneven(&times, &series),
            fit_uneven(&sorted[..series.len()], &series),
            fit_uneven(&even_times(40, 1.0)[..series.len()], &series),
        ] {
            match answer {
                Ok(Estimate::MeanReverting(fit)) => {
                    prop_assert!(fields(&fit).iter().all(|(_, value)| value.is_finite()), "{fit:?}");
                }
                Ok(Estimate::NotMeanReverting { phi, .. }) => prop_assert!(phi.is_finite()),
                Err(_) => {}
            }
        }
    }
}

#[test]
fn long_gaps_between_bursts_do_not_spoil_the_bias() {
    for gap in [1.0, 2.0, 10.0] {
        let times: Vec<f64> =
            (0..2_000).map(|n| f64::from(n / 10) * gap + f64::from(n % 10) * 0.01).collect();
        let fit = reverting(fit_uneven(&times, &simulate(&times, [50.0, 1.0, 0.3], 5)));
        assert!(fit.kappa_unbiased < fit.kappa, "the bias is upwards: {fit:?}");
        assert!((fit.kappa_unbiased - 50.0).abs() < 4.0 * fit.kappa_error, "gap {gap}: {fit:?}");
        assert!(fit.is_significant(), "{fit:?}");
    }
}

#[test]
fn a_random_walk_is_seldom_taken_for_reversion() {
    let mut random = SplitMix64::new(9);
    let (mut taken, mut missed) = (0, 0);
    let times = even_times(500, 1.0 / 252.0);
    for seed in 0..400 {
        let mut level = 0.0;
        let walk: Vec<f64> = (0..500)
            .map(|_| {
                level += random.normal();
                level
            })
            .collect();
        let is_significant = |series: &[f64]| match fit(series, 1.0 / 252.0).unwrap() {
            Estimate::MeanReverting(fit) => fit.is_significant(),
            Estimate::NotMeanReverting { .. } => false,
        };
        taken += usize::from(is_significant(&walk));
        missed += usize::from(!is_significant(&simulate(&times, [25.0, 1.0, 0.3], seed)));
    }
    println!("of 400 random walks {taken} were taken for reversion, of 400 reversions {missed} were missed");
    assert!(taken <= 32, "twice one in twenty would be 40: {taken}");
    assert!(missed <= 8, "{missed}");
}
