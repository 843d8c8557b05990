//! The Heston model: prices against references, properties, and calibration.

mod calibration;
mod properties;
mod reference;
