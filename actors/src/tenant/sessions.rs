//! A tenant's exchange sessions, started when an account is first used.

use super::cell::Shared;
use super::tree::{tenant_name, tenant_path};
use crate::exchange_session::{self, ExchangeSession, SessionMsg};
use crate::opening::paper_funding;
use crate::order_desk::DeskMsg;
use bulkhead_domain::{AccountId, TenantId};
use bulkhead_supervision::{
    ActorError, ChildSpec, ControlError, Port, Strategy, SupervisorHandle, SupervisorSpec,
};
use bulkhead_venues::VenueAccountKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const SUPERVISOR: &str = "sessions";

/// The sessions that were started.
pub(crate) struct Sessions {
    tenant_id: TenantId,
    desk: Port<DeskMsg>,
    shared: Arc<Shared>,
    ports: Mutex<BTreeMap<AccountId, Port<SessionMsg>>>,
}

impl Sessions {
    pub(super) fn new(tenant_id: TenantId, desk: Port<DeskMsg>, shared: Arc<Shared>) -> Self {
        Self { tenant_id, desk, shared, ports: Mutex::default() }
    }

    /// The session of an account, if it was started.
    pub(crate) fn port(&self, account: &AccountId) -> Option<Port<SessionMsg>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).get(account).cloned()
    }

    /// The accounts whose sessions were started.
    pub(crate) fn accounts(&self) -> Vec<AccountId> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Starts the session of an account, unless it was started before.
    pub(crate) async fn start(&self, account: &AccountId) -> Result<Port<SessionMsg>, ActorError> {
        if let Some(port) = self.port(account) {
            return Ok(port);
        }
        let supervisor = self.supervisor().await?;
        let path = format!("{}/{SUPERVISOR}/{account}", tenant_path(self.tenant_id));
        let port = Port::new(path, exchange_session::LIMITS);
        let session = ChildSpec::worker(account.as_str(), port.clone(), self.maker(account));
        supervisor.add_child(session).await?;
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).insert(account.clone(), port.clone());
        Ok(port)
    }

    async fn supervisor(&self) -> Result<SupervisorHandle, ActorError> {
        let name = tenant_name(self.tenant_id);
        let tenant = self.shared.root.supervisor(&name).ok_or("the tenant's tree is not running")?;
        if tenant.supervisor(SUPERVISOR).is_none() {
            let sessions = SupervisorSpec::new(SUPERVISOR, Strategy::OneForOne);
            match tenant.add_child(ChildSpec::supervisor(sessions)).await {
                Ok(()) | Err(ControlError::AlreadyExists) => {}
                Err(error) => return Err(error.into()),
            }
        }
        tenant.supervisor(SUPERVISOR).ok_or_else(|| "the sessions' supervisor did not start".into())
    }

    fn maker(&self, account: &AccountId) -> impl Fn() -> ExchangeSession + Send + Sync + 'static {
        let key = VenueAccountKey { tenant_id: self.tenant_id, account: account.clone() };
        let (venue, desk) = (self.shared.venue.clone(), self.desk.clone());
        move || ExchangeSession {
            key: key.clone(),
            venue: venue.clone(),
            desk: desk.clone(),
            funding: Some(paper_funding()),
        }
    }
}
