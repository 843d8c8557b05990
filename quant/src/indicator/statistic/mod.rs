//! Statistics of windows: of one value, and of two.

mod pair;
mod single;

pub use pair::{Beta, Correlation};
pub use single::{
    Highest, LinearRegression, LinearSlope, Lowest, MeanDeviation, MidPoint, MidPrice, StandardDeviation,
    TimeSeriesForecast, Total, Variance, ZScore,
};
