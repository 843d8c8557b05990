//! The kill switch's hand: what is open goes first, to the venue before anything is written; then the halt is recorded,
//! and risk is told at once so that nothing passes while it is on its way to the journal.

use super::{DeskMsg, DeskState, OrderDesk, PlaceCall};
use crate::failure::{HaltError, Halted, LimitsError, RiskGate};
use crate::risk::RiskMsg;
use bulkhead_domain::Event;
use bulkhead_domain::desk::PlaceOrder;
use bulkhead_domain::event::{TradingHalted, TradingResumed};
use bulkhead_domain::order::CanceledBy;
use bulkhead_domain::risk::{ChangeLimits, LimitBook};
use bulkhead_supervision::{Context, Reply};
use tracing::{error, warn};

impl OrderDesk {
    /// Repeating a halt sends its cancels again and records nothing new.
    pub(super) fn halt(
        &self,
        state: &mut DeskState,
        halt: &TradingHalted,
        reply: Reply<Result<Halted, HaltError>>,
    ) {
        let event = match state.book.decide_halt(halt.clone()) {
            Ok(event) => event,
            Err(rejection) => return reply.send(Err(rejection.into())),
        };
        let mut cancels = 0;
        if halt.mode.cancels() {
            for order_id in state.book.open_orders_in(&halt.scope) {
                // An order that is over by now needs none.
                cancels += usize::from(self.request_cancel(state, order_id, CanceledBy::Platform).is_ok());
            }
        }
        let changed = event.is_some();
        if let Some(event) = event {
            warn!(tenant_id = %self.tenant_id, scope = %halt.scope, mode = %halt.mode, "trading halted");
            self.record_halt(state, event);
        }
        let halts = state.halts();
        self.when_durable(Box::new(move || reply.send(Ok(Halted { halts, cancels, changed }))));
    }

    pub(super) fn resume(&self, state: &mut DeskState, resume: TradingResumed, reply: Reply<Halted>) {
        let scope = resume.scope.clone();
        let event = state.book.halts().decide_resume(resume);
        let changed = event.is_some();
        if let Some(event) = event {
            warn!(tenant_id = %self.tenant_id, %scope, "trading resumed");
            self.record_halt(state, event);
        }
        let halts = state.halts();
        self.when_durable(Box::new(move || reply.send(Halted { halts, cancels: 0, changed })));
    }

    /// The halts and limits; a read waits for what it saw to be durable.
    pub(super) fn show_gate(&self, state: &DeskState, reply: Reply<RiskGate>) {
        let gate = RiskGate { halts: state.halts(), limits: state.book.limits().clone() };
        self.when_durable(Box::new(move || reply.send(gate)));
    }

    /// New limits hold like a halt: for every order that is not decided yet.
    pub(super) fn change_limits(
        &self,
        state: &mut DeskState,
        change: ChangeLimits,
        reply: Reply<Result<LimitBook, LimitsError>>,
    ) {
        match state.book.decide_limits(change) {
            Ok(event) => event.into_iter().for_each(|event| self.record_halt(state, event)),
            Err(rejection) => return reply.send(Err(rejection.into())),
        }
        let limits = state.book.limits().clone();
        self.when_durable(Box::new(move || reply.send(Ok(limits))));
    }

    /// To the ledger first: what risk is told has its place in the journal, whatever becomes of this desk.
    fn record_halt(&self, state: &mut DeskState, event: Event) {
        self.record(state, vec![event.clone()], Box::new(|| {}));
        state.halt_changes += 1;
        drop(self.risk.notify(RiskMsg::HaltChanged(Box::new(event))));
    }

    /// Places an order that closes a position. Risk asks again for what is left, so nobody waits for this one.
    pub(super) fn flatten(&self, cx: &Context<DeskMsg>, state: &mut DeskState, place: PlaceOrder) {
        let (reply, answer) = Reply::channel();
        let order_id = place.order_id;
        if cx.pipe(answer, move |answer| DeskMsg::Flattened { order_id, answer: answer.ok() }).is_err() {
            return;
        }
        state.flattening.insert(order_id);
        self.place(cx, state, PlaceCall { place, reply }, false);
    }

    pub(super) fn flattened(
        &self,
        state: &mut DeskState,
        order_id: bulkhead_domain::OrderId,
        answer: Option<Result<crate::failure::Placed, crate::failure::PlaceError>>,
    ) {
        state.flattening.remove(&order_id);
        if let Some(Err(failure)) = answer {
            error!(tenant_id = %self.tenant_id, order.id = %order_id, %failure, "position not flattened yet");
        }
    }
}

impl DeskState {
    fn halts(&self) -> Vec<TradingHalted> {
        self.book.halts().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::core::Core;
    use crate::fakes::venue::{accepted, filled};
    use crate::fakes::{SOON, btc, paper, place, place_sell};
    use bulkhead_domain::order::{OrderStatus, Origin, TimeInForce};
    use bulkhead_domain::report::{ReportKind, VenueCancelCause};
    use bulkhead_domain::risk::{HaltAuthor, HaltMode, HaltRejection, HaltScope};
    use bulkhead_domain::{Timestamp, UserId};
    use std::time::Duration;
    use tokio::task::JoinHandle;
    use uuid::Uuid;

    fn wish(scope: HaltScope, mode: HaltMode) -> TradingHalted {
        let by = HaltAuthor::User { user_id: UserId(Uuid::from_u128(1)) };
        TradingHalted { scope, mode, reason: "drill".to_owned(), by, at: Timestamp::EPOCH }
    }

    fn halting(core: &Core, scope: HaltScope, mode: HaltMode) -> JoinHandle<Result<Halted, HaltError>> {
        let (desk, halt) = (core.cell.desk.clone(), wish(scope, mode));
        tokio::spawn(async move { desk.call(SOON, |reply| DeskMsg::Halt { halt, reply }).await.unwrap() })
    }

    async fn resume(core: &Core, scope: HaltScope) -> Halted {
        let by = HaltAuthor::User { user_id: UserId(Uuid::from_u128(1)) };
        let resume = TradingResumed { scope, reason: "over".to_owned(), by, at: Timestamp::EPOCH };
        core.cell.desk.call(SOON, |reply| DeskMsg::Resume { resume, reply }).await.unwrap()
    }

    async fn status(core: &Core, request: PlaceOrder) -> OrderStatus {
        core.place(request).await.unwrap().unwrap().unwrap().order.status()
    }

    /// A position of 2, bought at 100.
    async fn with_position() -> Core {
        let mut core = Core::start_open().await;
        let order = core.place(place("long", "2@100")).await.unwrap().unwrap().unwrap().order;
        core.requests.submit().await;
        core.venue.report(&order.venue_client_id, filled("e1", "2@100"));
        core.quiet().await;
        core
    }

    #[tokio::test(start_paused = true)]
    async fn cancels_leave_and_nothing_passes_while_the_journal_stands_still() {
        let mut core = Core::start_open().await;
        let order = core.place(place("a", "1@100")).await.unwrap().unwrap().unwrap().order;
        core.requests.submit().await;
        core.venue.report(&order.venue_client_id, accepted());
        core.quiet().await;
        core.hold(true);
        let halted = halting(&core, HaltScope::Tenant, HaltMode::Halt);
        assert_eq!(core.requests.cancel().await, order.venue_client_id);
        let denied = core.place(place("b", "1@100"));
        assert!(core.requests.is_silent().await, "no order leaves");
        assert!(!halted.is_finished() && !denied.is_finished(), "no reply before the commit");
        core.hold(false);
        core.settle(Ok(()));
        let halted = halted.await.unwrap().unwrap();
        assert_eq!((halted.cancels, halted.changed, halted.halts.len()), (1, true, 1));
        let denied = denied.await.unwrap().unwrap().unwrap().order;
        assert_eq!(denied.verdicts[0].code.as_deref(), Some("TRADING_HALTED"));
        let order = core.find(order.id).await.unwrap();
        assert_eq!(order.pending, Some(bulkhead_domain::order::Pending::Cancel { by: CanceledBy::Platform }));
        let again = halting(&core, HaltScope::Tenant, HaltMode::Halt).await.unwrap().unwrap();
        assert_eq!((again.cancels, again.changed), (1, false));
        assert_eq!(core.requests.cancel().await, order.venue_client_id, "repeated, sent again");
        let kinds = core.journal().kinds().into_iter().filter(|kind| *kind == "trading_halted").count();
        assert_eq!(kinds, 1, "and recorded once");
        let milder = halting(&core, HaltScope::Tenant, HaltMode::ReduceOnly).await.unwrap();
        assert!(matches!(milder, Err(HaltError::Rejected(HaltRejection::Stricter { .. }))), "{milder:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_that_risk_let_through_before_the_halt_is_asked_about_again() {
        let mut core = Core::start_open().await;
        let desk = core.cell.desk.clone();
        let (reply, placed) = Reply::channel();
        desk.notify(DeskMsg::Place(Box::new(PlaceCall { place: place("a", "1@100"), reply }))).unwrap();
        let (reply, halted) = Reply::channel();
        let halt = wish(HaltScope::Symbol(btc()), HaltMode::Halt);
        desk.notify(DeskMsg::Halt { halt, reply }).unwrap();
        halted.await.unwrap().unwrap();
        assert_eq!(placed.await.unwrap().unwrap().order.status(), OrderStatus::Denied);
        core.quiet().await;
        assert_eq!(core.journal().image.risk.reservation_count(), 0);
        // The other way round, what was reserved in between does not count twice.
        let (reply, resumed) = Reply::channel();
        let by = HaltAuthor::User { user_id: UserId(Uuid::nil()) };
        let scope = HaltScope::Symbol(btc());
        let resume = TradingResumed { scope, reason: "over".to_owned(), by, at: Timestamp::EPOCH };
        let (answer, placed) = Reply::channel();
        let call = PlaceCall { place: place("b", "1500@100"), reply: answer };
        desk.notify(DeskMsg::Place(Box::new(call))).unwrap();
        desk.notify(DeskMsg::Resume { resume, reply }).unwrap();
        assert!(resumed.await.unwrap().halts.is_empty());
        assert_eq!(placed.await.unwrap().unwrap().order.status(), OrderStatus::Submitted);
        core.requests.submit().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_halt_stands_through_restarts_until_it_is_resumed() {
        let mut core = with_position().await;
        halting(&core, HaltScope::Account(paper()), HaltMode::ReduceOnly).await.unwrap().unwrap();
        assert!(core.requests.is_silent().await, "nothing is cancelled or closed");
        for (number, actor) in ["core/order_desk", "core/risk", "core/ledger"].into_iter().enumerate() {
            core.kill(actor).await;
            core.quiet().await;
            let up = place(&format!("up-{number}"), "0.1@100");
            assert_eq!(status(&core, up).await, OrderStatus::Denied, "{actor}");
        }
        let halts = core.cell.desk.call(SOON, DeskMsg::RiskGate).await.unwrap().halts;
        assert_eq!(halts, [wish(HaltScope::Account(paper()), HaltMode::ReduceOnly)]);
        assert_eq!(status(&core, place_sell("down", "2@100")).await, OrderStatus::Submitted);
        core.requests.submit().await;
        assert!(!resume(&core, HaltScope::Tenant).await.changed, "another scope");
        assert!(resume(&core, HaltScope::Account(paper())).await.changed);
        assert!(!resume(&core, HaltScope::Account(paper())).await.changed, "once");
        assert_eq!(status(&core, place("up", "0.1@100")).await, OrderStatus::Submitted);
        core.requests.submit().await;
    }

    #[tokio::test(start_paused = true)]
    async fn of_halts_that_follow_each_other_the_last_one_holds_before_any_is_durable() {
        let mut core = Core::start_open().await;
        core.hold(true);
        let desk = core.cell.desk.clone();
        let mut answers = Vec::new();
        for round in 0..3 {
            let (reply, halted) = Reply::channel();
            desk.notify(DeskMsg::Halt { halt: wish(HaltScope::Tenant, HaltMode::Halt), reply }).unwrap();
            answers.push(halted);
            if round < 2 {
                let (reply, _answer) = Reply::channel();
                let by = HaltAuthor::User { user_id: UserId(Uuid::nil()) };
                let (scope, reason) = (HaltScope::Tenant, "over".to_owned());
                let resume = TradingResumed { scope, reason, by, at: Timestamp::EPOCH };
                desk.notify(DeskMsg::Resume { resume, reply }).unwrap();
            }
        }
        assert!(core.requests.is_silent().await);
        core.hold(false);
        core.settle(Ok(()));
        for answer in answers {
            answer.await.unwrap().unwrap();
        }
        assert_eq!(status(&core, place("a", "1@100")).await, OrderStatus::Denied);
        assert!(core.journal().image.desk.halts().iter().count() == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn flattening_closes_what_is_held_and_tries_again_for_the_rest() {
        let mut core = with_position().await;
        let halted = halting(&core, HaltScope::Tenant, HaltMode::Flatten).await.unwrap().unwrap();
        assert_eq!(halted.cancels, 0);
        let first = core.requests.submit().await;
        assert_eq!((first.quantity.to_string(), first.time_in_force), ("2".to_owned(), TimeInForce::Ioc));
        assert!(core.requests.is_silent_for(Duration::from_millis(900)).await, "once");
        core.venue.report(&first.venue_client_id, filled("c1", "1.5@99"));
        let kind = ReportKind::Canceled { cause: VenueCancelCause::TimeInForce };
        core.venue.report(&first.venue_client_id, kind);
        let rest = core.requests.submit().await;
        assert_eq!(rest.quantity.to_string(), "0.5");
        core.venue.report(&rest.venue_client_id, filled("c2", "0.5@99"));
        assert!(core.requests.is_silent_for(Duration::from_secs(200)).await, "it is flat");
        let journal = core.journal();
        let origins: Vec<Origin> = journal
            .events
            .iter()
            .filter_map(|recorded| match &recorded.event {
                Event::OrderSubmitted(data) => Some(data.origin),
                _ => None,
            })
            .collect();
        assert_eq!(origins, [Origin::User, Origin::User, Origin::Platform, Origin::Platform]);
        assert!(journal.image.risk.to_flatten().is_empty() && journal.image.risk.is_flattening());
    }

    #[tokio::test(start_paused = true)]
    async fn a_flattening_that_was_interrupted_goes_on_with_the_next_desk() {
        let mut core = with_position().await;
        core.venue.disconnect();
        halting(&core, HaltScope::Symbol(btc()), HaltMode::Flatten).await.unwrap().unwrap();
        assert!(core.requests.is_silent_for(Duration::from_secs(3)).await, "the account is not there");
        core.kill("core/order_desk").await;
        core.venue.connect_all();
        let closing = core.requests.submit().await;
        assert_eq!(closing.quantity.to_string(), "2");
        core.venue.report(&closing.venue_client_id, filled("c1", "2@99"));
        assert!(core.requests.is_silent_for(Duration::from_secs(200)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn new_limits_hold_for_what_risk_let_through_before_and_outlive_the_actors() {
        let mut core = Core::start_open().await;
        let desk = core.cell.desk.clone();
        let change = ChangeLimits {
            scope: HaltScope::Tenant,
            limits: bulkhead_domain::risk::Limits { open_orders_max: Some(0), ..Default::default() },
            expected_version: Some(0),
            by: HaltAuthor::User { user_id: UserId(Uuid::nil()) },
            at: Timestamp::EPOCH,
        };
        let (reply, placed) = Reply::channel();
        desk.notify(DeskMsg::Place(Box::new(PlaceCall { place: place("a", "1@100"), reply }))).unwrap();
        let (reply, changed) = Reply::channel();
        desk.notify(DeskMsg::ChangeLimits { change: change.clone(), reply }).unwrap();
        assert_eq!(changed.await.unwrap().unwrap().version, 1);
        assert_eq!(placed.await.unwrap().unwrap().order.status(), OrderStatus::Denied);
        core.kill("core/risk").await;
        core.quiet().await;
        assert_eq!(status(&core, place("b", "1@100")).await, OrderStatus::Denied);
        let stale = desk.call(SOON, |reply| DeskMsg::ChangeLimits { change, reply }).await.unwrap();
        assert!(matches!(stale, Err(LimitsError::Rejected(_))), "{stale:?}");
        assert_eq!(desk.call(SOON, DeskMsg::RiskGate).await.unwrap().limits.version, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_mailbox_still_takes_a_halt() {
        let core = Core::start_open().await;
        let desk = &core.cell.desk;
        let mut waiting = Vec::new();
        loop {
            let (reply, answer) = Reply::channel();
            if desk.send(DeskMsg::IsQuiet(reply), None).is_err() {
                break;
            }
            waiting.push(answer);
        }
        let refused = desk.call(SOON, DeskMsg::IsQuiet).await;
        assert!(refused.is_err(), "{refused:?}");
        let (reply, halted) = Reply::channel();
        let halt = wish(HaltScope::Tenant, HaltMode::Halt);
        assert!(desk.send(DeskMsg::Halt { halt, reply }, None).is_ok());
        assert!(halted.await.unwrap().unwrap().changed);
    }
}
