//! The binary while it runs: its output can be read before it ends, and it gets only the environment that it is given.

#![allow(dead_code, reason = "every test binary compiles this module and uses a part of it")]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one run may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A run that may go on.
pub struct Going {
    child: Child,
    told: TempDir,
}

/// How it ended.
#[derive(Debug)]
pub struct End {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Going {
    /// Starts the binary in that folder. Output goes to files elsewhere, so that no full pipe can stop it.
    pub fn start(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let told = tempfile::tempdir().expect("a folder");
        let file = |name: &str| Stdio::from(File::create(told.path().join(name)).expect("created"));
        let child = Command::new(env!("CARGO_BIN_EXE_scimproof"))
            .args(args)
            .current_dir(folder)
            .env_clear()
            // `sh` and what it calls must be found for secrets that a command prints.
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("the binary starts");
        Self { child, told }
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.told.path().join(name)).expect("readable")).into_owned()
    }

    /// What was told on standard error so far.
    pub fn stderr(&self) -> String {
        self.read("stderr")
    }

    /// Waits until it holds, while the run goes on.
    pub fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let ended = self.child.try_wait().expect("a child").is_some();
            assert!(!ended && start.elapsed() < PATIENCE, "waited in vain for {what}: {}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The address that is shown for the browser.
    pub fn address(&mut self) -> String {
        self.until("an address", |g| g.stderr().contains("code_challenge_method=") && g.stderr().ends_with("\n\n"));
        let shown = self.stderr();
        shown.lines().map(str::trim).find(|l| l.contains("code_challenge=")).expect("an address").to_owned()
    }

    /// Waits for the end.
    pub fn end(mut self) -> End {
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if start.elapsed() > PATIENCE => {
                    let _ = self.child.kill();
                    panic!("it does not end: {}", self.stderr());
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        End { code: status.code().unwrap_or(-1), stdout: self.read("stdout"), stderr: self.read("stderr") }
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // It has ended, unless a test failed before.
        let _ = self.child.kill();
    }
}

/// One call from begin to end.
pub fn call(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> End {
    Going::start(folder, args, env).end()
}
