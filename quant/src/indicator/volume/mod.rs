//! Volume: what was traded at rising prices and what at falling ones.

mod cumulative;
mod flow;

pub use cumulative::{
    AccumulationDistribution, AccumulationOscillator, NegativeVolume, OnBalance, PositiveVolume,
    PriceVolumeTrend,
};
pub use flow::{ChaikinMoneyFlow, EaseOfMovement, ForceIndex, MoneyFlow, VolumeOscillator, Vwap};
