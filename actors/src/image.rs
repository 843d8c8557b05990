//! Loading a tenant as of a sequence number: the latest snapshot, and the journal after it.

use bulkhead_domain::tenant::TenantImage;
use bulkhead_domain::{EventDecodeError, TenantId};
use bulkhead_persistence::snapshot::load_snapshot;
use bulkhead_persistence::{Db, DbError, journal};
use bulkhead_supervision::ActorError;
use std::time::Duration;
use tokio::time::sleep;
use tracing::warn;

/// Events read in one go while replaying.
const REPLAY_PAGE: i64 = 5_000;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(1);

/// Why a tenant cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Decode(#[from] EventDecodeError),
    #[error("this node does not own the tenant")]
    NotOwned,
    #[error("the journal ends at {found}: {wanted} was asked for")]
    Short { found: i64, wanted: i64 },
}

/// The tenant after event `upto`.
pub(crate) async fn load_image(db: &Db, tenant_id: TenantId, upto: i64) -> Result<TenantImage, LoadError> {
    let mut tx = db.begin_for(tenant_id).await?;
    let mut image = TenantImage::default();
    if let Some(snapshot) = load_snapshot(&mut tx, TenantImage::VERSION).await?
        && snapshot.seq <= upto
    {
        match serde_json::from_slice::<TenantImage>(&snapshot.body) {
            Ok(stored) => image = stored,
            // A snapshot carries no authority: without it the replay is longer, nothing else.
            Err(error) => warn!(%tenant_id, %error, "snapshot ignored"),
        }
    }
    while image.seq < upto {
        let page = journal::read_events_between(&mut tx, image.seq, upto, REPLAY_PAGE).await?;
        if page.is_empty() {
            return Err(LoadError::Short { found: image.seq, wanted: upto });
        }
        for stored in &page {
            image.apply(&stored.decode()?);
        }
    }
    tx.commit().await?;
    Ok(image)
}

/// Tries until the database answers. A database that is away is waited for; anything else is a failure.
pub(crate) async fn patiently<T, F>(
    what: &'static str,
    mut attempt: impl FnMut() -> F,
) -> Result<T, ActorError>
where
    F: Future<Output = Result<T, LoadError>>,
{
    let mut delay = RETRY_DELAY_MIN;
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(LoadError::Db(error @ (DbError::Unavailable(_) | DbError::OutcomeUnknown(_)))) => {
                warn!(%error, what, "recovery waits for database");
                sleep(delay).await;
                delay = (delay * 2).min(RETRY_DELAY_MAX);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
