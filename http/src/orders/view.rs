//! An order as it is shown.

use bulkhead_domain::order::{
    Certainty, CloseReason, Execution, Liquidity, Mode, Order, OrderKind, OrderStatus, Pending, Phase, Side,
    TimeInForce,
};
use bulkhead_domain::{
    AccountId, Amount, ClientOrderId, Currency, ExecutionId, PortfolioId, Price, Qty, Symbol, Timestamp,
    VenueClientId, VenueOrderId,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

const CLOSED: &str = "closed";
const UNKNOWN: &str = "unknown";

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderView {
    id: Uuid,
    #[schema(value_type = String, example = "my-order-1")]
    client_order_id: ClientOrderId,
    /// The one id under which it may reach the venue.
    #[schema(value_type = String, example = "3w5e11264sgsf8k2h3r6q0p1zn")]
    venue_client_id: VenueClientId,
    /// The venue's id of it, once it has one.
    #[schema(value_type = Option<String>, required)]
    venue_order_id: Option<VenueOrderId>,
    #[schema(value_type = String, example = "main")]
    portfolio: PortfolioId,
    #[schema(value_type = String, example = "paper")]
    account: AccountId,
    /// `paper` or `live`.
    #[schema(value_type = String, example = "paper")]
    mode: Mode,
    #[schema(value_type = String, example = "BTC-USDT")]
    symbol: Symbol,
    #[schema(value_type = String, example = "buy")]
    side: Side,
    #[serde(rename = "type")]
    #[schema(example = "limit")]
    kind: &'static str,
    #[schema(value_type = String, example = "0.5")]
    quantity: Qty,
    #[schema(value_type = String, example = "0.2")]
    filled_quantity: Qty,
    #[schema(value_type = Option<String>, example = "39999.5", required)]
    average_price: Option<Amount>,
    #[schema(value_type = Option<String>, example = "40000", required)]
    price: Option<Price>,
    #[schema(value_type = Option<String>, required)]
    stop_price: Option<Price>,
    #[schema(value_type = String, example = "gtc")]
    time_in_force: TimeInForce,
    /// When a `gtd` order ends.
    #[schema(value_type = Option<String>, required)]
    expires_at: Option<Timestamp>,
    post_only: bool,
    reduce_only: bool,
    /// What the fields below come to: submitted, accepted, partially_filled, pending_cancel, unknown, filled,
    /// canceled, expired, rejected or denied. More may come.
    #[schema(value_type = String, example = "partially_filled")]
    status: OrderStatus,
    /// submitting, working or closed.
    #[schema(example = "working")]
    phase: &'static str,
    /// confirmed, or unknown while nobody knows what the venue did.
    #[schema(example = "confirmed")]
    certainty: &'static str,
    /// A request the venue has not answered: cancel.
    #[schema(required)]
    pending: Option<&'static str>,
    /// Why it was denied or rejected.
    #[schema(required)]
    reason: Option<ReasonView>,
    fills: Vec<FillView>,
    /// Grows with every event.
    version: u64,
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    created_at: Timestamp,
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    updated_at: Timestamp,
}

/// Why an order came to nothing.
#[derive(Debug, Serialize, ToSchema)]
struct ReasonView {
    #[schema(example = "INSUFFICIENT_FUNDS")]
    code: String,
    message: String,
}

/// One execution of an order.
#[derive(Debug, Serialize, ToSchema)]
struct FillView {
    #[schema(value_type = String)]
    execution_id: ExecutionId,
    #[schema(value_type = String, example = "39999.5")]
    price: Price,
    #[schema(value_type = String, example = "0.2")]
    quantity: Qty,
    #[schema(value_type = String, example = "7.9999")]
    fee: Amount,
    #[schema(value_type = String, example = "USDT")]
    fee_currency: Currency,
    #[schema(value_type = String, example = "taker")]
    liquidity: Liquidity,
    /// By the venue's clock.
    #[schema(value_type = String, example = "2026-01-02T03:04:05.000006Z")]
    ts: Timestamp,
}

impl From<&Order> for OrderView {
    fn from(order: &Order) -> Self {
        let terms = &order.terms;
        Self {
            id: order.id.0,
            client_order_id: order.client_order_id.clone(),
            venue_client_id: order.venue_client_id.clone(),
            venue_order_id: order.venue_order_id().cloned(),
            portfolio: terms.portfolio.clone(),
            account: terms.account.clone(),
            mode: order.mode,
            symbol: terms.symbol.clone(),
            side: terms.side,
            kind: kind_name(terms.kind),
            quantity: terms.quantity,
            filled_quantity: order.filled_quantity(),
            average_price: order.average_price(),
            price: terms.kind.limit_price(),
            stop_price: None,
            time_in_force: terms.time_in_force,
            expires_at: terms.expires_at,
            post_only: terms.post_only,
            reduce_only: terms.reduce_only,
            status: order.status(),
            phase: phase_name(&order.phase),
            certainty: certainty_name(order.certainty),
            pending: order.pending.map(|Pending::Cancel { .. }| "cancel"),
            reason: reason(&order.phase),
            fills: fills(order),
            version: order.version,
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}

impl OrderView {
    /// The same order while its tenant is quarantined: if it was open it is being cancelled at the venue, and nobody
    /// writes down what comes of it.
    pub(super) fn doubted(mut self) -> Self {
        if self.phase != CLOSED {
            self.status = OrderStatus::Unknown;
            self.certainty = UNKNOWN;
            self.pending = Some("cancel");
        }
        self
    }
}

impl From<&Execution> for FillView {
    fn from(execution: &Execution) -> Self {
        Self {
            execution_id: execution.execution_id.clone(),
            price: execution.price,
            quantity: execution.quantity,
            fee: execution.fee,
            fee_currency: execution.fee_currency.clone(),
            liquidity: execution.liquidity,
            ts: execution.venue_ts,
        }
    }
}

/// In the order in which they happened; equal times by id.
fn fills(order: &Order) -> Vec<FillView> {
    let mut fills: Vec<&Execution> = order.fills.values().collect();
    fills.sort_by_key(|fill| fill.venue_ts);
    fills.into_iter().map(FillView::from).collect()
}

fn kind_name(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "market",
        OrderKind::Limit { .. } => "limit",
    }
}

fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Submitting => "submitting",
        Phase::Working => "working",
        Phase::Closed { .. } => CLOSED,
    }
}

fn certainty_name(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Confirmed => "confirmed",
        Certainty::Unknown { .. } => UNKNOWN,
    }
}

fn reason(phase: &Phase) -> Option<ReasonView> {
    let Phase::Closed { reason } = phase else { return None };
    match reason {
        CloseReason::Denied { code, message } | CloseReason::Rejected { code, message, .. } => {
            Some(ReasonView { code: code.clone(), message: message.clone() })
        }
        CloseReason::Canceled { .. } | CloseReason::Expired | CloseReason::Filled => None,
    }
}

/// The denial's code and message, if the order was denied.
pub(super) fn denial(order: &Order) -> Option<(&str, &str)> {
    match &order.phase {
        Phase::Closed { reason: CloseReason::Denied { code, message } } => Some((code, message)),
        Phase::Closed { .. } | Phase::Submitting | Phase::Working => None,
    }
}
