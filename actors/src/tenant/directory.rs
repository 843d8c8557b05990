//! The tenants of this node: started on first use, stopped when idle, kept out when quarantined.

use super::cell::{Shared, TenantCell};
use super::handle::TenantHandle;
use super::tree::{tenant_name, tenant_tree};
use crate::clock;
use crate::failure::Unavailable;
use crate::order_desk::DeskMsg;
use crate::portfolio::PortfolioMsg;
use crate::warden::WardenMsg;
use bulkhead_domain::TenantId;
use bulkhead_persistence::tenant::{find_tenant, update_tenant_status};
use bulkhead_persistence::{DbError, TenantRow, TenantStatus};
use bulkhead_supervision::{ControlError, Fault, Port, TreeView};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::info;

const STOP_WITHIN: Duration = Duration::from_secs(10);
const QUIET_TIMEOUT: Duration = Duration::from_secs(1);

/// Why an administrator's request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("there is no such tenant")]
    UnknownTenant,
    #[error("there is no actor at {0}")]
    UnknownActor(String),
    #[error("the tenant is in use: it has open orders, positions, sockets or requests on their way")]
    InUse,
    #[error("the tenant is not quarantined")]
    NotQuarantined,
    #[error(transparent)]
    Control(ControlError),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Where a tenant is in its life on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Cold = 0,
    Live = 1,
    /// Its tree is being stopped; whoever needs it waits and makes a new one.
    Retired = 2,
    Quarantined = 3,
}

/// One tenant known to this node.
pub(crate) struct Slot {
    pub(crate) cell: Arc<TenantCell>,
    phase: AtomicU8,
    last_used: AtomicI64,
    lifecycle: Mutex<()>,
}

impl Slot {
    fn new(cell: TenantCell, phase: Phase) -> Self {
        let last_used = AtomicI64::new(clock::now().micros());
        Self { cell: Arc::new(cell), phase: AtomicU8::new(phase as u8), last_used, lifecycle: Mutex::new(()) }
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Cold,
            1 => Phase::Live,
            2 => Phase::Retired,
            _ => Phase::Quarantined,
        }
    }

    fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    fn handle(&self) -> TenantHandle {
        self.last_used.store(clock::now().micros(), Ordering::Relaxed);
        TenantHandle { cell: self.cell.clone() }
    }
}

/// The slots, shared with those who watch over them.
#[derive(Clone, Default)]
pub(crate) struct Slots(Arc<RwLock<HashMap<TenantId, Arc<Slot>>>>);

impl Slots {
    pub(crate) fn get(&self, tenant_id: TenantId) -> Option<Arc<Slot>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&tenant_id).cloned()
    }

    fn get_or_insert(&self, tenant_id: TenantId, make: impl FnOnce() -> Slot) -> Arc<Slot> {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        slots.entry(tenant_id).or_insert_with(|| Arc::new(make())).clone()
    }

    fn remove(&self, tenant_id: TenantId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&tenant_id);
    }

    /// Live tenants nobody used since `before`.
    fn idle_since(&self, before: i64) -> Vec<TenantId> {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_idle =
            |slot: &Slot| slot.phase() == Phase::Live && slot.last_used.load(Ordering::Relaxed) < before;
        slots.iter().filter(|(_, slot)| is_idle(slot)).map(|(tenant_id, _)| *tenant_id).collect()
    }

    fn count_live(&self) -> usize {
        let slots = self.0.read().unwrap_or_else(PoisonError::into_inner);
        slots.values().filter(|slot| slot.phase() == Phase::Live).count()
    }

    /// Keeps everyone out of a tenant whose tree has given up.
    pub(crate) fn quarantine(&self, tenant_id: TenantId) -> Option<Arc<Slot>> {
        let slot = self.get(tenant_id)?;
        slot.set_phase(Phase::Quarantined);
        Some(slot)
    }
}

/// The directory. Clones are the same directory.
#[derive(Clone)]
pub struct Tenants {
    shared: Arc<Shared>,
    slots: Slots,
    warden: Port<WardenMsg>,
}

impl Tenants {
    pub(crate) fn new(shared: Arc<Shared>, slots: Slots, warden: Port<WardenMsg>) -> Self {
        Self { shared, slots, warden }
    }

    /// The way into a tenant; starts its tree on first use.
    pub async fn open(&self, tenant_id: TenantId) -> Result<TenantHandle, Unavailable> {
        if let Some(slot) = self.slots.get(tenant_id) {
            match slot.phase() {
                Phase::Live => return Ok(slot.handle()),
                Phase::Quarantined => return Err(Unavailable::Quarantined),
                Phase::Cold | Phase::Retired => {}
            }
        }
        // In a box of its own: every request of a tenant that is open would have room for it otherwise.
        Box::pin(self.open_cold(tenant_id)).await
    }

    async fn open_cold(&self, tenant_id: TenantId) -> Result<TenantHandle, Unavailable> {
        loop {
            let slot = self.slot(tenant_id).await?;
            let _guard = slot.lifecycle.lock().await;
            match slot.phase() {
                Phase::Live => return Ok(slot.handle()),
                Phase::Quarantined => return Err(Unavailable::Quarantined),
                Phase::Retired => {}
                Phase::Cold => {
                    self.start(&slot).await?;
                    return Ok(slot.handle());
                }
            }
        }
    }

    /// How many trees are running.
    pub fn count_live(&self) -> usize {
        self.slots.count_live()
    }

    async fn slot(&self, tenant_id: TenantId) -> Result<Arc<Slot>, Unavailable> {
        if let Some(slot) = self.slots.get(tenant_id) {
            return Ok(slot);
        }
        let row = self.find(tenant_id).await.map_err(|error| Unavailable::from(&error))?;
        let row = row.ok_or(Unavailable::UnknownTenant)?;
        let phase = if row.status == TenantStatus::Quarantined { Phase::Quarantined } else { Phase::Cold };
        let make = || Slot::new(TenantCell::new(tenant_id, row.plan, &self.shared), phase);
        Ok(self.slots.get_or_insert(tenant_id, make))
    }

    async fn find(&self, tenant_id: TenantId) -> Result<Option<TenantRow>, DbError> {
        let mut tx = self.shared.db.begin_system().await?;
        let row = find_tenant(&mut tx, tenant_id).await?;
        tx.commit().await?;
        Ok(row)
    }

    async fn start(&self, slot: &Slot) -> Result<(), Unavailable> {
        match self.shared.root.add_child(tenant_tree(&self.shared, &slot.cell)).await {
            // A caller that went away half way may have left the tree behind.
            Ok(()) | Err(ControlError::AlreadyExists) => slot.set_phase(Phase::Live),
            Err(_) => return Err(Unavailable::Recovering),
        }
        Ok(())
    }

    /// Stops the trees that nobody used for a while and that hold nothing; returns how many.
    pub(crate) async fn passivate_idle(&self, idle_after: Duration) -> usize {
        let idle_micros = i64::try_from(idle_after.as_micros()).unwrap_or(i64::MAX);
        let mut stopped = 0;
        for tenant_id in self.slots.idle_since(clock::now().micros().saturating_sub(idle_micros)) {
            stopped += usize::from(self.passivate(tenant_id).await.is_ok());
        }
        stopped
    }

    /// Stops a tenant's tree; refused while it has anything open.
    pub async fn passivate(&self, tenant_id: TenantId) -> Result<(), AdminError> {
        let slot = self.slots.get(tenant_id).ok_or(AdminError::UnknownTenant)?;
        let _guard = slot.lifecycle.lock().await;
        if slot.phase() != Phase::Live {
            return Err(AdminError::InUse);
        }
        // From here on nobody new gets in; who is in already shows up as a request on its way.
        slot.set_phase(Phase::Retired);
        if !is_quiet(&slot.cell).await {
            slot.set_phase(Phase::Live);
            return Err(AdminError::InUse);
        }
        if let Err(error) = self.stop_tree(tenant_id).await {
            // Whoever opens it next starts it, or finds it still running; a retired slot would be waited on for ever.
            slot.set_phase(Phase::Cold);
            return Err(error);
        }
        self.slots.remove(tenant_id);
        info!(%tenant_id, "tenant passivated");
        Ok(())
    }

    /// Keeps everyone out: the tree is stopped, open orders are cancelled at the venue, history stays readable.
    pub async fn quarantine(&self, tenant_id: TenantId, reason: &str) -> Result<(), AdminError> {
        let slot = self.slot(tenant_id).await.map_err(|_| AdminError::UnknownTenant)?;
        let _guard = slot.lifecycle.lock().await;
        slot.set_phase(Phase::Quarantined);
        self.stop_tree(tenant_id).await?;
        let quarantined = WardenMsg::Quarantined { tenant_id, cause: reason.into() };
        // The warden is told on a best effort; the tenant's status below is what lasts.
        drop(self.warden.notify(quarantined));
        Ok(self.set_status(tenant_id, TenantStatus::Quarantined).await?)
    }

    /// Whether the tenant is kept out, as far as this node knows without asking the database.
    pub fn is_quarantined(&self, tenant_id: TenantId) -> bool {
        self.slots.get(tenant_id).is_some_and(|slot| slot.phase() == Phase::Quarantined)
    }

    /// Writes down that a tenant is quarantined, if it still is: a release must not be undone by a late record.
    pub(crate) async fn record_quarantine(&self, tenant_id: TenantId) -> Result<(), DbError> {
        let Some(slot) = self.slots.get(tenant_id) else { return Ok(()) };
        let _guard = slot.lifecycle.lock().await;
        if slot.phase() != Phase::Quarantined {
            return Ok(());
        }
        self.set_status(tenant_id, TenantStatus::Quarantined).await
    }

    /// Lets a quarantined tenant in again; its tree starts at the next request.
    pub async fn release(&self, tenant_id: TenantId) -> Result<(), AdminError> {
        let slot = self.slot(tenant_id).await.map_err(|_| AdminError::UnknownTenant)?;
        let _guard = slot.lifecycle.lock().await;
        if slot.phase() != Phase::Quarantined {
            return Err(AdminError::NotQuarantined);
        }
        self.stop_tree(tenant_id).await?;
        self.set_status(tenant_id, TenantStatus::Active).await?;
        slot.set_phase(Phase::Retired);
        self.slots.remove(tenant_id);
        drop(self.warden.notify(WardenMsg::Released { tenant_id }));
        Ok(())
    }

    /// The tenant's actors; `None` while it has no tree.
    pub fn tree(&self, tenant_id: TenantId) -> Option<TreeView> {
        self.shared.root.view(&tenant_name(tenant_id))
    }

    /// Ends an actor at its next await; its supervisor starts it again at once.
    pub async fn kill_actor(&self, tenant_id: TenantId, path: &str, reason: &str) -> Result<(), AdminError> {
        let path = own_path(tenant_id, path);
        self.shared.root.kill(&path, reason).await.map_err(|error| control_error(error, path))
    }

    /// Ends an actor gracefully and starts it again.
    pub async fn restart_actor(
        &self,
        tenant_id: TenantId,
        path: &str,
        reason: &str,
    ) -> Result<(), AdminError> {
        let path = own_path(tenant_id, path);
        self.shared.root.restart(&path, reason).await.map_err(|error| control_error(error, path))
    }

    /// Makes an actor fail, for tests of failure.
    pub fn inject(&self, tenant_id: TenantId, path: &str, fault: Fault) -> Result<(), AdminError> {
        let slot = self.slots.get(tenant_id).ok_or(AdminError::UnknownTenant)?;
        let path = own_path(tenant_id, path);
        let name = path.rsplit_once('/').map_or("", |(_, name)| name);
        let cell = &slot.cell;
        let session = || {
            let account = bulkhead_domain::AccountId::parse(name).ok()?;
            cell.sessions.port(&account)
        };
        let injected = match name {
            "ledger" => cell.ledger.inject(fault),
            "portfolio" => cell.portfolio.inject(fault),
            "risk" => cell.risk.inject(fault),
            "order_desk" => cell.desk.inject(fault),
            _ => match session() {
                Some(session) => session.inject(fault),
                None => return Err(AdminError::UnknownActor(path)),
            },
        };
        injected.map_err(|_| AdminError::Control(ControlError::NotRunning))
    }

    async fn stop_tree(&self, tenant_id: TenantId) -> Result<(), AdminError> {
        match self.shared.root.remove_child(&tenant_name(tenant_id), STOP_WITHIN).await {
            Ok(()) | Err(ControlError::NotFound) => Ok(()),
            Err(error) => Err(AdminError::Control(error)),
        }
    }

    async fn set_status(&self, tenant_id: TenantId, status: TenantStatus) -> Result<(), DbError> {
        let mut tx = self.shared.db.begin_system().await?;
        update_tenant_status(&mut tx, tenant_id, status).await?;
        tx.commit().await
    }
}

/// Whether stopping the tree would take nothing from anybody.
async fn is_quiet(cell: &TenantCell) -> bool {
    cell.feed.subscriber_count() == 0
        && matches!(cell.desk.call(QUIET_TIMEOUT, DeskMsg::IsQuiet).await, Ok(true))
        && matches!(cell.portfolio.call(QUIET_TIMEOUT, PortfolioMsg::IsFlat).await, Ok(true))
}

/// A path below the tenant, whether it was given from the node's root, the tenant's, or below it.
fn own_path(tenant_id: TenantId, path: &str) -> String {
    let name = tenant_name(tenant_id);
    let path = path.trim_matches('/');
    let path = path.strip_prefix("node/").unwrap_or(path);
    let path = path.strip_prefix(&name).unwrap_or(path).trim_start_matches('/');
    format!("{name}/{path}")
}

fn control_error(error: ControlError, path: String) -> AdminError {
    match error {
        ControlError::NotFound => AdminError::UnknownActor(path),
        other => AdminError::Control(other),
    }
}
