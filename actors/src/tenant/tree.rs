//! The tree of one tenant.

use super::cell::{Shared, TenantCell};
use crate::ledger::Ledger;
use crate::order_desk::OrderDesk;
use crate::portfolio::Portfolio;
use crate::risk::Risk;
use bulkhead_domain::TenantId;
use bulkhead_supervision::{ChildSpec, GiveUp, Intensity, Strategy, SupervisorSpec};
use std::sync::Arc;

/// The name of a tenant's supervisor under the node's.
pub(crate) fn tenant_name(tenant_id: TenantId) -> String {
    format!("tenant-{tenant_id}")
}

/// The path of a tenant's supervisor.
pub(crate) fn tenant_path(tenant_id: TenantId) -> String {
    format!("node/{}", tenant_name(tenant_id))
}

/// Core and sessions side by side, so that a crash of the desk drops no connection to a venue. What is below
/// gives up by the default limits; that is enough for the tenant to be quarantined.
pub(super) fn tenant_tree(shared: &Arc<Shared>, cell: &Arc<TenantCell>) -> ChildSpec {
    let at_once = Intensity { child_max: 0, ..Intensity::default() };
    let tenant = SupervisorSpec::new(tenant_name(cell.tenant_id), Strategy::OneForOne)
        .intensity(at_once)
        .child(ChildSpec::supervisor(core(shared, cell)));
    ChildSpec::supervisor(tenant).on_give_up(GiveUp::Quarantine)
}

/// In order of dependency: who fails takes along those that build on it.
fn core(shared: &Arc<Shared>, cell: &Arc<TenantCell>) -> SupervisorSpec {
    SupervisorSpec::new("core", Strategy::RestForOne)
        .child(ledger(shared, cell))
        .child(portfolio(shared, cell))
        .child(risk(shared, cell))
        .child(desk(shared, cell))
}

fn ledger(shared: &Arc<Shared>, cell: &Arc<TenantCell>) -> ChildSpec {
    let (shared, port) = (shared.clone(), cell.ledger.clone());
    let cell = Arc::downgrade(cell);
    let make = move || {
        let cell = cell.upgrade().expect("a tenant's cell outlives its tree");
        Ledger {
            tenant_id: cell.tenant_id,
            plan: cell.plan,
            claim: shared.claim.clone(),
            db: shared.db.clone(),
            images: cell.images.clone(),
            writers: shared.writers.clone(),
            feed: cell.feed.clone(),
            portfolio: cell.portfolio.clone(),
            risk: cell.risk.clone(),
            desk: cell.desk.clone(),
            snapshotter: shared.snapshotter.clone(),
        }
    };
    ChildSpec::worker("ledger", port, make)
}

fn portfolio(shared: &Arc<Shared>, cell: &TenantCell) -> ChildSpec {
    let (shared, images, ledger) = (shared.clone(), cell.images.clone(), cell.ledger.clone());
    let make =
        move || Portfolio { images: images.clone(), ledger: ledger.clone(), quotes: shared.quotes.clone() };
    ChildSpec::worker("portfolio", cell.portfolio.clone(), make)
}

fn risk(shared: &Arc<Shared>, cell: &TenantCell) -> ChildSpec {
    let (shared, images) = (shared.clone(), cell.images.clone());
    let (ledger, desk) = (cell.ledger.clone(), cell.desk.clone());
    let make = move || Risk {
        images: images.clone(),
        ledger: ledger.clone(),
        desk: desk.clone(),
        quotes: shared.quotes.clone(),
        instruments: shared.instruments.clone(),
    };
    ChildSpec::worker("risk", cell.risk.clone(), make)
}

fn desk(shared: &Arc<Shared>, cell: &TenantCell) -> ChildSpec {
    let (shared, tenant_id, images) = (shared.clone(), cell.tenant_id, cell.images.clone());
    let (ledger, risk, sessions) = (cell.ledger.clone(), cell.risk.clone(), cell.sessions.clone());
    let make = move || OrderDesk {
        tenant_id,
        db: shared.db.clone(),
        images: images.clone(),
        ledger: ledger.clone(),
        risk: risk.clone(),
        sessions: sessions.clone(),
        instruments: shared.instruments.clone(),
    };
    ChildSpec::worker("order_desk", cell.desk.clone(), make)
}
