//! Keeps what calibrations found, and forgets old results.

use super::job::Kept;
use super::{Fit, Jobs};
use crate::clock;
use bulkhead_persistence::quant_parameter::{QuantParameterRow, insert_quant_parameter};
use bulkhead_persistence::{Db, DbError};
use bulkhead_supervision::{Actor, ActorError, Context, Message, PortLimits};
use std::time::Duration;
use tokio::time::timeout;
use tracing::warn;
use uuid::Uuid;

pub(crate) const LIMITS: PortLimits = PortLimits { normal: 256, urgent: 1, recovering: 256 };
/// How often old results are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// A database that takes longer keeps nothing; the answer says so.
const KEEP_TIMEOUT: Duration = Duration::from_secs(5);

/// What the keeper takes.
pub(crate) enum KeeperMsg {
    /// Store parameters, then end their job.
    Keep(Box<Kept>),
    Sweep,
}

impl Message for KeeperMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Keep(_) => "keep",
            Self::Sweep => "sweep",
        }
    }
}

/// The actor.
pub(crate) struct JobKeeper {
    pub(crate) db: Db,
    pub(crate) jobs: Jobs,
}

impl Actor for JobKeeper {
    type Msg = KeeperMsg;
    type State = ();

    async fn init(&self, cx: &Context<KeeperMsg>) -> Result<(), ActorError> {
        cx.send_self_after(SWEEP_EVERY, KeeperMsg::Sweep)?;
        Ok(())
    }

    async fn handle(
        &self,
        cx: &Context<KeeperMsg>,
        message: KeeperMsg,
        _state: &mut (),
    ) -> Result<(), ActorError> {
        match message {
            KeeperMsg::Keep(kept) => self.keep(*kept).await,
            KeeperMsg::Sweep => {
                self.jobs.sweep();
                cx.send_self_after(SWEEP_EVERY, KeeperMsg::Sweep)?;
            }
        }
        Ok(())
    }
}

impl JobKeeper {
    async fn keep(&self, kept: Kept) {
        match timeout(KEEP_TIMEOUT, self.insert(&kept)).await {
            Ok(Ok(id)) => kept.finish(Some(id)),
            Ok(Err(error)) => {
                warn!(%error, job.id = %kept.job().id.0, "parameters not kept");
                kept.finish(None);
            }
            Err(_) => {
                warn!(job.id = %kept.job().id.0, "parameters not kept in time");
                kept.finish(None);
            }
        }
    }

    async fn insert(&self, kept: &Kept) -> Result<Uuid, DbError> {
        let Fit { model, underlying, parameters, quality } = &kept.fit;
        let row = QuantParameterRow {
            id: kept.job().id.0,
            model: (*model).to_owned(),
            underlying: underlying.clone(),
            fitted_at: clock::now(),
            fitted_by: kept.job().user_id.0,
            parameters: parameters.to_string(),
            quality: quality.to_string(),
        };
        let mut tx = self.db.begin_for(kept.job().tenant_id).await?;
        insert_quant_parameter(&mut tx, &row).await?;
        tx.commit().await?;
        Ok(row.id)
    }
}
