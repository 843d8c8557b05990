//! What must hold of every indicator, whatever the bars are.

use super::{outputs, walk};
use bulkhead_quant::{
    QuantError,
    indicator::{
        Bar, PERIOD_MAX,
        registry::{self, DEFINITIONS, Field, Streaming},
    },
};
use proptest::prelude::*;

/// Numbers that break things.
fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e3..1e3,
        2 => 0.0..1e-3,
        1 => Just(0.0),
        1 => -1e30..1e30,
        1 => Just(f64::MIN_POSITIVE / 4.0),
        1 => any::<f64>(),
    ]
}

/// Bars of wild numbers, most of them put in order.
fn wild_bar() -> impl Strategy<Value = Bar> {
    (wild(), wild(), wild(), wild(), wild(), 0..8).prop_map(|(a, b, c, d, volume, order)| {
        let mut prices = [a, b, c, d];
        if order > 0 {
            prices.sort_by(f64::total_cmp);
        }
        let [low, open, close, high] = prices;
        Bar { open, high, low, close, volume: if order > 0 { volume.abs() } else { volume } }
    })
}

/// What each output must lie between.
const BOUNDS: &[(&str, f64, f64)] = &[
    ("rsi", 0.0, 100.0),
    ("cmo", -100.0, 100.0),
    ("stoch", 0.0, 100.0),
    ("stochf", 0.0, 100.0),
    ("stochrsi", 0.0, 100.0),
    ("willr", -100.0, 0.0),
    ("ultosc", 0.0, 100.0),
    ("connors", 0.0, 100.0),
    ("mfi", 0.0, 100.0),
    ("adx", 0.0, 100.0),
    ("adxr", 0.0, 100.0),
    ("dx", 0.0, 100.0),
    ("di", 0.0, 100.0),
    ("aroon", 0.0, 100.0),
    ("aroonosc", -100.0, 100.0),
    ("cmf", -1.0, 1.0),
    ("bop", -1.0, 1.0),
    ("tsi", -100.0, 100.0),
    ("correl", -1.0, 1.0),
    ("zscore", -5.0, 5.0),
    ("natr", 0.0, f64::MAX),
    ("ulcer", 0.0, 100.0),
    ("stddev", 0.0, f64::MAX),
    ("parkinson", 0.0, f64::MAX),
];

/// What does not change when prices are quoted in another unit.
const FREE_OF_UNITS: &[&str] = &[
    "rsi",
    "cmo",
    "roc",
    "ppo",
    "trix",
    "tsi",
    "stoch",
    "stochf",
    "stochrsi",
    "willr",
    "cci",
    "ultosc",
    "connors",
    "fisher",
    "adx",
    "adxr",
    "dx",
    "di",
    "vortex",
    "aroon",
    "aroonosc",
    "natr",
    "choppiness",
    "mass_index",
    "ulcer",
    "volatility",
    "parkinson",
    "garman_klass",
    "rogers_satchell",
    "obv",
    "ad",
    "adosc",
    "pvt",
    "nvi",
    "pvi",
    "mfi",
    "cmf",
    "volume_oscillator",
    "zscore",
    "beta",
    "correl",
    "bop",
    "coppock",
    "kst",
];

/// What is multiplied with prices.
const OF_UNITS: &[&str] = &[
    "sma",
    "ema",
    "wma",
    "dema",
    "tema",
    "t3",
    "trima",
    "kama",
    "wilder",
    "zlema",
    "hma",
    "vwma",
    "alma",
    "vidya",
    "mcginley",
    "mom",
    "dpo",
    "macd",
    "apo",
    "awesome",
    "elder_ray",
    "ichimoku",
    "sar",
    "ht_trendline",
    "trange",
    "atr",
    "bbands",
    "keltner",
    "donchian",
    "force_index",
    "vwap",
    "stddev",
    "sum",
    "max",
    "min",
    "midpoint",
    "midprice",
    "linearreg",
    "linearreg_slope",
    "tsf",
    "avgdev",
    "avgprice",
    "medprice",
    "typprice",
    "wclprice",
    "heikin_ashi",
];

fn all_values(indicator: &mut Streaming, bars: &[Bar]) -> Vec<Option<Vec<f64>>> {
    bars.iter().map(|bar| indicator.update(*bar).unwrap().map(|values| values.as_slice().to_vec())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn anything_is_taken_or_refused_with_finite_numbers(bars in prop::collection::vec(wild_bar(), 0..260)) {
        for definition in DEFINITIONS {
            let mut indicator = Streaming::new(definition.name, &[], &[]).unwrap();
            let mut has_values = false;
            for bar in &bars {
                let before = indicator.clone();
                match indicator.update(*bar) {
                    Ok(None) => prop_assert!(!has_values, "{} has values no more", definition.name),
                    Ok(Some(values)) => {
                        has_values = true;
                        prop_assert_eq!(values.as_slice().len(), definition.outputs.len());
                        let are_finite = values.as_slice().iter().all(|value| value.is_finite());
                        prop_assert!(are_finite, "{} gives {:?}", definition.name, values.as_slice());
                    }
                    Err(_) => prop_assert_eq!(&indicator, &before),
                }
            }
        }
    }

    #[test]
    fn parameters_are_taken_or_refused(parameters in prop::collection::vec(prop_oneof![wild(), 0.0..40.0], 0..5)) {
        let bars = walk(9, 60).bars();
        for definition in DEFINITIONS {
            let rounded: Vec<f64> = parameters.iter().map(|parameter| parameter.round()).collect();
            for parameters in [&parameters, &rounded] {
                if let Ok(mut indicator) = Streaming::new(definition.name, parameters, &[]) {
                    for value in all_values(&mut indicator, &bars).into_iter().flatten().flatten() {
                        prop_assert!(value.is_finite(), "{} of {:?}", definition.name, parameters);
                    }
                }
            }
        }
    }

    #[test]
    fn stored_and_restored_goes_on_the_same(seed in any::<u64>(), at in 0_usize..150) {
        let bars = walk(seed, 200).bars();
        for definition in DEFINITIONS {
            let mut whole = Streaming::new(definition.name, &[], &[]).unwrap();
            let want = all_values(&mut whole, &bars);
            let mut part = Streaming::new(definition.name, &[], &[]).unwrap();
            all_values(&mut part, &bars[..at]);
            let stored = serde_json::to_string(&part).unwrap();
            let mut restored: Streaming = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(&restored, &part);
            prop_assert_eq!(all_values(&mut restored, &bars[at..]), &want[at..]);
        }
    }

    #[test]
    fn values_keep_their_bounds(seed in any::<u64>()) {
        let bars = walk(seed, 300).bars();
        for (name, least, most) in BOUNDS {
            for value in outputs(name, &[], &bars).into_iter().flatten().filter(|value| !value.is_nan()) {
                prop_assert!(value >= least - 1e-9 && value <= most + 1e-9, "{name} is {value}");
            }
        }
        for name in ["bbands", "keltner", "donchian"] {
            let columns = outputs(name, &[], &bars);
            for ((upper, middle), lower) in columns[0].iter().zip(&columns[1]).zip(&columns[2]) {
                prop_assert!(upper.is_nan() || (lower <= middle && middle <= upper), "{name}");
            }
        }
    }

    #[test]
    fn units_do_not_matter(seed in any::<u64>(), exponent in -30_i32..30) {
        let bars = walk(seed, 250).bars();
        // A power of two changes no digit of a price.
        let unit = 2_f64.powi(exponent);
        let scaled: Vec<Bar> = bars.iter().map(|bar| Bar {
            open: bar.open * unit, high: bar.high * unit, low: bar.low * unit, close: bar.close * unit, ..*bar
        }).collect();
        let scales = FREE_OF_UNITS.iter().map(|name| (name, 1.0)).chain(OF_UNITS.iter().map(|name| (name, unit)));
        for (name, scale) in scales {
            let (want, got) = (outputs(name, &[], &bars), outputs(name, &[], &scaled));
            for (want, got) in want.iter().flatten().zip(got.iter().flatten()) {
                let want = want * scale;
                let close = (want.is_nan() && got.is_nan()) || (got - want).abs() <= 1e-9 * want.abs().max(scale);
                prop_assert!(close, "{name}: {got} for {want}");
            }
        }
    }
}

#[test]
fn a_constant_series_gives_what_talib_gives() {
    let bar = Bar { open: 0.1, high: 0.1, low: 0.1, close: 0.1, volume: 3.0 };
    let bars = vec![bar; 300];
    let last =
        |name: &str| outputs(name, &[], &bars).into_iter().map(|column| column[299]).collect::<Vec<f64>>();
    let zero = [
        "rsi",
        "cmo",
        "mom",
        "roc",
        "macd",
        "apo",
        "ppo",
        "trix",
        "stoch",
        "stochf",
        "stochrsi",
        "willr",
        "cci",
        "ultosc",
        "adx",
        "adxr",
        "dx",
        "di",
        "trange",
        "atr",
        "natr",
        "stddev",
        "variance",
        "ad",
        "adosc",
        "mfi",
        "linearreg_slope",
        "bop",
        "beta",
        "correl",
        "zscore",
        "tsi",
        "fisher",
        "cmf",
        "vortex",
        "mass_index",
        "volatility",
        "parkinson",
    ];
    for name in zero {
        for value in last(name) {
            assert!(value.abs() == 0.0, "{name} is {value}");
        }
    }
    for name in
        ["sma", "ema", "wma", "dema", "tema", "t3", "kama", "hma", "bbands", "donchian", "linearreg", "vwap"]
    {
        for value in last(name) {
            assert!((value - 0.1).abs() < 1e-16, "{name} is {value}");
        }
    }
    assert_eq!(last("aroon"), [100.0, 100.0]);
}

#[test]
fn every_unit_is_known() {
    for name in FREE_OF_UNITS.iter().chain(OF_UNITS).chain(BOUNDS.iter().map(|(name, ..)| name)) {
        registry::find(name).unwrap();
    }
}

#[test]
fn names_are_unique_and_defaults_work() {
    for (index, definition) in DEFINITIONS.iter().enumerate() {
        assert!(DEFINITIONS[index + 1..].iter().all(|other| other.name != definition.name));
        let made = Streaming::new(definition.name, &[], &[]).unwrap();
        assert_eq!(made.parameters(), definition.defaults());
    }
}

#[test]
fn wrong_orders_are_refused() {
    let new = |name: &str, parameters: &[f64]| Streaming::new(name, parameters, &[]);
    assert!(matches!(new("no_such", &[]), Err(QuantError::UnknownName { .. })));
    assert!(matches!(new("rsi", &[14.0, 3.0]), Err(QuantError::LengthMismatch { .. })));
    assert!(matches!(new("rsi", &[f64::NAN]), Err(QuantError::NotFinite { .. })));
    for period in [0.0, -1.0, 1.0, 2.5, PERIOD_MAX as f64 + 1.0] {
        assert!(matches!(new("rsi", &[period]), Err(QuantError::OutOfRange { .. })), "{period}");
    }
    assert!(matches!(new("macd", &[26.0, 12.0, 9.0]), Err(QuantError::OutOfRange { .. })));
    assert!(matches!(new("bbands", &[20.0, 0.0]), Err(QuantError::OutOfRange { .. })));
    assert!(Streaming::new("atr", &[], &[Field::High, Field::Low, Field::Open]).is_err());
}

#[test]
fn inputs_can_be_chosen() {
    let bars = walk(4, 60).bars();
    let mut of_volume = Streaming::new("sma", &[3.0], &[Field::Volume]).unwrap();
    let got = all_values(&mut of_volume, &bars).pop().unwrap().unwrap()[0];
    let want = bars[57..].iter().map(|bar| bar.volume).sum::<f64>() / 3.0;
    assert!((got - want).abs() < 1e-9);
}

#[test]
fn a_state_that_does_not_fit_is_refused() {
    let mut indicator = Streaming::new("sma", &[5.0], &[]).unwrap();
    all_values(&mut indicator, &walk(4, 7).bars());
    let stored = serde_json::to_string(&indicator).unwrap();
    assert!(stored.contains("\"position\":2"), "{stored}");
    let broken = stored.replace("\"position\":2", "\"position\":9");
    assert!(serde_json::from_str::<Streaming>(&broken).is_err());
}
