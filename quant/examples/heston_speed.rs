use bulkhead_quant::option::OptionKind;
use bulkhead_quant::option::heston::*;
use bulkhead_quant::random::SplitMix64;
use std::time::Instant;

fn surface(p: &Parameters) -> Vec<Quote> {
    let market = Market { spot: 100.0, rate: 0.02, dividend: 0.01 };
    let mut quotes = Vec::new();
    for t in [0.1, 0.25, 0.5, 1.0, 2.0] {
        let dev = p.expected_variance(t).sqrt();
        let f = 100.0 * (0.01f64 * t).exp();
        for i in 0..10 {
            let z = -2.0 + 3.5 * i as f64 / 9.0;
            let strike = f * (z * dev).exp();
            let kind = if z < 0.0 { OptionKind::Put } else { OptionKind::Call };
            let contract = Contract { strike, expiry_years: t, kind };
            quotes.push(Quote {
                market,
                contract,
                observed: Observed::Price(price(&market, p, &contract).unwrap()),
            });
        }
    }
    quotes
}

fn error(a: &Parameters, b: &Parameters) -> f64 {
    let r = |x: f64, y: f64| (x / y - 1.0).abs();
    r(a.v0, b.v0)
        .max(r(a.kappa, b.kappa))
        .max(r(a.theta, b.theta))
        .max(r(a.sigma, b.sigma))
        .max((a.rho - b.rho).abs())
}

fn main() {
    let surfaces = [
        ("equity", Parameters { v0: 0.03, kappa: 3.0, theta: 0.05, sigma: 0.5, rho: -0.75 }),
        ("currency", Parameters { v0: 0.01, kappa: 1.5, theta: 0.012, sigma: 0.15, rho: 0.1 }),
        ("crypto", Parameters { v0: 0.5, kappa: 2.5, theta: 0.6, sigma: 1.5, rho: -0.3 }),
        ("feller violated", Parameters { v0: 0.09, kappa: 0.7, theta: 0.09, sigma: 1.0, rho: -0.6 }),
    ];
    for (name, p) in surfaces {
        let t = Instant::now();
        let quotes = surface(&p);
        println!("{name}: priced 50 in {:?}", t.elapsed());
        let pairs: Vec<_> = quotes.iter().map(|q| (q.market, q.contract)).collect();
        let mut s = Surface::new(&pairs).unwrap();
        let mut times: Vec<f64> = (0..1001).map(|_| { let t = Instant::now(); std::hint::black_box(s.value(&p).ok()); t.elapsed().as_secs_f64() * 1e6 }).collect();
        times.sort_by(f64::total_cmp);
        println!("  surface {:.1} us, best {:.1}", times[500], times[0]);
        let starts = [
            ("none", None),
            (
                "near",
                Some(Parameters {
                    v0: p.v0 * 1.1,
                    kappa: p.kappa * 0.8,
                    theta: p.theta * 1.1,
                    sigma: p.sigma * 1.2,
                    rho: p.rho * 0.9,
                }),
            ),
            ("flat", Some(Parameters { v0: p.theta, kappa: 1.0, theta: p.theta, sigma: 0.3, rho: 0.0 })),
            (
                "far",
                Some(Parameters {
                    v0: p.v0 * 4.0,
                    kappa: p.kappa * 4.0,
                    theta: p.theta * 0.3,
                    sigma: p.sigma * 0.25,
                    rho: -p.rho,
                }),
            ),
            ("poor", Some(Parameters { v0: 1.0, kappa: 0.1, theta: 0.01, sigma: 2.0, rho: 0.9 })),
        ];
        for (what, start) in starts {
            let run = || {
                let c = Calibration::new(&quotes);
                if let Some(s) = start { c.start(s).run() } else { c.run() }
            };
            let mut times: Vec<f64> = (0..101)
                .map(|_| {
                    let t = Instant::now();
                    std::hint::black_box(run().ok());
                    t.elapsed().as_secs_f64() * 1e6
                })
                .collect();
            times.sort_by(f64::total_cmp);
            match run() {
                Ok(fit) => println!(
                    "  {what}: {:.0} us, its {}, err {:.1e}, rmse {:.1e}",
                    times[50],
                    fit.iterations,
                    error(&fit.parameters, &p),
                    fit.rmse_volatility
                ),
                Err(e) => println!("  {what}: {:.0} us {e}", times[50]),
            }
        }
    }
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(7);
    let mut r = SplitMix64::new(seed);
    let (mut good, mut not, mut wrong, mut total) = (0, 0, 0, 0.0);
    let n = 500;
    for i in 0..n {
        let mut log = |a: f64, b: f64| a * (b / a).powf(r.uniform());
        let p = Parameters {
            v0: log(0.005, 1.0),
            kappa: log(0.5, 8.0),
            theta: log(0.005, 1.0),
            sigma: log(0.1, 2.0),
            rho: 0.0,
        };
        let p = Parameters { rho: -0.95 + 1.45 * r.uniform(), ..p };
        let quotes = surface(&p);
        let t = Instant::now();
        let fit = Calibration::new(&quotes).run();
        total += t.elapsed().as_secs_f64();
        match fit {
            Ok(fit) if error(&fit.parameters, &p) < 1e-3 => good += 1,
            Ok(fit) => {
                wrong += 1;
                println!("{i} WRONG {p:?}\n   {fit:?}");
            }
            Err(e) => {
                not += 1;
                println!("{i} not: {e} {p:?}");
            }
        }
    }
    println!("good {good} not {not} wrong {wrong}, mean {:.0} us", total / n as f64 * 1e6);
}
