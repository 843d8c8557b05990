//! The `portfolio` channel: the present picture, at most a few times a second and only when it has changed.

use super::frames::Envelope;
use super::protocol::{ChannelRequest, write};
use crate::error::ApiError;
use crate::portfolio::{PortfolioAnswer, PortfolioParams};
use crate::state::AppState;
use axum::extract::ws::Utf8Bytes;
use bulkhead_actors::{PortfolioFilter, clock};
use bulkhead_domain::TenantId;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::time::timeout;

pub(super) const CHANNEL: &str = "portfolio";
/// How often the picture may be sent.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);
/// While nothing happens in the tenant the market still moves: the picture is taken at every so many intervals.
const QUIET_INTERVALS: u32 = 4;
/// A picture that takes longer is left out.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(1);

/// What is watched, and what was last sent of it.
pub(super) struct Picture {
    filter: PortfolioFilter,
    sent: Option<Sent>,
    /// Something happened since.
    is_stale: bool,
    quiet: u32,
}

struct Sent {
    as_of_seq: i64,
    data: Box<RawValue>,
}

impl Picture {
    /// A picture of what the tenant has; of anything else there would never be one.
    pub(super) async fn open(
        request: ChannelRequest,
        state: &AppState,
        tenant_id: TenantId,
    ) -> Result<Self, ApiError> {
        let ChannelRequest { mode, account, portfolio, .. } = request;
        let filter = PortfolioFilter::try_from(&PortfolioParams { mode, account, portfolio })?;
        let picture = Self { filter, sent: None, is_stale: true, quiet: 0 };
        picture.take(state, tenant_id).await?;
        Ok(picture)
    }

    /// Notes that something happened.
    pub(super) fn touch(&mut self) {
        self.is_stale = true;
    }

    /// The last event in what was sent.
    pub(super) fn as_of_seq(&self) -> i64 {
        self.sent.as_ref().map_or(0, |sent| sent.as_of_seq)
    }

    /// The next frame, if it is time for one and it differs from the last.
    pub(super) async fn tick(&mut self, state: &AppState, tenant_id: TenantId) -> Option<Utf8Bytes> {
        self.quiet += 1;
        if !self.is_stale && self.quiet < QUIET_INTERVALS {
            return None;
        }
        // A tenant that does not answer now is asked again at the next tick.
        let answer = timeout(PICTURE_TIMEOUT, self.take(state, tenant_id)).await.ok()?.ok()?;
        (self.is_stale, self.quiet) = (false, 0);
        self.frame(&answer)
    }

    async fn take(&self, state: &AppState, tenant_id: TenantId) -> Result<PortfolioAnswer, ApiError> {
        // Opened each time: a handle that was kept would keep a stopped tenant's remains alive.
        Ok(state.tenant(tenant_id).await?.portfolio(self.filter.clone()).await?.into())
    }

    fn frame(&mut self, answer: &PortfolioAnswer) -> Option<Utf8Bytes> {
        let data = serde_json::value::to_raw_value(answer).ok()?;
        if self.sent.as_ref().is_some_and(|sent| sent.data.get() == data.get()) {
            return None;
        }
        let prev_seq = self.sent.as_ref().map(|sent| sent.as_of_seq);
        let kind = if prev_seq.is_none() { "snapshot" } else { "portfolio_update" };
        let seq = Some(answer.as_of_seq);
        let frame = write(&Envelope { ch: CHANNEL, seq, prev_seq, kind, ts: clock::now(), data: &data });
        self.sent = Some(Sent { as_of_seq: answer.as_of_seq, data });
        Some(frame)
    }
}
