use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::EPOCH;

fn principal() -> Principal {
    Principal {
        tenant_id: TenantId(Uuid::from_u128(1)),
        user_id: UserId(Uuid::from_u128(2)),
        session_id: Uuid::from_u128(3),
        role: UserRole::Trader,
        is_platform_admin: false,
        expires_at: expiry(NOW),
    }
}

fn tokens() -> (AccessTokens, SigningKey) {
    let key = SigningKey::random().unwrap();
    (AccessTokens::new(&key), key)
}

/// Signs any header and claims with a real key, as an attacker who found another use of the key could.
fn forge(key: &SigningKey, header: &Value, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": Uuid::nil(), "tid": Uuid::nil(), "sid": Uuid::nil(),
        "jti": Uuid::nil(), "role": "owner", "adm": true, "iat": 0, "nbf": 0, "exp": 600,
    });
    change(&mut claims);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(&claims));
    let signature =
        jsonwebtoken::crypto::sign(signed.as_bytes(), &EncodingKey::from_secret(key.bytes()), ALGORITHM)
            .unwrap();
    format!("{signed}.{signature}")
}

#[test]
fn what_was_signed_is_what_is_proven_until_it_expires() {
    let (tokens, _) = tokens();
    let token = tokens.issue(&principal(), NOW);
    assert_eq!(tokens.verify(&token, NOW).unwrap().principal, principal());
    let last = NOW.plus_micros((LIFETIME_SECONDS - 1) * MICROS_PER_SECOND);
    assert!(tokens.verify(&token, last).is_ok());
    let over = NOW.plus_micros(LIFETIME_SECONDS * MICROS_PER_SECOND);
    assert_eq!(tokens.verify(&token, over).unwrap_err(), TokenError::Expired);
    let early = NOW.plus_micros(-(CLOCK_SKEW_SECONDS + 1) * MICROS_PER_SECOND);
    assert_eq!(tokens.verify(&token, early).unwrap_err(), TokenError::Invalid);
}

#[test]
fn any_changed_byte_makes_it_invalid() {
    let (tokens, _) = tokens();
    let token = tokens.issue(&principal(), NOW);
    for at in 0..token.len() - 1 {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(tokens.verify(&changed, NOW).unwrap_err(), TokenError::Invalid, "byte {at}");
    }
}

#[test]
fn type_algorithm_issuer_audience_and_lifetime_are_pinned() {
    let (tokens, key) = tokens();
    let good = json!({"alg": "HS256", "typ": "at+jwt"});
    assert!(tokens.verify(&forge(&key, &good, |_| {}), NOW).is_ok());
    for header in [
        json!({"alg": "none", "typ": "at+jwt"}),
        json!({"alg": "HS512", "typ": "at+jwt"}),
        json!({"alg": "HS256", "typ": "JWT"}),
        json!({"alg": "HS256"}),
    ] {
        assert_eq!(
            tokens.verify(&forge(&key, &header, |_| {}), NOW).unwrap_err(),
            TokenError::Invalid,
            "{header}"
        );
    }
    for (claim, value) in [
        ("iss", json!("someone")),
        ("aud", json!("another-api")),
        ("exp", json!(601)),
        ("exp", Value::Null),
        ("nbf", json!(60)),
        ("role", json!("emperor")),
        ("tid", json!("not-a-uuid")),
    ] {
        let token = forge(&key, &good, |claims| claims[claim] = value.clone());
        assert_eq!(tokens.verify(&token, NOW).unwrap_err(), TokenError::Invalid, "{claim} {value}");
    }
    let unsigned = forge(&key, &json!({"alg": "none"}), |_| {});
    let unsigned = unsigned.rsplit_once('.').unwrap().0.to_owned() + ".";
    assert_eq!(tokens.verify(&unsigned, NOW).unwrap_err(), TokenError::Invalid);
}

#[test]
fn another_key_or_garbage_proves_nothing() {
    let (ours, _) = tokens();
    let (theirs, _) = tokens();
    let token = theirs.issue(&principal(), NOW);
    assert_eq!(ours.verify(&token, NOW).unwrap_err(), TokenError::Invalid);
    for text in ["", ".", "..", "a.b.c", &"x".repeat(LENGTH_MAX + 1)] {
        assert_eq!(ours.verify(text, NOW).unwrap_err(), TokenError::Invalid);
    }
}
