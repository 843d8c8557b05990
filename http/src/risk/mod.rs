//! The risk gate over REST: the kill switch and the limits.

mod halt;
mod limits;
mod view;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    halt::router().merge(limits::router())
}
