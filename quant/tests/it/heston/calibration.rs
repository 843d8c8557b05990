//! Calibration: recovery of known parameters, standard errors under noise, real quotes, and refusals.

use super::reference::parameters;
use crate::support::{golden, number, numbers};
use bulkhead_quant::option::OptionKind;
use bulkhead_quant::option::heston::{
    Calibration, Contract, Fit, Market, Observed, Parameters, PerParameter, Quote, price,
};
use bulkhead_quant::random::SplitMix64;
use bulkhead_quant::{QuantError, normal};
use std::cell::Cell;

const MARKET: Market = Market { spot: 100.0, rate: 0.02, dividend: 0.01 };

/// Five maturities of ten strikes each, from `low` to `high` expected deviations from the forward.
fn surface(parameters: &Parameters, (low, high): (f64, f64)) -> Vec<Quote> {
    let mut quotes = Vec::new();
    for expiry_years in [0.1, 0.25, 0.5, 1.0, 2.0] {
        let deviation = parameters.expected_variance(expiry_years).sqrt();
        let forward = MARKET.spot * ((MARKET.rate - MARKET.dividend) * expiry_years).exp();
        for i in 0..10 {
            let moneyness = low + (high - low) * f64::from(i) / 9.0;
            let strike = forward * (moneyness * deviation).exp();
            let kind = if moneyness < 0.0 { OptionKind::Put } else { OptionKind::Call };
            let contract = Contract { strike, expiry_years, kind };
            let observed = Observed::Price(price(&MARKET, parameters, &contract).unwrap());
            quotes.push(Quote { market: MARKET, contract, observed });
        }
    }
    quotes
}

/// The largest relative error of a parameter, and absolute of the correlation.
fn distance(got: &Parameters, want: &Parameters) -> f64 {
    let relative = |got: f64, want: f64| (got / want - 1.0).abs();
    relative(got.v0, want.v0)
        .max(relative(got.kappa, want.kappa))
        .max(relative(got.theta, want.theta))
        .max(relative(got.sigma, want.sigma))
        .max((got.rho - want.rho).abs())
}

fn four_markets() -> [(&'static str, Parameters); 4] {
    [
        ("equity", Parameters { v0: 0.03, kappa: 3.0, theta: 0.05, sigma: 0.5, rho: -0.75 }),
        ("currency", Parameters { v0: 0.01, kappa: 1.5, theta: 0.012, sigma: 0.15, rho: 0.1 }),
        ("crypto", Parameters { v0: 0.5, kappa: 2.5, theta: 0.6, sigma: 1.5, rho: -0.3 }),
        ("Feller violated", Parameters { v0: 0.09, kappa: 0.7, theta: 0.09, sigma: 1.0, rho: -0.6 }),
    ]
}

#[test]
fn four_markets_are_recovered_from_four_starts_each() {
    for (name, truth) in four_markets() {
        let quotes = surface(&truth, (-2.0, 1.5));
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
        for (start_name, start) in [("near", near), ("flat", flat), ("far", far), ("poor", poor)] {
            let fit = Calibration::new(&quotes).start(start).run().unwrap();
            let error = distance(&fit.parameters, &truth);
            println!("{name} from {start_name}: error {error:.1e}, {} iterations", fit.iterations);
            assert!(error < 1e-8, "{name} from {start_name}: {fit:?}");
            assert_eq!(fit.feller, truth.feller());
        }
    }
}

/// Parameters drawn from the box that [`Calibration`] publishes.
fn drawn(random: &mut SplitMix64) -> Parameters {
    let mut between = |low: f64, high: f64| low * (high / low).powf(random.uniform());
    let (v0, kappa, theta, sigma) =
        (between(0.002, 2.0), between(0.1, 20.0), between(0.002, 2.0), between(0.05, 3.0));
    Parameters { v0, kappa, theta, sigma, rho: -0.95 + 1.9 * random.uniform() }
}

/// `SEED` chooses the surfaces, and `SURFACES` how many.
#[test]
fn surfaces_from_a_box_are_recovered_or_refused() {
    let setting = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = setting("SEED").unwrap_or(1);
    let count = setting("SURFACES").unwrap_or(500);
    let mut random = SplitMix64::new(seed);
    let mut recovered = 0_u64;
    for i in 0..count {
        let truth = drawn(&mut random);
        match Calibration::new(&surface(&truth, (-2.0, 1.5))).run() {
            Ok(fit) => {
                let error = distance(&fit.parameters, &truth);
                assert!(error < 1e-3, "surface {i} of seed {seed}: wrong by {error:.1e}: {truth:?} {fit:?}");
                recovered += 1;
            }
            Err(QuantError::NotIdentified { why }) => println!("surface {i} refused: {truth:?}: {why}"),
            Err(error) => panic!("surface {i}: {truth:?}: {error}"),
        }
    }
    println!("recovered {recovered} of {count} surfaces of seed {seed}");
    assert!(recovered * 100 >= count * 99, "at least 99 of 100");
}

fn listed(parameters: &Parameters) -> [f64; 5] {
    let Parameters { v0, kappa, theta, sigma, rho } = *parameters;
    [v0, kappa, theta, sigma, rho]
}

/// Black's call, and its derivative by volatility.
fn black(contract: &Contract, market: &Market, volatility: f64) -> (f64, f64) {
    let Contract { strike, expiry_years, kind } = *contract;
    let forward = market.spot * ((market.rate - market.dividend) * expiry_years).exp();
    let discount = (-market.rate * expiry_years).exp();
    let deviation = volatility * expiry_years.sqrt();
    let upper = (forward / strike).ln() / deviation + 0.5 * deviation;
    let call = forward * normal::cdf(upper) - strike * normal::cdf(upper - deviation);
    let value = match kind {
        OptionKind::Call => call,
        OptionKind::Put => call - forward + strike,
    };
    (discount * value, discount * forward * normal::pdf(upper) * expiry_years.sqrt())
}

fn implied_volatility(contract: &Contract, market: &Market, price: f64) -> f64 {
    let (mut low, mut high) = (1e-4, 10.0);
    while high - low > 1e-12 {
        let middle = 0.5 * (low + high);
        if black(contract, market, middle).0 > price { high = middle } else { low = middle }
    }
    0.5 * (low + high)
}

/// Noise of one per cent of vega: each price is off by a normal number times 0.01 times its vega, which is one point of
/// implied volatility.
#[test]
fn standard_errors_cover_the_truth_under_noise() {
    const SEEDS: u64 = 200;
    let truth = Parameters { v0: 0.3, kappa: 2.0, theta: 0.4, sigma: 1.0, rho: -0.5 };
    let clean = surface(&truth, (-2.0, 2.0));
    let mut covered = [0_u64; 5];
    for seed in 0..SEEDS {
        let mut random = SplitMix64::new(1000 + seed);
        let mut quotes = clean.clone();
        for quote in &mut quotes {
            let Observed::Price(price) = quote.observed else { unreachable!() };
            let volatility = implied_volatility(&quote.contract, &quote.market, price);
            let vega = black(&quote.contract, &quote.market, volatility).1;
            quote.observed = Observed::Price(price + 0.01 * vega * random.normal());
        }
        let fit = Calibration::new(&quotes).run().unwrap();
        let PerParameter { v0, kappa, theta, sigma, rho } = fit.standard_errors;
        let pairs =
            listed(&fit.parameters).into_iter().zip(listed(&truth)).zip([v0, kappa, theta, sigma, rho]);
        for (covered, ((got, want), error)) in covered.iter_mut().zip(pairs) {
            *covered += u64::from((got - want).abs() <= 1.96 * error);
        }
        if seed == 0 {
            println!("{fit:?}");
        }
    }
    for (name, covered) in ["v0", "kappa", "theta", "sigma", "rho"].into_iter().zip(covered) {
        let share = 100.0 * covered as f64 / SEEDS as f64;
        println!("{name}: covered in {share} % of {SEEDS} seeds");
        assert!((90.0..=99.0).contains(&share), "{name}: {share} %");
    }
}

#[test]
fn the_parameters_of_cui_are_recovered_from_their_start() {
    let file = golden("heston_reference");
    let case = &file["cui"];
    let market = Market { spot: number(&case["S"]), rate: number(&case["r"]), dividend: number(&case["q"]) };
    let (strikes, expiries) = (numbers(&case["K"]), numbers(&case["T"]));
    let quotes: Vec<Quote> = strikes
        .iter()
        .zip(&expiries)
        .zip(numbers(&case["call"]))
        .map(|((&strike, &expiry_years), price)| Quote {
            market,
            contract: Contract { strike, expiry_years, kind: OptionKind::Call },
            observed: Observed::Price(price),
        })
        .collect();
    let fit = Calibration::new(&quotes).start(parameters(&case["start"])).run().unwrap();
    let error = distance(&fit.parameters, &parameters(&case["true"]));
    println!("Cui: error {error:.1e}: {fit:?}");
    assert!(error < 1e-8);
}

/// The quotes of Sepp on the DAX of 5 July 2002, with the conventions of QuantLib's test: whole weeks to expiry, zero rates
/// interpolated linearly.
fn dax() -> Vec<Quote> {
    let file = golden("heston_reference");
    let case = &file["dax_sepp"];
    let (days, rates) = (numbers(&case["days"]), numbers(&case["zero_rates"]));
    let rate = |day: f64| {
        let after = days.iter().position(|&known| known >= day).unwrap_or(days.len() - 1);
        if after == 0 {
            return rates[0];
        }
        let share = (day - days[after - 1]) / (days[after] - days[after - 1]);
        rates[after - 1] + share * (rates[after] - rates[after - 1])
    };
    let volatilities = numbers(&case["vols_strike_major"]);
    let mut quotes = Vec::new();
    for (&strike, row) in numbers(&case["strikes"]).iter().zip(volatilities.chunks(days.len())) {
        for (&day, &volatility) in days.iter().zip(row) {
            let expiry_days = 7.0 * ((day + 3.0) / 7.0).floor();
            let market = Market { spot: number(&case["S"]), rate: rate(expiry_days), dividend: 0.0 };
            let contract = Contract { strike, expiry_years: expiry_days / 365.0, kind: OptionKind::Call };
            quotes.push(Quote { market, contract, observed: Observed::Volatility(volatility) });
        }
    }
    quotes
}

fn squared_points(quotes: &[Quote], fit: &Fit) -> f64 {
    let error = |quote: &Quote| {
        let Observed::Volatility(want) = quote.observed else { unreachable!() };
        let price = price(&quote.market, &fit.parameters, &quote.contract).unwrap();
        100.0 * (implied_volatility(&quote.contract, &quote.market, price) - want)
    };
    quotes.iter().map(|quote| error(quote).powi(2)).sum()
}

#[test]
fn the_dax_of_sepp_is_fitted_as_well_as_by_quantlib() {
    let quotes = dax();
    assert_eq!(quotes.len(), 104);
    let fit = Calibration::new(&quotes).run().unwrap();
    let sum = squared_points(&quotes, &fit);
    println!("DAX: sum of squared errors {sum:.2} points: {fit:?}");
    assert!(sum < 178.2, "QuantLib's is 177.2");
}

#[test]
fn what_the_quotes_do_not_determine_is_refused() {
    let refused = |quotes: &[Quote]| match Calibration::new(quotes).run() {
        Err(QuantError::NotIdentified { why }) => println!("refused: {why}"),
        other => panic!("{other:?}"),
    };
    let truth = Parameters { v0: 0.04, kappa: 2.0, theta: 0.05, sigma: 0.4, rho: -0.6 };
    let flat: Vec<Quote> = surface(&truth, (-2.0, 1.5))
        .into_iter()
        .map(|quote| Quote { observed: Observed::Volatility(0.2), ..quote })
        .collect();
    refused(&flat);
    let one_maturity = surface(&truth, (-2.0, 1.5))[20..30].to_vec();
    match Calibration::new(&one_maturity).run() {
        Err(QuantError::NotIdentified { why }) => println!("refused: {why}"),
        // Ten exact prices of one maturity do hold five parameters, if only just.
        Ok(fit) => assert!(distance(&fit.parameters, &truth) < 1e-3, "{fit:?}"),
        other => panic!("{other:?}"),
    }
    let same = vec![surface(&truth, (-2.0, 1.5))[25]; 20];
    refused(&same);
    let mut random = SplitMix64::new(3);
    let nonsense: Vec<Quote> = surface(&truth, (-2.0, 1.5))
        .into_iter()
        .map(|quote| Quote { observed: Observed::Volatility(0.1 + random.uniform()), ..quote })
        .collect();
    refused(&nonsense);
}

#[test]
fn a_calibration_stops_when_asked() {
    let truth = Parameters { v0: 0.04, kappa: 2.0, theta: 0.05, sigma: 0.4, rho: -0.6 };
    let quotes = surface(&truth, (-2.0, 1.5));
    let asked = Cell::new(0);
    let third = || {
        asked.set(asked.get() + 1);
        asked.get() == 3
    };
    let result = Calibration::new(&quotes).cancelled_by(&third).run();
    assert!(matches!(result, Err(QuantError::Cancelled)), "{result:?}");
}

#[test]
fn progress_only_goes_up() {
    let truth = four_markets()[0].1;
    let mut quotes = surface(&truth, (-2.0, 1.5));
    // Quotes that no parameters meet are followed from every start.
    for (n, quote) in quotes.iter_mut().enumerate() {
        if let Observed::Price(price) = &mut quote.observed {
            *price *= 1.0 + if n % 2 == 0 { 1e-3 } else { -1e-3 };
        }
    }
    let told = std::cell::RefCell::new(Vec::new());
    let report = |progress| told.borrow_mut().push(progress);
    Calibration::new(&quotes).reporting_to(&report).run().unwrap();
    let told = told.into_inner();
    assert!(told.len() > 3 && told.iter().all(|progress| (0.0..1.0).contains(progress)), "{told:?}");
    assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "{told:?}");
}

#[test]
fn bad_quotes_are_refused() {
    let truth = Parameters { v0: 0.04, kappa: 2.0, theta: 0.05, sigma: 0.4, rho: -0.6 };
    let good = surface(&truth, (-2.0, 1.5));
    assert!(matches!(Calibration::new(&good[..5]).run(), Err(QuantError::TooFew { .. })));
    for observed in [
        Observed::Price(f64::NAN),
        Observed::Price(-1.0),
        Observed::Price(0.0),
        Observed::Price(1e9),
        Observed::Volatility(0.0),
        Observed::Volatility(f64::INFINITY),
        Observed::Volatility(1e6),
    ] {
        let mut quotes = good.clone();
        quotes[7].observed = observed;
        assert!(Calibration::new(&quotes).run().is_err(), "{observed:?}");
    }
    let bad = Parameters { rho: 1.5, ..truth };
    assert!(Calibration::new(&good).start(bad).run().is_err());
}
