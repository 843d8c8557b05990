//! A client of the WebSocket.

use futures_util::{SinkExt, StreamExt};
use hyper::header::{AUTHORIZATION, HeaderValue};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

const RECEIVE_BUFFER_BYTES: u32 = 8 * 1024;
const FRAME_WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
}

/// What a socket says next.
#[derive(Debug)]
pub(crate) enum Said {
    Frame(Value),
    Closed {
        code: u16,
        reason: String,
    },
    /// Ended without saying goodbye.
    Broken,
}

impl Socket {
    /// Connects, with the token in the header where one is given.
    pub(crate) async fn connect(address: &str, token: Option<&str>) -> Self {
        let mut request = format!("ws://{address}/api/v1/ws").into_client_request().unwrap();
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        // A small window, so that a client that does not read is soon seen as one.
        let tcp = TcpSocket::new_v4().unwrap();
        tcp.set_recv_buffer_size(RECEIVE_BUFFER_BYTES).unwrap();
        let tcp = tcp.connect(address.parse().unwrap()).await.unwrap();
        let (stream, _) = timeout(FRAME_WITHIN, client_async(request, tcp)).await.unwrap().unwrap();
        Self { stream }
    }

    /// Connects and follows channels.
    pub(crate) async fn follow(address: &str, token: &str, channels: &Value) -> Self {
        let mut socket = Self::connect(address, Some(token)).await;
        let answer = socket.ask(&json!({ "op": "subscribe", "id": "s", "channels": channels })).await;
        assert_eq!((&answer["op"], &answer["errors"]), (&json!("subscribed"), &json!([])), "{answer}");
        socket
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.stream.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Sends an operation and waits for its answer; events that come before it are left out.
    pub(crate) async fn ask(&mut self, frame: &Value) -> Value {
        self.send(frame).await;
        loop {
            let answer = self.frame().await;
            if answer.get("op").is_some() {
                return answer;
            }
        }
    }

    /// The next frame, which must come.
    pub(crate) async fn frame(&mut self) -> Value {
        match self.next().await {
            Said::Frame(frame) => frame,
            other => panic!("a frame was expected, not {other:?}"),
        }
    }

    /// The next event of a channel.
    pub(crate) async fn event(&mut self, channel: &str) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["ch"] == channel {
                return frame;
            }
        }
    }

    pub(crate) async fn next(&mut self) -> Said {
        loop {
            let message = timeout(FRAME_WITHIN, self.stream.next()).await.expect("the socket says something");
            match message {
                Some(Ok(Message::Text(text))) => {
                    return Said::Frame(serde_json::from_str(text.as_str()).unwrap());
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    return Said::Closed { code: close.code.into(), reason: close.reason.to_string() };
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Said::Broken,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Reads on until the socket is closed.
    pub(crate) async fn await_close(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Said::Frame(_) => {}
                Said::Closed { code, reason } => return (code, reason),
                Said::Broken => panic!("the socket ended without a close frame"),
            }
        }
    }
}
