//! The programs under test: found beside this one, started, and ended by their process id.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const READY_WITHIN: Duration = Duration::from_secs(90);
const EXIT_WITHIN: Duration = Duration::from_secs(60);

/// Where a program of the workspace is.
pub(crate) fn path(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let built = own.parent().unwrap().parent().unwrap().join(name);
    assert!(
        built.is_file(),
        "{} is missing: cargo build -p bulkhead --bin bulkhead -p bulkhead-checker --bin bulkhead-checker",
        built.display()
    );
    built
}

/// A command of a program, without the settings of whoever runs the tests.
pub(crate) fn command(name: &str) -> Command {
    let mut command = Command::new(path(name));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("BULKHEAD_") {
            command.env_remove(variable);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What a program that ends by itself left behind.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end.
pub(crate) async fn run(name: &str, arguments: &[&str]) -> Finished {
    let output = command(name).args(arguments).output();
    let output = timeout(EXIT_WITHIN, output).await.expect("the program ends in time").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Finished { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// A program that runs until it is told to end.
pub(crate) struct Running {
    child: Child,
    pub(crate) ready: Value,
}

impl Running {
    /// Starts it and waits for its line that says where it is; its log goes to a file.
    pub(crate) async fn start(mut command: Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = timeout(READY_WITHIN, lines.next_line()).await;
        let shown = || std::fs::read_to_string(log).unwrap_or_default();
        let line = first.unwrap_or_else(|_| panic!("not ready in time:\n{}", shown())).unwrap();
        let line = line.unwrap_or_else(|| panic!("ended before it was ready:\n{}", shown()));
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["ready"], true, "{line}");
        Self { child, ready }
    }

    /// Where it listens.
    pub(crate) fn listen(&self) -> String {
        self.ready["listen"].as_str().unwrap().to_owned()
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, and waits until it has ended by itself.
    pub(crate) async fn terminate(self) -> ExitStatus {
        self.end(Signal::TERM).await
    }

    /// The same with another signal.
    pub(crate) async fn end(mut self, by: Signal) -> ExitStatus {
        signal(self.child.id().unwrap(), by);
        timeout(EXIT_WITHIN, self.child.wait()).await.expect("the program drains in time").unwrap()
    }
}

/// Sends a signal to one process; false when there is none.
pub(crate) fn signal(pid: u32, signal: Signal) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).is_ok()
}
