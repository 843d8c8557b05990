//! Indicators against TA-Lib, against direct computation, and against what must hold of them.

mod column;
mod direct;
mod property;

use crate::support::{assert_close, golden, number, numbers, table};
use bulkhead_quant::indicator::{
    Bar,
    column::BarColumns,
    registry::{DEFINITIONS, Streaming},
};
use bulkhead_quant::random::SplitMix64;
use serde_json::Value;

/// Columns of bars that a test owns.
#[derive(Debug, Clone, Default)]
struct Owned {
    open: Vec<f64>,
    high: Vec<f64>,
    low: Vec<f64>,
    close: Vec<f64>,
    volume: Vec<f64>,
}

impl Owned {
    fn golden(file: &Value) -> Self {
        let column = |name: &str| numbers(&file[name]);
        Self {
            open: column("open"),
            high: column("high"),
            low: column("low"),
            close: column("close"),
            volume: column("volume"),
        }
    }

    fn columns(&self) -> BarColumns<'_> {
        BarColumns {
            open: &self.open,
            high: &self.high,
            low: &self.low,
            close: &self.close,
            volume: &self.volume,
        }
    }

    fn bars(&self) -> Vec<Bar> {
        let bar = |index: usize| Bar {
            open: self.open[index],
            high: self.high[index],
            low: self.low[index],
            close: self.close[index],
            volume: self.volume[index],
        };
        (0..self.close.len()).map(bar).collect()
    }
}

/// Every output of an indicator at every bar, NaN while warming up.
fn outputs(name: &str, parameters: &[f64], bars: &[Bar]) -> Vec<Vec<f64>> {
    let mut indicator = Streaming::new(name, parameters, &[]).unwrap();
    let count = indicator.definition().unwrap().outputs.len();
    let mut columns = vec![vec![f64::NAN; bars.len()]; count];
    for (index, bar) in bars.iter().enumerate() {
        if let Some(values) = indicator.update(*bar).unwrap() {
            for (column, value) in columns.iter_mut().zip(values.as_slice()) {
                column[index] = *value;
            }
        }
    }
    columns
}

/// Bars of a random walk with gaps, and with bars that do not move.
fn walk(seed: u64, count: usize) -> Owned {
    let mut random = SplitMix64::new(seed);
    let mut owned = Owned::default();
    let mut price: f64 = 50.0;
    for _ in 0..count {
        let open = price * (1.0 + 0.002 * random.normal());
        price = if random.uniform() < 0.1 { open } else { open * (0.02 * random.normal()).exp() };
        let reach = if random.uniform() < 0.1 { 0.0 } else { 0.01 * random.uniform() };
        owned.open.push(open);
        owned.high.push(open.max(price) * (1.0 + reach));
        owned.low.push(open.min(price) * (1.0 - reach));
        owned.close.push(price);
        owned.volume.push((1000.0 * random.uniform()).floor());
    }
    owned
}

/// Indicators with their parameters, and what TA-Lib's outputs are called.
const TALIB: &[(&str, &[f64], &[&str])] = &[
    ("rsi", &[14.0], &["RSI_14"]),
    ("macd", &[12.0, 26.0, 9.0], &["MACD_12_26_9", "MACDsignal", "MACDhist"]),
    ("bbands", &[20.0, 2.0], &["BB_upper_20_2", "BB_mid", "BB_lower"]),
    ("atr", &[14.0], &["ATR_14"]),
    ("adx", &[14.0], &["ADX_14"]),
    ("di", &[14.0], &["PLUS_DI_14", "MINUS_DI_14"]),
    ("stoch", &[14.0, 3.0, 3.0], &["STOCH_slowk_14_3_3", "STOCH_slowd"]),
    ("obv", &[], &["OBV"]),
    ("cci", &[20.0], &["CCI_20"]),
    ("sma", &[20.0], &["SMA_20"]),
    ("ema", &[20.0], &["EMA_20"]),
    ("wma", &[20.0], &["WMA_20"]),
    ("kama", &[10.0], &["KAMA_10"]),
    ("trix", &[15.0], &["TRIX_15"]),
    ("mfi", &[14.0], &["MFI_14"]),
    ("willr", &[14.0], &["WILLR_14"]),
    ("roc", &[10.0], &["ROC_10"]),
    ("mom", &[10.0], &["MOM_10"]),
    ("natr", &[14.0], &["NATR_14"]),
    ("aroon", &[14.0], &["AROON_down_14", "AROON_up_14"]),
    ("aroonosc", &[14.0], &["AROONOSC_14"]),
    ("ultosc", &[7.0, 14.0, 28.0], &["ULTOSC"]),
    ("sar", &[0.02, 0.2], &["SAR"]),
    ("ad", &[], &["AD"]),
    ("adosc", &[3.0, 10.0], &["ADOSC_3_10"]),
    ("cmo", &[14.0], &["CMO_14"]),
    ("ppo", &[12.0, 26.0], &["PPO_12_26"]),
    ("stochrsi", &[14.0, 5.0, 3.0], &["STOCHRSI_k", "STOCHRSI_d"]),
    ("dema", &[20.0], &["DEMA_20"]),
    ("tema", &[20.0], &["TEMA_20"]),
    ("t3", &[5.0, 0.7], &["T3_5"]),
    ("linearreg_slope", &[14.0], &["LINEARREG_SLOPE_14"]),
    ("stddev", &[20.0], &["STDDEV_20"]),
    ("bop", &[], &["BOP"]),
    ("trange", &[], &["TRANGE"]),
    ("ht_trendline", &[], &["HT_TRENDLINE"]),
    ("beta", &[5.0], &["BETA_5"]),
    ("correl", &[30.0], &["CORREL_30"]),
];

/// Fails unless both columns have values at the same places, and the same ones.
fn assert_column(what: &str, got: &[f64], want: &[f64], tolerance: (f64, f64)) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (index, (&got, &want)) in got.iter().zip(want).enumerate() {
        assert_eq!(got.is_nan(), want.is_nan(), "{what} at {index}: got {got}, want {want}");
        if !want.is_nan() {
            assert_close(&format!("{what} at {index}"), got, want, tolerance);
        }
    }
}

#[test]
fn agrees_with_talib_from_the_first_value_on() {
    let file = golden("talib_500");
    let bars = Owned::golden(&file).bars();
    let mut compared = 0;
    for (name, parameters, keys) in TALIB {
        for (got, key) in outputs(name, parameters, &bars).iter().zip(*keys) {
            assert_column(key, got, &numbers(&file["outputs"][key]), (1e-9, 1e-12));
            compared += 1;
        }
    }
    assert_eq!(compared, file["outputs"].as_object().unwrap().len());
}

#[test]
fn agrees_with_talib_for_other_parameters() {
    let bars = Owned::golden(&golden("talib_500")).bars();
    let file = golden("talib_more");
    let count = number(&file["bars"]);
    let bars: Vec<Bar> = bars
        .into_iter()
        .zip(1_u32..)
        .filter(|(_, nth)| f64::from(*nth) <= count)
        .map(|(bar, _)| bar)
        .collect();
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let parameters = numbers(&case["parameters"]);
        let wanted = table(&case["outputs"]);
        let got = outputs(name, &parameters, &bars);
        assert_eq!(got.len(), wanted.len(), "{name}");
        for (got, want) in got.iter().zip(&wanted) {
            assert_column(&format!("{name} of {parameters:?}"), got, want, (1e-9, 1e-11));
        }
    }
}

#[test]
fn there_are_more_than_fifty() {
    assert!(DEFINITIONS.len() >= 50);
}
