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
    /// How far a wave may turn over one block, in radians.
    pub(super) phase: f64,
}

/// Prices to about 1e-13 of the underlying.
pub(super) const ACCURATE: Fineness = Fineness { fall: 28.0, blocks: 2, stretch: 6.0, phase: 40.0 };

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
    fine_enough: bool,
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
    /// How many blocks a maturity needs, and whether a rule has so many.
    fn blocks_for(&self, cutoff: f64, variance: f64, farthest: f64) -> (usize, bool) {
        let stretched = cutoff * (variance / (2.0 * self.fall)).sqrt() / self.stretch;
        let waved = cutoff * farthest / (self.phase * self.blocks as f64);
        let mut times = 1;
        while stretched.max(waved) > times as f64 {
            if (times + 1) * self.blocks > BLOCKS_MAX {
                return (times * self.blocks, false);
            }
            times += 1;
        }
        (times * self.blocks, true)
    }
}

impl Grid {
    /// Lays a grid that suits parameters near these. The targets must be sorted by time.
    pub(super) fn new(targets: &[Target], parameters: &Parameters, fineness: Fineness) -> Self {
        let mut grid = Self {
            fineness,
            fine_enough: true,
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
        let farthest = targets.iter().map(|target| target.x.abs()).fold(0.0, f64::max);
        let (blocks, enough) = self.fineness.blocks_for(cutoff, variance, farthest);
        self.fine_enough &= enough;
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

    /// Whether every maturity has the nodes that it needs.
    pub(super) const fn fine_enough(&self) -> bool {
        self.fine_enough
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
mod tests {
    use super::*;
    use crate::option::OptionKind;
    use crate::option::heston::{Contract, Market, price};
    use crate::random::SplitMix64;

    const MARKET: Market = Market { spot: 1.0, rate: 0.0, dividend: 0.0 };

    /// Whatever the parameters, an accurate grid differs from the adaptive integral by 1e-12 of a deviation at most.
    #[test]
    fn a_grid_is_as_accurate_as_it_says() {
        let mut random = SplitMix64::new(3);
        let (mut worst, mut tried) = (0.0_f64, 0);
        for _ in 0..500 {
            let mut between = |low: f64, high: f64| low * (high / low).powf(random.uniform());
            let (v0, kappa, theta) = (between(0.003, 3.0), between(0.05, 30.0), between(0.003, 3.0));
            let (sigma, time) = (between(0.05, 4.0), between(0.05, 5.0));
            let parameters = Parameters { v0, kappa, theta, sigma, rho: 1.9 * random.uniform() - 0.95 };
            let deviation = parameters.expected_variance(time).sqrt();
            let target = |i: u32| {
                let x = deviation * (5.0 - 2.4 * f64::from(i));
                Target { time, x, value: 0.0, vega: 1.0, volatility: 0.2, scale: 1.0 }
            };
            let targets: Vec<Target> = (0..5).map(target).collect();
            let mut grid = Grid::new(&targets, &parameters, ACCURATE);
            if !grid.fine_enough() {
                continue;
            }
            tried += 1;
            grid.evaluate(&parameters, |quote, got, _| {
                let x = targets[quote].x;
                let kind = if x < 0.0 { OptionKind::Call } else { OptionKind::Put };
                let contract = Contract { strike: (-x).exp(), expiry_years: time, kind };
                let want = price(&MARKET, &parameters, &contract).unwrap() / contract.strike.sqrt();
                worst = worst.max((got - want).abs() / deviation);
            });
        }
        println!("largest error {worst:.1e} of {tried}");
        assert!(tried > 400 && worst < 1e-12, "{worst:e} of {tried}");
    }
}
