//! The kernels for columns against the incremental form.

use super::{Owned, assert_column, outputs, walk};
use bulkhead_quant::{
    QuantError,
    indicator::column::{
        self, BandColumns, BollingerParameters, MacdColumns, MacdPeriods, OverviewColumns,
        OverviewParameters, RangeColumns,
    },
    indicator::registry::{DEFINITIONS, Streaming},
};
use proptest::prelude::*;

/// Of a price near 50, and of an index up to 100.
const ROUNDING: (f64, f64) = (1e-12, 1e-10);

fn ranges(owned: &Owned) -> RangeColumns<'_> {
    RangeColumns { high: &owned.high, low: &owned.low, close: &owned.close }
}

/// The number of missing values that the columns must begin with.
fn missing(columns: &[Vec<f64>]) -> usize {
    columns.iter().map(|column| column.iter().filter(|value| value.is_nan()).count()).max().unwrap_or(0)
}

fn check_kernels(owned: &Owned, period: usize) {
    let bars = owned.bars();
    let count = bars.len();
    let p = period as f64;
    let buffer = || vec![7.0; count];
    let (mut first, mut second, mut third) = (buffer(), buffer(), buffer());

    let want = outputs("rsi", &[p], &bars);
    assert_eq!(column::rsi(&owned.close, period, &mut first).unwrap(), missing(&want));
    assert_column("rsi", &first, &want[0], ROUNDING);

    let want = outputs("sma", &[p], &bars);
    assert_eq!(column::sma(&owned.close, period, &mut first).unwrap(), missing(&want));
    assert_column("sma", &first, &want[0], (0.0, 0.0));

    let want = outputs("ema", &[p], &bars);
    assert_eq!(column::ema(&owned.close, period, &mut first).unwrap(), missing(&want));
    assert_column("ema", &first, &want[0], ROUNDING);

    let want = outputs("atr", &[p], &bars);
    assert_eq!(column::atr(ranges(owned), period, &mut first).unwrap(), missing(&want));
    assert_column("atr", &first, &want[0], ROUNDING);

    let want = outputs("adx", &[p], &bars);
    assert_eq!(column::adx(ranges(owned), period, &mut first).unwrap(), missing(&want));
    assert_column("adx", &first, &want[0], ROUNDING);

    let want = outputs("macd", &[p, 2.0 * p + 1.0, p], &bars);
    let periods = MacdPeriods { fast: period, slow: 2 * period + 1, signal: period };
    let out = MacdColumns { line: &mut first, signal: &mut second, histogram: &mut third };
    assert_eq!(column::macd(&owned.close, periods, out).unwrap(), missing(&want));
    for (got, want) in [&first, &second, &third].into_iter().zip(&want) {
        assert_column("macd", got, want, ROUNDING);
    }

    let want = outputs("bbands", &[p, 2.5], &bars);
    let parameters = BollingerParameters { period, width: 2.5 };
    let out = BandColumns { upper: &mut first, middle: &mut second, lower: &mut third };
    assert_eq!(column::bollinger(&owned.close, parameters, out).unwrap(), missing(&want));
    for (got, want) in [&first, &second, &third].into_iter().zip(&want) {
        assert_column("bollinger", got, want, ROUNDING);
    }
}

fn overview_of(owned: &Owned, parameters: &OverviewParameters) -> (usize, Vec<Vec<f64>>) {
    let mut buffers = vec![vec![7.0; owned.close.len()]; 9];
    let [rsi, line, signal, histogram, upper, middle, lower, atr, adx] = buffers.as_mut_slice() else {
        unreachable!("there are nine buffers")
    };
    let out = OverviewColumns {
        rsi,
        macd: MacdColumns { line, signal, histogram },
        bollinger: BandColumns { upper, middle, lower },
        atr,
        adx,
    };
    let missing = column::overview(ranges(owned), parameters, out).unwrap();
    (missing, buffers)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn kernels_equal_the_incremental_form(seed in any::<u64>(), count in 0_usize..700, period in 2_usize..40) {
        check_kernels(&walk(seed, count), period);
    }

    #[test]
    fn one_pass_equals_five(seed in any::<u64>(), count in 0_usize..700, period in 2_usize..30) {
        let owned = walk(seed, count);
        let bars = owned.bars();
        let mut parameters = OverviewParameters { rsi_period: period, ..OverviewParameters::default() };
        parameters.adx_period = period + 1;
        let p = period as f64;
        let want: Vec<Vec<f64>> = [
            ("rsi", vec![p]), ("macd", vec![]), ("bbands", vec![]), ("atr", vec![]), ("adx", vec![p + 1.0]),
        ].iter().flat_map(|(name, parameters)| outputs(name, parameters, &bars)).collect();
        let (unknown, got) = overview_of(&owned, &parameters);
        prop_assert_eq!(unknown, missing(&want));
        for (got, want) in got.iter().zip(&want) {
            assert_column("overview", got, want, ROUNDING);
        }
    }

    #[test]
    fn columns_by_name_equal_the_incremental_form(seed in any::<u64>(), count in 0_usize..200) {
        let owned = walk(seed, count);
        for definition in DEFINITIONS {
            let want = outputs(definition.name, &[], &owned.bars());
            let mut got = vec![vec![7.0; count]; want.len()];
            let mut views: Vec<&mut [f64]> = got.iter_mut().map(Vec::as_mut_slice).collect();
            let mut indicator = Streaming::new(definition.name, &[], &[]).unwrap();
            let unknown = indicator.column(&owned.columns(), &mut views).unwrap();
            prop_assert_eq!(unknown, missing(&want));
            for (got, want) in got.iter().zip(&want) {
                assert_column(definition.name, got, want, (0.0, 0.0));
            }
        }
    }

    #[test]
    fn kernels_refuse_what_is_not_sound(place in 0_usize..500, which in 0_usize..3, bad in 0_usize..4) {
        let mut owned = walk(3, 500);
        let value = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e31][bad];
        [&mut owned.high, &mut owned.low, &mut owned.close][which][place] = value;
        let mut out = vec![0.0; 500];
        prop_assert!(column::atr(ranges(&owned), 14, &mut out).is_err());
        prop_assert!(column::adx(ranges(&owned), 14, &mut out).is_err());
        if which == 2 {
            prop_assert!(column::rsi(&owned.close, 14, &mut out).is_err());
            prop_assert!(column::ema(&owned.close, 14, &mut out).is_err());
            prop_assert!(column::sma(&owned.close, 14, &mut out).is_err());
        }
    }
}

#[test]
fn bars_that_do_not_move_leave_the_direction_as_it_is() {
    let mut owned = walk(11, 600);
    for column in [&mut owned.open, &mut owned.high, &mut owned.low, &mut owned.close] {
        let price = 40.0;
        column[..300].fill(price);
    }
    check_kernels(&owned, 14);
}

#[test]
fn a_constant_series_converges_to_nothing() {
    let prices = vec![0.1; 1000];
    let (mut line, mut signal, mut histogram) = (vec![7.0; 1000], vec![7.0; 1000], vec![7.0; 1000]);
    let out = MacdColumns { line: &mut line, signal: &mut signal, histogram: &mut histogram };
    let missing = column::macd(&prices, MacdPeriods { fast: 12, slow: 26, signal: 9 }, out).unwrap();
    for column in [line, signal, histogram] {
        assert!(column[missing..].iter().all(|value| value.abs() == 0.0));
    }
}

#[test]
fn an_outlier_leaves_no_trace_in_the_bands() {
    let mut prices: Vec<f64> = (0..400).map(|index| 100.0 + f64::from(index % 7)).collect();
    let clean = prices.clone();
    prices[100] = 1e20;
    let bands = |prices: &[f64]| {
        let (mut upper, mut middle, mut lower) = (vec![0.0; 400], vec![0.0; 400], vec![0.0; 400]);
        let out = BandColumns { upper: &mut upper, middle: &mut middle, lower: &mut lower };
        column::bollinger(prices, BollingerParameters { period: 20, width: 2.0 }, out).unwrap();
        [upper, middle, lower]
    };
    for (got, want) in bands(&prices).iter().zip(bands(&clean)) {
        assert_column("band after an outlier", &got[140..], &want[140..], (1e-14, 0.0));
    }
}

#[test]
fn buffers_of_the_wrong_length_are_refused() {
    let owned = walk(5, 50);
    let mut out = vec![0.0; 49];
    let refused = QuantError::LengthMismatch { what: "output", expected: 50, got: 49 };
    assert_eq!(column::rsi(&owned.close, 14, &mut out), Err(refused.clone()));
    assert_eq!(column::atr(ranges(&owned), 14, &mut out), Err(refused));
    assert!(column::rsi(&owned.close, 1, &mut vec![0.0; 50]).is_err());
    assert!(column::adx(ranges(&owned), usize::MAX, &mut vec![0.0; 50]).is_err());
}
