//! A server of the platform with everything it keeps, and the clients that are made for it.

use super::client::Client;
use super::postgres::Cluster;
use super::program::{self, Running};
use super::trader::Trader;
use super::{TestDir, within};
use rustix::process::Signal;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

pub(crate) const ADMIN_EMAIL: &str = "root@platform.test";
pub(crate) const ADMIN_PASSWORD: &str = "the platform's own pass phrase";
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How a server is started.
#[derive(Default, Clone)]
pub(crate) struct ServerOptions {
    pub(crate) arguments: Vec<String>,
}

/// A server; its data outlives it.
pub(crate) struct Server {
    dir: TestDir,
    arguments: Vec<String>,
    running: Option<Running>,
    cluster: Option<Cluster>,
}

impl ServerOptions {
    pub(crate) fn with(arguments: &[&str]) -> Self {
        Self { arguments: arguments.iter().map(|&argument| argument.to_owned()).collect() }
    }
}

impl Server {
    /// A server with a PostgreSQL of its own in a new directory.
    pub(crate) async fn start(options: ServerOptions) -> Self {
        let mut server =
            Self { dir: TestDir::new(), arguments: options.arguments, running: None, cluster: None };
        server.start_again().await;
        server
    }

    /// Starts it on what it left behind.
    pub(crate) async fn start_again(&mut self) {
        let mut command = program::command("bulkhead");
        command.args(["serve", "--listen", "127.0.0.1:0", "--no-demo", "--data"]).arg(self.data());
        command.args(&self.arguments);
        command.env("BULKHEAD_ADMIN_EMAIL", ADMIN_EMAIL).env("BULKHEAD_ADMIN_PASSWORD", ADMIN_PASSWORD);
        let running = Running::start(command, &self.log_path()).await;
        // Known from the first moment on, so that it is found and ended whatever happens to the server.
        self.cluster = Some(Cluster::of(&self.data()));
        self.running = Some(running);
    }

    pub(crate) fn dir(&self) -> &TestDir {
        &self.dir
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// Everything the server logged so far, over all of its lives.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The venue's log, where the venue is part of the server.
    pub(crate) fn venue_log(&self) -> PathBuf {
        self.data().join("paper-venue")
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        self.cluster.as_ref().unwrap()
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        self.running.as_ref().unwrap().listen()
    }

    /// A client without a token.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address())
    }

    /// A new tenant with its owner signed in.
    pub(crate) async fn trader(&self, name: &str) -> Trader {
        Trader::sign_up(self.client(), name).await
    }

    /// The platform's admin, signed in.
    pub(crate) async fn admin(&self) -> Client {
        let client = self.client();
        let body = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let answer = client.post("/auth/login", &body).await;
        client.with_token(answer.expect(200)["access_token"].as_str().unwrap())
    }

    /// Waits until every part is ready.
    pub(crate) async fn await_ready(&self) {
        let client = self.client();
        within(READY_WITHIN, "the server is ready", async || {
            (client.get_root("/health/ready").await.status == 200).then_some(())
        })
        .await;
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.running.take().unwrap().kill().await;
    }

    /// SIGHUP.
    pub(crate) async fn hang_up(&mut self) -> ExitStatus {
        self.running.take().unwrap().end(Signal::HUP).await
    }

    /// SIGTERM.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.running.take().unwrap().terminate().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let first = lines.len().saturating_sub(40);
            eprintln!("the server's last lines:\n{}", lines[first..].join("\n"));
        }
        // The child is killed when it is dropped, its database is not its child.
        drop(self.running.take());
        if let Some(cluster) = &self.cluster {
            cluster.remove();
        }
    }
}
