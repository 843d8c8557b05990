//! What the rules of the domain say, as codes.

use super::{ApiError, Code};
use bulkhead_domain::DecimalError;
use bulkhead_domain::desk::PlaceRejection;
use bulkhead_domain::instrument::InstrumentRuleError;
use bulkhead_domain::named_book::{PORTFOLIOS_MAX, PortfolioRejection};
use bulkhead_domain::order::{OrderRejection, TermsRuleError};
use bulkhead_domain::risk::{HaltRejection, LimitsRejection};
use serde_json::json;
use std::time::Duration;

/// Open orders close in their own time.
const RETRY_OPEN_ORDERS: Duration = Duration::from_secs(1);

impl From<PlaceRejection> for ApiError {
    fn from(rejection: PlaceRejection) -> Self {
        let message = rejection.to_string();
        match rejection {
            PlaceRejection::ClientOrderIdReused { client_order_id, order_id } => {
                let details = json!({ "client_order_id": client_order_id, "order_id": order_id });
                ApiError::new(Code::ClientOrderIdReused, message).with_details(details)
            }
            PlaceRejection::TooManyOpenOrders => {
                ApiError::new(Code::TooManyOpenOrders, message).with_retry_after(RETRY_OPEN_ORDERS)
            }
            PlaceRejection::ValidUntilPassed { valid_until, now } => {
                let details = json!({ "field": "valid_until", "valid_until": valid_until, "now": now });
                ApiError::new(Code::ValidUntilPassed, message).with_details(details)
            }
            PlaceRejection::UnknownAccount { .. } => {
                ApiError::new(Code::UnknownAccount, message).with_field("account")
            }
            PlaceRejection::UnknownPortfolio { .. } => {
                ApiError::new(Code::UnknownPortfolio, message).with_field("portfolio")
            }
            PlaceRejection::PortfolioArchived { .. } => {
                ApiError::new(Code::PortfolioArchived, message).with_field("portfolio")
            }
        }
    }
}

impl From<PortfolioRejection> for ApiError {
    fn from(rejection: PortfolioRejection) -> Self {
        let message = rejection.to_string();
        match rejection {
            PortfolioRejection::Unknown { .. } => ApiError::new(Code::PortfolioNotFound, message),
            PortfolioRejection::Exists { name, .. } => {
                ApiError::new(Code::PortfolioExists, message).with_details(json!({ "name": name }))
            }
            PortfolioRejection::Archived { .. } => ApiError::new(Code::PortfolioArchived, message),
            PortfolioRejection::Permanent => ApiError::new(Code::PortfolioPermanent, message),
            PortfolioRejection::HasPositions { count, .. } => {
                ApiError::new(Code::PortfolioHasPositions, message)
                    .with_details(json!({ "positions": count }))
            }
            PortfolioRejection::HasOpenOrders { count, .. } => {
                ApiError::new(Code::PortfolioHasOpenOrders, message)
                    .with_details(json!({ "open_orders": count }))
            }
            PortfolioRejection::TooMany => ApiError::new(Code::TooManyPortfolios, message)
                .with_details(json!({ "limit": PORTFOLIOS_MAX })),
        }
    }
}

impl From<TermsRuleError> for ApiError {
    fn from(error: TermsRuleError) -> Self {
        let (code, field) = match error {
            TermsRuleError::ExpiresAtRequired => (Code::ExpiresAtRequired, "expires_at"),
            TermsRuleError::ExpiresAtNotAllowed => (Code::ExpiresAtNotAllowed, "expires_at"),
            TermsRuleError::PostOnlyNotAllowed => (Code::PostOnlyNotAllowed, "post_only"),
        };
        ApiError::new(code, error.to_string()).with_field(field)
    }
}

impl From<InstrumentRuleError> for ApiError {
    fn from(error: InstrumentRuleError) -> Self {
        let message = error.to_string();
        let (code, details) = match error {
            InstrumentRuleError::PriceOffTick { tick, .. } => {
                (Code::PriceOffTick, json!({ "field": "price", "tick": tick }))
            }
            InstrumentRuleError::QuantityOffStep { step, .. } => {
                (Code::QuantityOffStep, json!({ "field": "quantity", "step": step }))
            }
            InstrumentRuleError::QuantityTooSmall { min, .. } => {
                (Code::QuantityTooSmall, json!({ "field": "quantity", "min": min }))
            }
            InstrumentRuleError::QuantityTooLarge { max, .. } => {
                (Code::QuantityTooLarge, json!({ "field": "quantity", "max": max }))
            }
            InstrumentRuleError::NotionalTooSmall { min, .. } => {
                (Code::NotionalTooSmall, json!({ "min": min }))
            }
            InstrumentRuleError::NotionalTooLarge { .. } => (Code::NotionalTooLarge, json!({})),
        };
        ApiError::new(code, message).with_details(details)
    }
}

impl From<OrderRejection> for ApiError {
    fn from(rejection: OrderRejection) -> Self {
        let message = rejection.to_string();
        match rejection {
            OrderRejection::AlreadyClosed { status, .. } => {
                ApiError::new(Code::OrderClosed, message).with_details(json!({ "status": status }))
            }
        }
    }
}

/// What is wrong with a price.
pub(crate) fn price_error(field: &str, error: DecimalError) -> ApiError {
    let code = match error {
        DecimalError::NotANumber => Code::PriceNotANumber,
        DecimalError::Negative => Code::PriceNegative,
        DecimalError::Zero => Code::PriceZero,
        DecimalError::TooManyDigits => Code::PriceTooManyDigits,
    };
    ApiError::new(code, format!("{field} {error}")).with_field(field)
}

/// What is wrong with a quantity.
pub(crate) fn quantity_error(field: &str, error: DecimalError) -> ApiError {
    let code = match error {
        DecimalError::NotANumber => Code::QuantityNotANumber,
        DecimalError::Negative => Code::QuantityNegative,
        DecimalError::Zero => Code::QuantityZero,
        DecimalError::TooManyDigits => Code::QuantityTooManyDigits,
    };
    ApiError::new(code, format!("{field} {error}")).with_field(field)
}

impl From<HaltRejection> for ApiError {
    fn from(rejection: HaltRejection) -> Self {
        let message = rejection.to_string();
        match rejection {
            HaltRejection::Stricter { present, .. } => {
                ApiError::new(Code::HaltIsStricter, message).with_details(json!({ "present": present }))
            }
            HaltRejection::UnknownAccount { .. } => {
                ApiError::new(Code::UnknownAccount, message).with_field("name")
            }
        }
    }
}

impl From<LimitsRejection> for ApiError {
    fn from(rejection: LimitsRejection) -> Self {
        let message = rejection.to_string();
        match rejection {
            LimitsRejection::VersionMismatch { present, .. } => {
                ApiError::new(Code::VersionMismatch, message).with_details(json!({ "present": present }))
            }
            LimitsRejection::UnknownAccount { .. } => {
                ApiError::new(Code::UnknownAccount, message).with_field("name")
            }
        }
    }
}

/// The public code of a pre-trade denial. The journal keeps denial codes as text, so that old ones stay
/// readable; one that is not known here is still a denial.
pub(crate) fn denial_code(denial: &str) -> Code {
    const KNOWN: &[Code] = &[
        Code::InsufficientFunds,
        Code::ShortNotAllowed,
        Code::ReduceOnlyExceeded,
        Code::OrderValueTooLarge,
        Code::NoMarketPrice,
        Code::CurrencyMismatch,
        Code::TradingHalted,
        Code::TradingReduceOnly,
        Code::SymbolNotAllowed,
        Code::OrderQuantityLimit,
        Code::OrderNotionalLimit,
        Code::PositionLimit,
        Code::GrossExposureLimit,
        Code::NetExposureLimit,
        Code::OpenOrdersLimit,
        Code::PriceCollar,
    ];
    KNOWN.iter().copied().find(|code| code.as_str() == denial).unwrap_or(Code::OrderDenied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_domain::risk::DenialCode;

    #[test]
    fn every_denial_has_a_code_of_its_own() {
        for denial in [
            DenialCode::NoMarketPrice,
            DenialCode::CurrencyMismatch,
            DenialCode::OrderValueTooLarge,
            DenialCode::ShortNotAllowed,
            DenialCode::ReduceOnlyExceeded,
            DenialCode::InsufficientFunds,
            DenialCode::TradingHalted,
            DenialCode::TradingReduceOnly,
            DenialCode::SymbolNotAllowed,
            DenialCode::OrderQuantityLimit,
            DenialCode::OrderNotionalLimit,
            DenialCode::PositionLimit,
            DenialCode::GrossExposureLimit,
            DenialCode::NetExposureLimit,
            DenialCode::OpenOrdersLimit,
            DenialCode::PriceCollar,
        ] {
            assert_eq!(denial_code(&denial.to_string()).as_str(), denial.to_string());
        }
        assert_eq!(denial_code("SOMETHING_OLD"), Code::OrderDenied);
    }
}
