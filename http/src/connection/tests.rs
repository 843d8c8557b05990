//! Raw bytes on a socket: what a connection makes of requests that come in pieces, in heaps, or not to their end.

use super::*;
use crate::error::{ApiError, Code};
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const DEADLINE: Duration = Duration::from_secs(20);
const LARGE: usize = 8 << 20;

fn app() -> Router {
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    Router::new()
        .route("/echo", post(|body: String| async move { format!("<{body}>") }))
        .route("/busy", get(|| async { ApiError::of(Code::Overloaded) }))
        .route("/refuse", post(|| async { "<refused>" }))
        .route("/large", get(|| async { "x".repeat(LARGE) }))
        .route(
            "/wait",
            get(move || async move {
                gate.notified().await;
                "<waited>"
            }),
        )
        .route(
            "/open",
            get(move || async move {
                opened.notify_one();
                "<opened>"
            }),
        )
}

/// The client's end of a connection, the task that serves the other, and what makes it drain.
async fn connect(app: Router) -> (TcpStream, JoinHandle<()>, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let (drain, draining) = watch::channel(false);
    (client, tokio::spawn(serve_connection(stream, app, draining)), drain)
}

fn echo(text: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{text}", text.len())
}

/// Reads until `needle` was seen.
async fn read_until(client: &mut TcpStream, needle: &str) -> String {
    let mut seen = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&seen).contains(needle) {
            assert_ne!(client.read_buf(&mut seen).await.unwrap(), 0, "{}", String::from_utf8_lossy(&seen));
        }
    };
    timeout(DEADLINE, read).await.unwrap();
    String::from_utf8(seen).unwrap()
}

async fn read_to_end(client: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    // A reset after the answer is an end like another.
    drop(timeout(DEADLINE, client.read_to_end(&mut seen)).await.unwrap());
    String::from_utf8(seen).unwrap()
}

#[tokio::test]
async fn between_two_requests_nothing_is_left_but_the_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let (_drain, mut draining) = watch::channel(false);
    let mut socket =
        ToldSocket { io: TokioIo::new(stream), ahead: Bytes::new(), progress: Progress::default() };
    for text in ["one", "two"] {
        client.write_all(echo(text).as_bytes()).await.unwrap();
        let served = timeout(DEADLINE, exchange(socket, &app(), &mut draining)).await.unwrap();
        socket = served.expect("the connection is quiet, not at its end");
        read_until(&mut client, &format!("<{text}>")).await;
    }
    drop(client);
    assert!(timeout(DEADLINE, exchange(socket, &app(), &mut draining)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_heap_of_requests_and_the_half_of_one_are_answered_in_order() {
    let (mut client, _task, _drain) = connect(app()).await;
    let last = echo("four");
    let (half, rest) = last.split_at(30);
    client.write_all((echo("one") + &echo("two") + &echo("three") + half).as_bytes()).await.unwrap();
    let answers = read_until(&mut client, "<three>").await;
    assert!(answers.find("<one>") < answers.find("<two>"), "{answers}");
    client.write_all(rest.as_bytes()).await.unwrap();
    read_until(&mut client, "<four>").await;
}

#[tokio::test]
async fn who_was_turned_away_is_heard_after_a_pause() {
    let (mut client, _task, _drain) = connect(app()).await;
    client.write_all(b"GET /busy HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    read_until(&mut client, "503").await;
    let refused_at = Instant::now();
    client.write_all(echo("again").as_bytes()).await.unwrap();
    read_until(&mut client, "<again>").await;
    assert!(
        refused_at.elapsed() >= TURNED_AWAY_PAUSE / 2,
        "not before the pause, which began with the refusal"
    );
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let (mut client, _task, _drain) = connect(app()).await;
    client.set_nodelay(true).unwrap();
    for text in ["slow", "slower"] {
        for byte in echo(text).as_bytes() {
            client.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        read_until(&mut client, &format!("<{text}>")).await;
    }
}

#[tokio::test]
async fn what_is_sent_while_a_request_is_handled_is_the_next_request() {
    let app = app();
    let (mut client, _task, _drain) = connect(app.clone()).await;
    let (mut other, _other_task, _other_drain) = connect(app).await;
    client.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    client.write_all(echo("behind").as_bytes()).await.unwrap();
    other.write_all(b"GET /open HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    read_until(&mut other, "<opened>").await;
    let answers = read_until(&mut client, "<behind>").await;
    assert!(answers.find("<waited>") < answers.find("<behind>"), "{answers}");
}

#[tokio::test]
async fn the_rest_of_a_refused_body_is_never_taken_for_a_request() {
    let (mut client, task, _drain) = connect(app()).await;
    let smuggled = echo("smuggled");
    let head = format!("POST /refuse HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 10 + smuggled.len());
    client.write_all((head + "0123456789").as_bytes()).await.unwrap();
    let mut seen = read_until(&mut client, "<refused>").await;
    drop(client.write_all(smuggled.as_bytes()).await);
    seen += &read_to_end(&mut client).await;
    assert!(!seen.contains("<smuggled>"), "{seen}");
    timeout(DEADLINE, task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_large_answer_reaches_a_slow_reader_whole() {
    let (mut client, _task, _drain) = connect(app()).await;
    client.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut count = 0;
    let mut chunk = vec![0; 64 << 10];
    while count < LARGE {
        let read = timeout(DEADLINE, client.read(&mut chunk)).await.unwrap().unwrap();
        assert_ne!(read, 0, "ended after {count} bytes");
        count += chunk[..read].iter().filter(|byte| **byte == b'x').count();
    }
    client.write_all(echo("after").as_bytes()).await.unwrap();
    read_until(&mut client, "<after>").await;
}

#[tokio::test]
async fn draining_ends_a_quiet_connection_at_once_and_a_busy_one_after_its_answer() {
    let app = app();
    let (mut quiet, quiet_task, quiet_drain) = connect(app.clone()).await;
    quiet.write_all(echo("done").as_bytes()).await.unwrap();
    read_until(&mut quiet, "<done>").await;
    quiet_drain.send_replace(true);
    timeout(DEADLINE, quiet_task).await.unwrap().unwrap();

    let (mut busy, busy_task, busy_drain) = connect(app.clone()).await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let (mut other, _task, _drain) = connect(app).await;
    busy_drain.send_replace(true);
    other.write_all(b"GET /open HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    read_until(&mut other, "<opened>").await;
    assert!(read_to_end(&mut busy).await.contains("<waited>"));
    timeout(DEADLINE, busy_task).await.unwrap().unwrap();
}
