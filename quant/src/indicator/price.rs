//! Prices that stand for a bar. Formulas as in TA-Lib.

use super::{Bar, Indicator, output};
use serde::{Deserialize, Serialize};

/// Declares an indicator that needs the latest bar only.
macro_rules! of_bar {
    ($(#[$doc:meta])* $name:ident, $bar:ident => $value:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
        pub struct $name;

        impl Indicator for $name {
            type Input = Bar;
            type Output = f64;

            fn step(&mut self, $bar: Bar) -> Option<f64> {
                Some($value)
            }
        }
    };
}

of_bar!(
    /// The mean of open, high, low and close.
    AveragePrice,
    bar => (bar.open + bar.high + bar.low + bar.close) / 4.0
);
of_bar!(
    /// The mean of high and low.
    MedianPrice,
    bar => bar.median()
);
of_bar!(
    /// The mean of high, low and close.
    TypicalPrice,
    bar => bar.typical()
);
of_bar!(
    /// The mean of high, low and twice the close.
    WeightedClose,
    bar => (bar.high + bar.low + bar.close * 2.0) / 4.0
);
of_bar!(
    /// Balance of power: `(close - open) / (high - low)` (Livshin 2001); zero without a range.
    BalanceOfPower,
    bar => if bar.range() > 0.0 { (bar.close - bar.open) / bar.range() } else { 0.0 }
);

output!(
    /// A bar of means.
    HeikinAshiBar { open, high, low, close }
);

/// Heikin-Ashi bars (Valcu, "Using the Heikin-Ashi technique", 2004): the close is the mean price of the bar, the open
/// the middle of the body before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HeikinAshi {
    body_before: Option<(f64, f64)>,
}

impl Indicator for HeikinAshi {
    type Input = Bar;
    type Output = HeikinAshiBar;

    fn step(&mut self, bar: Bar) -> Option<HeikinAshiBar> {
        let (open_before, close_before) = self.body_before.unwrap_or((bar.open, bar.close));
        let open = (open_before + close_before) / 2.0;
        let close = (bar.open + bar.high + bar.low + bar.close) / 4.0;
        self.body_before = Some((open, close));
        Some(HeikinAshiBar {
            open,
            high: bar.high.max(open).max(close),
            low: bar.low.min(open).min(close),
            close,
        })
    }
}
