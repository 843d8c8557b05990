//! The process of Ornstein and Uhlenbeck, `dX = κ (μ - X) dt + σ dW`, fitted to a series by exact maximum likelihood.
//!
//! The transition is normal: over `Δ` the distance from the mean shrinks by `φ = e^{-κΔ}` and gains the variance
//! `σ² (1 - φ²)/2κ`. At even spacing the estimate is a regression of each value on the one before, in one pass over
//! centred sums; at uneven spacing, a search over `κ` with `μ` and `σ` in closed form. The likelihood is conditional on
//! the first value. A series that does not revert is an answer, not an error.

mod even;
mod uneven;

pub use even::fit;
pub use uneven::fit_uneven;

/// What a series says about its reversion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Estimate {
    MeanReverting(Fit),
    /// No process of this kind is most likely: `phi` is what is left of a distance from the mean after one step (at
    /// uneven spacing, after the mean step at the end of the range that was searched).
    NotMeanReverting {
        phi: f64,
        why: Reason,
    },
}

/// Why a series is not mean reverting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It wanders or runs away: nothing pulls it back.
    NoPull,
    /// It swings across its mean from one value to the next: if it reverts, then faster than it was observed.
    FasterThanObserved,
}

/// The parameters of the process, per year if steps are in years, and how far they can be trusted. Errors are one
/// standard deviation, asymptotic, from the expected information.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Speed of reversion `κ`. Its estimate is biased upwards, much so if the series spans few half-lives.
    pub kappa: f64,
    pub kappa_error: f64,
    /// `κ` less its bias to first order for an unknown mean (Tang and Chen, Journal of Econometrics 149, 2009); at uneven
    /// spacing their bias of each step, weighted by what the step says about `κ`. Zero or less means that reversion
    /// cannot be told from its absence.
    pub kappa_unbiased: f64,
    /// The level `μ` that the process reverts to.
    pub mean: f64,
    pub mean_error: f64,
    /// Volatility `σ` per square root of a unit of time.
    pub sigma: f64,
    pub sigma_error: f64,
    /// What is left of a distance from the mean after one step, or after the mean step if they are uneven.
    pub phi: f64,
    /// Variance of what is new in one step, or in the mean step.
    pub residual_variance: f64,
    /// Time in which a distance from the mean halves, `ln 2 / κ`.
    pub half_life: f64,
    /// Logarithm of the likelihood, given the first value.
    pub log_likelihood: f64,
}

/// The point of highest likelihood, before errors are known.
struct Peak {
    kappa: f64,
    mean: f64,
    /// `σ²`.
    variance_rate: f64,
    log_likelihood: f64,
    steps: f64,
    mean_step: f64,
}

/// The expected information, summed over steps, apart from factors of `σ`. `growth` is `d ln v/dκ` for the variance `v`
/// of a step at unit `σ`.
#[derive(Debug, Clone, Copy, Default)]
struct Information {
    growth: f64,
    growth_squared: f64,
    /// `(dφ/dκ)²` times the stationary variance over that of the step.
    decay: f64,
    /// `(1 - φ)²/v`.
    mean: f64,
    /// The square of what the step adds to `decay`, times its bias.
    bias: f64,
}

/// What one step contributes to likelihood and information.
struct Step {
    /// `φ`.
    left: f64,
    /// `1 - φ`.
    lost: f64,
    /// Variance at unit `σ`, `(1 - φ²)/2κ`.
    variance: f64,
    /// `d ln(variance)/dκ`.
    growth: f64,
}

impl Step {
    fn new(kappa: f64, duration: f64) -> Self {
        let lost = -(-kappa * duration).exp_m1();
        let left = 1.0 - lost;
        let variance = lost * (1.0 + left) / (2.0 * kappa);
        let growth = (duration * left * left / variance - 1.0) / kappa;
        Self { left, lost, variance, growth }
    }
}

impl Information {
    fn add(&mut self, step: &Step, kappa: f64, duration: f64) {
        self.growth += step.growth;
        self.growth_squared += step.growth * step.growth;
        self.decay += (duration * step.left).powi(2) / (2.0 * kappa * step.variance);
        self.mean += step.lost * step.lost / step.variance;
        // Tang and Chen's bias of a series of such steps alone is `(5 + 2/φ + 1/φ²) / 2Δ` over their number; divided by
        // `φ²` beforehand, since both ends vanish together.
        let Step { left, variance, .. } = *step;
        let decay_over_left = duration * duration * left / (2.0 * kappa * variance);
        self.bias += decay_over_left.powi(2) * (5.0 * left * left + 2.0 * left + 1.0) / (2.0 * duration);
    }

    fn times(self, count: f64) -> Self {
        Self {
            growth: count * self.growth,
            growth_squared: count * self.growth_squared,
            decay: count * self.decay,
            mean: count * self.mean,
            bias: count * self.bias,
        }
    }
}

impl Peak {
    /// The fit with its errors: the inverse of the information of `(κ, σ²)`, from which `μ` is independent.
    fn fit(&self, information: &Information) -> Fit {
        let Self { kappa, variance_rate, steps, mean_step, .. } = *self;
        let spread = information.growth_squared - information.growth * information.growth / steps;
        let of_kappa = 0.5 * spread.max(0.0) + information.decay;
        let share = 0.5 * information.growth_squared + information.decay;
        let of_rate = (0.5 * steps - 0.25 * information.growth * information.growth / share).max(0.0);
        let sigma = variance_rate.sqrt();
        let step = Step::new(kappa, mean_step);
        Fit {
            kappa,
            kappa_error: of_kappa.sqrt().recip(),
            kappa_unbiased: kappa - information.bias / (information.decay * information.decay),
            mean: self.mean,
            mean_error: sigma / information.mean.sqrt(),
            sigma,
            sigma_error: 0.5 * sigma / of_rate.sqrt(),
            phi: step.left,
            residual_variance: variance_rate * step.variance,
            half_life: std::f64::consts::LN_2 / kappa,
            log_likelihood: self.log_likelihood,
        }
    }
}

/// Below this a random walk falls one time in twenty (Dickey and Fuller 1979 with an unknown mean; MacKinnon 2010).
const UNIT_ROOT_CRITICAL: f64 = -2.861_54;

impl Fit {
    /// Dickey and Fuller's statistic to first order: the speed over its error, negative.
    #[must_use]
    pub fn unit_root_statistic(&self) -> f64 {
        -self.kappa / self.kappa_error
    }

    /// Whether reversion is told from a random walk, which passes one time in twenty. Most likely is some reversion for
    /// almost every random walk too, so that without this a fit says little.
    #[must_use]
    pub fn is_significant(&self) -> bool {
        self.unit_root_statistic() < UNIT_ROOT_CRITICAL
    }

    /// Whether all numbers are finite, which values at the ends of the range of floating point may spoil.
    fn is_finite(&self) -> bool {
        let Self { kappa, kappa_error, kappa_unbiased, mean, mean_error, sigma, .. } = *self;
        let Self { sigma_error, phi, residual_variance, half_life, log_likelihood, .. } = *self;
        let first = kappa + kappa_error + kappa_unbiased + mean + mean_error + sigma;
        (first + sigma_error + phi + residual_variance + half_life + log_likelihood).is_finite()
    }
}
