//! `kill -9` in the middle of a run: the journal knows every create that was announced, and is free for `clean` at once.

#![cfg(unix)]

use scimproof::engine::Journal;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const DIR: &str = "SCIMPROOF_TEST_JOURNAL_DIR";

/// The victim. Does nothing unless the other test starts it.
#[test]
fn announces_creates_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let journal = Journal::open(dir.as_ref(), "run7", &"http://localhost/".parse().unwrap()).unwrap();
    for n in 1_u64.. {
        journal.side(false).intent("POST", "/Users", &format!("run7-{n}")).unwrap();
        println!("\nannounced {n}");
    }
}

#[test]
fn nothing_announced_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "announces_creates_until_it_is_killed", "--nocapture"])
        .env(DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut announced = 0;
    // Kept until the end: a broken pipe would end the run before the kill does.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref() {
        if let Some(n) = line.unwrap().strip_prefix("announced ") {
            announced = n.parse().unwrap();
        }
        if announced >= 200 {
            break;
        }
    }
    let file = Journal::list(dir.path()).unwrap().remove(0);
    assert!(Journal::resume(&file).unwrap().is_none(), "the run still goes on");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(announced >= 200 && Journal::pending(&file).unwrap().len() >= announced);
    let again = Journal::resume(&file).unwrap().expect("free again");
    assert!(again.leftovers().len() >= announced);
}
