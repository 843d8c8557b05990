//! Reading the reference numbers.

use serde_json::Value;

/// The file of this name in `tests/golden`.
pub(crate) fn golden(name: &str) -> Value {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// A number.
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is a number"))
}

/// A list of numbers; `null` is NaN.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap_or_else(|| panic!("{value} is a list"));
    list.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

/// A list of lists of numbers.
pub(crate) fn table(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// Fails unless the two differ by at most `relative` of the larger, or by `absolute`.
pub(crate) fn assert_close(what: &str, got: f64, want: f64, (relative, absolute): (f64, f64)) {
    let error = (got - want).abs();
    let bound = absolute.max(relative * want.abs().max(got.abs()));
    assert!(error <= bound, "{what}: got {got:e}, want {want:e}, off by {error:e} (allowed {bound:e})");
}
