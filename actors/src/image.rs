//! Loading a tenant as of a sequence number: the latest snapshot, and the journal after it.

use bulkhead_domain::tenant::TenantImage;
use bulkhead_domain::{EventDecodeError, TenantId};
use bulkhead_persistence::snapshot::load_snapshot;
use bulkhead_persistence::{Db, DbError, TenantTx, journal};
use bulkhead_supervision::ActorError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::yield_now;
use tokio::time::sleep;
use tracing::warn;

/// Events read in one go while replaying.
const REPLAY_PAGE: i64 = 500;
/// Events folded in before the others on the same worker get their turn: some 200 microseconds.
const FOLD_TURN: usize = 64;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(1);

/// Loads one tenant for its actors, so that those that start together read the journal once.
pub(crate) struct ImageSource {
    db: Db,
    tenant_id: TenantId,
    latest: Mutex<Option<Arc<TenantImage>>>,
}

impl ImageSource {
    pub(crate) fn new(db: Db, tenant_id: TenantId) -> Self {
        Self { db, tenant_id, latest: Mutex::new(None) }
    }

    /// The tenant after event `upto`: what was loaded a moment ago, with the events since.
    pub(crate) async fn at(&self, upto: i64) -> Result<Arc<TenantImage>, LoadError> {
        let mut latest = self.latest.lock().await;
        let mut tx = self.db.begin_for(self.tenant_id).await?;
        let mut image = match latest.take() {
            Some(image) if image.seq <= upto => image,
            _ => Arc::new(load_base(&mut tx, upto).await?),
        };
        if image.seq < upto {
            catch_up(&mut tx, Arc::make_mut(&mut image), upto).await?;
        }
        tx.commit().await?;
        *latest = Some(image.clone());
        Ok(image)
    }

    /// Lets go of what was loaded: the last actor of the chain has started.
    pub(crate) async fn forget(&self) {
        *self.latest.lock().await = None;
    }
}

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
    let mut image = load_base(&mut tx, upto).await?;
    catch_up(&mut tx, &mut image, upto).await?;
    tx.commit().await?;
    Ok(image)
}

/// The latest snapshot that is not past `upto`, or nothing.
async fn load_base(tx: &mut TenantTx, upto: i64) -> Result<TenantImage, LoadError> {
    let snapshot = load_snapshot(tx, TenantImage::VERSION).await?.filter(|snapshot| snapshot.seq <= upto);
    let Some(snapshot) = snapshot else { return Ok(TenantImage::default()) };
    match serde_json::from_slice(&snapshot.body) {
        Ok(image) => Ok(image),
        Err(error) => {
            // A snapshot carries no authority: without it the replay is longer, nothing else.
            warn!(tenant_id = %tx.tenant_id(), %error, "snapshot ignored");
            Ok(TenantImage::default())
        }
    }
}

/// Folds in the events up to and with `upto`.
async fn catch_up(tx: &mut TenantTx, image: &mut TenantImage, upto: i64) -> Result<(), LoadError> {
    while image.seq < upto {
        let page = journal::read_events_between(tx, image.seq, upto, REPLAY_PAGE).await?;
        if page.is_empty() {
            return Err(LoadError::Short { found: image.seq, wanted: upto });
        }
        for turn in page.chunks(FOLD_TURN) {
            for stored in turn {
                image.apply(&stored.decode()?);
            }
            yield_now().await;
        }
    }
    Ok(())
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
