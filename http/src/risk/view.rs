//! Halts as they are shown.

use bulkhead_actors::Halted;
use bulkhead_domain::Timestamp;
use bulkhead_domain::event::TradingHalted;
use bulkhead_domain::risk::{HaltAuthor, HaltMode, HaltScope};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Whether the tenant may trade, and what stands in its way.
#[derive(Serialize, ToSchema)]
#[schema(as = RiskState)]
pub(crate) struct RiskStateView {
    /// active, or the mode of the strictest halt of the whole tenant: reduce_only, cancel_all, flatten or halt.
    #[schema(example = "active")]
    trading: String,
    /// Every halt that stands, from the widest scope down.
    halts: Vec<HaltView>,
}

/// A halt that stands.
#[derive(Serialize, ToSchema)]
#[schema(as = Halt)]
struct HaltView {
    /// platform, tenant, account or symbol.
    #[schema(example = "symbol")]
    scope: &'static str,
    /// The account or symbol.
    #[schema(required, example = "BTC-USDT")]
    name: Option<String>,
    /// reduce_only, cancel_all, flatten or halt.
    #[schema(value_type = String, example = "reduce_only")]
    mode: HaltMode,
    #[schema(example = "the fork is near")]
    reason: String,
    by: HaltAuthorView,
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    since: Timestamp,
}

/// Who did it.
#[derive(Serialize, ToSchema)]
#[schema(as = HaltAuthor)]
struct HaltAuthorView {
    /// user, or platform_admin.
    #[schema(example = "user")]
    kind: &'static str,
    user_id: Uuid,
}

/// What a halt or a resumption led to.
#[derive(Serialize, ToSchema)]
#[schema(as = HaltResult)]
pub(super) struct HaltResultView {
    /// It was not so before.
    changed: bool,
    /// Open orders whose cancellation was asked for, at the venue already.
    #[schema(example = 3)]
    cancels_requested: usize,
    #[serde(flatten)]
    state: RiskStateView,
}

impl From<Vec<TradingHalted>> for RiskStateView {
    fn from(halts: Vec<TradingHalted>) -> Self {
        let is_whole = |halt: &&TradingHalted| matches!(halt.scope, HaltScope::Platform | HaltScope::Tenant);
        let strictest = halts.iter().filter(is_whole).map(|halt| halt.mode).max();
        let trading = strictest.map_or_else(|| "active".to_owned(), |mode| mode.to_string());
        Self { trading, halts: halts.into_iter().map(HaltView::from).collect() }
    }
}

impl From<TradingHalted> for HaltView {
    fn from(halt: TradingHalted) -> Self {
        let TradingHalted { scope, mode, reason, by, at } = halt;
        let (scope, name) = match scope {
            HaltScope::Platform => ("platform", None),
            HaltScope::Tenant => ("tenant", None),
            HaltScope::Account(account) => ("account", Some(account.to_string())),
            HaltScope::Symbol(symbol) => ("symbol", Some(symbol.to_string())),
        };
        let (kind, user_id) = match by {
            HaltAuthor::User { user_id } => ("user", user_id.0),
            HaltAuthor::PlatformAdmin { user_id } => ("platform_admin", user_id.0),
        };
        Self { scope, name, mode, reason, by: HaltAuthorView { kind, user_id }, since: at }
    }
}

impl From<Halted> for HaltResultView {
    fn from(halted: Halted) -> Self {
        let Halted { halts, cancels, changed } = halted;
        Self { changed, cancels_requested: cancels, state: halts.into() }
    }
}
