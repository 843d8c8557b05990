//! Heston's model: calibrations to fifty quotes from good and poor starts, and fifty prices with their gradients.

use crate::Outcome;
use crate::files::Inputs;
use crate::stopwatch::Stopwatch;
use bulkhead_quant::QuantError;
use bulkhead_quant::option::OptionKind;
use bulkhead_quant::option::heston::{
    Calibration, Contract, Market, Observed, Parameters, Quote, Surface, price,
};
use bulkhead_quant::option::implied_volatility::{self, Quote as PriceQuote};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hint::black_box;

const MARKET: Market = Market { spot: 100.0, rate: 0.02, dividend: 0.01 };
/// Whole days, as QuantLib's calibration knows no others.
const EXPIRIES_DAYS: [u16; 5] = [36, 91, 182, 365, 730];

/// A surface of quotes, what it was made from, and where calibrations start: `[v0, kappa, theta, sigma, rho]`.
#[derive(Serialize, Deserialize)]
struct Problem {
    name: String,
    spot: f64,
    rate: f64,
    dividend: f64,
    truth: [f64; 5],
    starts: BTreeMap<String, [f64; 5]>,
    options: Vec<Quoted>,
}

/// An option and the volatility that it is quoted at.
#[derive(Serialize, Deserialize)]
struct Quoted {
    days: u16,
    strike: f64,
    is_call: bool,
    volatility: f64,
}

impl Quoted {
    fn contract(&self) -> Contract {
        let kind = if self.is_call { OptionKind::Call } else { OptionKind::Put };
        Contract { strike: self.strike, expiry_years: f64::from(self.days) / 365.0, kind }
    }
}

fn listed(parameters: &Parameters) -> [f64; 5] {
    let Parameters { v0, kappa, theta, sigma, rho } = *parameters;
    [v0, kappa, theta, sigma, rho]
}

const fn parameters([v0, kappa, theta, sigma, rho]: [f64; 5]) -> Parameters {
    Parameters { v0, kappa, theta, sigma, rho }
}

pub(crate) fn write(inputs: &Inputs) -> Outcome<()> {
    let problems = [
        ("equity", [0.03, 3.0, 0.05, 0.5, -0.75]),
        ("currency", [0.01, 1.5, 0.012, 0.15, 0.1]),
        ("crypto", [0.5, 2.5, 0.6, 1.5, -0.3]),
        ("feller_violated", [0.09, 0.7, 0.09, 1.0, -0.6]),
    ]
    .into_iter()
    .map(|(name, truth)| problem(name, truth))
    .collect::<Result<Vec<_>, QuantError>>()?;
    inputs.write_json("heston", &problems)
}

fn problem(name: &str, truth: [f64; 5]) -> Result<Problem, QuantError> {
    let [v0, kappa, theta, sigma, rho] = truth;
    let starts = [
        ("near", [1.1 * v0, 0.8 * kappa, 1.1 * theta, 1.2 * sigma, 0.9 * rho]),
        ("flat", [theta, 1.0, theta, 0.3, 0.0]),
        ("far", [4.0 * v0, 4.0 * kappa, 0.3 * theta, 0.25 * sigma, -rho]),
        ("poor", [1.0, 0.1, 0.01, 2.0, 0.9]),
    ];
    let Market { spot, rate, dividend } = MARKET;
    Ok(Problem {
        name: name.to_owned(),
        spot,
        rate,
        dividend,
        truth,
        starts: starts.into_iter().map(|(name, start)| (name.to_owned(), start)).collect(),
        options: surface(&parameters(truth))?,
    })
}

/// Five maturities of ten strikes each.
fn surface(truth: &Parameters) -> Result<Vec<Quoted>, QuantError> {
    let Market { spot, rate, dividend } = MARKET;
    let mut options = Vec::new();
    for days in EXPIRIES_DAYS {
        let expiry_years = f64::from(days) / 365.0;
        let deviation = truth.expected_variance(expiry_years).sqrt();
        for i in 0..10 {
            let moneyness = -2.0 + 3.5 * f64::from(i) / 9.0;
            let strike = spot * (moneyness * deviation).exp();
            let mut quoted = Quoted { days, strike, is_call: moneyness >= 0.0, volatility: 0.0 };
            let contract = quoted.contract();
            let price = price(&MARKET, truth, &contract)?;
            let of = PriceQuote { price, spot, strike, expiry_years, rate, dividend };
            quoted.volatility = implied_volatility::of_price(contract.kind, &of)?;
            options.push(quoted);
        }
    }
    Ok(options)
}

pub(crate) fn measure(inputs: &Inputs, watch: &mut Stopwatch) -> Outcome<()> {
    if !watch.wants_area("heston") {
        return Ok(());
    }
    for problem in inputs.read_json::<Vec<Problem>>("heston")? {
        let market = Market { spot: problem.spot, rate: problem.rate, dividend: problem.dividend };
        let quote = |quoted: &Quoted| {
            let observed = Observed::Volatility(quoted.volatility);
            Quote { market, contract: quoted.contract(), observed }
        };
        let quotes: Vec<Quote> = problem.options.iter().map(quote).collect();
        calibrate(&problem, &quotes, watch)?;
        let options: Vec<_> = quotes.iter().map(|quote| (quote.market, quote.contract)).collect();
        let truth = parameters(problem.truth);
        let mut prepared = Surface::new(&options)?;
        let task = format!("heston/gradient/{}", problem.name);
        if let Some((timed, values)) = watch.time(&task, || prepared.value(black_box(&truth)))? {
            timed.answer(&values.iter().map(|value| value.price).collect::<Vec<_>>());
        }
    }
    Ok(())
}

fn calibrate(problem: &Problem, quotes: &[Quote], watch: &mut Stopwatch) -> Outcome<()> {
    for (name, start) in &problem.starts {
        let task = format!("heston/{name}/{}", problem.name);
        let fit = || Calibration::new(black_box(quotes)).start(parameters(*start)).run();
        if let Some((timed, fit)) = watch.time(&task, fit)? {
            timed.answer(&listed(&fit.parameters));
        }
    }
    let task = format!("heston/none/{}", problem.name);
    if let Some((timed, fit)) = watch.time(&task, || Calibration::new(black_box(quotes)).run())? {
        timed.answer(&listed(&fit.parameters));
    }
    Ok(())
}
