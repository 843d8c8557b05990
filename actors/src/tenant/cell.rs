//! What a tenant's actors share, and what all tenants of a node share. Made before any of them starts.

use super::sessions::Sessions;
use super::tree::tenant_path;
use crate::feed::Feed;
use crate::image::ImageSource;
use crate::journal_writer::JournalWriters;
use crate::lease::CurrentClaim;
use crate::ledger::{self, LedgerMsg};
use crate::order_desk::{self, DeskMsg};
use crate::portfolio::{self, PortfolioMsg};
use crate::quotes::{Instruments, QuoteBoard};
use crate::risk::{self, RiskMsg};
use crate::snapshotter::SnapshotMsg;
use bulkhead_domain::TenantId;
use bulkhead_persistence::{Db, Plan};
use bulkhead_supervision::{Port, SupervisorHandle};
use bulkhead_venues::Venue;
use std::sync::Arc;

/// What every tenant's actors use and none owns.
pub(crate) struct Shared {
    pub(crate) db: Db,
    pub(crate) claim: CurrentClaim,
    pub(crate) writers: JournalWriters,
    pub(crate) snapshotter: Port<SnapshotMsg>,
    pub(crate) venue: Arc<dyn Venue>,
    pub(crate) instruments: Instruments,
    pub(crate) quotes: QuoteBoard,
    /// The node's supervisor.
    pub(crate) root: SupervisorHandle,
}

/// One tenant's addresses; they stay the same while its actors come and go.
pub(crate) struct TenantCell {
    pub(crate) tenant_id: TenantId,
    pub(crate) plan: Plan,
    pub(crate) ledger: Port<LedgerMsg>,
    pub(crate) portfolio: Port<PortfolioMsg>,
    pub(crate) risk: Port<RiskMsg>,
    pub(crate) desk: Port<DeskMsg>,
    pub(crate) images: Arc<ImageSource>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) sessions: Arc<Sessions>,
}

impl TenantCell {
    pub(crate) fn new(tenant_id: TenantId, plan: Plan, shared: &Arc<Shared>) -> Self {
        let core = |name| format!("{}/core/{name}", tenant_path(tenant_id));
        let desk = Port::new(core("order_desk"), order_desk::LIMITS);
        Self {
            tenant_id,
            plan,
            ledger: Port::new(core("ledger"), ledger::LIMITS),
            portfolio: Port::new(core("portfolio"), portfolio::LIMITS),
            risk: Port::new(core("risk"), risk::LIMITS),
            images: Arc::new(ImageSource::new(shared.db.clone(), tenant_id)),
            feed: Arc::default(),
            sessions: Arc::new(Sessions::new(tenant_id, desk.clone(), shared.clone())),
            desk,
        }
    }
}
