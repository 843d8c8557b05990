//! Calibrations: a model's parameters from what the market shows. Those of a named underlying are kept.

mod heston;
mod ornstein_uhlenbeck;
mod sabr;

use super::{object, parameters::check_underlying};
use crate::envelope::ApiResult;
use crate::state::AppState;
use bulkhead_actors::jobs::{Fit, Output};
use bulkhead_quant::QuantError;
use serde::Serialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(heston::router()).merge(sabr::router()).merge(ornstein_uhlenbeck::router())
}

/// Where a calibration's parameters are to be kept, if anywhere.
struct Shelf {
    model: &'static str,
    underlying: Option<String>,
}

impl Shelf {
    fn new(model: &'static str, underlying: Option<String>) -> ApiResult<Self> {
        Ok(Self { model, underlying: underlying.map(check_underlying).transpose()? })
    }

    /// The answer, and what of it is kept: its `parameters`, and the rest as their quality.
    fn output<T: Serialize>(self, view: &T) -> Result<Output, QuantError> {
        let body = object(view)?;
        let Some(underlying) = self.underlying else { return Ok(Output { body, fit: None }) };
        let mut quality = body.clone();
        let parameters = quality.remove("parameters").unwrap_or_default();
        let fit = Fit { model: self.model, underlying, parameters, quality: Value::Object(quality) };
        Ok(Output { body, fit: Some(fit) })
    }
}
