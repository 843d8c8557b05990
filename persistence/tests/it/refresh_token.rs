//! Refresh tokens: what each one that is presented comes to.

use crate::support::{Fixture, T0};
use bulkhead_domain::Timestamp;
use bulkhead_persistence::refresh_token::{
    NewRefreshToken, Redeemed, SessionOwner, TokenHash, insert_refresh_token, redeem_refresh_token,
};
use bulkhead_persistence::session::{RevokeReason, SessionRow, find_session, insert_session, revoke_session};
use uuid::Uuid;

const SECOND: i64 = 1_000_000;

fn token(number: u8, at_seconds: i64) -> NewRefreshToken {
    let issued_at = T0.plus_micros(at_seconds * SECOND);
    NewRefreshToken { hash: [number; 32], issued_at, expires_at: issued_at.plus_micros(3_600 * SECOND) }
}

async fn signed_in(fixture: &Fixture) -> SessionOwner {
    let tenant_id = fixture.tenant().await;
    let owner =
        SessionOwner { session_id: Uuid::now_v7(), tenant_id, user_id: fixture.user(tenant_id).await };
    let mut tx = fixture.db.begin_system().await.unwrap();
    let session = SessionRow {
        id: owner.session_id,
        tenant_id,
        user_id: owner.user_id,
        created_at: T0,
        expires_at: T0.plus_micros(7_200 * SECOND),
        revoked_at: None,
    };
    insert_session(&mut tx, &session).await.unwrap();
    insert_refresh_token(&mut tx, owner, token(1, 0)).await.unwrap();
    tx.commit().await.unwrap();
    owner
}

async fn redeem(fixture: &Fixture, hash: TokenHash, successor: NewRefreshToken) -> Redeemed {
    let mut tx = fixture.db.begin_system().await.unwrap();
    let redeemed = redeem_refresh_token(&mut tx, &hash, successor).await.unwrap();
    tx.commit().await.unwrap();
    redeemed
}

async fn revoked_at(fixture: &Fixture, owner: SessionOwner) -> Option<Timestamp> {
    let mut tx = fixture.db.begin_system().await.unwrap();
    find_session(&mut tx, owner.session_id).await.unwrap().unwrap().revoked_at
}

#[tokio::test]
async fn a_token_is_spent_once_and_comes_back_only_while_its_answer_may_be_lost() {
    let fixture = Fixture::new().await;
    let owner = signed_in(&fixture).await;
    assert_eq!(redeem(&fixture, [9; 32], token(2, 1)).await, Redeemed::Unknown);
    assert_eq!(redeem(&fixture, [1; 32], token(2, 1)).await, Redeemed::Rotated(owner));
    assert_eq!(redeem(&fixture, [1; 32], token(3, 5)).await, Redeemed::Rotated(owner), "its answer was lost");
    assert_eq!(redeem(&fixture, [3; 32], token(4, 6)).await, Redeemed::Rotated(owner));
    assert_eq!(revoked_at(&fixture, owner).await, None);
    assert_eq!(
        redeem(&fixture, [1; 32], token(5, 7)).await,
        Redeemed::Reused(owner),
        "its successor was used"
    );
    assert!(revoked_at(&fixture, owner).await.is_some());
    assert_eq!(redeem(&fixture, [4; 32], token(6, 8)).await, Redeemed::Over, "the whole family is over");
}

#[tokio::test]
async fn a_spent_token_that_comes_back_late_ends_the_session() {
    let fixture = Fixture::new().await;
    let owner = signed_in(&fixture).await;
    assert_eq!(redeem(&fixture, [1; 32], token(2, 1)).await, Redeemed::Rotated(owner));
    assert_eq!(redeem(&fixture, [1; 32], token(3, 12)).await, Redeemed::Reused(owner));
}

#[tokio::test]
async fn tokens_end_with_their_time_and_their_session() {
    let fixture = Fixture::new().await;
    let owner = signed_in(&fixture).await;
    assert_eq!(redeem(&fixture, [1; 32], token(2, 3_600)).await, Redeemed::Over);
    let mut tx = fixture.db.begin_system().await.unwrap();
    assert!(revoke_session(&mut tx, owner.session_id, RevokeReason::SignedOut, T0).await.unwrap());
    assert!(!revoke_session(&mut tx, owner.session_id, RevokeReason::SignedOut, T0).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(redeem(&fixture, [1; 32], token(2, 1)).await, Redeemed::Over);
}

#[tokio::test]
async fn two_exchanges_of_one_token_at_once_leave_one_family() {
    let fixture = Fixture::new().await;
    let owner = signed_in(&fixture).await;
    let (first, second) =
        tokio::join!(redeem(&fixture, [1; 32], token(2, 1)), redeem(&fixture, [1; 32], token(3, 1)));
    assert_eq!((first, second), (Redeemed::Rotated(owner), Redeemed::Rotated(owner)));
    let unspent = sqlx::query("select from refresh_token where used_at is null");
    assert_eq!(unspent.fetch_all(&mut fixture.admin().await).await.unwrap().len(), 1);
}
