//! The WebSocket: one connection, many channels, resumable by sequence number.
//!
//! 1. Private channels are the journal, filtered: no event is left out, none comes twice, and `seq` is where to resume.
//! 2. A client that cannot keep up is disconnected with the place to resume from; nothing is ever dropped silently.
//! 3. A socket lives as long as its token is good and its session not ended.

mod follow;
mod frames;
mod picture;
mod protocol;
mod session;
mod wire;

use crate::envelope::ApiResult;
use crate::error::{ApiError, Code};
use crate::gate::Place;
use crate::principal::bearer;
use crate::schema::ErrorAnswer;
use crate::state::AppState;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use bulkhead_domain::TenantId;
use bulkhead_identity::{Permission, Principal};
use protocol::{ClientFrame, CloseCode, Operation};
use session::Session;
use std::time::Duration;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::Wire;

/// How long a socket may stay without proof of who it is.
const AUTH_TIMEOUT: Duration = Duration::from_secs(10);
/// What a client may send in one message.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Read at once from a client, which says little.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Written at once to a client.
const WRITE_BUFFER_BYTES: usize = 32 * 1024;
/// What may wait to be written before the client counts as gone.
const WRITE_BUFFER_BYTES_MAX: usize = 1024 * 1024;
const RETRY_OVERLOADED: Duration = Duration::from_secs(5);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(open_socket))
}

/// Open a WebSocket
///
/// Prove who you are by the `Authorization` header, or by a first frame `{"op":"auth","token":"…"}` within 10 seconds.
/// Then `{"op":"subscribe","id":"1","channels":[{"name":"orders","after_seq":12},{"name":"portfolio"}]}`; the answer
/// `subscribed` lists what is followed and what was refused. Other operations: `unsubscribe`, `list`, `ping`, and `auth`
/// again to stay beyond the token's end. Channels: `orders` (`order_update`), `trades` (`trade_executed`), `events`
/// (everything) and `portfolio` (a conflated picture). Events come as `{ch, seq, prev_seq, type, ts, data}`. Close
/// codes: 4001 not authenticated, 4008 slow consumer (the reason names where to resume), 4009 reconnect.
#[utoipa::path(get, path = "/ws", tag = "Events",
    responses((status = 101, description = "The connection speaks WebSocket from now on"),
        (status = 426, description = "UPGRADE_REQUIRED", body = ErrorAnswer)))]
async fn open_socket(
    State(state): State<AppState>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> ApiResult<Response> {
    let proven = prove(&state, &headers).await?;
    let upgrade = upgrade.map_err(|error| ApiError::new(Code::UpgradeRequired, error.body_text()))?;
    let place = place(&state, proven.as_ref())?;
    let upgrade = upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| serve(state, socket, proven, place)))
}

async fn serve(state: AppState, mut socket: WebSocket, proven: Option<Principal>, place: Place) {
    if let Some(principal) = proven {
        return Session::new(state, principal, socket, place).run().await;
    }
    let admitted = match authenticate(&state, &mut socket).await {
        // From the lane of those who have not said who they are to the tenant's own.
        Ok(principal) => match state.websockets.enter(principal.tenant_id) {
            Some(place) => Ok((principal, place)),
            None => Err((CloseCode::Moving, "too many sockets: try again later".to_owned())),
        },
        Err(reason) => Err((CloseCode::NotAuthenticated, reason)),
    };
    drop(place);
    match admitted {
        Ok((principal, place)) => Session::new(state, principal, socket, place).run().await,
        Err((code, reason)) => Wire::new(socket).close(code, reason).await,
    }
}

/// Waits for the first frame, which has to be the proof.
async fn authenticate(state: &AppState, socket: &mut WebSocket) -> Result<Principal, String> {
    let first = timeout(AUTH_TIMEOUT, first_text(socket)).await;
    let text = first.ok().flatten().ok_or_else(|| "no token was sent in time".to_owned())?;
    let (id, operation) = ClientFrame::parse(&text).map_err(|bad| bad.error.to_string())?.into_parts();
    let Ok(Operation::Auth { token }) = operation else {
        return Err("the first frame must be {\"op\":\"auth\",\"token\":…}".to_owned());
    };
    let principal = state.identity.authenticate(&token).await.map_err(|error| error.to_string())?;
    if !principal.may(Permission::Read) {
        return Err("the role may not read".to_owned());
    }
    let answer = protocol::authenticated(id.as_ref(), principal.expires_at);
    socket.send(Message::Text(answer)).await.map_err(|error| error.to_string())?;
    Ok(principal)
}

async fn first_text(socket: &mut WebSocket) -> Option<String> {
    loop {
        match socket.recv().await?.ok()? {
            Message::Text(text) => return Some(text.to_string()),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Binary(_) | Message::Close(_) => return None,
        }
    }
}

async fn prove(state: &AppState, headers: &HeaderMap) -> ApiResult<Option<Principal>> {
    let Some(token) = bearer(headers)? else { return Ok(None) };
    let principal = state.identity.authenticate(token).await?;
    if principal.may(Permission::Read) { Ok(Some(principal)) } else { Err(ApiError::of(Code::Forbidden)) }
}

/// A place among all sockets. Who has not said who it is yet shares one lane with all others of the kind.
fn place(state: &AppState, proven: Option<&Principal>) -> ApiResult<Place> {
    let tenant_id = proven.map_or(TenantId(uuid::Uuid::nil()), |principal| principal.tenant_id);
    let overloaded = || ApiError::of(Code::Overloaded).with_retry_after(RETRY_OVERLOADED);
    state.websockets.enter(tenant_id).ok_or_else(overloaded)
}
