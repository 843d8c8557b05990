//! How long calibration and pricing take: medians of many repeats, on one core.
//!
//! `cargo run --release -p bulkhead-quant --example volatility_speed`

use bulkhead_quant::QuantError;
use bulkhead_quant::option::OptionKind::Call;
use bulkhead_quant::option::black_scholes::{Inputs, greeks, price};
use bulkhead_quant::option::implied_volatility::{Quote as PriceQuote, of_price};
use bulkhead_quant::option::sabr::{Beta, Expansion, Model, Parameters, Quote, Settings, Underlying, fit};
use bulkhead_quant::process::ornstein_uhlenbeck;
use bulkhead_quant::random::SplitMix64;
use std::hint::black_box;
use std::time::Instant;

const REPEATS: usize = 401;
const CALLS: u32 = 20;

/// The median over repeats of the mean time of a call, in microseconds.
fn median_us<R>(mut call: impl FnMut() -> R) -> f64 {
    let mut times = [0.0; REPEATS];
    for time in &mut times {
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(call());
        }
        *time = start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS);
    }
    *times.select_nth_unstable_by(REPEATS / 2, f64::total_cmp).1
}

fn main() -> Result<(), QuantError> {
    smiles()?;
    let series = reverting_series();
    let time = median_us(|| ornstein_uhlenbeck::fit(black_box(&series), 1.0 / 252.0));
    println!("ornstein_uhlenbeck_500_us {time:.3}");
    let times: Vec<f64> = (0_u32..500).map(|i| f64::from(i) / 252.0).collect();
    let time = median_us(|| ornstein_uhlenbeck::fit_uneven(black_box(&times), black_box(&series)));
    println!("ornstein_uhlenbeck_uneven_500_us {time:.1}");
    options()
}

/// Fifteen strikes: from the explicit guess, from a start far away, from one nearby, and with errors in the quotes.
fn smiles() -> Result<(), QuantError> {
    let underlying = Underlying { forward: 0.03, expiry_years: 1.0, shift: 0.0 };
    let truth = Parameters { alpha: 0.04, beta: 0.5, nu: 0.6, rho: -0.3 };
    let far = Parameters { alpha: 0.2_f64.sqrt(), beta: 0.5, nu: 0.4_f64.sqrt(), rho: 0.0 };
    let near = Parameters { alpha: 0.042, beta: 0.5, nu: 0.57, rho: -0.27 };
    for (name, expansion) in [
        ("hagan", Expansion::Hagan),
        ("obloj", Expansion::Obloj),
        ("floch_kennedy", Expansion::FlochKennedy),
        ("hagan_normal", Expansion::HaganNormal),
    ] {
        let model = Model::new(truth, underlying, expansion)?;
        let mut quotes = Vec::new();
        for i in 0_u32..15 {
            let strike = 0.015 * 4.0_f64.powf(f64::from(i) / 14.0);
            quotes.push(Quote { strike, volatility: model.volatility(strike)?, weight: 1.0 });
        }
        let mut random = SplitMix64::new(7);
        let noisy: Vec<Quote> = quotes
            .iter()
            .map(|quote| Quote { volatility: quote.volatility * (1.0 + 0.01 * random.normal()), ..*quote })
            .collect();
        for (case, quotes, start, beta) in [
            ("guess", &quotes, None, Beta::Fixed(0.5)),
            ("far", &quotes, Some(far), Beta::Fixed(0.5)),
            ("near", &quotes, Some(near), Beta::Fixed(0.5)),
            ("noisy", &noisy, None, Beta::Fixed(0.5)),
            ("beta_fitted", &quotes, None, Beta::Fitted),
        ] {
            let settings = Settings { expansion, beta, start };
            let steps = fit(&underlying, quotes, &settings)?.iterations;
            let time = median_us(|| fit(black_box(&underlying), black_box(quotes), &settings));
            println!("sabr_{name}_15_strikes_{case}_us {time:.2} ({steps} iterations)");
        }
    }
    Ok(())
}

fn reverting_series() -> Vec<f64> {
    let mut random = SplitMix64::new(42);
    let mut value = 1.1;
    (0..500)
        .map(|_| {
            value = 1.0 + 0.97 * (value - 1.0) + 0.02 * random.normal();
            value
        })
        .collect()
}

/// A thousand options from deep in to far out of the money.
fn options() -> Result<(), QuantError> {
    let mut random = SplitMix64::new(1);
    let inputs: Vec<Inputs> = (0..1000)
        .map(|_| Inputs {
            spot: 100.0,
            strike: 60.0 + 80.0 * random.uniform(),
            expiry_years: 0.1 + 2.0 * random.uniform(),
            rate: 0.03,
            dividend: 0.01,
            volatility: 0.1 + 0.5 * random.uniform(),
        })
        .collect();
    let mut quotes = Vec::new();
    for option in &inputs {
        let Inputs { spot, strike, expiry_years, rate, dividend, .. } = *option;
        quotes.push(PriceQuote { price: price(Call, option)?, spot, strike, expiry_years, rate, dividend });
    }
    // A call in microseconds for a thousand is one in nanoseconds.
    let time =
        median_us(|| inputs.iter().filter_map(|option| price(Call, black_box(option)).ok()).sum::<f64>());
    println!("price_ns {time:.1}");
    let gamma = |option| greeks(Call, black_box(option)).map(|greeks| greeks.gamma).ok();
    println!("greeks_ns {:.1}", median_us(|| inputs.iter().filter_map(gamma).sum::<f64>()));
    let time =
        median_us(|| quotes.iter().filter_map(|quote| of_price(Call, black_box(quote)).ok()).sum::<f64>());
    println!("implied_volatility_ns {time:.1}");
    Ok(())
}
