//! What venues say: decided by the order, recorded, and shown only once durable.

use super::{DeskMsg, DeskState, OrderDesk};
use bulkhead_domain::order::{Certainty, Phase, UnknownCause};
use bulkhead_domain::report::{ReportKind, VenueReport};
use bulkhead_domain::{Order, OrderId, TenantId, VenueClientId};
use bulkhead_persistence::order::find_order_by_venue_client_id;
use bulkhead_persistence::{Db, DbError};
use bulkhead_supervision::Context;
use tracing::{error, warn};

/// The code of an order that certainly never left for its venue.
const NOT_DELIVERED: &str = "NOT_DELIVERED";
/// Reports about one order that may wait for the table to be asked about it.
const LATE_REPORTS_MAX: usize = 1_024;

impl OrderDesk {
    pub(super) fn report(&self, cx: &Context<DeskMsg>, state: &mut DeskState, report: VenueReport) {
        match state.book.order_by_venue_id(&report.venue_client_id).map(|order| order.id) {
            Some(order_id) => self.apply_report(cx, state, order_id, &report),
            None => self.look_up_late(cx, state, report),
        }
    }

    /// The order is closed and has left memory: a late fill still counts. The table is asked once at a time per
    /// order: a second answer could be older than what the first one led to, and a fill in it would be new again.
    fn look_up_late(&self, cx: &Context<DeskMsg>, state: &mut DeskState, report: VenueReport) {
        if matches!(
            report.kind,
            ReportKind::Canceled { .. } | ReportKind::CancelRejected { .. } | ReportKind::Expired
        ) {
            // Says nothing about an order that is closed.
            return;
        }
        let venue_client_id = report.venue_client_id.clone();
        match state.late.get_mut(&venue_client_id) {
            Some(waiting) if waiting.len() < LATE_REPORTS_MAX => waiting.push(report),
            Some(_) => warn!(tenant_id = %self.tenant_id, %venue_client_id, "late report dropped"),
            None => {
                state.late.insert(venue_client_id.clone(), vec![report]);
                self.ask_late(cx, state, &venue_client_id);
            }
        }
    }

    fn ask_late(&self, cx: &Context<DeskMsg>, state: &mut DeskState, venue_client_id: &VenueClientId) {
        let question = find_late(self.db.clone(), self.tenant_id, venue_client_id.clone());
        let asked = venue_client_id.clone();
        let answer = move |found| DeskMsg::LateAnswer { venue_client_id: asked, found };
        if cx.pipe(question, answer).is_err() {
            state.late.remove(venue_client_id);
            warn!(tenant_id = %self.tenant_id, %venue_client_id, "late report dropped until reconciliation");
        }
    }

    pub(super) fn late_answer(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        venue_client_id: &VenueClientId,
        found: Result<Option<Box<Order>>, DbError>,
    ) {
        let order = match found {
            Ok(Some(order)) => order,
            Ok(None) => {
                state.late.remove(venue_client_id);
                return warn!(tenant_id = %self.tenant_id, %venue_client_id, "report about an order of nobody");
            }
            Err(_) => return self.ask_late(cx, state, venue_client_id),
        };
        let order_id = order.id;
        state.book.hold(*order);
        for report in state.late.remove(venue_client_id).unwrap_or_default() {
            self.apply_report(cx, state, order_id, &report);
        }
        if !state.dirty.contains_key(&order_id) {
            state.book.forget(order_id);
        }
    }

    fn apply_report(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        order_id: OrderId,
        report: &VenueReport,
    ) {
        let Some(order) = state.book.order(order_id) else { return };
        let account = order.terms.account.clone();
        let decision = order.decide_report(report, crate::clock::now());
        if let Some(execution) = &decision.conflicting_execution {
            error!(order.id = %order_id, execution.id = %execution.execution_id, "venue changed an execution");
        }
        self.record_all(state, decision.events);
        if decision.cancel_at_venue {
            self.send_cancel(state, order_id);
        }
        if matches!(report.kind, ReportKind::State { .. }) {
            self.answered(cx, state, &account, &report.venue_client_id);
        }
    }

    /// The order is durable here and certainly unknown to the venue: it is over.
    pub(super) fn not_sent(&self, state: &mut DeskState, venue_client_id: VenueClientId) {
        let Some(order) = state.book.order_by_venue_id(&venue_client_id) else { return };
        let message = "the order was not delivered to the venue".to_owned();
        let kind = ReportKind::Rejected { code: NOT_DELIVERED.to_owned(), message };
        let now = crate::clock::now();
        let decision = order.decide_report(&VenueReport { venue_client_id, venue_ts: now, kind }, now);
        self.record_all(state, decision.events);
    }

    pub(super) fn doubt(&self, state: &mut DeskState, venue_client_id: &VenueClientId, cause: UnknownCause) {
        let Some(order) = state.book.order_by_venue_id(venue_client_id) else { return };
        let events = order.decide_unknown(cause, crate::clock::now());
        self.record_all(state, events);
    }

    /// Records events nobody waits for.
    fn record_all(&self, state: &mut DeskState, events: Vec<bulkhead_domain::Event>) {
        if !events.is_empty() {
            self.record(state, events, Box::new(|| {}));
        }
    }

    /// After a restart: what was not acknowledged may or may not have reached the venue.
    pub(super) fn doubt_unacknowledged(&self, state: &mut DeskState) {
        let now = crate::clock::now();
        let is_unacknowledged =
            |order: &&Order| order.phase == Phase::Submitting && order.certainty == Certainty::Confirmed;
        let events = state
            .book
            .orders()
            .filter(is_unacknowledged)
            .flat_map(|order| order.decide_unknown(UnknownCause::Restarted, now))
            .collect::<Vec<_>>();
        self.record_all(state, events);
    }
}

async fn find_late(
    db: Db,
    tenant_id: TenantId,
    venue_client_id: VenueClientId,
) -> Result<Option<Box<Order>>, DbError> {
    let mut tx = db.begin_for(tenant_id).await?;
    let row = find_order_by_venue_client_id(&mut tx, &venue_client_id).await?;
    tx.commit().await?;
    row.map(|row| row.order().map(Box::new)).transpose()
}
