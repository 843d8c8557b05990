//! Ehlers' instantaneous trendline, from the period of the dominant cycle that a Hilbert transform finds.
//!
//! Ehlers, "Rocket Science for Traders" (2001), chapters 6, 7 and 10, with the constants and the warm-up of TA-Lib: the
//! price is smoothed with weights 4, 3, 2, 1; the transform starts with the 38th price, and the values of the first 26
//! prices after that are not shown.

use crate::indicator::{Indicator, quotient};
use serde::{Deserialize, Serialize};

/// The longest period of a cycle, in bars.
const CYCLE_MAX: usize = 50;
const CYCLE_MIN: f64 = 6.0;
/// Prices that are taken before the transform starts.
const TRANSFORM_START: usize = 37;
/// Prices that are taken before the first value is shown.
const SHOWN_START: usize = 63;

/// One stage of the transform: `(a x + b x[2] - b x[4] - a x[6]) (0.075 period + 0.54)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Stage {
    inputs: [f64; 6],
}

impl Stage {
    const A: f64 = 0.0962;
    const B: f64 = 0.5769;

    fn step(&mut self, input: f64, adjustment: f64) -> f64 {
        let [_, two, _, four, _, six] = self.inputs;
        self.inputs.rotate_right(1);
        self.inputs[0] = input;
        (Self::A * (input - six) + Self::B * (two - four)) * adjustment
    }
}

/// The phasor, and the period of the cycle that its turning gives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Cycle {
    detrender: Stage,
    quadrature: Stage,
    in_phase_turned: Stage,
    quadrature_turned: Stage,
    detrended: [f64; 3],
    in_phase: f64,
    in_quadrature: f64,
    real: f64,
    imaginary: f64,
    period: f64,
    period_smoothed: f64,
}

/// The instantaneous trendline: the mean price of one dominant cycle, averaged with weights 4, 3, 2, 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HilbertTrendline {
    seen: usize,
    /// The latest prices, newest first.
    prices: Vec<f64>,
    cycle: Cycle,
    trends: [f64; 3],
}

impl Cycle {
    fn step(&mut self, smoothed: f64) {
        let adjustment = 0.075 * self.period + 0.54;
        let detrended = self.detrender.step(smoothed, adjustment);
        let quadrature = self.quadrature.step(detrended, adjustment);
        let in_phase = self.detrended[2];
        self.detrended.rotate_right(1);
        self.detrended[0] = detrended;
        let in_phase_turned = self.in_phase_turned.step(in_phase, adjustment);
        let quadrature_turned = self.quadrature_turned.step(quadrature, adjustment);
        let real = 0.2 * (in_phase - quadrature_turned) + 0.8 * self.in_phase;
        let imaginary = 0.2 * (quadrature + in_phase_turned) + 0.8 * self.in_quadrature;
        self.real = 0.2 * (real * self.in_phase + imaginary * self.in_quadrature) + 0.8 * self.real;
        self.imaginary = 0.2 * (real * self.in_quadrature - imaginary * self.in_phase) + 0.8 * self.imaginary;
        (self.in_phase, self.in_quadrature) = (real, imaginary);
        let before = self.period;
        let mut period = before;
        if self.imaginary != 0.0 && self.real != 0.0 {
            period = std::f64::consts::TAU / (self.imaginary / self.real).atan();
        }
        // Two steps, as the upper bound may lie below the lower one at the start.
        period = period.min(1.5 * before).max(0.67 * before).clamp(CYCLE_MIN, CYCLE_MAX as f64);
        self.period = 0.2 * period + 0.8 * before;
        self.period_smoothed = 0.33 * self.period + 0.67 * self.period_smoothed;
    }

    /// The smoothed period in whole bars.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to CYCLE_MAX")]
    fn bars(&self) -> usize {
        (self.period_smoothed + 0.5) as usize
    }
}

impl Indicator for HilbertTrendline {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        self.prices.truncate(CYCLE_MAX);
        self.prices.insert(0, price);
        if self.seen < TRANSFORM_START {
            self.seen += 1;
            return None;
        }
        let latest: f64 =
            self.prices.iter().zip([4.0, 3.0, 2.0, 1.0]).map(|(price, weight)| price * weight).sum();
        self.cycle.step(latest / 10.0);
        let bars = self.cycle.bars();
        let trend = quotient(self.prices.iter().take(bars).sum(), bars as f64);
        let [first, second, third] = self.trends;
        self.trends = [trend, first, second];
        if self.seen < SHOWN_START {
            self.seen += 1;
            return None;
        }
        Some((4.0 * trend + 3.0 * first + 2.0 * second + third) / 10.0)
    }
}
