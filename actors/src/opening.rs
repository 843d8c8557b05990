//! What every tenant starts with: one paper account, one portfolio, and play money.

use bulkhead_domain::event::{AccountOpened, CashDeposited, PortfolioCreated};
use bulkhead_domain::order::Mode;
use bulkhead_domain::{AccountId, Amount, Currency, Event, PortfolioId, VenueName};
use bulkhead_persistence::Plan;
use bulkhead_venues::Funding;
use rust_decimal::Decimal;

/// What the paper account is opened with.
const PAPER_CASH: i64 = 100_000;
const PAPER_CURRENCY: &str = "USDT";

/// The events that open a tenant's journal.
pub(crate) fn opening_events(plan: Plan) -> Vec<Event> {
    let account = AccountId::parse("paper").expect("the name is a slug");
    let portfolio = PortfolioId::parse("main").expect("the name is a slug");
    let funding = paper_funding();
    vec![
        Event::PortfolioCreated(PortfolioCreated { portfolio: portfolio.clone(), name: None }),
        Event::AccountOpened(AccountOpened {
            account: account.clone(),
            venue: paper_venue(),
            mode: Mode::Paper,
            currency: funding.currency.clone(),
            leverage_max: leverage_max(plan),
            shorts_allowed: plan != Plan::Starter,
        }),
        Event::CashDeposited(CashDeposited {
            portfolio,
            account,
            currency: funding.currency,
            amount: funding.amount,
        }),
    ]
}

/// What a paper account is opened with at the venue; the same as in the journal.
pub(crate) fn paper_funding() -> Funding {
    Funding {
        currency: Currency::parse(PAPER_CURRENCY).expect("the code is upper case"),
        amount: Amount::from(Decimal::from(PAPER_CASH)),
    }
}

fn paper_venue() -> VenueName {
    VenueName::parse("paper").expect("the name is a slug")
}

/// How many times its equity an account may hold, by plan.
fn leverage_max(plan: Plan) -> Decimal {
    Decimal::from(match plan {
        Plan::Starter => 1,
        Plan::Pro => 2,
        Plan::Enterprise => 5,
        Plan::Unlimited => 10,
    })
}
