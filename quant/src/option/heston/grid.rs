//! All quotes of a surface priced together, with the gradient, on nodes that are fixed beforehand.
//!
//! Each maturity has one Gauss-Legendre rule over the Lewis integral (see [`super::contour`]), up to where the
//! characteristic function has fallen off. Once the nodes are fixed, so are the waves `e^{i u x}`, Black's prices and the
//! integrals of the control variate; a new set of parameters costs one characteristic function per node and one
//! multiplication per node and quote. The gradient needs no control variate: it vanishes at both poles.

use super::kernel::{BLOCK, Block, COLUMNS, Columns, Waves, characteristic, make_waves, transform};
use super::legendre::rule_of_blocks;
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
    /// Blocks of 32 nodes for each maturity.
    pub(super) blocks: usize,
    /// The negative logarithm of the characteristic function at the last node.
    pub(super) fall: f64,
}

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

impl Grid {
    /// Lays a grid that suits parameters near these. The targets must be sorted by time.
    pub(super) fn new(targets: &[Target], parameters: &Parameters, fineness: Fineness) -> Self {
        let mut grid = Self {
            fineness,
            slices: Vec::new(),
            residuals: Vec::with_capacity(targets.len()),
            columns: vec![[[0.0; BLOCK]; COLUMNS]; fineness.blocks],
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
        let nodes: Vec<Block> = rule_of_blocks(self.fineness.blocks)
            .chunks(BLOCK)
            .map(|rule| {
                let nodes: [f64; BLOCK] = std::array::from_fn(|j| 0.5 * cutoff * (rule[j].0 + 1.0));
                let weight = |j: usize| 0.5 * cutoff * rule[j].1 / nodes[j].mul_add(nodes[j], 0.25);
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
            characteristic(parameters, slice.time, &slice.nodes, &mut self.columns);
            let sums = &mut self.sums[slice.quotes.clone()];
            transform(&slice.waves, &self.columns, sums);
            for (quote, [value, by @ ..]) in slice.quotes.clone().zip(sums) {
                let Residual { offset, scale } = self.residuals[quote];
                each(quote, offset - scale * *value, by.map(|sum| -scale * sum));
            }
        }
    }
}
