//! One authenticated socket: takes operations, follows channels, and ends when it must.

use super::follow::{FeedEnd, Followed, Live, has_history};
use super::frames::Stream;
use super::picture::{self, Picture};
use super::protocol::{self, ChannelRequest, ChannelView, ClientFrame, CloseCode, Named, Operation, Refused};
use super::wire::{Gone, Wire};
use crate::error::{ApiError, Code};
use crate::gate::Place;
use crate::state::AppState;
use axum::extract::ws::{Message, WebSocket};
use bulkhead_actors::CommittedBatch;
use bulkhead_identity::Principal;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often expiry and revocation are looked at.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Every so many checks a heartbeat is sent.
const CHECKS_PER_HEARTBEAT: u32 = 5;

/// Why a socket ends.
pub(super) enum End {
    /// The client left, or nothing can be sent any more.
    Gone,
    Close(CloseCode, String),
}

impl From<Gone> for End {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Left => Self::Gone,
            Gone::Stuck => Self::Close(CloseCode::SlowConsumer, String::new()),
        }
    }
}

/// The socket and all it follows.
pub(super) struct Session {
    state: AppState,
    principal: Principal,
    wire: Wire,
    live: Option<Live>,
    channels: Vec<Followed>,
    picture: Option<Picture>,
    draining: watch::Receiver<bool>,
    check: Interval,
    checks: u32,
    picture_tick: Interval,
    /// Counted among the open sockets until the goodbye is said.
    _place: Place,
}

impl Session {
    pub(super) fn new(state: AppState, principal: Principal, socket: WebSocket, place: Place) -> Self {
        let draining = state.lifecycle.watch();
        Self {
            state,
            principal,
            wire: Wire::new(socket),
            live: None,
            channels: Vec::new(),
            picture: None,
            draining,
            check: ticker(CHECK_INTERVAL),
            checks: 0,
            picture_tick: ticker(picture::INTERVAL),
            _place: place,
        }
    }

    /// Serves the socket until it ends, and says goodbye.
    pub(super) async fn run(mut self) {
        let end = loop {
            if let Err(end) = self.step().await {
                break end;
            }
        };
        if let End::Close(code, reason) = end {
            let reason = if code == CloseCode::SlowConsumer { self.resume_hint() } else { reason };
            self.wire.close(code, reason).await;
        }
    }

    /// Waits for the next thing to do and does it. Events come first; history is read when nothing else is there.
    async fn step(&mut self) -> Result<(), End> {
        let position = self.live.as_ref().map_or(0, Live::position);
        let behind = self.channels.iter().position(|channel| channel.is_behind(position));
        tokio::select! {
            biased;
            batch = next_batch(&mut self.live) => self.deliver(&batch.map_err(feed_end)?).await,
            message = self.wire.receive() => self.hear(message?).await,
            _ = self.check.tick() => self.check().await,
            _ = self.picture_tick.tick(), if self.picture.is_some() => self.send_picture().await,
            () = drained(&mut self.draining) => {
                Err(End::Close(CloseCode::Moving, "the server is going away: reconnect".to_owned()))
            }
            () = std::future::ready(()), if behind.is_some() => self.catch_up(behind.unwrap_or_default()).await,
        }
    }

    /// Sends what a batch brings, and whatever else is there already, in one go.
    async fn deliver(&mut self, batch: &Arc<CommittedBatch>) -> Result<(), End> {
        let mut frames = Vec::new();
        if let Some(live) = &mut self.live {
            let mut next = Some(batch.clone());
            while let Some(batch) = next {
                live.take(&batch, &mut self.channels, |frame| frames.push(frame.text.clone()));
                next = live.try_next().map_err(feed_end)?;
            }
        }
        if let Some(picture) = &mut self.picture {
            picture.touch();
        }
        Ok(self.wire.send_all(frames).await?)
    }

    async fn catch_up(&mut self, index: usize) -> Result<(), End> {
        let position = self.live.as_ref().map_or(0, Live::position);
        let Some(channel) = self.channels.get_mut(index) else { return Ok(()) };
        match channel.catch_up(&self.state, self.principal.tenant_id, position).await {
            Ok(frames) => Ok(self.wire.send_all(frames.into_iter().map(|frame| frame.text)).await?),
            Err(error) => {
                error.log();
                // The client knows what it has and resumes there when the table can be read again.
                Err(End::Close(
                    CloseCode::Moving,
                    format!("history cannot be read now; {}", self.resume_hint()),
                ))
            }
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        match message {
            Message::Text(text) => self.obey(text.as_str()).await,
            Message::Binary(_) => {
                let error = ApiError::new(Code::InvalidFrame, "frames are JSON text");
                Ok(self.wire.send(protocol::error(None, &error)).await?)
            }
            // Answered by the protocol itself.
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => Err(End::Gone),
        }
    }

    async fn obey(&mut self, text: &str) -> Result<(), End> {
        let frame = match ClientFrame::parse(text) {
            Ok(frame) => frame,
            Err(bad) => return Ok(self.wire.send(protocol::error(bad.id.as_ref(), &bad.error)).await?),
        };
        let (id, operation) = frame.into_parts();
        let id = id.as_ref();
        match operation {
            Ok(Operation::Auth { token }) => self.renew(id, &token).await,
            Ok(Operation::Subscribe(channels)) => self.subscribe(id, channels).await,
            Ok(Operation::Unsubscribe(channels)) => self.unsubscribe(id, channels).await,
            Ok(Operation::List) => self.answer_channels("channels", id, &[]).await,
            Ok(Operation::Ping) => Ok(self.wire.send(protocol::pong(id)).await?),
            Err(error) => Ok(self.wire.send(protocol::error(id, &error)).await?),
        }
    }

    /// A fresh token of the same user lets the socket live longer.
    async fn renew(&mut self, id: Option<&Value>, token: &str) -> Result<(), End> {
        let proven = self.state.identity.authenticate(token).await.map_err(ApiError::from);
        let is_same = |other: &Principal| {
            (other.tenant_id, other.user_id) == (self.principal.tenant_id, self.principal.user_id)
        };
        match proven {
            Ok(principal) if is_same(&principal) => {
                self.principal = principal;
                Ok(self.wire.send(protocol::authenticated(id, principal.expires_at)).await?)
            }
            Ok(_) => {
                let error =
                    ApiError::new(Code::Forbidden, "the token is another user's: open another socket");
                Ok(self.wire.send(protocol::error(id, &error)).await?)
            }
            Err(error) => Ok(self.wire.send(protocol::error(id, &error)).await?),
        }
    }

    async fn subscribe(&mut self, id: Option<&Value>, channels: Vec<Named>) -> Result<(), End> {
        let mut refused = Vec::new();
        for channel in channels {
            match channel {
                Ok(request) => {
                    let name = request.name.clone();
                    if let Err(error) = self.follow(request).await {
                        error.log();
                        refused.push(Refused { name, error });
                    }
                }
                Err(unread) => refused.push(unread),
            }
        }
        self.answer_channels("subscribed", id, &refused).await
    }

    async fn follow(&mut self, request: ChannelRequest) -> Result<(), ApiError> {
        self.open_feed().await?;
        match Stream::parse(&request.name) {
            Some(stream) => self.follow_stream(stream, request).await,
            None if self.picture.is_some() => Err(ApiError::of(Code::AlreadySubscribed)),
            None => {
                let picture = Picture::open(request, &self.state, self.principal.tenant_id).await?;
                self.picture = Some(picture);
                self.picture_tick.reset_immediately();
                Ok(())
            }
        }
    }

    async fn follow_stream(&mut self, stream: Stream, request: ChannelRequest) -> Result<(), ApiError> {
        if self.channels.iter().any(|channel| channel.stream == stream) {
            return Err(ApiError::of(Code::AlreadySubscribed));
        }
        if request.mode.is_some() || request.account.is_some() || request.portfolio.is_some() {
            return Err(ApiError::new(Code::InvalidFrame, "this channel takes after_seq only"));
        }
        let Some(heads) = self.live.as_ref().map(|live| *live.heads()) else { return Ok(()) };
        let Some(after_seq) = request.after_seq else {
            self.channels.push(Followed::from_now(stream, &heads));
            return Ok(());
        };
        if !(0..=heads.events).contains(&after_seq) {
            let message = format!("after_seq must be between 0 and {}, the end of the journal", heads.events);
            return Err(ApiError::new(Code::AfterSeqInFuture, message));
        }
        if !has_history(&self.state, self.principal.tenant_id, after_seq).await? {
            // What is sent cannot fail the subscription: a socket that is gone is noticed at the next step.
            let _gone = self.wire.send(protocol::resync_required(stream, after_seq, heads.events)).await;
            self.channels.push(Followed::from_now(stream, &heads));
            return Ok(());
        }
        self.channels.push(Followed::resumed(stream, after_seq));
        Ok(())
    }

    async fn open_feed(&mut self) -> Result<(), ApiError> {
        if self.live.is_none() {
            let tenant = self.state.tenant(self.principal.tenant_id).await?;
            // Waits until the tenant has loaded; before that it does not know where its journal ends.
            tenant.portfolio(bulkhead_actors::PortfolioFilter::default()).await?;
            self.live = Some(Live::new(tenant.subscribe()));
        }
        Ok(())
    }

    async fn unsubscribe(&mut self, id: Option<&Value>, channels: Vec<Named>) -> Result<(), End> {
        let mut refused = Vec::new();
        for channel in channels {
            match channel {
                Ok(request) if request.name == picture::CHANNEL => self.picture = None,
                Ok(request) => self.channels.retain(|followed| followed.stream.name() != request.name),
                Err(unread) => refused.push(unread),
            }
        }
        if self.channels.is_empty() && self.picture.is_none() {
            self.live = None;
        }
        self.answer_channels("unsubscribed", id, &refused).await
    }

    async fn answer_channels(
        &mut self,
        op: &'static str,
        id: Option<&Value>,
        refused: &[Refused],
    ) -> Result<(), End> {
        let mut views: Vec<ChannelView> = self.channels.iter().map(Followed::view).collect();
        let picture = self.picture.as_ref();
        views.extend(picture.map(|one| ChannelView { name: picture::CHANNEL, after_seq: one.as_of_seq() }));
        Ok(self.wire.send(protocol::channels(op, id, &views, refused)).await?)
    }

    async fn send_picture(&mut self) -> Result<(), End> {
        let Some(picture) = &mut self.picture else { return Ok(()) };
        match picture.tick(&self.state, self.principal.tenant_id).await {
            Some(frame) => Ok(self.wire.send(frame).await?),
            None => Ok(()),
        }
    }

    async fn check(&mut self) -> Result<(), End> {
        if let Err(error) = self.state.identity.still_good(&self.principal) {
            return Err(End::Close(CloseCode::NotAuthenticated, error.to_string()));
        }
        // Nothing comes any more. A socket that follows nothing is told when it asks for something.
        if self.live.is_some() && self.state.is_quarantined(self.principal.tenant_id) {
            let reason = format!("QUARANTINED: the tenant is quarantined; {}", self.resume_hint());
            return Err(End::Close(CloseCode::Moving, reason));
        }
        self.checks = (self.checks + 1) % CHECKS_PER_HEARTBEAT;
        if self.checks != 0 {
            return Ok(());
        }
        let delivered = self.channels.iter().map(Followed::delivered).min();
        Ok(self.wire.send(protocol::heartbeat(delivered)).await?)
    }

    fn resume_hint(&self) -> String {
        let delivered = self.channels.iter().map(Followed::delivered).min();
        delivered.map_or_else(|| "reconnect".to_owned(), |seq| format!("resume with after_seq={seq}"))
    }
}

fn ticker(period: Duration) -> Interval {
    let mut ticker = interval(period);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}

/// Waits until the server is going away.
async fn drained(draining: &mut watch::Receiver<bool>) {
    // The sender is part of the state this socket holds, so it cannot be gone.
    drop(draining.wait_for(|draining| *draining).await);
}

async fn next_batch(live: &mut Option<Live>) -> Result<Arc<CommittedBatch>, FeedEnd> {
    match live {
        Some(live) => live.next().await,
        None => std::future::pending().await,
    }
}

fn feed_end(end: FeedEnd) -> End {
    match end {
        FeedEnd::Lagged => End::Close(CloseCode::SlowConsumer, String::new()),
        FeedEnd::Closed => {
            End::Close(CloseCode::Moving, "the tenant is moving or stopped: reconnect".to_owned())
        }
    }
}
