//! The risk gate over REST: the kill switch.

mod halt;
mod view;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    halt::router()
}
