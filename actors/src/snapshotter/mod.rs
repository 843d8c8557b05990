//! Makes snapshots from what is in the journal, beside the tenants: no actor stops to write its own.

use crate::image::load_image;
use bulkhead_domain::TenantId;
use bulkhead_domain::tenant::TenantImage;
use bulkhead_persistence::snapshot::save_snapshot;
use bulkhead_persistence::{Db, Snapshot, journal};
use bulkhead_supervision::{Actor, ActorError, Context, Message, PortLimits};
use tracing::{debug, warn};

/// Requests that may wait. More are refused and asked for again by later commits.
pub(crate) const LIMITS: PortLimits = PortLimits { normal: 1_024, urgent: 1, recovering: 1_024 };

/// What the snapshotter takes.
pub(crate) enum SnapshotMsg {
    /// Store the tenant as it was after event `upto`.
    Make { tenant_id: TenantId, upto: i64 },
}

impl Message for SnapshotMsg {
    fn kind(&self) -> &'static str {
        "make"
    }
}

/// The actor.
pub(crate) struct Snapshotter {
    pub(crate) db: Db,
}

impl Actor for Snapshotter {
    type Msg = SnapshotMsg;
    type State = ();

    async fn init(&self, _cx: &Context<SnapshotMsg>) -> Result<(), ActorError> {
        Ok(())
    }

    async fn handle(
        &self,
        _cx: &Context<SnapshotMsg>,
        message: SnapshotMsg,
        _state: &mut (),
    ) -> Result<(), ActorError> {
        let SnapshotMsg::Make { tenant_id, upto } = message;
        // A snapshot that fails costs time at the next replay and nothing else.
        match self.make(tenant_id, upto).await {
            Ok(stored) => debug!(%tenant_id, upto, stored, "snapshot made"),
            Err(error) => warn!(%tenant_id, upto, %error, "snapshot failed"),
        }
        Ok(())
    }
}

impl Snapshotter {
    async fn make(&self, tenant_id: TenantId, upto: i64) -> Result<bool, ActorError> {
        let image = load_image(&self.db, tenant_id, upto).await?;
        let body = serde_json::to_vec(&image)?;
        let mut tx = self.db.begin_for(tenant_id).await?;
        let Some(last) = journal::read_events_between(&mut tx, upto - 1, upto, 1).await?.pop() else {
            return Ok(false);
        };
        let snapshot = Snapshot { seq: upto, version: TenantImage::VERSION, hash: last.hash, body };
        let stored = save_snapshot(&mut tx, &snapshot).await?;
        tx.commit().await?;
        Ok(stored)
    }
}
