//! The session against a fake venue, on a paused clock.

use super::{ANSWER_WITHIN, ExchangeSession, LIMITS, SessionMsg};
use crate::fakes::venue::{FakeVenue, VENUE_NOW, accepted, filled, found_open};
use crate::fakes::{Heard, TENANT, paper, probe, terms};
use crate::opening::paper_funding;
use crate::order_desk::{self, DeskMsg};
use bulkhead_domain::order::{Side, UnknownCause};
use bulkhead_domain::report::ReportKind;
use bulkhead_domain::{OrderId, VenueClientId};
use bulkhead_supervision::{ChildSpec, Port, Strategy, SupervisorHandle, SupervisorSpec, start_root};
use bulkhead_venues::{
    ClockKind, Refusal, RequestId, RequestKind, SubmitOrder, VenueAccountKey, VenueMessage, VenueRequest,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

struct Rig {
    venue: Arc<FakeVenue>,
    requests: Heard<VenueRequest>,
    desk: Heard<DeskMsg>,
    session: Port<SessionMsg>,
    root: SupervisorHandle,
}

impl Rig {
    async fn start(clock_kind: ClockKind) -> Self {
        let (venue, requests) = FakeVenue::new(clock_kind);
        let desk_port = Port::new("root/desk", order_desk::LIMITS);
        let session = Port::new("root/session", LIMITS);
        let (desk_child, desk) = probe("desk", &desk_port);
        let make = {
            let (venue, desk) = (venue.clone(), desk_port.clone());
            move || ExchangeSession {
                key: VenueAccountKey { tenant_id: TENANT, account: paper() },
                venue: venue.clone(),
                desk: desk.clone(),
                funding: Some(paper_funding()),
            }
        };
        let spec = SupervisorSpec::new("root", Strategy::OneForOne)
            .child(desk_child)
            .child(ChildSpec::worker("session", session.clone(), make));
        let root = start_root(spec).await.unwrap();
        Self { venue, requests, desk, session, root }
    }

    /// Connected, and the desk knows.
    async fn up() -> Self {
        let mut rig = Self::start(ClockKind::Live).await;
        assert!(matches!(rig.desk.next().await, DeskMsg::SessionDown { .. }));
        rig.venue.connect_all();
        assert!(matches!(rig.desk.next().await, DeskMsg::SessionUp { desk_incarnation: 1, .. }));
        assert!(matches!(rig.requests.next().await.kind, RequestKind::OpenAccount(_)));
        rig
    }

    fn submit(&self, number: u128, desk_incarnation: u64) -> VenueClientId {
        let venue_client_id = VenueClientId::derive(TENANT, OrderId(Uuid::from_u128(number)));
        let terms = terms(Side::Buy, "1@100");
        let order = SubmitOrder::of(venue_client_id.clone(), &terms);
        let submit = SessionMsg::Submit { desk_incarnation, order: Box::new(order) };
        self.session.notify(submit).unwrap();
        venue_client_id
    }

    async fn not_sent(&mut self) -> VenueClientId {
        match self.desk.next().await {
            DeskMsg::NotSent { venue_client_id } => venue_client_id,
            other => panic!("not sent was expected: {}", bulkhead_supervision::Message::kind(&other)),
        }
    }

    async fn unknown(&mut self) -> (VenueClientId, UnknownCause) {
        match self.desk.next().await {
            DeskMsg::OutcomeUnknown { venue_client_id, cause } => (venue_client_id, cause),
            other => panic!("doubt was expected: {}", bulkhead_supervision::Message::kind(&other)),
        }
    }

    async fn report(&mut self) -> ReportKind {
        match self.desk.next().await {
            DeskMsg::Report(report) => report.kind,
            other => panic!("a report was expected: {}", bulkhead_supervision::Message::kind(&other)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answered_submission_is_passed_on_and_asked_about_no_more() {
    let mut rig = Rig::up().await;
    let id = rig.submit(1, 1);
    assert_eq!(rig.requests.submit().await.venue_client_id, id);
    rig.venue.report(&id, accepted());
    assert_eq!(rig.report().await, accepted());
    assert!(rig.desk.is_silent_for(ANSWER_WITHIN * 3).await);
    assert!(rig.requests.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn a_request_expires_at_the_venue_when_the_session_gives_it_up() {
    let mut rig = Rig::up().await;
    rig.submit(1, 1);
    let request = rig.requests.next().await;
    assert_eq!(request.expires_at, VENUE_NOW.plus_micros(2_000_000));
    assert_eq!(u128::try_from(request.expires_at.micros()).unwrap(), ANSWER_WITHIN.as_micros());
    let mut rig = Rig::start(ClockKind::Recorded).await;
    rig.venue.connect_all();
    let request = rig.requests.next().await;
    assert_eq!(request.expires_at, VENUE_NOW.plus_micros(3_600_000_000));
}

#[tokio::test(start_paused = true)]
async fn silence_is_doubt_and_then_questions_with_growing_patience_never_a_second_submission() {
    let mut rig = Rig::up().await;
    let asked = Instant::now();
    let id = rig.submit(1, 1);
    rig.requests.submit().await;
    assert_eq!(rig.unknown().await, (id.clone(), UnknownCause::Timeout));
    assert!(asked.elapsed() >= ANSWER_WITHIN && asked.elapsed() < ANSWER_WITHIN * 2);
    let mut last = Instant::now();
    let mut patience = Duration::ZERO;
    for attempt in 0..4 {
        assert_eq!(rig.requests.query().await, id, "question {attempt}");
        if attempt > 0 {
            assert!(last.elapsed() > patience, "question {attempt} after {:?}", last.elapsed());
            patience = last.elapsed();
        }
        last = Instant::now();
    }
    rig.venue.report(&id, found_open(Vec::new()));
    assert_eq!(rig.report().await, found_open(Vec::new()));
    assert!(rig.requests.is_silent_for(Duration::from_secs(120)).await);
    assert!(rig.desk.is_silent().await, "doubt is said once");
}

#[tokio::test(start_paused = true)]
async fn orders_of_an_earlier_desk_and_without_a_connection_certainly_do_not_leave() {
    let mut rig = Rig::up().await;
    let old = rig.submit(1, 0);
    assert_eq!(rig.not_sent().await, old);
    rig.session.notify(SessionMsg::Hello { desk_incarnation: 2 }).unwrap();
    assert!(matches!(rig.desk.next().await, DeskMsg::SessionUp { desk_incarnation: 2, .. }));
    let overtaken = rig.submit(2, 1);
    assert_eq!(rig.not_sent().await, overtaken);
    rig.venue.break_silently();
    let unsent = rig.submit(3, 2);
    assert_eq!(rig.not_sent().await, unsent);
    assert!(rig.requests.is_silent().await);
    assert!(rig.desk.is_silent_for(ANSWER_WITHIN * 3).await, "what did not leave is not asked about");
}

#[tokio::test(start_paused = true)]
async fn cancels_pass_whichever_desk_asks_and_silence_about_them_is_doubt_too() {
    let mut rig = Rig::up().await;
    let id = VenueClientId::derive(TENANT, OrderId(Uuid::from_u128(1)));
    rig.session.notify(SessionMsg::Hello { desk_incarnation: 9 }).unwrap();
    rig.desk.next().await;
    rig.session.notify(SessionMsg::Cancel { venue_client_id: id.clone() }).unwrap();
    assert_eq!(rig.requests.cancel().await, id);
    assert_eq!(rig.unknown().await, (id.clone(), UnknownCause::Timeout));
    assert_eq!(rig.requests.query().await, id);
    // A fill answers no cancel: the question stays open until the state is told.
    rig.venue.report(&id, filled("e1", "1@100"));
    assert!(matches!(rig.report().await, ReportKind::Filled { .. }));
    assert_eq!(rig.requests.query().await, id);
}

#[tokio::test(start_paused = true)]
async fn what_was_in_flight_when_the_connection_broke_is_unknown_and_not_sent_again() {
    let mut rig = Rig::up().await;
    let id = rig.submit(1, 1);
    rig.requests.submit().await;
    rig.venue.disconnect();
    assert!(matches!(rig.desk.next().await, DeskMsg::SessionDown { .. }));
    assert_eq!(rig.unknown().await, (id, UnknownCause::Disconnected));
    rig.venue.connect_all();
    assert!(matches!(rig.desk.next().await, DeskMsg::SessionUp { .. }));
    assert!(matches!(rig.requests.next().await.kind, RequestKind::OpenAccount(_)));
    assert!(rig.requests.is_silent_for(ANSWER_WITHIN * 5).await, "the desk asks, nothing is repeated");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_could_not_be_sent_is_asked_again() {
    let mut rig = Rig::up().await;
    let id = VenueClientId::derive(TENANT, OrderId(Uuid::from_u128(1)));
    rig.venue.break_silently();
    rig.session.notify(SessionMsg::Query { venue_client_id: id.clone() }).unwrap();
    assert!(rig.requests.is_silent_for(ANSWER_WITHIN).await);
    rig.venue.connect_all();
    assert!(matches!(rig.requests.next().await.kind, RequestKind::OpenAccount(_)));
    assert_eq!(rig.requests.query().await, id);
}

#[tokio::test(start_paused = true)]
async fn a_refused_submission_is_resolved_by_asking() {
    let mut rig = Rig::up().await;
    let id = rig.submit(1, 1);
    let VenueRequest { request_id, .. } = rig.requests.next().await;
    let refusal = Refusal { code: "FULL".to_owned(), message: "full".to_owned() };
    rig.venue.say(VenueMessage::Refused { request_id, refusal });
    assert_eq!(rig.unknown().await.0, id);
    assert_eq!(rig.requests.query().await, id);
    assert_ne!(request_id, RequestId(0));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_be_opened_is_tried_again() {
    let mut rig = Rig::up().await;
    rig.venue.refuse_connects(3);
    let links = rig.venue.link_count();
    rig.root.kill("session", "a test").await.unwrap();
    assert!(matches!(rig.desk.next().await, DeskMsg::SessionDown { .. }));
    assert!(matches!(rig.desk.next().await, DeskMsg::SessionUp { .. }));
    assert_eq!(rig.venue.link_count(), links + 1);
    let id = rig.submit(5, 1);
    assert!(matches!(rig.requests.next().await.kind, RequestKind::OpenAccount(_)));
    assert_eq!(rig.requests.submit().await.venue_client_id, id);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_executions_is_asked_for_until_it_is_answered_or_refused() {
    let mut rig = Rig::up().await;
    rig.session.notify(SessionMsg::ListFills { cursor: None }).unwrap();
    assert!(matches!(rig.requests.next().await.kind, RequestKind::FillsSince { cursor: None }));
    let again = rig.requests.next().await;
    assert!(matches!(again.kind, RequestKind::FillsSince { cursor: None }), "silence is asked again");
    let fills = || VenueMessage::Fills { request_id: again.request_id, fills: Vec::new(), next: None };
    rig.venue.say(fills());
    assert!(rig.desk.is_silent_for(ANSWER_WITHIN * 3).await, "nothing was listed");
    assert!(rig.requests.is_silent().await);

    rig.session.notify(SessionMsg::ListFills { cursor: None }).unwrap();
    let request_id = rig.requests.next().await.request_id;
    let refusal = Refusal { code: "INVALID_CURSOR".to_owned(), message: "no".to_owned() };
    rig.venue.say(VenueMessage::Refused { request_id, refusal });
    assert!(rig.desk.is_silent_for(ANSWER_WITHIN * 3).await);
    assert!(rig.requests.is_silent().await, "it would be refused again");
}
