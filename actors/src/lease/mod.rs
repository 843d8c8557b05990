//! Keeps the node's lease, and claims anew under a new incarnation when it was lost and nobody else took it.

use arc_swap::ArcSwap;
use bulkhead_domain::Incarnation;
use bulkhead_persistence::lease::BEAT;
use bulkhead_persistence::{Db, LeaseConn, NodeClaim};
use bulkhead_supervision::{Actor, ActorError, Context, Message, PortLimits};
use std::sync::Arc;
use tracing::{error, warn};
use uuid::Uuid;

pub(crate) const LIMITS: PortLimits = PortLimits { normal: 4, urgent: 1, recovering: 4 };

/// What this node owns its tenants under; read at every activation.
pub(crate) type CurrentClaim = Arc<ArcSwap<NodeClaim>>;

/// What the lease takes.
pub(crate) enum LeaseMsg {
    Beat,
}

impl Message for LeaseMsg {
    fn kind(&self) -> &'static str {
        "beat"
    }
}

/// The actor.
pub(crate) struct Lease {
    pub(crate) db: Db,
    pub(crate) claim: CurrentClaim,
}

impl Actor for Lease {
    type Msg = LeaseMsg;
    type State = LeaseConn;

    async fn init(&self, cx: &Context<LeaseMsg>) -> Result<LeaseConn, ActorError> {
        cx.send_self_after(BEAT, LeaseMsg::Beat)?;
        Ok(self.db.lease_conn())
    }

    async fn handle(
        &self,
        cx: &Context<LeaseMsg>,
        message: LeaseMsg,
        conn: &mut LeaseConn,
    ) -> Result<(), ActorError> {
        let LeaseMsg::Beat = message;
        match conn.heartbeat(&self.claim.load()).await {
            Ok(true) => {}
            Ok(false) => self.claim_anew(conn).await,
            // The database is away: appends cannot happen either, so there is nothing to protect here.
            Err(error) => warn!(%error, "lease not extended"),
        }
        cx.send_self_after(BEAT, LeaseMsg::Beat)?;
        Ok(())
    }
}

impl Lease {
    /// The old incarnation is over: its ledgers find themselves fenced, restart, and activate under the new one.
    async fn claim_anew(&self, conn: &mut LeaseConn) {
        error!("lease lost");
        let claim =
            NodeClaim { incarnation: Incarnation(Uuid::new_v4()), ..NodeClaim::clone(&self.claim.load()) };
        match conn.await_all_shards(&claim).await {
            Ok(shards) => {
                warn!(shards = shards.len(), "shards claimed anew");
                self.claim.store(Arc::new(claim));
            }
            Err(error) => warn!(%error, "shards not claimed"),
        }
    }
}
