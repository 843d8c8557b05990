//! Each account's gate: new orders pass while its session is connected and every open order's state was asked.

use super::{DeskMsg, DeskState, OrderDesk, PlaceCall};
use crate::exchange_session::SessionMsg;
use crate::failure::PlaceError;
use bulkhead_domain::{AccountId, Order, VenueClientId};
use bulkhead_supervision::{ActorError, Context, Instant, Port};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;
use tracing::warn;

/// Orders that may wait for an account to be reconciled.
const STASH_MAX: usize = 1_024;
/// How long they wait before they are refused.
const STASH_WAIT: Duration = Duration::from_secs(1);
const SESSION_RETRY: Duration = Duration::from_millis(200);

/// Where an account stands with its venue.
#[derive(Default)]
enum Standing {
    /// No session was asked for.
    #[default]
    Idle,
    /// A session is starting, connecting, or connecting again.
    Connecting,
    /// These orders' states are being asked for.
    Reconciling(HashSet<VenueClientId>),
    Open,
}

/// One account's gate.
#[derive(Default)]
pub(super) struct Gate {
    standing: Standing,
    pub(super) session: Option<Port<SessionMsg>>,
    /// How often the session has come up.
    pub(super) session_ups: u64,
    stash: VecDeque<Stashed>,
}

struct Stashed {
    call: PlaceCall,
    asked_table: bool,
    since: Instant,
}

impl Gate {
    /// An order's submission went to a session that has come up anew since the order was decided: it may have been lost
    /// with the old one, and the reconciliation did not ask for it.
    pub(super) fn ask_if_changed(&self, session_ups: u64, venue_client_id: &VenueClientId) {
        if self.session_ups != session_ups
            && let Some(session) = &self.session
        {
            drop(session.notify(SessionMsg::Query { venue_client_id: venue_client_id.clone() }));
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.stash.is_empty()
    }
}

impl OrderDesk {
    /// Lets a new order through, or keeps it until its account is reconciled.
    pub(super) fn pass_gate(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        call: PlaceCall,
        asked_table: bool,
    ) {
        let account = call.place.terms.account.clone();
        let gate = state.gates.entry(account.clone()).or_default();
        if matches!(gate.standing, Standing::Open) {
            return self.ask_risk(state, call);
        }
        if gate.stash.len() >= STASH_MAX {
            return call.refuse(PlaceError::Reconciling);
        }
        if gate.stash.is_empty() {
            // Without the check a stashed order would wait for ever; its caller has a deadline of its own.
            drop(cx.send_self_after(STASH_WAIT, DeskMsg::StashCheck { account: account.clone() }));
        }
        let is_idle = matches!(gate.standing, Standing::Idle);
        gate.stash.push_back(Stashed { call, asked_table, since: Instant::now() });
        if is_idle {
            self.start_session(cx, state, account);
        }
    }

    /// Accounts that have something open, or a session from before, are reconciled at once.
    pub(super) fn reopen_accounts(&self, cx: &Context<DeskMsg>, state: &mut DeskState) {
        let has_open = |account: &AccountId| {
            state.book.orders().any(|order| !order.is_closed() && order.terms.account == *account)
        };
        let accounts: Vec<AccountId> = state
            .book
            .accounts()
            .map(|(account, _)| account)
            .filter(|account| has_open(account) || self.sessions.port(account).is_some())
            .cloned()
            .collect();
        for account in accounts {
            self.start_session(cx, state, account);
        }
    }

    fn start_session(&self, cx: &Context<DeskMsg>, state: &mut DeskState, account: AccountId) {
        state.gates.entry(account.clone()).or_default().standing = Standing::Connecting;
        let (sessions, name) = (self.sessions.clone(), account.clone());
        let start = async move { sessions.start(&name).await };
        let started = {
            let account = account.clone();
            move |started| DeskMsg::SessionStarted { account, started }
        };
        if cx.pipe(start, started).is_err() {
            warn!(tenant_id = %self.tenant_id, %account, "session start postponed");
            state.gates.entry(account).or_default().standing = Standing::Idle;
        }
    }

    pub(super) fn session_started(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        account: AccountId,
        started: Result<Port<SessionMsg>, ActorError>,
    ) {
        match started {
            Ok(session) => {
                drop(session.notify(SessionMsg::Hello { desk_incarnation: state.incarnation }));
                state.gates.entry(account).or_default().session = Some(session);
            }
            Err(error) => {
                warn!(tenant_id = %self.tenant_id, %account, %error, "session did not start");
                state.gates.entry(account.clone()).or_default().standing = Standing::Idle;
                drop(cx.send_self_after(SESSION_RETRY, DeskMsg::StashCheck { account }));
            }
        }
    }

    /// The session is connected: ask for the state of everything that may be at the venue.
    pub(super) fn session_up(&self, cx: &Context<DeskMsg>, state: &mut DeskState, account: &AccountId) {
        let may_be_there = |order: &&Order| {
            !order.is_closed() && order.terms.account == *account && !state.unsent.contains_key(&order.id)
        };
        let asked: HashSet<VenueClientId> =
            state.book.orders().filter(may_be_there).map(|order| order.venue_client_id.clone()).collect();
        let Some(gate) = state.gates.get_mut(account) else { return };
        // Up before its start was heard of: nothing could be sent to it yet, and it says so again when greeted.
        let Some(session) = &gate.session else { return };
        for venue_client_id in &asked {
            drop(session.notify(SessionMsg::Query { venue_client_id: venue_client_id.clone() }));
        }
        gate.session_ups += 1;
        gate.standing = Standing::Reconciling(asked);
        self.look_for_fills(cx, account);
        self.open_if_reconciled(cx, state, account);
    }

    /// The venue has told the state of one order.
    pub(super) fn answered(
        &self,
        cx: &Context<DeskMsg>,
        state: &mut DeskState,
        account: &AccountId,
        venue_client_id: &VenueClientId,
    ) {
        if let Some(Gate { standing: Standing::Reconciling(asked), .. }) = state.gates.get_mut(account) {
            asked.remove(venue_client_id);
            self.open_if_reconciled(cx, state, account);
        }
    }

    fn open_if_reconciled(&self, cx: &Context<DeskMsg>, state: &mut DeskState, account: &AccountId) {
        let Some(gate) = state.gates.get_mut(account) else { return };
        if !matches!(&gate.standing, Standing::Reconciling(asked) if asked.is_empty()) {
            return;
        }
        gate.standing = Standing::Open;
        for stashed in std::mem::take(&mut gate.stash) {
            if !stashed.call.reply.is_closed() {
                self.place(cx, state, stashed.call, stashed.asked_table);
            }
        }
    }

    /// Refuses what has waited too long, and tries again to start a session that did not start.
    pub(super) fn check_stash(&self, cx: &Context<DeskMsg>, state: &mut DeskState, account: &AccountId) {
        let Some(gate) = state.gates.get_mut(account) else { return };
        while let Some(oldest) = gate.stash.front()
            && oldest.since.elapsed() >= STASH_WAIT
            && let Some(stashed) = gate.stash.pop_front()
        {
            stashed.call.refuse(PlaceError::Reconciling);
        }
        if let Some(oldest) = gate.stash.front() {
            let wait = STASH_WAIT.saturating_sub(oldest.since.elapsed());
            drop(cx.send_self_after(wait, DeskMsg::StashCheck { account: account.clone() }));
        }
        let needs_session = matches!(gate.standing, Standing::Idle);
        if needs_session && state.has_business(account) {
            self.start_session(cx, state, account.clone());
        }
    }
}

impl DeskState {
    pub(super) fn session_down(&mut self, account: &AccountId) {
        if let Some(gate) = self.gates.get_mut(account) {
            gate.standing = Standing::Connecting;
        }
    }

    fn has_business(&self, account: &AccountId) -> bool {
        let has_stash = self.gates.get(account).is_some_and(|gate| !gate.stash.is_empty());
        has_stash || self.book.orders().any(|order| !order.is_closed() && order.terms.account == *account)
    }
}
