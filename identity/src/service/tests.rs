use super::*;
use crate::TokenError;
use bulkhead_persistence::{DbError, Endpoint, PoolSizes, Throwaway};
use std::sync::atomic::{AtomicI64, Ordering};

const SECOND: i64 = 1_000_000;
/// Read by [`clock`]; each test runs on its own database, and all move time forwards only.
static NOW: AtomicI64 = AtomicI64::new(1_767_323_045_000_000);

fn clock() -> Timestamp {
    Timestamp::from_micros(NOW.load(Ordering::Relaxed))
}

fn pass(seconds: i64) {
    NOW.fetch_add(seconds * SECOND, Ordering::Relaxed);
}

struct World {
    _cluster: Throwaway,
    endpoint: Endpoint,
    key: SigningKey,
}

impl World {
    async fn new() -> Self {
        let cluster = Throwaway::start().await.unwrap();
        let endpoint = cluster.database().await.unwrap();
        Self { _cluster: cluster, endpoint, key: SigningKey::random().unwrap() }
    }

    /// One life of the process.
    fn start(&self) -> Identity {
        let db = Db::open(&self.endpoint, PoolSizes::default());
        Identity::new(db, &self.key, Plan::Starter, clock).unwrap()
    }
}

fn signup(email: &str) -> Signup {
    Signup { email: email.to_owned(), password: "a long pass phrase".into(), tenant_name: "Desk".to_owned() }
}

/// One after the other, since they share the clock.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_keeps_its_promises() {
    let world = World::new().await;
    signing_up_makes_all_of_a_tenant_or_nothing(&world).await;
    signing_in_needs_the_right_password(&world).await;
    a_refresh_token_is_good_once_and_ten_seconds(&world).await;
    an_ended_session_is_refused_at_once_and_after_a_restart(&world).await;
    the_first_admin_is_made_once(&world).await;
    a_database_that_is_away_lets_known_tokens_in(&world).await;
}

async fn signing_up_makes_all_of_a_tenant_or_nothing(world: &World) {
    let identity = world.start();
    let tokens = identity.signup(signup(" Ann@Example.com")).await.unwrap();
    pass(1);
    let principal = identity.authenticate(&tokens.access_token).await.unwrap();
    assert_eq!((principal.tenant_id, principal.user_id), (tokens.tenant_id, tokens.user_id));
    assert_eq!(principal.role, bulkhead_persistence::UserRole::Owner);
    let (user, tenant) = identity.me(&principal).await.unwrap();
    assert_eq!((user.email.as_str(), tenant.name.as_str()), ("ann@example.com", "Desk"));
    let mut tx = identity.0.db.begin_for(tokens.tenant_id).await.unwrap();
    let head = bulkhead_persistence::journal::find_head(&mut tx).await.unwrap();
    assert_eq!(head.unwrap().seq, 0, "the journal is there, and empty");

    let again = identity.signup(signup("ANN@example.com")).await;
    assert!(matches!(again, Err(IdentityError::EmailTaken)));
    let mut tx = identity.0.db.begin_system().await.unwrap();
    let tenants = bulkhead_persistence::tenant::list_tenants(&mut tx, None, 10).await.unwrap();
    assert_eq!(tenants.len(), 1, "the second tenant left nothing behind");
}

async fn signing_in_needs_the_right_password(world: &World) {
    let identity = world.start();
    for (email, password) in [
        ("ann@example.com", "another pass phrase"),
        ("nobody@example.com", "a long pass phrase"),
        ("not an address", "a long pass phrase"),
    ] {
        let refused = identity.login(email, password.into()).await;
        assert!(matches!(refused, Err(IdentityError::BadCredentials)), "{email}");
    }
    let tokens = identity.login("Ann@example.com", "a long pass phrase".into()).await.unwrap();
    pass(1);
    assert!(identity.authenticate(&tokens.access_token).await.is_ok());
    pass(600);
    for _ in 0..2 {
        let expired = identity.authenticate(&tokens.access_token).await;
        assert!(matches!(expired, Err(AuthenticateError::Token(TokenError::Expired))));
    }
}

async fn a_refresh_token_is_good_once_and_ten_seconds(world: &World) {
    let identity = world.start();
    let first = identity.login("ann@example.com", "a long pass phrase".into()).await.unwrap();
    pass(1);
    let lost = identity.refresh(&first.refresh_token).await.unwrap();
    pass(9);
    let second = identity.refresh(&first.refresh_token).await.unwrap();
    assert!(identity.authenticate(&second.access_token).await.is_ok());
    pass(11);
    let reused = identity.refresh(&first.refresh_token).await;
    assert!(matches!(reused, Err(IdentityError::RefreshReused)));
    for token in [&second.refresh_token, &lost.refresh_token] {
        let over = identity.refresh(token).await;
        assert!(matches!(over, Err(IdentityError::RefreshInvalid)), "the whole family is over");
    }
    let revoked = identity.authenticate(&second.access_token).await;
    assert!(matches!(revoked, Err(AuthenticateError::Revoked)));
    for text in ["", "bhr_x", "nonsense"] {
        assert!(matches!(identity.refresh(text).await, Err(IdentityError::RefreshInvalid)));
    }
}

async fn an_ended_session_is_refused_at_once_and_after_a_restart(world: &World) {
    let identity = world.start();
    let ended = identity.login("ann@example.com", "a long pass phrase".into()).await.unwrap();
    let other = identity.login("ann@example.com", "a long pass phrase".into()).await.unwrap();
    pass(1);
    let principal = identity.authenticate(&ended.access_token).await.unwrap();
    assert!(identity.still_good(&principal).is_ok());
    identity.logout(&principal).await.unwrap();
    let restarted = world.start();
    for identity in [&identity, &restarted] {
        let revoked = identity.authenticate(&ended.access_token).await;
        assert!(matches!(revoked, Err(AuthenticateError::Revoked)));
        assert!(matches!(identity.still_good(&principal), Err(AuthenticateError::Revoked)));
        assert!(identity.authenticate(&other.access_token).await.is_ok(), "other sessions go on");
    }
    assert!(matches!(identity.refresh(&ended.refresh_token).await, Err(IdentityError::RefreshInvalid)));
}

async fn the_first_admin_is_made_once(world: &World) {
    let identity = world.start();
    let ensure = |email| identity.ensure_platform_admin(email, "an admin's pass phrase".into());
    assert_eq!(ensure("root@example.com").await.unwrap(), AdminOutcome::Created);
    assert_eq!(ensure("Root@example.com").await.unwrap(), AdminOutcome::Exists);
    assert_eq!(ensure("ann@example.com").await.unwrap(), AdminOutcome::Taken);
    let tokens = identity.login("root@example.com", "an admin's pass phrase".into()).await.unwrap();
    pass(1);
    assert!(identity.authenticate(&tokens.access_token).await.unwrap().is_platform_admin);
}

async fn a_database_that_is_away_lets_known_tokens_in(world: &World) {
    let identity = world.start();
    let old = identity.login("ann@example.com", "a long pass phrase".into()).await.unwrap();
    pass(1);
    let new = identity.login("ann@example.com", "a long pass phrase".into()).await.unwrap();
    let nowhere = Endpoint::parse("postgres://nobody@127.0.0.1:1/nothing").unwrap();
    let away = Identity(Arc::new(Inner {
        db: Db::open(&nowhere, PoolSizes::default()),
        clock,
        default_plan: Plan::Starter,
        started_at: clock().plus_micros(-SECOND),
        passwords: Passwords::new().unwrap(),
        tokens: AccessTokens::new(&world.key),
        cache: TokenCache::new(),
        revocations: Revocations::new(),
    }));
    assert!(away.authenticate(&new.access_token).await.is_ok(), "issued by this process: needs no database");
    let unknown = away.authenticate(&old.access_token).await;
    assert!(matches!(unknown, Err(AuthenticateError::Db(DbError::Unavailable(_)))), "may have been revoked");
}
