//! Executions that may have been missed: what was waiting in a mailbox when its actor died, or came while nobody was
//! connected. Every time an account's session comes up, the venue lists its executions since one that is booked, and
//! those that are not booked are taken as if they were reported now.
//!
//! Open orders are asked for one by one and hold the gate; this is for orders that were over here, and runs beside it.

use super::{DeskMsg, DeskState, OrderDesk};
use crate::exchange_session::SessionMsg;
use bulkhead_domain::report::{ReportKind, VenueReport};
use bulkhead_domain::{AccountId, ExecutionId, TenantId};
use bulkhead_persistence::fill::{find_booked, find_fill_back};
use bulkhead_persistence::{Db, DbError};
use bulkhead_supervision::Context;
use bulkhead_venues::{AccountFill, FillCursor};
use std::time::Duration;
use tracing::{debug, warn};

/// The listing begins so many executions before the last one that is booked: what came after a lost one may have been
/// booked already, and not more than this can have been on its way.
const LOOK_BACK: i64 = 512;
/// While the database does not answer, it is asked again this often.
const RETRY: Duration = Duration::from_secs(1);

impl OrderDesk {
    /// Finds out where the listing has to begin.
    pub(super) fn look_for_fills(&self, cx: &Context<DeskMsg>, account: &AccountId) {
        let question = find_cursor(self.db.clone(), self.tenant_id, account.clone());
        let asked = account.clone();
        if cx.pipe(question, move |cursor| DeskMsg::FillsKnown { account: asked, cursor }).is_err() {
            self.look_later(cx, account);
        }
    }

    pub(super) fn fills_known(
        &self,
        cx: &Context<DeskMsg>,
        state: &DeskState,
        account: &AccountId,
        cursor: Result<Option<FillCursor>, DbError>,
    ) {
        let Ok(cursor) = cursor else { return self.look_later(cx, account) };
        // A session that is gone comes up again, and is asked then.
        if let Some(session) = state.gates.get(account).and_then(|gate| gate.session.as_ref()) {
            drop(session.notify(SessionMsg::ListFills { cursor }));
        }
    }

    /// One page of the venue's list.
    pub(super) fn fills_listed(&self, cx: &Context<DeskMsg>, account: &AccountId, fills: Vec<AccountFill>) {
        let question = find_unbooked(self.db.clone(), self.tenant_id, account.clone(), fills);
        let asked = account.clone();
        if cx.pipe(question, move |fills| DeskMsg::FillsMissed { account: asked, fills }).is_err() {
            self.look_later(cx, account);
        }
    }

    pub(super) fn fills_missed(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        account: &AccountId,
        fills: Result<Vec<AccountFill>, DbError>,
    ) {
        let Ok(fills) = fills else { return self.look_later(cx, account) };
        for fill in fills {
            let AccountFill { venue_client_id, venue_order_id, execution, .. } = fill;
            debug!(tenant_id = %self.tenant_id, execution.id = %execution.execution_id, "execution found at venue");
            let venue_ts = execution.venue_ts;
            let kind = ReportKind::Filled { venue_order_id, execution };
            self.report(cx, state, VenueReport { venue_client_id, venue_ts, kind });
        }
    }

    fn look_later(&self, cx: &Context<DeskMsg>, account: &AccountId) {
        if cx.send_self_after(RETRY, DeskMsg::LookForFills { account: account.clone() }).is_err() {
            warn!(tenant_id = %self.tenant_id, %account, "executions not looked for until the next connection");
        }
    }
}

async fn find_cursor(db: Db, tenant_id: TenantId, account: AccountId) -> Result<Option<FillCursor>, DbError> {
    let mut tx = db.begin_for(tenant_id).await?;
    let found = find_fill_back(&mut tx, &account, LOOK_BACK).await?;
    tx.commit().await?;
    Ok(found.map(|(execution_id, venue_ts)| FillCursor { execution_id, venue_ts }))
}

/// Those of the fills that no event has booked.
async fn find_unbooked(
    db: Db,
    tenant_id: TenantId,
    account: AccountId,
    mut fills: Vec<AccountFill>,
) -> Result<Vec<AccountFill>, DbError> {
    let ids: Vec<ExecutionId> = fills.iter().map(|fill| fill.execution.execution_id.clone()).collect();
    let mut tx = db.begin_for(tenant_id).await?;
    let booked = find_booked(&mut tx, &account, &ids).await?;
    tx.commit().await?;
    fills.retain(|fill| !booked.contains(&fill.execution.execution_id));
    Ok(fills)
}
