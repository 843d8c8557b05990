//! Five indicators in one pass over the bars: strength, convergence, bands, range and direction.

use super::{
    BandColumns, BollingerParameters, MacdColumns, MacdPeriods, RangeColumns,
    bands::BandKernel,
    convergence::MacdKernel,
    kernel::BLOCK,
    range::{AdxKernel, AtrKernel, warm_up},
    run,
    strength::RsiKernel,
};
use crate::{
    QuantError, check,
    indicator::{
        momentum::{Macd, Rsi},
        trend::Adx,
        volatility::{Atr, Bollinger},
    },
};
use fearless_simd::{Level, dispatch};
use std::ops::Range;

/// The parameters of the five.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverviewParameters {
    pub rsi_period: usize,
    pub macd: MacdPeriods,
    pub bollinger: BollingerParameters,
    pub atr_period: usize,
    pub adx_period: usize,
}

impl Default for OverviewParameters {
    /// The customary ones.
    fn default() -> Self {
        Self {
            rsi_period: 14,
            macd: MacdPeriods { fast: 12, slow: 26, signal: 9 },
            bollinger: BollingerParameters { period: 20, width: 2.0 },
            atr_period: 14,
            adx_period: 14,
        }
    }
}

/// Buffers as long as the columns of the bars.
#[derive(Debug)]
pub struct OverviewColumns<'a> {
    pub rsi: &'a mut [f64],
    pub macd: MacdColumns<'a>,
    pub bollinger: BandColumns<'a>,
    pub atr: &'a mut [f64],
    pub adx: &'a mut [f64],
}

impl OverviewColumns<'_> {
    fn check(&self, count: usize) -> Result<(), QuantError> {
        check::length("strength index", self.rsi.len(), count)?;
        self.macd.check(count)?;
        self.bollinger.check(count)?;
        check::length("average true range", self.atr.len(), count)?;
        check::length("directional index", self.adx.len(), count)
    }
}

/// The five while they warm up.
struct Incremental {
    rsi: Rsi,
    macd: Macd,
    bollinger: Bollinger,
    atr: Atr,
    adx: Adx,
}

/// The five once they have.
struct Kernels {
    rsi: RsiKernel,
    macd: MacdKernel,
    bands: BandKernel,
    atr: AtrKernel,
    adx: AdxKernel,
}

impl Incremental {
    fn new(parameters: &OverviewParameters) -> Result<Self, QuantError> {
        let OverviewParameters { macd, bollinger, .. } = *parameters;
        Ok(Self {
            rsi: Rsi::new(parameters.rsi_period)?,
            macd: Macd::new(macd.fast, macd.slow, macd.signal)?,
            bollinger: Bollinger::new(bollinger.period, bollinger.width)?,
            atr: Atr::new(parameters.atr_period)?,
            adx: Adx::new(parameters.adx_period)?,
        })
    }

    /// Fills the first places; gives the number of bars before all five have a value.
    fn run(
        &mut self,
        bars: &RangeColumns<'_>,
        out: &mut OverviewColumns<'_>,
        places: Range<usize>,
    ) -> Result<usize, QuantError> {
        let close = &bars.close[places.clone()];
        let MacdColumns { line, signal, histogram } = out.macd.part(places.clone());
        let BandColumns { upper, middle, lower } = out.bollinger.part(places.clone());
        let missing = [
            run(&mut self.rsi, close, &mut [&mut out.rsi[places.clone()]])?,
            run(&mut self.macd, close, &mut [line, signal, histogram])?,
            run(&mut self.bollinger, close, &mut [upper, middle, lower])?,
            warm_up(&mut self.atr, bars, &mut out.atr[places.clone()])?,
            warm_up(&mut self.adx, bars, &mut out.adx[places])?,
        ];
        Ok(missing.into_iter().max().unwrap_or(0))
    }
}

impl Kernels {
    #[inline(always)]
    fn run(
        &mut self,
        bars: &RangeColumns<'_>,
        out: &mut OverviewColumns<'_>,
        places: Range<usize>,
    ) -> Result<(), QuantError> {
        let part = bars.part(places.start - 1..places.end);
        // First, as it checks the bars.
        self.atr.run(&part, &mut out.atr[places.clone()])?;
        self.rsi.run(part.close, &mut out.rsi[places.clone()]);
        self.macd.run(&part.close[1..], &mut out.macd.part(places.clone()));
        self.bands.run(bars.close, places.start, &mut out.bollinger.part(places.clone()));
        self.adx.run(&part, &mut out.adx[places]);
        Ok(())
    }
}

/// The five indicators; gives the number of bars before all of them have a value.
///
/// # Errors
/// If a parameter or a bar is not sound or the columns differ in length.
pub fn overview(
    bars: RangeColumns<'_>,
    parameters: &OverviewParameters,
    mut out: OverviewColumns<'_>,
) -> Result<usize, QuantError> {
    let count = bars.count()?;
    out.check(count)?;
    let mut incremental = Incremental::new(parameters)?;
    let warm_up = (parameters.rsi_period + 1)
        .max(parameters.macd.slow + parameters.macd.signal - 1)
        .max(parameters.bollinger.period)
        .max(parameters.atr_period + 1)
        .max(2 * parameters.adx_period);
    let start = count.min(warm_up);
    let missing = incremental.run(&bars, &mut out, 0..start)?;
    if start < warm_up {
        return Ok(missing);
    }
    let level = Level::new();
    let mut kernels = Kernels {
        rsi: RsiKernel::new(&incremental.rsi),
        macd: MacdKernel::new(&incremental.macd),
        bands: BandKernel::new(parameters.bollinger),
        atr: AtrKernel::new(&incremental.atr),
        adx: AdxKernel::new(&incremental.adx),
    };
    for begin in (start..count).step_by(BLOCK) {
        let places = begin..count.min(begin + BLOCK);
        dispatch!(level, _ => kernels.run(&bars, &mut out, places))?;
    }
    Ok(missing)
}
