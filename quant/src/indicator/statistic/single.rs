//! Statistics of one value, or of highs and lows.

use crate::{
    QuantError,
    indicator::{
        Bar, Indicator,
        aggregate::{Extent, Moments, Sum, Trend},
        parameter, quotient,
        window::{Delay, Window},
    },
};
use serde::{Deserialize, Serialize};

/// Declares an indicator that reads a number off the aggregate of a window.
macro_rules! of_window {
    ($(#[$doc:meta])* $name:ident, $input:ident: $type:ty => $sample:expr, $window:ident: $aggregate:ty => $value:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            window: Window<$aggregate>,
        }

        impl $name {
            /// # Errors
            /// Unless `period` is from 1 to 100000.
            pub fn new(period: usize) -> Result<Self, QuantError> {
                Ok(Self { window: Window::new(parameter::period("period", period)?) })
            }
        }

        impl Indicator for $name {
            type Input = $type;
            type Output = f64;

            fn step(&mut self, $input: $type) -> Option<f64> {
                let $window = self.window.push($sample)?;
                Some($value)
            }
        }
    };
}

of_window!(
    /// The variance of the window itself.
    Variance,
    price: f64 => Moments::of(price), window: Moments => window.variance()
);
of_window!(
    /// The standard deviation of the window itself.
    StandardDeviation,
    price: f64 => Moments::of(price), window: Moments => window.variance().sqrt()
);
of_window!(
    /// The sum of the window.
    Total,
    price: f64 => Sum(price), window: Sum => window.0
);
of_window!(
    /// The highest value of the window.
    Highest,
    price: f64 => Extent { high: price, low: price }, window: Extent => window.high
);
of_window!(
    /// The lowest value of the window.
    Lowest,
    price: f64 => Extent { high: price, low: price }, window: Extent => window.low
);
of_window!(
    /// The middle of the highest and the lowest value.
    MidPoint,
    price: f64 => Extent { high: price, low: price }, window: Extent => window.middle()
);
of_window!(
    /// The middle of the highest high and the lowest low.
    MidPrice,
    bar: Bar => Extent { high: bar.high, low: bar.low }, window: Extent => window.middle()
);
of_window!(
    /// The slope of the least squares line per sample.
    LinearSlope,
    price: f64 => Trend::of(price), window: Trend => window.slope()
);
of_window!(
    /// The least squares line at the latest sample.
    LinearRegression,
    price: f64 => Trend::of(price), window: Trend => window.line(0.0)
);
of_window!(
    /// The least squares line one sample ahead.
    TimeSeriesForecast,
    price: f64 => Trend::of(price), window: Trend => window.line(1.0)
);

/// The distance from the mean of the window in standard deviations of the window; zero where it does not vary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZScore {
    window: Window<Moments>,
}

impl ZScore {
    /// # Errors
    /// Unless `period` is from 2 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        Ok(Self { window: Window::new(parameter::long_period("period", period)?) })
    }
}

impl Indicator for ZScore {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        let moments = self.window.push(Moments::of(price))?;
        Some(quotient(price - moments.mean, moments.variance().sqrt()))
    }
}

/// The mean distance from the mean of the window. All distances change with the mean, so that a step costs O(period).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeanDeviation {
    prices: Delay<f64>,
    share: f64,
}

impl MeanDeviation {
    /// # Errors
    /// Unless `period` is from 1 to 100000.
    pub fn new(period: usize) -> Result<Self, QuantError> {
        let period = parameter::period("period", period)?;
        Ok(Self { prices: Delay::new(period), share: 1.0 / period as f64 })
    }
}

impl Indicator for MeanDeviation {
    type Input = f64;
    type Output = f64;

    fn step(&mut self, price: f64) -> Option<f64> {
        self.prices.push(price);
        let mean = self.prices.full()?.sum::<f64>() * self.share;
        Some(self.prices.full()?.map(|value| (value - mean).abs()).sum::<f64>() * self.share)
    }
}
