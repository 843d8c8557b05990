//! An indicator that was made by name.

use super::{
    Definition, Field, find,
    table::{Arguments, State},
};
use crate::{
    QuantError, check,
    indicator::{Bar, Indicator, Output, Pair, Sample, column::BarColumns, column::Series},
};
use serde::{Deserialize, Serialize};

/// The most numbers that an indicator gives at once.
pub const OUTPUTS_MAX: usize = 4;

/// The numbers that an indicator gives at once, in the order of its outputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values {
    numbers: [f64; OUTPUTS_MAX],
    count: usize,
}

impl Values {
    fn of<O: Output>(output: O) -> Self {
        let array = output.array();
        let mut numbers = [0.0; OUTPUTS_MAX];
        for (slot, number) in numbers.iter_mut().zip(array.as_ref()) {
            *slot = *number;
        }
        Self { numbers, count: array.as_ref().len().min(OUTPUTS_MAX) }
    }

    /// The numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.numbers[..self.count]
    }
}

/// An indicator that takes bars, made by name. Stored and restored, it goes on where it stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Streaming {
    name: String,
    parameters: Vec<f64>,
    inputs: Vec<Field>,
    state: State,
}

impl Streaming {
    /// The indicator of this name. Without parameters it has its defaults, and without inputs it reads the fields that
    /// its definition names; both are given all or not at all.
    ///
    /// # Errors
    /// If there is none of this name, or parameters or inputs are not as many as it has or out of range.
    pub fn new(name: &str, parameters: &[f64], inputs: &[Field]) -> Result<Self, QuantError> {
        let definition = find(name)?;
        let parameters = if parameters.is_empty() { definition.defaults() } else { parameters.to_vec() };
        check::length("parameters", parameters.len(), definition.parameters.len())?;
        let inputs = if inputs.is_empty() { definition.inputs } else { inputs };
        check::length("inputs", inputs.len(), definition.inputs.len())?;
        if definition.takes_bars && inputs != definition.inputs {
            let what = "choice of inputs of an indicator that needs whole bars";
            return Err(QuantError::Infeasible { what });
        }
        let state = (definition.build)(Arguments { definition, values: &parameters })?;
        Ok(Self { name: name.to_owned(), parameters, inputs: inputs.to_vec(), state })
    }

    /// What it is.
    ///
    /// # Errors
    /// If it was restored and there is none of its name.
    pub fn definition(&self) -> Result<&'static Definition, QuantError> {
        find(&self.name)
    }

    /// What it was made with.
    #[must_use]
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// Takes a bar; nothing while warming up.
    ///
    /// # Errors
    /// If the bar is not sound. It has then changed nothing.
    pub fn update(&mut self, bar: Bar) -> Result<Option<Values>, QuantError> {
        bar.check()?;
        Ok(self.step(&bar))
    }

    fn step(&mut self, bar: &Bar) -> Option<Values> {
        self.state.step(bar, &self.inputs)
    }

    /// Takes columns of bars, with a buffer for each output; gives the number of bars before the first value.
    ///
    /// # Errors
    /// If the columns and buffers differ in length or number, or a bar is not sound. It has then changed nothing.
    pub fn column(&mut self, bars: &BarColumns<'_>, outputs: &mut [&mut [f64]]) -> Result<usize, QuantError> {
        let count = bars.count()?;
        check::length("outputs", outputs.len(), self.definition()?.outputs.len())?;
        for output in outputs.iter() {
            check::length("output", output.len(), count)?;
        }
        for index in 0..count {
            bars.at(index).check()?;
        }
        let mut missing = 0;
        for index in 0..count {
            let values = self.step(&bars.at(index));
            if values.is_none() {
                missing = index + 1;
            }
            for (place, output) in outputs.iter_mut().enumerate() {
                output[index] = values.map_or(f64::NAN, |values| values.numbers[place]);
            }
        }
        Ok(missing)
    }
}

/// A sample that can be read off a bar.
pub(super) trait OfBar: Sample {
    /// Whether it is the whole bar.
    const TAKES_BARS: bool;
    fn of(bar: &Bar, inputs: &[Field]) -> Self;
}

impl OfBar for Bar {
    const TAKES_BARS: bool = true;

    fn of(bar: &Bar, _: &[Field]) -> Self {
        *bar
    }
}

impl OfBar for f64 {
    const TAKES_BARS: bool = false;

    fn of(bar: &Bar, inputs: &[Field]) -> Self {
        inputs.first().map_or(bar.close, |field| field.of(bar))
    }
}

impl OfBar for Pair {
    const TAKES_BARS: bool = false;

    fn of(bar: &Bar, inputs: &[Field]) -> Self {
        match inputs {
            [x, y, ..] => Self { x: x.of(bar), y: y.of(bar) },
            _ => Self { x: bar.high, y: bar.low },
        }
    }
}

/// One step of an indicator with what it reads off a bar.
pub(super) fn step<I>(indicator: &mut I, bar: &Bar, inputs: &[Field]) -> Option<Values>
where
    I: Indicator<Input: OfBar>,
{
    indicator.step(I::Input::of(bar, inputs)).map(Values::of)
}
