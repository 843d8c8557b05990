//! E-mail addresses: one mailbox, one spelling.

use std::fmt;

/// What RFC 5321 allows for the whole, the part before the `@` and one label after it.
const LENGTH_MAX: usize = 254;
const LOCAL_LENGTH_MAX: usize = 64;
const LABEL_LENGTH_MAX: usize = 63;

/// A normalised address: trimmed, lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// A text that is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as name@example.com, at most {LENGTH_MAX} characters")]
pub struct EmailError;

impl Email {
    /// Parses and normalises. Deliverability is proved by a mail, not by a grammar: the rule is only strict
    /// enough that no address has two spellings and none can be mistaken in a header.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let fits = text.len() <= LENGTH_MAX && is_local(local) && is_domain(domain);
        if fits { Ok(Self(text.to_ascii_lowercase())) } else { Err(EmailError) }
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Addresses are personal data: a debug print must not carry one into a log.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

fn is_local(local: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let dots_fit = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    !local.is_empty() && local.len() <= LOCAL_LENGTH_MAX && local.chars().all(allowed) && dots_fit
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.') && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let hyphens_fit = !label.starts_with('-') && !label.ends_with('-');
    !label.is_empty() && label.len() <= LABEL_LENGTH_MAX && label.chars().all(allowed) && hyphens_fit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_spelling() {
        assert_eq!(Email::parse(" Alice.B+x@Example.COM ").unwrap().as_str(), "alice.b+x@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "@",
            "a@",
            "@b.c",
            "a",
            "a@b",
            "a b@c.d",
            "a@b..c",
            ".a@b.c",
            "a@-b.c",
            "a@b.c\n@d.e",
            "ä@b.c",
            "a@b@c.d",
            long.as_str(),
        ] {
            assert_eq!(Email::parse(text), Err(EmailError), "{text:?}");
        }
    }
}
