//! Series of returns and levels: mean reversion, tails, performance, changing variance and regimes.

use crate::files::Inputs;
use crate::stopwatch::Stopwatch;
use crate::{GO_ON, Outcome};
use bulkhead_quant::QuantError;
use bulkhead_quant::process::ornstein_uhlenbeck::{self, Estimate};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::regime::{FitOptions, HiddenMarkov, RegimeFilter};
use bulkhead_quant::risk::garch::{Garch, GarchFit};
use bulkhead_quant::risk::moments::Divisor;
use bulkhead_quant::risk::performance::{Convention, Performance};
use bulkhead_quant::risk::tail::{HistoricalTail, QuantileConvention, ShortfallConvention};
use std::hint::black_box;

const STEP_YEARS: f64 = 1.0 / 252.0;
const CONVENTION: Convention =
    Convention { periods_per_year: 252.0, risk_free_per_period: 0.0, divisor: Divisor::ObservationsLessOne };

pub(crate) fn write(inputs: &Inputs) -> Outcome<()> {
    let mut random = SplitMix64::new(42);
    let mut value = 1.1;
    let reverting: Vec<f64> = (0..500)
        .map(|_| {
            value = 1.0 + 0.97 * (value - 1.0) + 0.02 * random.normal();
            value
        })
        .collect();
    inputs.write_numbers("reverting", &reverting)?;
    let mut random = SplitMix64::new(1);
    let returns: Vec<f64> = (0..1_000_000).map(|_| 0.0003 + 0.01 * random.normal()).collect();
    inputs.write_numbers("returns", &returns)?;
    let mut random = SplitMix64::new(3);
    let mut variance = 1.0_f64;
    let clustered: Vec<f64> = (0..1000)
        .map(|_| {
            let residual = variance.sqrt() * random.normal();
            variance = 0.05 + 0.1 * residual * residual + 0.85 * variance;
            0.05 + residual
        })
        .collect();
    inputs.write_numbers("clustered", &clustered)?;
    let mut random = SplitMix64::new(3);
    let mut is_calm = true;
    let regimes: Vec<f64> = (0..1000)
        .map(|_| {
            is_calm ^= random.uniform() < 0.02;
            if is_calm { 0.0005 + 0.006 * random.normal() } else { -0.001 + 0.022 * random.normal() }
        })
        .collect();
    inputs.write_numbers("regimes", &regimes)
}

pub(crate) fn measure(inputs: &Inputs, watch: &mut Stopwatch) -> Outcome<()> {
    if watch.wants_area("process") {
        reversion(&inputs.read_numbers("reverting")?, watch)?;
    }
    if watch.wants_area("risk") {
        million(&inputs.read_numbers("returns")?, watch)?;
        let clustered = inputs.read_numbers("clustered")?;
        if let Some((timed, fit)) = watch.time("risk/garch", || Garch::fit(black_box(&clustered)))? {
            let GarchFit { model: Garch { mean, omega, alpha, beta }, log_likelihood, .. } = fit;
            timed.answer(&[mean, omega, alpha, beta, log_likelihood]);
        }
    }
    if watch.wants_area("regime") {
        regimes(&inputs.read_numbers("regimes")?, watch)?;
    }
    Ok(())
}

fn estimated(estimate: &Estimate) -> Outcome<[f64; 3]> {
    match estimate {
        Estimate::MeanReverting(fit) => Ok([fit.kappa, fit.mean, fit.sigma]),
        Estimate::NotMeanReverting { .. } => Err("the series does not revert".into()),
    }
}

fn reversion(series: &[f64], watch: &mut Stopwatch) -> Outcome<()> {
    let fit = || ornstein_uhlenbeck::fit(black_box(series), STEP_YEARS);
    if let Some((timed, estimate)) = watch.time("process/ornstein_uhlenbeck", fit)? {
        timed.answer(&estimated(&estimate)?);
    }
    let times: Vec<f64> = (0..series.len()).map(|i| i as f64 * STEP_YEARS).collect();
    let fit = || ornstein_uhlenbeck::fit_uneven(black_box(&times), black_box(series));
    if let Some((timed, estimate)) = watch.time("process/ornstein_uhlenbeck_uneven", fit)? {
        timed.answer(&estimated(&estimate)?);
    }
    Ok(())
}

fn million(returns: &[f64], watch: &mut Stopwatch) -> Outcome<()> {
    let tail = || HistoricalTail::new(black_box(returns), 0.99);
    if let Some((timed, tail)) = watch.time("risk/value_at_risk", tail)? {
        timed.answer(&[
            tail.value_at_risk(QuantileConvention::Linear),
            tail.expected_shortfall(ShortfallConvention::MeanBeyondLinearQuantile),
        ]);
    }
    let performance = || -> Result<_, QuantError> {
        let measured = Performance::of(black_box(returns), &CONVENTION)?;
        Ok([measured.sharpe()?, measured.sortino()?, measured.max_drawdown().depth])
    };
    if let Some((timed, ratios)) = watch.time("risk/performance", performance)? {
        timed.answer(&ratios);
    }
    Ok(())
}

fn regimes(observations: &[f64], watch: &mut Stopwatch) -> Outcome<()> {
    let options = FitOptions { start_count: 1, ..FitOptions::default() };
    let fit = || HiddenMarkov::fit(black_box(observations), &options, GO_ON);
    if let Some((timed, fit)) = watch.time("regime/fit", fit)? {
        let mut answer = vec![fit.log_likelihood];
        answer.extend_from_slice(fit.model.means());
        answer.extend_from_slice(fit.model.variances());
        timed.answer(&answer);
    }
    let mut filter = RegimeFilter::new(HiddenMarkov::fit(observations, &options, GO_ON)?.model);
    let update = || -> Result<f64, QuantError> {
        let mut sum = 0.0;
        for &observation in observations {
            sum += filter.update(observation)?[0];
        }
        Ok(sum)
    };
    if let Some((timed, sum)) = watch.time_each(("regime/update", observations.len()), update)? {
        timed.answer(&[sum]);
    }
    Ok(())
}
