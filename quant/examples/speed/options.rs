//! SABR's smile from starts far and near, and Black and Scholes' prices, derivatives and implied volatilities.

use crate::Outcome;
use crate::files::Inputs;
use crate::stopwatch::Stopwatch;
use bulkhead_quant::QuantError;
use bulkhead_quant::option::OptionKind::Call;
use bulkhead_quant::option::black_scholes::{Inputs as Priced, greeks, price};
use bulkhead_quant::option::implied_volatility::{Quote as PriceQuote, of_price};
use bulkhead_quant::option::sabr::{Beta, Expansion, Model, Parameters, Quote, Settings, Underlying, fit};
use bulkhead_quant::random::SplitMix64;
use serde::{Deserialize, Serialize};
use std::hint::black_box;

const UNDERLYING: Underlying = Underlying { forward: 0.03, expiry_years: 1.0, shift: 0.0 };
const BETA: f64 = 0.5;

/// A smile, what it was made from, and where fits start: `[alpha, nu, rho]`.
#[derive(Serialize, Deserialize)]
struct Smile {
    forward: f64,
    expiry_years: f64,
    beta: f64,
    truth: [f64; 3],
    far: [f64; 3],
    near: [f64; 3],
    strikes: Vec<f64>,
    volatilities: Vec<f64>,
}

const fn parameters([alpha, nu, rho]: [f64; 3]) -> Parameters {
    Parameters { alpha, beta: BETA, nu, rho }
}

pub(crate) fn write(inputs: &Inputs) -> Outcome<()> {
    let truth = [0.04, 0.6, -0.3];
    let model = Model::new(parameters(truth), UNDERLYING, Expansion::Hagan)?;
    let strikes: Vec<f64> = (0_u32..15).map(|i| 0.015 * 4.0_f64.powf(f64::from(i) / 14.0)).collect();
    let volatilities =
        strikes.iter().map(|strike| model.volatility(*strike)).collect::<Result<Vec<_>, QuantError>>()?;
    let Underlying { forward, expiry_years, .. } = UNDERLYING;
    // The far start is where QuantLib begins of itself.
    let (far, near) = ([0.2_f64.sqrt(), 0.4_f64.sqrt(), 0.0], [0.042, 0.57, -0.27]);
    let smile = Smile { forward, expiry_years, beta: BETA, truth, far, near, strikes, volatilities };
    inputs.write_json("sabr", &smile)
}

pub(crate) fn measure(inputs: &Inputs, watch: &mut Stopwatch) -> Outcome<()> {
    if watch.wants_area("sabr") {
        smiles(&inputs.read_json("sabr")?, watch)?;
    }
    if watch.wants_area("black_scholes") {
        thousand(watch)?;
    }
    Ok(())
}

fn smiles(smile: &Smile, watch: &mut Stopwatch) -> Outcome<()> {
    let quote = |(&strike, &volatility): (&f64, &f64)| Quote { strike, volatility, weight: 1.0 };
    let quotes: Vec<Quote> = smile.strikes.iter().zip(&smile.volatilities).map(quote).collect();
    for (task, start) in [("sabr/far", Some(smile.far)), ("sabr/near", Some(smile.near)), ("sabr/none", None)]
    {
        let settings = Settings {
            expansion: Expansion::Hagan,
            beta: Beta::Fixed(smile.beta),
            start: start.map(parameters),
        };
        let fit = || fit(black_box(&UNDERLYING), black_box(&quotes), &settings);
        if let Some((timed, fit)) = watch.time(task, fit)? {
            let Parameters { alpha, nu, rho, .. } = fit.model.parameters();
            timed.answer(&[alpha, nu, rho]);
        }
    }
    Ok(())
}

/// A thousand options from deep in to far out of the money.
fn thousand(watch: &mut Stopwatch) -> Outcome<()> {
    let mut random = SplitMix64::new(1);
    let option = |_| Priced {
        spot: 100.0,
        strike: 60.0 + 80.0 * random.uniform(),
        expiry_years: 0.1 + 2.0 * random.uniform(),
        rate: 0.03,
        dividend: 0.01,
        volatility: 0.1 + 0.5 * random.uniform(),
    };
    let options: Vec<Priced> = (0..1000).map(option).collect();
    let mut quotes = Vec::new();
    for option in &options {
        let Priced { spot, strike, expiry_years, rate, dividend, .. } = *option;
        quotes.push(PriceQuote { price: price(Call, option)?, spot, strike, expiry_years, rate, dividend });
    }
    let sum = || options.iter().map(|option| price(Call, black_box(option))).sum::<Result<f64, _>>();
    if let Some((timed, sum)) = watch.time_each(("black_scholes/price", 1000), sum)? {
        timed.answer(&[sum]);
    }
    let gamma = |option| greeks(Call, black_box(option)).map(|greeks| greeks.gamma);
    let sum = || options.iter().map(gamma).sum::<Result<f64, _>>();
    if let Some((timed, sum)) = watch.time_each(("black_scholes/greeks", 1000), sum)? {
        timed.answer(&[sum]);
    }
    let sum = || quotes.iter().map(|quote| of_price(Call, black_box(quote))).sum::<Result<f64, _>>();
    if let Some((timed, sum)) = watch.time_each(("black_scholes/implied_volatility", 1000), sum)? {
        timed.answer(&[sum]);
    }
    Ok(())
}
