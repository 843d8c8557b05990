//! The portfolio as a follower: what it loaded is not folded twice, and a hole makes it load again.

use super::{LIMITS, Portfolio, PortfolioFilter, PortfolioMsg, PortfolioView};
use crate::failure::UnknownPart;
use crate::fakes::core::no_database;
use crate::fakes::ledger::{FakeJournal, FakeLedger};
use crate::fakes::venue::{FakeVenue, quote};
use crate::fakes::{SOON, TENANT};
use crate::feed::CommittedBatch;
use crate::image::ImageSource;
use crate::quotes::{Instruments, QuoteBoard};
use crate::{ledger, order_desk, risk};
use bulkhead_domain::event::PortfolioCreated;
use bulkhead_domain::{AccountId, Event, PortfolioId};
use bulkhead_persistence::Plan;
use bulkhead_supervision::{CallError, ChildSpec, Port, Strategy, SupervisorSpec, start_root};
use bulkhead_venues::{ClockKind, Venue};
use std::sync::{Arc, Mutex};
use tokio::task::yield_now;

struct Rig {
    journal: Arc<Mutex<FakeJournal>>,
    port: Port<PortfolioMsg>,
}

impl Rig {
    async fn start() -> Self {
        let journal = FakeJournal::open(Plan::Starter);
        let (venue, _) = FakeVenue::new(ClockKind::Live);
        let quotes = QuoteBoard::new(&Instruments::new(venue.instruments()));
        quotes.record(quote("99", "101"));
        let ledger = Port::new("root/ledger", ledger::LIMITS);
        let port = Port::new("root/portfolio", LIMITS);
        let make_ledger = {
            let journal = journal.clone();
            let (risk, desk) = (Port::new("risk", risk::LIMITS), Port::new("desk", order_desk::LIMITS));
            move || FakeLedger { journal: journal.clone(), risk: risk.clone(), desk: desk.clone() }
        };
        let images = Arc::new(ImageSource::new(no_database(), TENANT));
        let make = {
            let ledger = ledger.clone();
            move || Portfolio { images: images.clone(), ledger: ledger.clone(), quotes: quotes.clone() }
        };
        let spec = SupervisorSpec::new("root", Strategy::OneForOne)
            .child(ChildSpec::worker("ledger", ledger.clone(), make_ledger))
            .child(ChildSpec::worker("portfolio", port.clone(), make));
        drop(start_root(spec).await.unwrap());
        Self { journal, port }
    }

    /// Adds to the journal; what of it is told to the portfolio is up to the test.
    fn commit(&self, name: &str) -> Arc<CommittedBatch> {
        let mut journal = self.journal.lock().unwrap();
        let heads = journal.image.streams;
        let portfolio = PortfolioId::parse(name).unwrap();
        journal.push(Event::PortfolioCreated(PortfolioCreated { portfolio, name: None }));
        Arc::new(CommittedBatch::new(journal.events.last().cloned().into_iter().collect(), heads))
    }

    async fn view(&self) -> PortfolioView {
        loop {
            let ask = |reply| PortfolioMsg::View(PortfolioFilter::default(), reply);
            match self.port.call(SOON, ask).await {
                Ok(view) => return view.unwrap(),
                Err(CallError::NotDelivered(_)) => yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_repetition_is_folded_once_and_a_hole_is_loaded_anew() {
    let rig = Rig::start().await;
    let opened = rig.view().await;
    assert_eq!((opened.as_of_seq, opened.cash.to_string()), (3, "100000".to_owned()));
    assert_eq!(opened.equity.map(|equity| equity.to_string()), Some("100000".to_owned()));
    let first = rig.commit("first");
    for _ in 0..2 {
        rig.port.notify(PortfolioMsg::Committed(first.clone())).unwrap();
    }
    assert_eq!((rig.view().await.as_of_seq, rig.port.incarnation()), (4, 1));
    drop(rig.commit("lost"));
    rig.port.notify(PortfolioMsg::Committed(rig.commit("after"))).unwrap();
    while rig.port.incarnation() == 1 {
        yield_now().await;
    }
    assert_eq!((rig.view().await.as_of_seq, rig.port.incarnation()), (6, 2));
    assert!(rig.port.call(SOON, PortfolioMsg::IsFlat).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_the_tenant_does_not_have_is_not_shown_as_empty() {
    let rig = Rig::start().await;
    rig.view().await;
    let (account, portfolio) = (AccountId::parse("zz").unwrap(), PortfolioId::parse("zz").unwrap());
    let ask = async |filter| rig.port.call(SOON, |reply| PortfolioMsg::View(filter, reply)).await.unwrap();
    let unknown = ask(PortfolioFilter { account: Some(account.clone()), ..PortfolioFilter::default() }).await;
    assert_eq!(unknown.err(), Some(UnknownPart::Account(account)));
    let unknown =
        ask(PortfolioFilter { portfolio: Some(portfolio.clone()), ..PortfolioFilter::default() }).await;
    assert_eq!(unknown.err(), Some(UnknownPart::Portfolio(portfolio)));
    let known = PortfolioFilter {
        account: Some(AccountId::parse("paper").unwrap()),
        portfolio: Some(PortfolioId::parse("main").unwrap()),
        mode: None,
    };
    assert!(ask(known).await.is_ok());
}
