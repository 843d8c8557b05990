//! Leases and claims.

use crate::support::{Fixture, claim_of};
use bulkhead_persistence::lease::{ClaimOutcome, SHARDS};
use std::time::Duration;

#[tokio::test]
async fn another_life_waits_until_a_lease_is_over_and_then_bumps_every_epoch() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.lease_conn();
    assert!(conn.heartbeat(&fixture.claim).await.unwrap());

    for other in [claim_of("node-2"), claim_of(&fixture.claim.node_id)] {
        let ClaimOutcome::Held { node_id, wait } = conn.claim_all_shards(&other).await.unwrap() else {
            panic!("a live lease must be respected")
        };
        assert_eq!(node_id, fixture.claim.node_id);
        assert!(wait > Duration::from_secs(10) && wait <= Duration::from_secs(12), "{wait:?}");
    }
    let other = claim_of("node-2");
    fixture.execute("update node set lease_until = clock_timestamp() - interval '1 s'").await;
    assert!(
        matches!(conn.claim_all_shards(&other).await.unwrap(), ClaimOutcome::Held { .. }),
        "the guard holds"
    );
    assert!(!conn.heartbeat(&fixture.claim).await.unwrap(), "a lease that ran out is never revived");
    fixture.execute("update node set lease_until = clock_timestamp() - interval '3 s'").await;
    let ClaimOutcome::Claimed { shards } = conn.claim_all_shards(&other).await.unwrap() else {
        panic!("the lease is over")
    };
    assert_eq!(shards.len(), SHARDS);
    assert!(shards.iter().all(|(_, epoch)| *epoch == 2));
}

#[tokio::test]
async fn what_is_released_can_be_claimed_at_once() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.lease_conn();
    conn.release(&fixture.claim).await.unwrap();
    assert!(!conn.heartbeat(&fixture.claim).await.unwrap());
    let tenant_id = fixture.tenant().await;
    assert_eq!(fixture.activate(tenant_id, &fixture.claim).await, None);
    let other = claim_of("node-2");
    assert_eq!(conn.await_all_shards(&other).await.unwrap().len(), SHARDS);
    assert!(fixture.activate(tenant_id, &other).await.is_some());
}
