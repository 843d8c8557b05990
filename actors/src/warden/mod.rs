//! Warden: watches over the node's tenants. Stops the idle ones, and when a tenant's tree has given up, keeps
//! everyone out and cancels what it has open at its venues, with neither its desk nor its ledger.

use crate::clock;
use crate::tenant::{Slots, Tenants, tenant_name};
use bulkhead_domain::order::OrderStatus;
use bulkhead_domain::{AccountId, TenantId};
use bulkhead_persistence::order::{OrderFilter, list_orders};
use bulkhead_persistence::{Db, DbError};
use bulkhead_supervision::{Actor, ActorError, Context, EventKind, Message, PortLimits, SupervisionEvent};
use bulkhead_venues::{
    RequestId, RequestKind, Venue, VenueAccountKey, VenueLink, VenueMessage, VenueRequest,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing::{error, info, warn};

pub(crate) const LIMITS: PortLimits = PortLimits { normal: 1_024, urgent: 64, recovering: 64 };
/// How often idle tenants are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How often a quarantined tenant's open orders are asked for, until the venue shows none.
const CANCEL_RETRY: Duration = Duration::from_secs(2);
const REQUEST_LIFETIME_MICROS: i64 = 5_000_000;
/// Open orders of a tenant that are looked up; no tenant may have more.
const OPEN_ORDERS_LOOKED_UP: i64 = bulkhead_domain::desk::OPEN_ORDERS_MAX as i64;

/// What a warden takes.
pub(crate) enum WardenMsg {
    Quarantined {
        tenant_id: TenantId,
        cause: Arc<str>,
    },
    Released {
        tenant_id: TenantId,
    },
    /// The accounts a quarantined tenant may have open orders in.
    Accounts {
        tenant_id: TenantId,
        accounts: Result<BTreeSet<AccountId>, DbError>,
    },
    Venue {
        key: VenueAccountKey,
        message: VenueMessage,
    },
    AskAgain {
        key: VenueAccountKey,
    },
    StatusWritten {
        tenant_id: TenantId,
        written: Result<(), DbError>,
    },
    Sweep,
    Swept {
        passivated: usize,
    },
}

impl Message for WardenMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Quarantined { .. } => "quarantined",
            Self::Released { .. } => "released",
            Self::Accounts { .. } => "accounts",
            Self::Venue { .. } => "venue",
            Self::AskAgain { .. } => "ask_again",
            Self::StatusWritten { .. } => "status_written",
            Self::Sweep => "sweep",
            Self::Swept { .. } => "swept",
        }
    }
}

impl WardenMsg {
    /// The message a supervision event calls for, if it concerns a tenant's end.
    pub(crate) fn of(event: &SupervisionEvent) -> Option<Self> {
        let EventKind::Quarantined { cause } = &event.kind else { return None };
        let name = event.path.rsplit('/').next()?;
        let tenant_id = name.strip_prefix("tenant-")?.parse().ok()?;
        Some(Self::Quarantined { tenant_id, cause: format!("{cause:?}").into() })
    }
}

/// The actor.
pub(crate) struct Warden {
    pub(crate) db: Db,
    pub(crate) venue: Arc<dyn Venue>,
    pub(crate) slots: Slots,
    /// Set once the node is up.
    pub(crate) tenants: Arc<OnceLock<Tenants>>,
    pub(crate) idle_after: Duration,
}

/// The links that cancel for quarantined tenants.
#[derive(Default)]
pub(crate) struct WardenState {
    links: BTreeMap<VenueAccountKey, Arc<dyn VenueLink>>,
    next_request: u64,
}

impl Actor for Warden {
    type Msg = WardenMsg;
    type State = WardenState;

    async fn init(&self, cx: &Context<WardenMsg>) -> Result<WardenState, ActorError> {
        cx.send_self_after(SWEEP_EVERY.min(self.idle_after), WardenMsg::Sweep)?;
        Ok(WardenState::default())
    }

    async fn handle(
        &self,
        cx: &Context<WardenMsg>,
        message: WardenMsg,
        state: &mut WardenState,
    ) -> Result<(), ActorError> {
        match message {
            WardenMsg::Quarantined { tenant_id, cause } => self.quarantine(cx, state, tenant_id, &cause)?,
            WardenMsg::Released { tenant_id } => state.links.retain(|key, _| key.tenant_id != tenant_id),
            WardenMsg::Accounts { tenant_id, accounts } => self.cancel_in(cx, state, tenant_id, accounts),
            WardenMsg::Venue { key, message } => self.hear(cx, state, &key, message),
            WardenMsg::AskAgain { key } => self.ask_open_orders(cx, state, &key),
            WardenMsg::StatusWritten { tenant_id, written: Err(error) } => {
                warn!(%tenant_id, %error, "quarantine not recorded");
                self.record(cx, tenant_id)?;
            }
            WardenMsg::StatusWritten { written: Ok(()), .. } => {}
            WardenMsg::Sweep => self.sweep(cx)?,
            WardenMsg::Swept { passivated } => {
                if passivated > 0 {
                    info!(passivated, "idle tenants stopped");
                }
                cx.send_self_after(SWEEP_EVERY.min(self.idle_after), WardenMsg::Sweep)?;
            }
        }
        Ok(())
    }
}

impl Warden {
    fn quarantine(
        &self,
        cx: &Context<WardenMsg>,
        state: &mut WardenState,
        tenant_id: TenantId,
        cause: &str,
    ) -> Result<(), ActorError> {
        // Paging is by this line until a pager is configured.
        error!(%tenant_id, cause, tree = tenant_name(tenant_id), "tenant quarantined");
        let slot = self.slots.quarantine(tenant_id);
        // What is known without the database comes first.
        let known = slot.map(|slot| slot.cell.sessions.accounts()).unwrap_or_default();
        known.into_iter().for_each(|account| self.open_link(cx, state, tenant_id, account));
        let question = find_open_accounts(self.db.clone(), tenant_id);
        cx.pipe(question, move |accounts| WardenMsg::Accounts { tenant_id, accounts })?;
        self.record(cx, tenant_id)
    }

    fn record(&self, cx: &Context<WardenMsg>, tenant_id: TenantId) -> Result<(), ActorError> {
        let tenants = self.tenants.get().cloned();
        let write = async move {
            match tenants {
                Some(tenants) => tenants.record_quarantine(tenant_id).await,
                // No tenant is opened before the directory is there.
                None => Ok(()),
            }
        };
        cx.pipe(write, move |written| WardenMsg::StatusWritten { tenant_id, written })?;
        Ok(())
    }

    fn cancel_in(
        &self,
        cx: &Context<WardenMsg>,
        state: &mut WardenState,
        tenant_id: TenantId,
        accounts: Result<BTreeSet<AccountId>, DbError>,
    ) {
        match accounts {
            Ok(accounts) => {
                accounts.into_iter().for_each(|account| self.open_link(cx, state, tenant_id, account));
            }
            Err(error) => {
                warn!(%tenant_id, %error, "open orders not known yet");
                let question = find_open_accounts(self.db.clone(), tenant_id);
                let again = cx.pipe(question, move |accounts| WardenMsg::Accounts { tenant_id, accounts });
                drop(again);
            }
        }
    }

    fn open_link(
        &self,
        cx: &Context<WardenMsg>,
        state: &mut WardenState,
        tenant_id: TenantId,
        account: AccountId,
    ) {
        let key = VenueAccountKey { tenant_id, account };
        if state.links.contains_key(&key) {
            return;
        }
        let (port, inbox_key) = (cx.port().clone(), key.clone());
        let inbox = Arc::new(move |message| {
            drop(port.notify(WardenMsg::Venue { key: inbox_key.clone(), message }));
        });
        match self.venue.connect(key.clone(), inbox) {
            Ok(link) => drop(state.links.insert(key, link)),
            Err(error) => error!(%tenant_id, %error, "no way to cancel for a quarantined tenant"),
        }
    }

    fn hear(
        &self,
        cx: &Context<WardenMsg>,
        state: &mut WardenState,
        key: &VenueAccountKey,
        message: VenueMessage,
    ) {
        match message {
            VenueMessage::Connected => self.ask_open_orders(cx, state, key),
            VenueMessage::OpenOrders { orders, .. } => {
                info!(tenant_id = %key.tenant_id, open = orders.len(), "cancelling for quarantined tenant");
                if orders.is_empty() {
                    state.links.remove(key);
                }
                for open in orders {
                    let venue_client_id = open.order.venue_client_id;
                    state.send(key, RequestKind::Cancel { venue_client_id });
                }
            }
            VenueMessage::Disconnected { .. }
            | VenueMessage::Report(_)
            | VenueMessage::Fills { .. }
            | VenueMessage::Balances { .. }
            | VenueMessage::Funded { .. }
            | VenueMessage::Refused { .. } => {}
        }
    }

    /// Asks now and again later, until the venue shows nothing open and the link is dropped.
    fn ask_open_orders(&self, cx: &Context<WardenMsg>, state: &mut WardenState, key: &VenueAccountKey) {
        if state.links.contains_key(key) {
            state.send(key, RequestKind::OpenOrders);
            drop(cx.send_self_after(CANCEL_RETRY, WardenMsg::AskAgain { key: key.clone() }));
        }
    }

    fn sweep(&self, cx: &Context<WardenMsg>) -> Result<(), ActorError> {
        let (tenants, idle_after) = (self.tenants.get().cloned(), self.idle_after);
        let sweep = async move {
            match tenants {
                Some(tenants) => tenants.passivate_idle(idle_after).await,
                None => 0,
            }
        };
        cx.pipe(sweep, |passivated| WardenMsg::Swept { passivated })?;
        Ok(())
    }
}

impl WardenState {
    fn send(&mut self, key: &VenueAccountKey, kind: RequestKind) {
        let Some(link) = self.links.get(key) else { return };
        self.next_request += 1;
        let request = VenueRequest {
            request_id: RequestId(self.next_request),
            account: key.clone(),
            expires_at: link.clock().plus_micros(REQUEST_LIFETIME_MICROS),
            kind,
        };
        if link.send(request).is_err() {
            warn!(tenant_id = %key.tenant_id, at = %clock::now(), "cancel not delivered, asked again later");
        }
    }
}

async fn find_open_accounts(db: Db, tenant_id: TenantId) -> Result<BTreeSet<AccountId>, DbError> {
    let statuses = vec![
        OrderStatus::Submitted,
        OrderStatus::Accepted,
        OrderStatus::PartiallyFilled,
        OrderStatus::PendingCancel,
        OrderStatus::Unknown,
    ];
    let mut tx = db.begin_for(tenant_id).await?;
    let filter = OrderFilter { statuses, ..OrderFilter::default() };
    let rows = list_orders(&mut tx, &filter, None, OPEN_ORDERS_LOOKED_UP).await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| row.account).collect())
}
