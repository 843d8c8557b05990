//! Identifiers. Each is a type of its own, so that no two kinds can be confused.

use crate::text::{TextRule, text_id};
use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// A customer of the platform, the unit of isolation.
    TenantId
);
uuid_id!(
    /// A person who signs in.
    UserId
);
uuid_id!(
    /// The platform's own identifier of an order.
    OrderId
);
uuid_id!(
    /// Identifies one journal event for ever.
    EventId
);
uuid_id!(
    /// One life of an owning process; never reused.
    Incarnation
);

fn is_url_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn is_slug(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-')
}

fn is_symbol(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '/' | '_')
}

fn is_printable(c: char) -> bool {
    c.is_ascii_graphic()
}

text_id!(
    /// The caller's own name for an order, unique in its tenant for ever.
    ClientOrderId,
    TextRule { what: "client_order_id", length_max: 48, alphabet: "A-Z a-z 0-9 . _ -", allows: is_url_safe }
);
text_id!(
    /// The name an order carries at the venue; see [`VenueClientId::derive`].
    VenueClientId,
    TextRule { what: "venue_client_id", length_max: 36, alphabet: "A-Z a-z 0-9 . _ -", allows: is_url_safe }
);
text_id!(
    /// The venue's name for an order.
    VenueOrderId,
    TextRule { what: "venue_order_id", length_max: 64, alphabet: "printable ASCII", allows: is_printable }
);
text_id!(
    /// The venue's name for one execution; fills are deduplicated by it.
    ExecutionId,
    TextRule { what: "execution_id", length_max: 64, alphabet: "printable ASCII", allows: is_printable }
);
text_id!(
    /// A venue account of a tenant, for example `paper`.
    AccountId,
    TextRule { what: "account", length_max: 32, alphabet: "a-z 0-9 _ -", allows: is_slug }
);
text_id!(
    /// A named book of a tenant, for example `main`.
    PortfolioId,
    TextRule { what: "portfolio", length_max: 32, alphabet: "a-z 0-9 _ -", allows: is_slug }
);
text_id!(
    /// A venue, for example `paper`.
    VenueName,
    TextRule { what: "venue", length_max: 32, alphabet: "a-z 0-9 _ -", allows: is_slug }
);
text_id!(
    /// An instrument's symbol, for example `BTC-USDT`.
    Symbol,
    TextRule { what: "symbol", length_max: 32, alphabet: "A-Z 0-9 - . / _", allows: is_symbol }
);
text_id!(
    /// A currency or asset code, for example `USDT`.
    Currency,
    TextRule { what: "currency", length_max: 12, alphabet: "A-Z 0-9 - . / _", allows: is_symbol }
);

/// Lower-case base 32 without letters that are easily confused (Crockford's alphabet).
const BASE32_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 26 characters carry 130 bits: all of the 128 that are kept of the digest.
const VENUE_CLIENT_ID_DIGITS: usize = 26;

impl VenueClientId {
    /// The one id under which this order may ever reach a venue: a pure function of tenant and order, so
    /// that no restart can mint another.
    pub fn derive(tenant_id: TenantId, order_id: OrderId) -> Self {
        let digest =
            Sha256::new().chain_update(tenant_id.0.as_bytes()).chain_update(order_id.0.as_bytes()).finalize();
        let mut bits = [0u8; 16];
        for (target, source) in bits.iter_mut().zip(digest.iter()) {
            *target = *source;
        }
        let mut rest = u128::from_be_bytes(bits);
        let mut text = String::with_capacity(VENUE_CLIENT_ID_DIGITS);
        for _ in 0..VENUE_CLIENT_ID_DIGITS {
            let digit = usize::try_from(rest & 31).expect("five bits fit in usize");
            text.push(char::from(*BASE32_ALPHABET.get(digit).expect("five bits index 32 letters")));
            rest >>= 5;
        }
        Self::parse(&text).expect("base 32 letters are within the alphabet")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn venue_client_id_is_a_pure_function_of_tenant_and_order() {
        let tenant = TenantId(Uuid::from_u128(1));
        let order = OrderId(Uuid::from_u128(2));
        let first = VenueClientId::derive(tenant, order);
        assert_eq!(first, VenueClientId::derive(tenant, order));
        assert_ne!(first, VenueClientId::derive(TenantId(Uuid::from_u128(3)), order));
        assert_eq!(first.as_str().len(), VENUE_CLIENT_ID_DIGITS);
    }

    #[test]
    fn text_ids_refuse_what_their_alphabet_lacks() {
        assert!(ClientOrderId::parse("my-order_1.a").is_ok());
        for bad in ["", "with space", "naïve", &"x".repeat(49)] {
            assert!(ClientOrderId::parse(bad).is_err(), "{bad:?} must be refused");
        }
        assert!(AccountId::parse("Paper").is_err());
    }
}
