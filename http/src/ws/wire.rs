//! The two directions of a socket. What is sent is bounded in size and in time.

use super::protocol::CloseCode;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::time::timeout;

/// A client that takes nothing for this long is too slow.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// A client has this long to take the goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// One that was too slow has longer: only the goodbye says where to resume, and it comes after all that is in the way.
const SLOW_CLOSE_TIMEOUT: Duration = Duration::from_secs(30);
/// What the protocol allows as a reason of a close frame.
const REASON_BYTES_MAX: usize = 123;

/// Why nothing can be sent any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    Left,
    Stuck,
}

/// A socket.
pub(super) struct Wire(WebSocket);

impl Wire {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self(socket)
    }

    /// The next message of the client.
    pub(super) async fn receive(&mut self) -> Result<Message, Gone> {
        self.0.next().await.and_then(Result::ok).ok_or(Gone::Left)
    }

    pub(super) async fn send(&mut self, text: Utf8Bytes) -> Result<(), Gone> {
        self.send_all([text]).await
    }

    /// Sends many frames with one write, as far as they fit the buffer.
    pub(super) async fn send_all(&mut self, texts: impl IntoIterator<Item = Utf8Bytes>) -> Result<(), Gone> {
        let mut texts = texts.into_iter().peekable();
        if texts.peek().is_none() {
            return Ok(());
        }
        let work = async {
            for text in texts {
                self.0.feed(Message::Text(text)).await?;
            }
            self.0.flush().await
        };
        match timeout(SEND_TIMEOUT, work).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone::Left),
            Err(_) => Err(Gone::Stuck),
        }
    }

    /// Says goodbye and waits a moment for the client's own.
    pub(super) async fn close(mut self, code: CloseCode, reason: String) {
        let reason: String = cut(reason);
        let frame = CloseFrame { code: code.number(), reason: reason.into() };
        let goodbye = async {
            if self.0.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.0.next().await {}
            }
        };
        let patience = if code == CloseCode::SlowConsumer { SLOW_CLOSE_TIMEOUT } else { CLOSE_TIMEOUT };
        // A client that does not take the goodbye is left without.
        drop(timeout(patience, goodbye).await);
    }
}

fn cut(mut reason: String) -> String {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.truncate(end);
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_fit_a_close_frame() {
        assert_eq!(cut("short".to_owned()), "short");
        assert!(cut("ä".repeat(100)).len() <= REASON_BYTES_MAX);
    }
}
