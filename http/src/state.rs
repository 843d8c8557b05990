//! What every handler can reach.

use crate::error::{ApiError, Code};
use crate::gate::Gate;
use bulkhead_actors::quotes::{Instruments, QuoteBoard};
use bulkhead_actors::{Jobs, TenantHandle, Tenants};
use bulkhead_domain::TenantId;
use bulkhead_identity::Identity;
use bulkhead_persistence::Db;
use serde_json::json;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::sync::watch;

/// Orders that may be on their way at once for each core, of all tenants together. More would only wait longer: at
/// 4,000 orders a second and core this is a wait of 50 ms.
const ORDERS_IN_FLIGHT_PER_CORE: usize = 192;
/// Of these, as many as the tenants of one lane may have.
const ORDERS_IN_FLIGHT_PER_CORE_AND_LANE: usize = 144;
/// Counted as cores at least.
const CORES_MIN: usize = 2;
/// WebSocket connections.
pub const WEBSOCKETS_MAX: usize = 10_000;
/// Of these, as many as the tenants of one lane may have.
pub(crate) const WEBSOCKETS_PER_LANE_MAX: usize = 4_000;
const RETRY_NOT_READY: Duration = Duration::from_secs(1);

/// What the server is made of.
#[derive(Debug)]
pub struct Parts {
    pub identity: Identity,
    pub db: Db,
    pub instruments: Instruments,
    pub quotes: QuoteBoard,
    pub jobs: Jobs,
    pub tenants: TenantsSlot,
    pub lifecycle: Lifecycle,
    pub orders_in_flight: Gate,
    pub websockets: Gate,
    pub faults_allowed: bool,
}

/// The parts, shared. Cloned for every request, hence one pointer.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Parts>);

/// What main hands in.
#[derive(Debug)]
pub struct AppConfig {
    pub identity: Identity,
    pub db: Db,
    pub instruments: Instruments,
    pub quotes: QuoteBoard,
    pub jobs: Jobs,
    pub faults_allowed: bool,
}

/// The tenants, from the moment this node may serve them.
#[derive(Clone, Default)]
pub struct TenantsSlot(Arc<OnceLock<Tenants>>);

/// Whether the server is going away.
#[derive(Debug, Clone)]
pub struct Lifecycle(Arc<watch::Sender<bool>>);

impl AppState {
    /// Puts the parts together. Requests for tenants are answered with `NOT_READY` until the slot is filled.
    pub fn new(config: AppConfig) -> Self {
        let AppConfig { identity, db, instruments, quotes, jobs, faults_allowed } = config;
        let cores = available_parallelism().map_or(CORES_MIN, |cores| cores.get().max(CORES_MIN));
        Self(Arc::new(Parts {
            identity,
            db,
            instruments,
            quotes,
            jobs,
            tenants: TenantsSlot::default(),
            lifecycle: Lifecycle(Arc::new(watch::channel(false).0)),
            orders_in_flight: Gate::new(
                cores * ORDERS_IN_FLIGHT_PER_CORE,
                cores * ORDERS_IN_FLIGHT_PER_CORE_AND_LANE,
            ),
            websockets: Gate::new(WEBSOCKETS_MAX, WEBSOCKETS_PER_LANE_MAX),
            faults_allowed,
        }))
    }

    /// The tenant, started if it was not.
    pub(crate) async fn tenant(&self, tenant_id: TenantId) -> Result<TenantHandle, ApiError> {
        Ok(self.tenants.get()?.open(tenant_id).await?)
    }

    /// Whether the tenant is kept out.
    pub(crate) fn is_quarantined(&self, tenant_id: TenantId) -> bool {
        self.tenants.get().is_ok_and(|tenants| tenants.is_quarantined(tenant_id))
    }
}

impl Deref for AppState {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl TenantsSlot {
    /// Lets requests through to the tenants. Only the first call counts.
    pub fn fill(&self, tenants: Tenants) {
        // A second node in one process would be a mistake of main's; the first one stays.
        drop(self.0.set(tenants));
    }

    /// Whether the slot is filled.
    pub fn is_filled(&self) -> bool {
        self.0.get().is_some()
    }

    pub(crate) fn get(&self) -> Result<&Tenants, ApiError> {
        let not_ready = || {
            ApiError::of(Code::NotReady)
                .with_retry_after(RETRY_NOT_READY)
                .with_details(json!({ "parts": { "tenants": "starting" } }))
        };
        self.0.get().ok_or_else(not_ready)
    }
}

impl std::fmt::Debug for TenantsSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantsSlot").field("is_filled", &self.is_filled()).finish()
    }
}

impl Lifecycle {
    /// Says that the server is going away: readiness fails, sockets are told to reconnect elsewhere.
    pub fn drain(&self) {
        self.0.send_replace(true);
    }

    /// Whether the server is going away.
    pub fn is_draining(&self) -> bool {
        *self.0.borrow()
    }

    /// Becomes true when the server is going away.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}
