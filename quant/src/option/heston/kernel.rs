//! The loops over quadrature nodes, compiled for each instruction set and chosen when the program runs.
//!
//! The bodies are branch-free scalar code over fixed blocks, which the compiler turns into vector instructions.

use super::Parameters;
use super::complex::Complex;
use super::elementary::sin_cos;
use super::exponent::{Exponent, exponential};
use fearless_simd::{Level, dispatch};

/// Nodes in a block; every count of nodes is a multiple of it.
pub(super) const BLOCK: usize = 32;
/// Columns of a characteristic function with its gradient: real and imaginary part of itself and of its derivatives by
/// v₀, κ, θ, σ, ρ.
pub(super) const COLUMNS: usize = 12;

const LANES: usize = 8;

/// Columns for each block of nodes.
pub(super) type Columns = [[f64; BLOCK]; COLUMNS];

/// The cosines and sines of `u x` for a block of nodes.
#[derive(Debug, Clone)]
pub(super) struct Waves {
    pub(super) cosine: [f64; BLOCK],
    pub(super) sine: [f64; BLOCK],
}

/// Where a characteristic function is wanted: at `u - i/2` for these nodes `u`, each times its weight.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) nodes: [f64; BLOCK],
    pub(super) weights: [f64; BLOCK],
}

/// Fills the columns of every block.
pub(super) fn characteristic(parameters: &Parameters, time: f64, blocks: &[Block], columns: &mut [Columns]) {
    #[inline(always)]
    fn fill(parameters: &Parameters, time: f64, block: &Block, columns: &mut Columns) {
        let parameters = *parameters;
        let Block { nodes, weights } = block.clone();
        let mut out = [[0.0; BLOCK]; COLUMNS];
        for j in 0..BLOCK {
            let z = Complex::new(nodes[j], 0.0);
            let exponent = Exponent::new(&parameters, time, z);
            let value = exponential(exponent.value(&parameters)).scale(weights[j]);
            let by = exponent.by_parameter(&parameters, time, z);
            let all =
                [value, value * by.v0, value * by.kappa, value * by.theta, value * by.sigma, value * by.rho];
            for (k, entry) in all.iter().enumerate() {
                out[2 * k][j] = entry.re;
                out[2 * k + 1][j] = entry.im;
            }
        }
        *columns = out;
    }
    let level = Level::new();
    for (block, columns) in blocks.iter().zip(columns) {
        dispatch!(level, _ => fill(parameters, time, block, columns));
    }
}

/// Fills in the waves for one log-moneyness.
pub(super) fn make_waves(x: f64, blocks: &[Block], waves: &mut [Waves]) {
    #[inline(always)]
    fn fill(x: f64, block: &Block, wave: &mut Waves) {
        let nodes = block.nodes;
        let mut out = Waves { cosine: [0.0; BLOCK], sine: [0.0; BLOCK] };
        for (j, node) in nodes.into_iter().enumerate() {
            (out.sine[j], out.cosine[j]) = sin_cos(x * node);
        }
        *wave = out;
    }
    let level = Level::new();
    for (block, wave) in blocks.iter().zip(waves) {
        dispatch!(level, _ => fill(x, block, wave));
    }
}

/// For each quote, the sums over all nodes of `Re(e^{i u x} f)` for each of the six functions in the columns. The waves
/// are those of quote after quote.
pub(super) fn transform(waves: &[Waves], columns: &[Columns], sums: &mut [[f64; 6]]) {
    #[inline(always)]
    fn all(waves: &[Waves], columns: &[Columns], sums: &mut [[f64; 6]]) {
        for (waves, sums) in waves.chunks_exact(columns.len()).zip(sums) {
            let mut lanes = [[0.0; LANES]; 6];
            for (wave, columns) in waves.iter().zip(columns) {
                for start in (0..BLOCK).step_by(LANES) {
                    for k in 0..6 {
                        for (lane, sum) in lanes[k].iter_mut().enumerate() {
                            let j = start + lane;
                            let partial = wave.cosine[j].mul_add(columns[2 * k][j], *sum);
                            *sum = (-wave.sine[j]).mul_add(columns[2 * k + 1][j], partial);
                        }
                    }
                }
            }
            *sums = lanes.map(|lane| lane.iter().sum());
        }
    }
    dispatch!(Level::new(), _ => all(waves, columns, sums));
}
