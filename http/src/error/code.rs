//! Every code an error can carry. Codes are stable: a program may match on them, so one is never renamed.

use axum::http::StatusCode;

/// Declares the codes with their status and meaning; everything that lists codes is made from this table.
macro_rules! codes {
    ($($variant:ident $name:literal $status:ident $meaning:literal),+ $(,)?) => {
        /// What went wrong, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $variant),+ }

        impl Code {
            /// All codes, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The status it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            /// What it means, for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }
        }
    };
}

codes! {
    NotAuthenticated "NOT_AUTHENTICATED" UNAUTHORIZED "No access token was sent: send `Authorization: Bearer <token>`.",
    TokenExpired "TOKEN_EXPIRED" UNAUTHORIZED "The access token has expired: refresh it.",
    TokenInvalid "TOKEN_INVALID" UNAUTHORIZED "The access token is not one of ours or was changed: log in.",
    SessionRevoked "SESSION_REVOKED" UNAUTHORIZED "The session was ended: log in.",
    InvalidCredentials "INVALID_CREDENTIALS" UNAUTHORIZED "E-mail address or password is wrong.",
    RefreshTokenInvalid "REFRESH_TOKEN_INVALID" UNAUTHORIZED "The refresh token is unknown or over: log in.",
    RefreshTokenReused "REFRESH_TOKEN_REUSED" UNAUTHORIZED "A spent refresh token came back, so its session was ended: log in.",
    Forbidden "FORBIDDEN" FORBIDDEN "The role lacks the right; `details.permission` names it.",
    TenantSuspended "TENANT_SUSPENDED" FORBIDDEN "The tenant is suspended or closed.",
    FaultsDisabled "FAULTS_DISABLED" FORBIDDEN "Faults can be injected only if the server was started with --allow-faults.",
    InvalidEmail "INVALID_EMAIL" BAD_REQUEST "The e-mail address is not one.",
    InvalidPassword "INVALID_PASSWORD" BAD_REQUEST "The new password breaks a rule; the message names it.",
    InvalidTenantName "INVALID_TENANT_NAME" BAD_REQUEST "The tenant's name is empty, too long or has invisible characters.",
    EmailTaken "EMAIL_TAKEN" CONFLICT "The e-mail address has an account already.",
    RouteNotFound "ROUTE_NOT_FOUND" NOT_FOUND "There is no such route.",
    MethodNotAllowed "METHOD_NOT_ALLOWED" METHOD_NOT_ALLOWED "The route exists, the method does not.",
    BodyTooLarge "BODY_TOO_LARGE" PAYLOAD_TOO_LARGE "The body is larger than the limit in `details.limit_bytes`.",
    BodyTimeout "BODY_TIMEOUT" REQUEST_TIMEOUT "The body did not arrive in time or broke off.",
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" UNSUPPORTED_MEDIA_TYPE "The body must be sent as application/json.",
    BodyEmpty "BODY_EMPTY" BAD_REQUEST "The route needs a JSON body and got none.",
    BodyNotJson "BODY_NOT_JSON" BAD_REQUEST "The body is not JSON; `details` has line and column.",
    FieldType "FIELD_TYPE" BAD_REQUEST "A field has the wrong JSON type; `details` has field, found and expected.",
    FieldMissing "FIELD_MISSING" BAD_REQUEST "A required field is missing; `details.field` names it.",
    FieldUnknown "FIELD_UNKNOWN" BAD_REQUEST "A field is not known here; `details` names it and those that are.",
    FieldDuplicate "FIELD_DUPLICATE" BAD_REQUEST "A field occurs twice.",
    InvalidQuery "INVALID_QUERY" BAD_REQUEST "A query parameter is unknown or wrong; `details.parameter` names it.",
    InvalidCursor "INVALID_CURSOR" BAD_REQUEST "The cursor was not made by this route.",
    InvalidId "INVALID_ID" BAD_REQUEST "An identifier in the path or body has the wrong shape.",
    InvalidSide "INVALID_SIDE" BAD_REQUEST "side must be buy or sell.",
    InvalidOrderType "INVALID_ORDER_TYPE" BAD_REQUEST "type must be market or limit.",
    InvalidTimeInForce "INVALID_TIME_IN_FORCE" BAD_REQUEST "time_in_force must be gtc, ioc, fok, gtd or day.",
    QuantityNotANumber "QUANTITY_NOT_A_NUMBER" BAD_REQUEST "quantity is no plain decimal number such as 0.25.",
    QuantityNegative "QUANTITY_NEGATIVE" BAD_REQUEST "quantity is negative.",
    QuantityZero "QUANTITY_ZERO" BAD_REQUEST "quantity is zero.",
    QuantityTooManyDigits "QUANTITY_TOO_MANY_DIGITS" BAD_REQUEST "quantity has more digits before or after the point than are kept.",
    PriceNotANumber "PRICE_NOT_A_NUMBER" BAD_REQUEST "price is no plain decimal number such as 0.25.",
    PriceNegative "PRICE_NEGATIVE" BAD_REQUEST "price is negative.",
    PriceZero "PRICE_ZERO" BAD_REQUEST "price is zero.",
    PriceTooManyDigits "PRICE_TOO_MANY_DIGITS" BAD_REQUEST "price has more digits before or after the point than are kept.",
    StopAtPrice "STOP_AT_PRICE" BAD_REQUEST "stop_price is the price itself: nothing would be risked.",
    PriceRequired "PRICE_REQUIRED" BAD_REQUEST "A limit order needs a price.",
    PriceNotAllowed "PRICE_NOT_ALLOWED" BAD_REQUEST "A market order takes no price.",
    InvalidExpiresAt "INVALID_EXPIRES_AT" BAD_REQUEST "expires_at is no RFC 3339 timestamp.",
    ExpiresAtRequired "EXPIRES_AT_REQUIRED" BAD_REQUEST "time_in_force gtd needs expires_at.",
    ExpiresAtNotAllowed "EXPIRES_AT_NOT_ALLOWED" BAD_REQUEST "expires_at goes with time_in_force gtd only.",
    PostOnlyNotAllowed "POST_ONLY_NOT_ALLOWED" BAD_REQUEST "post_only needs a limit order with time_in_force gtc, gtd or day.",
    InvalidValidUntil "INVALID_VALID_UNTIL" BAD_REQUEST "valid_until is no RFC 3339 timestamp.",
    ValidUntilPassed "VALID_UNTIL_PASSED" BAD_REQUEST "The request was looked at after its valid_until, and led to nothing.",
    InvalidBatch "INVALID_BATCH" BAD_REQUEST "A batch has 1 to 50 orders.",
    InvalidClientOrderId "INVALID_CLIENT_ORDER_ID" BAD_REQUEST "client_order_id (or Idempotency-Key) has the wrong shape.",
    IdempotencyKeyMismatch "IDEMPOTENCY_KEY_MISMATCH" BAD_REQUEST "Idempotency-Key and the name in the body (client_order_id, id) were both sent and differ.",
    UnknownSymbol "UNKNOWN_SYMBOL" BAD_REQUEST "There is no instrument of this symbol.",
    UnknownAccount "UNKNOWN_ACCOUNT" BAD_REQUEST "The tenant has no account of this name.",
    UnknownPortfolio "UNKNOWN_PORTFOLIO" BAD_REQUEST "The tenant has no portfolio of this name.",
    InvalidPortfolio "INVALID_PORTFOLIO" BAD_REQUEST "A portfolio's id has the wrong shape, or is missing.",
    InvalidPortfolioName "INVALID_PORTFOLIO_NAME" BAD_REQUEST "A portfolio's name is empty, too long, has invisible characters or space at an end.",
    InvalidPortfolioStatus "INVALID_PORTFOLIO_STATUS" BAD_REQUEST "A portfolio's status must be active or archived.",
    PortfolioNotFound "PORTFOLIO_NOT_FOUND" NOT_FOUND "There is no such portfolio.",
    PortfolioExists "PORTFOLIO_EXISTS" CONFLICT "The id names a portfolio of another name.",
    PortfolioArchived "PORTFOLIO_ARCHIVED" CONFLICT "The portfolio is archived: it takes neither orders nor money until it is restored.",
    PortfolioPermanent "PORTFOLIO_PERMANENT" CONFLICT "The portfolio main cannot be archived.",
    PortfolioHasPositions "PORTFOLIO_HAS_POSITIONS" CONFLICT "The portfolio holds positions: it cannot be archived. `details.positions` counts them.",
    PortfolioHasOpenOrders "PORTFOLIO_HAS_OPEN_ORDERS" CONFLICT "The portfolio has open orders: it cannot be archived. `details.open_orders` counts them.",
    TooManyPortfolios "TOO_MANY_PORTFOLIOS" CONFLICT "The tenant has as many portfolios as may be, archived ones included; `details.limit` is how many.",
    PriceOffTick "PRICE_OFF_TICK" BAD_REQUEST "price is no multiple of the instrument's tick.",
    QuantityOffStep "QUANTITY_OFF_STEP" BAD_REQUEST "quantity is no multiple of the instrument's step.",
    QuantityTooSmall "QUANTITY_TOO_SMALL" BAD_REQUEST "quantity is below the instrument's minimum.",
    QuantityTooLarge "QUANTITY_TOO_LARGE" BAD_REQUEST "quantity is above the instrument's maximum.",
    NotionalTooSmall "NOTIONAL_TOO_SMALL" BAD_REQUEST "The order is worth less than the instrument's minimum.",
    NotionalTooLarge "NOTIONAL_TOO_LARGE" BAD_REQUEST "The order is worth more than any order may be.",
    InsufficientFunds "INSUFFICIENT_FUNDS" BAD_REQUEST "Denied: not enough buying power. `details.order` is the denied order.",
    ShortNotAllowed "SHORT_NOT_ALLOWED" FORBIDDEN "Denied: the account may not sell what it does not hold. `details.order` is the denied order.",
    ReduceOnlyExceeded "REDUCE_ONLY_EXCEEDED" FORBIDDEN "Denied: a reduce_only order for more than is held and not being closed already. `details.order` is the denied order.",
    OrderValueTooLarge "ORDER_VALUE_TOO_LARGE" FORBIDDEN "Denied: the order is worth too much. `details.order` is the denied order.",
    NoMarketPrice "NO_MARKET_PRICE" FORBIDDEN "Denied: nobody quotes the symbol right now. `details.order` is the denied order.",
    CurrencyMismatch "CURRENCY_MISMATCH" FORBIDDEN "Denied: the instrument is not priced in the account's currency. `details.order` is the denied order.",
    TradingHalted "TRADING_HALTED" FORBIDDEN "Denied: trading is halted here until it is resumed. `details.order` is the denied order.",
    TradingReduceOnly "TRADING_REDUCE_ONLY" FORBIDDEN "Denied: only what reduces a position passes until trading is resumed. `details.order` is the denied order.",
    SymbolNotAllowed "SYMBOL_NOT_ALLOWED" FORBIDDEN "Denied: the limits' lists of symbols bar it. `details.order` is the denied order.",
    OrderQuantityLimit "ORDER_QUANTITY_LIMIT" FORBIDDEN "Denied: the order's quantity is beyond a limit. `details` has limit, would_be and the denied order.",
    OrderNotionalLimit "ORDER_NOTIONAL_LIMIT" FORBIDDEN "Denied: the order's worth is beyond a limit. `details` has limit, would_be and the denied order.",
    PositionLimit "POSITION_LIMIT" FORBIDDEN "Denied: the position would be worth more than a limit. `details` has limit, would_be and the denied order.",
    GrossExposureLimit "GROSS_EXPOSURE_LIMIT" FORBIDDEN "Denied: the account's gross exposure would be beyond a limit. `details` has limit, would_be and the denied order.",
    NetExposureLimit "NET_EXPOSURE_LIMIT" FORBIDDEN "Denied: the account's net exposure would be beyond a limit. `details` has limit, would_be and the denied order.",
    OpenOrdersLimit "OPEN_ORDERS_LIMIT" FORBIDDEN "Denied: more orders would be open than a limit allows. `details` has limit, would_be and the denied order.",
    PriceCollar "PRICE_COLLAR" FORBIDDEN "Denied: the limit price is too far from the market. `details` has limit, would_be and the denied order.",
    OrderDenied "ORDER_DENIED" FORBIDDEN "Denied by a pre-trade check. `details.order` is the denied order, `details.denial` the check's code.",
    InvalidScope "INVALID_SCOPE" BAD_REQUEST "scope must be tenant (without a name), account or symbol (with one).",
    InvalidHaltMode "INVALID_HALT_MODE" BAD_REQUEST "mode must be reduce_only, cancel_all, flatten or halt.",
    InvalidReason "INVALID_REASON" BAD_REQUEST "reason must have 1 to 200 visible characters.",
    InvalidLimit "INVALID_LIMIT" BAD_REQUEST "A limit is no plain decimal of zero or more, or a list is too long.",
    InvalidIfMatch "INVALID_IF_MATCH" BAD_REQUEST "If-Match must be a version, as a number in quotes.",
    VersionMismatch "VERSION_MISMATCH" PRECONDITION_FAILED "The version has changed, to `details.present`: look again, then repeat.",
    HaltIsStricter "HALT_IS_STRICTER" CONFLICT "The scope is halted with a stricter mode, in `details.present`: resume it first.",
    ClientOrderIdReused "CLIENT_ORDER_ID_REUSED" CONFLICT "The client_order_id names an order with other terms.",
    OrderInProgress "ORDER_IN_PROGRESS" CONFLICT "The same order is being placed by other requests at this moment; this one did nothing. Repeat it to see the order.",
    OrderClosed "ORDER_CLOSED" CONFLICT "The order is over: it can no longer be canceled.",
    OrderNotFound "ORDER_NOT_FOUND" NOT_FOUND "There is no such order.",
    TradeNotFound "TRADE_NOT_FOUND" NOT_FOUND "There is no such execution.",
    PositionNotFound "POSITION_NOT_FOUND" NOT_FOUND "Nothing was ever held in this symbol.",
    TooManyExecutions "TOO_MANY_EXECUTIONS" CONFLICT "More executions would have to be folded than one answer may; `details.limit` is how many. Ask for one account or portfolio.",
    InstrumentNotFound "INSTRUMENT_NOT_FOUND" NOT_FOUND "There is no such instrument.",
    TenantNotFound "TENANT_NOT_FOUND" NOT_FOUND "There is no such tenant.",
    ActorNotFound "ACTOR_NOT_FOUND" NOT_FOUND "There is no actor at this path.",
    ActorConflict "ACTOR_CONFLICT" CONFLICT "The actor or tenant is not in a state in which this can be done.",
    TooManyOpenOrders "TOO_MANY_OPEN_ORDERS" TOO_MANY_REQUESTS "As many orders are open as may be: wait or cancel some.",
    TooManySubscriptions "TOO_MANY_SUBSCRIPTIONS" TOO_MANY_REQUESTS "The socket follows as many channels as it may.",
    InvalidNumbers "INVALID_NUMBERS" UNPROCESSABLE_ENTITY "The numbers are outside what the method is defined for; the message says which and what would be right.",
    Infeasible "INFEASIBLE" UNPROCESSABLE_ENTITY "No solution satisfies all constraints.",
    NotIdentified "NOT_IDENTIFIED" UNPROCESSABLE_ENTITY "The data do not determine the parameters: there is no trustworthy answer.",
    NoConvergence "NO_CONVERGENCE" UNPROCESSABLE_ENTITY "The method did not converge on these numbers.",
    InvalidModel "INVALID_MODEL" BAD_REQUEST "The model, method or kind is none of those that are known; the message names them.",
    InvalidUnderlying "INVALID_UNDERLYING" BAD_REQUEST "underlying has 1 to 64 characters of A-Z a-z 0-9 . _ : / -.",
    JobNotFound "JOB_NOT_FOUND" NOT_FOUND "There is no such job; results are kept for an hour and not across restarts.",
    JobCanceled "JOB_CANCELED" CONFLICT "The computation was canceled.",
    JobInterrupted "JOB_INTERRUPTED" SERVICE_UNAVAILABLE "The computation was interrupted: ask again.",
    TooManyJobs "TOO_MANY_JOBS" TOO_MANY_REQUESTS "As many computations of the tenant wait or run as may: wait for some.",
    UnknownChannel "UNKNOWN_CHANNEL" BAD_REQUEST "There is no such channel.",
    AlreadySubscribed "ALREADY_SUBSCRIBED" CONFLICT "The socket follows this channel already.",
    AfterSeqInFuture "AFTER_SEQ_IN_FUTURE" BAD_REQUEST "after_seq lies beyond the end of the journal.",
    InvalidFrame "INVALID_FRAME" BAD_REQUEST "The WebSocket frame is no operation that is known.",
    UpgradeRequired "UPGRADE_REQUIRED" UPGRADE_REQUIRED "This route speaks WebSocket only.",
    Overloaded "OVERLOADED" SERVICE_UNAVAILABLE "Too much is waiting. Nothing was done.",
    Recovering "RECOVERING" SERVICE_UNAVAILABLE "The tenant is starting or recovering. Nothing was done.",
    Reconciling "RECONCILING" SERVICE_UNAVAILABLE "The account's state at its venue is being established. Nothing was done; cancels work.",
    Quarantined "QUARANTINED" SERVICE_UNAVAILABLE "The tenant is quarantined. Nothing was done; history is readable.",
    TenantStopped "TENANT_STOPPED" SERVICE_UNAVAILABLE "The tenant is stopped or moving. Nothing was done.",
    DeadlinePassed "DEADLINE_PASSED" SERVICE_UNAVAILABLE "The deadline passed before work started. Nothing was done.",
    DatabaseUnavailable "DATABASE_UNAVAILABLE" SERVICE_UNAVAILABLE "The database is away. Nothing was done.",
    OutcomeUnknown "OUTCOME_UNKNOWN" SERVICE_UNAVAILABLE "It may or may not have been done; the message says how to find out. For an order, `details.client_order_id` names it.",
    NotReady "NOT_READY" SERVICE_UNAVAILABLE "The server is starting or stopping; `details` names the part that is not ready.",
    RequestTimeout "REQUEST_TIMEOUT" SERVICE_UNAVAILABLE "The request took too long and was given up.",
    Internal "INTERNAL" INTERNAL_SERVER_ERROR "A fault of ours. It is in our log under the request_id.",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_screaming() {
        let names: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for name in names {
            assert!(name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{name}");
        }
    }
}
