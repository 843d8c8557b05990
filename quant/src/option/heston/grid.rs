//! All quotes of a surface priced together, with the gradient, on nodes that are fixed beforehand.
//!
//! Each maturity has one Gauss-Legendre rule over the Lewis integral (see [`super::contour`]), up to where the
//! characteristic function has fallen off. Once the nodes are fixed, so are the waves `e^{i u x}`, Black's prices and the
//! integrals of the control variate; a new set of parameters costs one characteristic function per node and one
//! multiplication per node and quote. The gradient needs no control variate: it vanishes at both poles.

use super::kernel::{BLOCK, Block, COLUMNS, Columns, Waves, characteristic, make_waves, transform};
use super::legendre::{BLOCKS_MAX, rule_of_blocks};
use super::{Parameters, black};
use std::f64::consts::PI;
use std::ops::Range;

/// A quote in the terms of the grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) time: f64,
    /// `ln(F / K)`.
    pub(super) x: f64,
    /// The observed value out of the money, over `√(F K)`.
    pub(super) value: f64,
    /// The derivative of that by volatility, or a floor under it.
    pub(super) vega: f64,
    /// The implied volatility.
    pub(super) volatility: f64,
    /// What turns a value into a price.
    pub(super) scale: f64,
}

/// How finely a grid is laid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fineness {
    /// The negative logarithm of the characteristic function at the last node.
    pub(super) fall: f64,
    /// Blocks of 32 nodes for a maturity.
    pub(super) blocks: usize,
    /// So many times farther out than the last node of a normal distribution, the last node needs as many blocks again.
    pub(super) stretch: f64,
}

/// Prices to about 1e-13 of the underlying.
pub(super) const ACCURATE: Fineness = Fineness { fall: 28.0, blocks: 2, stretch: 6.0 };

#[derive(Debug, Clone)]
struct Slice {
    time: f64,
    quotes: Range<usize>,
    cutoff: f64,
    nodes: Vec<Block>,
    waves: Vec<Waves>,
}

/// A quote's residual `offset - scale · integral`, in units of volatility.
#[derive(Debug, Clone, Copy)]
struct Residual {
    offset: f64,
    scale: f64,
}

/// The fixed grid of a surface.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    fineness: Fineness,
    slices: Vec<Slice>,
    residuals: Vec<Residual>,
    columns: Vec<Columns>,
    sums: Vec<[f64; 6]>,
}

/// Where the characteristic function has fallen by `e^{-fall}`: it is Gaussian at first and exponential in the end.
fn cutoff(parameters: &Parameters, time: f64, fall: f64) -> f64 {
    let Parameters { v0, kappa, theta, sigma, rho } = *parameters;
    let variance = parameters.expected_variance(time);
    let rate = (v0 + kappa * theta * time) * (1.0 - rho * rho).sqrt() / sigma;
    let ratio = fall * variance / (rate * rate);
    (ratio * (ratio + 2.0)).sqrt() * rate / variance
}

impl Fineness {
    /// How many blocks a maturity needs.
    fn blocks_for(&self, cutoff: f64, variance: f64) -> usize {
        let ratio = cutoff * (variance / (2.0 * self.fall)).sqrt() / self.stretch;
        let mut times = 1;
        while times * self.blocks < BLOCKS_MAX && ratio > times as f64 {
            times += 1;
        }
        times * self.blocks
    }
}

impl Grid {
    /// Lays a grid that suits parameters near these. The targets must be sorted by time.
    pub(super) fn new(targets: &[Target], parameters: &Parameters, fineness: Fineness) -> Self {
        let mut grid = Self {
            fineness,
            slices: Vec::new(),
            residuals: Vec::with_capacity(targets.len()),
            columns: Vec::new(),
            sums: vec![[0.0; 6]; targets.len()],
        };
        let mut start = 0;
        #[expect(clippy::float_cmp, reason = "quotes of one maturity carry the same number")]
        for slice in targets.chunk_by(|a, b| a.time == b.time) {
            let quotes = start..start + slice.len();
            start = quotes.end;
            grid.add(slice, quotes, parameters);
        }
        grid
    }

    fn add(&mut self, targets: &[Target], quotes: Range<usize>, parameters: &Parameters) {
        let time = targets[0].time;
        let cutoff = cutoff(parameters, time, self.fineness.fall);
        let variance = parameters.expected_variance(time);
        let blocks = self.fineness.blocks_for(cutoff, variance);
        let nodes: Vec<Block> = rule_of_blocks(blocks)
            .chunks(BLOCK)
            .map(|rule| {
                let nodes: [f64; BLOCK] = std::array::from_fn(|j| cutoff * (0.5 * (rule[j].0 + 1.0)).powi(2));
                let weight = |j: usize| {
                    0.5 * cutoff * (rule[j].0 + 1.0) * rule[j].1 / nodes[j].mul_add(nodes[j], 0.25)
                };
                Block { nodes, weights: std::array::from_fn(weight) }
            })
            .collect();
        let control: Vec<[f64; BLOCK]> = nodes
            .iter()
            .map(|block| {
                std::array::from_fn(|j| {
                    let u = block.nodes[j];
                    block.weights[j] * (-0.5 * variance * u.mul_add(u, 0.25)).exp()
                })
            })
            .collect();
        let empty = Waves { cosine: [0.0; BLOCK], sine: [0.0; BLOCK] };
        let mut waves = vec![empty; targets.len() * nodes.len()];
        for (target, waves) in targets.iter().zip(waves.chunks_mut(nodes.len())) {
            make_waves(target.x, &nodes, waves);
            let known: f64 = waves
                .iter()
                .zip(&control)
                .map(|(wave, control)| wave.cosine.iter().zip(control).map(|(a, b)| a * b).sum::<f64>())
                .sum();
            let black = black::out_of_the_money(target.x, variance.sqrt());
            let offset = (black - target.value + known / PI) / target.vega;
            self.residuals.push(Residual { offset, scale: 1.0 / (PI * target.vega) });
        }
        if self.columns.len() < blocks {
            self.columns.resize(blocks, [[0.0; BLOCK]; COLUMNS]);
        }
        self.slices.push(Slice { time, quotes, cutoff, nodes, waves });
    }

    /// Whether the grid is also right for these parameters.
    pub(super) fn suits(&self, parameters: &Parameters) -> bool {
        self.slices.iter().all(|slice| {
            let ratio = cutoff(parameters, slice.time, self.fineness.fall) / slice.cutoff;
            (0.77..1.3).contains(&ratio)
        })
    }

    /// Calls back with each quote's residual and its derivatives by v₀, κ, θ, σ, ρ, in units of volatility.
    pub(super) fn evaluate(&mut self, parameters: &Parameters, mut each: impl FnMut(usize, f64, [f64; 5])) {
        for slice in &self.slices {
            let columns = &mut self.columns[..slice.nodes.len()];
            characteristic(parameters, slice.time, &slice.nodes, columns);
            let sums = &mut self.sums[slice.quotes.clone()];
            transform(&slice.waves, columns, sums);
            for (quote, [value, by @ ..]) in slice.quotes.clone().zip(sums) {
                let Residual { offset, scale } = self.residuals[quote];
                each(quote, offset - scale * *value, by.map(|sum| -scale * sum));
            }
        }
    }
}

#[cfg(test)]
mod experiment {
    use super::*;
    use crate::option::OptionKind;
    use crate::option::heston::{Contract, Market, pricing::price};
    use crate::random::SplitMix64;

    #[test]
    fn accuracy() {
        let mut r = SplitMix64::new(3);
        let mut rows = Vec::new();
        for _ in 0..1500 {
            let mut log = |a: f64, b: f64| a * (b / a).powf(r.uniform());
            let p = Parameters {
                v0: log(0.005, 1.0),
                kappa: log(0.5, 8.0),
                theta: log(0.005, 1.0),
                sigma: log(0.1, 2.0),
                rho: 0.0,
            };
            let p = Parameters { rho: -0.95 + 1.45 * r.uniform(), ..p };
            let t = 0.1 * 20f64.powf(r.uniform());
            let dev = p.expected_variance(t).sqrt();
            let market = Market { spot: 1.0, rate: 0.0, dividend: 0.0 };
            let targets: Vec<Target> = (0..5)
                .map(|i| Target {
                    time: t,
                    x: dev * (2.0 - i as f64 * 0.9),
                    value: 0.0,
                    vega: 1.0,
                    volatility: 0.2,
                    scale: 1.0,
                })
                .collect();
            let want: Vec<f64> = targets
                .iter()
                .map(|q| {
                    let k = (-q.x).exp();
                    price(
                        &market,
                        &p,
                        &Contract {
                            strike: k,
                            expiry_years: t,
                            kind: if q.x < 0.0 { OptionKind::Call } else { OptionKind::Put },
                        },
                    )
                    .unwrap()
                        / k.sqrt()
                })
                .collect();
            let errs: Vec<f64> = [
                (1, 18.0, 4.5),
                (2, 18.0, 9.0),
                (2, 28.0, 6.0),
                (2, 28.0, 5.0),
                (2, 26.0, 6.0),
                (1, 18.0, 4.0),
            ]
            .iter()
            .map(|&(blocks, fall, stretch)| {
                let mut g = Grid::new(&targets, &p, Fineness { blocks, fall, stretch });
                let mut e: f64 = 0.0;
                g.evaluate(&p, |q, v, _| e = e.max((v - want[q]).abs()));
                e / dev
            })
            .collect();
            let ratio = cutoff(&p, t, 30.0) * dev / 60f64.sqrt();
            rows.push((ratio, errs));
        }
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        for chunk in rows.chunks(60) {
            let worst: Vec<String> = (0..6)
                .map(|k| format!("{:.0e}", chunk.iter().map(|row| row.1[k]).fold(0.0, f64::max)))
                .collect();
            println!("EXP {:.2}..{:.2}: {}", chunk[0].0, chunk[chunk.len() - 1].0, worst.join(" "));
        }
    }
}
