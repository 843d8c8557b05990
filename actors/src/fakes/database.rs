//! A real database with tenants in it, for what cannot do without.

use super::SOON;
use super::core::claim;
use bulkhead_domain::tenant::TenantImage;
use bulkhead_domain::{Event, RecordedEvent, TenantId, Timestamp};
use bulkhead_persistence::journal::{self, Head};
use bulkhead_persistence::tenant::insert_tenant;
use bulkhead_persistence::{Db, NodeClaim, Plan, PoolSizes, SystemTx, TenantRow, TenantStatus, Throwaway};
use tokio::time::timeout;
use uuid::Uuid;

pub(crate) struct Database {
    pub(crate) db: Db,
    pub(crate) claim: NodeClaim,
    _cluster: Throwaway,
}

impl Database {
    /// A migrated database whose shards are all claimed.
    pub(crate) async fn start() -> Self {
        let cluster = Throwaway::start().await.unwrap();
        let db = Db::open(&cluster.database().await.unwrap(), PoolSizes::default());
        let claim = claim();
        db.lease_conn().seize_all_shards(&claim).await.unwrap();
        Self { db, claim, _cluster: cluster }
    }

    pub(crate) async fn tenant(&self, plan: Plan) -> TenantId {
        let id = TenantId(Uuid::now_v7());
        let row = TenantRow {
            id,
            name: "Acme".to_owned(),
            plan,
            status: TenantStatus::Active,
            created_at: Timestamp::EPOCH,
        };
        let mut tx = self.db.begin_system().await.unwrap();
        insert_tenant(&mut tx, &row).await.unwrap();
        journal::create_head(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Locks the tenant's head until the transaction is dropped: nothing can be appended meanwhile.
    pub(crate) async fn hold(&self, tenant_id: TenantId) -> SystemTx {
        let mut tx = self.db.begin_system().await.unwrap();
        journal::activate(&mut tx, tenant_id, &self.claim).await.unwrap().expect("the shard is owned");
        tx
    }

    /// Takes the tenant over under a higher epoch and the same claim: what its ledger appends next is fenced.
    pub(crate) async fn fence(&self, tenant_id: TenantId) {
        self.db.lease_conn().seize_all_shards(&self.claim).await.unwrap();
        self.hold(tenant_id).await.commit().await.unwrap();
    }

    pub(crate) async fn head(&self, tenant_id: TenantId) -> Head {
        let mut tx = self.db.begin_for(tenant_id).await.unwrap();
        journal::find_head(&mut tx).await.unwrap().unwrap()
    }

    pub(crate) async fn events(&self, tenant_id: TenantId) -> Vec<RecordedEvent> {
        let mut tx = self.db.begin_for(tenant_id).await.unwrap();
        let stored = journal::read_events_between(&mut tx, 0, i64::MAX, 100_000).await.unwrap();
        stored.iter().map(|event| event.decode().unwrap()).collect()
    }

    pub(crate) async fn kinds(&self, tenant_id: TenantId) -> Vec<&'static str> {
        self.events(tenant_id).await.iter().map(|recorded| recorded.event.kind()).collect()
    }

    /// The fold of the whole journal; its chain is checked on the way.
    pub(crate) async fn replay(&self, tenant_id: TenantId) -> TenantImage {
        let mut tx = self.db.begin_for(tenant_id).await.unwrap();
        let report = journal::verify(&mut tx).await.unwrap().unwrap();
        assert_eq!(report.first_break, None);
        let mut image = TenantImage::default();
        self.events(tenant_id).await.iter().for_each(|recorded| image.apply(recorded));
        image
    }

    /// Waits until the journal says so; every look is a question to the database.
    pub(crate) async fn until(&self, tenant_id: TenantId, is_done: impl Fn(&[Event]) -> bool) {
        let look = async {
            loop {
                let events: Vec<Event> =
                    self.events(tenant_id).await.into_iter().map(|recorded| recorded.event).collect();
                if is_done(&events) {
                    return;
                }
            }
        };
        if timeout(SOON, look).await.is_err() {
            let last = self.events(tenant_id).await.pop();
            panic!("the journal never said so: {:?} {last:?}", self.kinds(tenant_id).await);
        }
    }
}
