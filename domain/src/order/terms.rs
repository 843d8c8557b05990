//! Which terms go together, whatever the instrument.

use super::{OrderKind, OrderTerms, TimeInForce};

/// How an order's terms contradict each other; says what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TermsRuleError {
    #[error("time_in_force gtd needs expires_at, the time at which the order ends")]
    ExpiresAtRequired,
    #[error("expires_at goes with time_in_force gtd only")]
    ExpiresAtNotAllowed,
    #[error("post_only needs an order that can rest: a limit order with time_in_force gtc, gtd or day")]
    PostOnlyNotAllowed,
}

impl OrderTerms {
    /// Checks the terms against each other.
    pub fn check(&self) -> Result<(), TermsRuleError> {
        let is_gtd = self.time_in_force == TimeInForce::Gtd;
        match self.expires_at {
            None if is_gtd => return Err(TermsRuleError::ExpiresAtRequired),
            Some(_) if !is_gtd => return Err(TermsRuleError::ExpiresAtNotAllowed),
            None | Some(_) => {}
        }
        let can_rest = matches!(self.kind, OrderKind::Limit { .. })
            && !matches!(self.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        if self.post_only && !can_rest { Err(TermsRuleError::PostOnlyNotAllowed) } else { Ok(()) }
    }
}
