//! How long Heston's model takes: price and gradient of 50 options, one accurate price, and calibrations to 50 quotes from
//! good and poor starts. Medians, in microseconds, on one thread.

use bulkhead_quant::QuantError;
use bulkhead_quant::option::OptionKind;
use bulkhead_quant::option::heston::{
    Calibration, Contract, Market, Observed, Parameters, Quote, Surface, price,
};
use std::hint::black_box;
use std::time::Instant;

const MARKET: Market = Market { spot: 100.0, rate: 0.02, dividend: 0.01 };
const REPEATS: usize = 201;

/// Five maturities of ten strikes each.
fn surface(parameters: &Parameters) -> Result<Vec<Quote>, QuantError> {
    let mut quotes = Vec::new();
    for expiry_years in [0.1, 0.25, 0.5, 1.0, 2.0] {
        let deviation = parameters.expected_variance(expiry_years).sqrt();
        for i in 0..10 {
            let moneyness = -2.0 + 3.5 * f64::from(i) / 9.0;
            let strike = MARKET.spot * (moneyness * deviation).exp();
            let kind = if moneyness < 0.0 { OptionKind::Put } else { OptionKind::Call };
            let contract = Contract { strike, expiry_years, kind };
            let observed = Observed::Price(price(&MARKET, parameters, &contract)?);
            quotes.push(Quote { market: MARKET, contract, observed });
        }
    }
    Ok(quotes)
}

fn median_us(mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(REPEATS / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<(), QuantError> {
    let markets = [
        ("equity", Parameters { v0: 0.03, kappa: 3.0, theta: 0.05, sigma: 0.5, rho: -0.75 }),
        ("currency", Parameters { v0: 0.01, kappa: 1.5, theta: 0.012, sigma: 0.15, rho: 0.1 }),
        ("crypto", Parameters { v0: 0.5, kappa: 2.5, theta: 0.6, sigma: 1.5, rho: -0.3 }),
        ("Feller violated", Parameters { v0: 0.09, kappa: 0.7, theta: 0.09, sigma: 1.0, rho: -0.6 }),
    ];
    for (name, truth) in markets {
        let quotes = surface(&truth)?;
        let options: Vec<_> = quotes.iter().map(|quote| (quote.market, quote.contract)).collect();
        let mut prepared = Surface::new(&options)?;
        let gradient = median_us(|| {
            black_box(prepared.value(black_box(&truth))).ok();
        });
        let all = median_us(|| {
            for (market, contract) in &options {
                black_box(price(market, &truth, contract)).ok();
            }
        });
        println!("{name}: price and gradient of 50 {gradient:.1}, one accurate price {:.1}", all / 50.0);
        let Parameters { v0, kappa, theta, sigma, rho } = truth;
        let near = Parameters {
            v0: 1.1 * v0,
            kappa: 0.8 * kappa,
            theta: 1.1 * theta,
            sigma: 1.2 * sigma,
            rho: 0.9 * rho,
        };
        let flat = Parameters { v0: theta, kappa: 1.0, theta, sigma: 0.3, rho: 0.0 };
        let far = Parameters {
            v0: 4.0 * v0,
            kappa: 4.0 * kappa,
            theta: 0.3 * theta,
            sigma: 0.25 * sigma,
            rho: -rho,
        };
        let poor = Parameters { v0: 1.0, kappa: 0.1, theta: 0.01, sigma: 2.0, rho: 0.9 };
        let none = median_us(|| {
            black_box(Calibration::new(&quotes).run()).ok();
        });
        println!("  calibration without a start {none:.0}");
        for (start_name, start) in [("near", near), ("flat", flat), ("far", far), ("poor", poor)] {
            let fit = Calibration::new(&quotes).start(start).run()?;
            let time = median_us(|| {
                black_box(Calibration::new(&quotes).start(start).run()).ok();
            });
            println!("  calibration from a {start_name} start {time:.0}, {} evaluations", fit.iterations);
        }
    }
    Ok(())
}
