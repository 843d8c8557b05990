//! The walk along the hash chain.

use crate::support::{Chain, Fixture};
use bulkhead_persistence::journal::{BreakKind, verify};
use bulkhead_persistence::{ChainBreak, ChainReport};

async fn report(fixture: &Fixture, chain: &Chain) -> ChainReport {
    let mut tx = fixture.db.begin_for(chain.head.tenant_id).await.unwrap();
    verify(&mut tx).await.unwrap().unwrap()
}

#[tokio::test]
async fn every_kind_of_tampering_is_found_at_its_place() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut chain = fixture.chain().await;
    conn.append(&[chain.events(1_500)]).await.unwrap();
    let good = report(&fixture, &chain).await;
    assert_eq!((good.verified, good.head_seq, good.first_break), (1_500, 1_500, None));

    let cases = [
        (
            "update journal set payload = replace(payload, 'p7\"', 'p8\"') where seq = 7",
            7,
            BreakKind::HashMismatch,
        ),
        (
            "update journal set recorded_at = recorded_at + interval '1 us' where seq = 7",
            7,
            BreakKind::HashMismatch,
        ),
        ("update journal set event_id = gen_random_uuid() where seq = 1200", 1200, BreakKind::HashMismatch),
        ("update journal set epoch = 9 where seq = 7", 7, BreakKind::EpochOutOfOrder),
        ("update journal set epoch = 0 where seq = 7", 7, BreakKind::EpochOutOfOrder),
        ("delete from journal where seq = 7", 7, BreakKind::Missing),
        ("delete from journal where seq = 1500", 1500, BreakKind::Missing),
        ("delete from journal where seq = 1", 1, BreakKind::Missing),
        (
            "update journal set seq = 10000 where seq = 7; update journal set seq = 7 where seq = 8;
             update journal set seq = 8 where seq = 10000",
            7,
            BreakKind::HashMismatch,
        ),
        ("update journal_head set hash = sha256('x')", 1500, BreakKind::HeadMismatch),
        ("update journal_head set seq = 1499", 1499, BreakKind::HeadMismatch),
        (
            "update journal_head h set seq = 1499, hash = j.hash from journal j where j.seq = 1499",
            1500,
            BreakKind::BeyondHead,
        ),
    ];
    for (tamper, seq, kind) in cases {
        fixture.execute("drop table if exists kept, kept_head; create table kept as table journal; create table kept_head as table journal_head").await;
        fixture.execute(tamper).await;
        let found = report(&fixture, &chain).await;
        assert_eq!(found.first_break, Some(ChainBreak { seq, kind }), "{tamper}");
        fixture
            .execute(
                "truncate journal; insert into journal table kept;
                 update journal_head h set seq = k.seq, hash = k.hash from kept_head k where k.tenant_id = h.tenant_id",
            )
            .await;
    }
    assert_eq!(report(&fixture, &chain).await, good);
}

#[tokio::test]
async fn an_archived_prefix_does_not_break_the_chain() {
    let fixture = Fixture::new().await;
    let mut conn = fixture.db.journal_conn().await.unwrap();
    let mut chain = fixture.chain().await;
    conn.append(&[chain.events(10)]).await.unwrap();
    fixture
        .execute(
            "update journal_head h set base_seq = 4, base_hash = j.hash from journal j where j.seq = 4;
             delete from journal where seq <= 4",
        )
        .await;
    let found = report(&fixture, &chain).await;
    assert_eq!((found.base_seq, found.verified, found.first_break), (4, 6, None));
}
