//! A throw-away server comes, answers, and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use throwaway_postgres::{Cluster, Disk, leaves_something, with_fresh_schema};

/// Whether somebody takes connections at the address.
fn answers(address: &str) -> bool {
    let folder = address.split("host=").nth(1).unwrap().replace("%2F", "/");
    UnixStream::connect(format!("{folder}/.s.PGSQL.5432")).is_ok()
}

#[test]
fn a_server_survives_a_crash_and_is_gone_when_dropped() {
    let cluster = Cluster::start(Disk::Quick);
    let address = cluster.address();
    assert!(answers(&address) && leaves_something(&address));
    cluster.crash_and_restart();
    assert!(answers(&address));
    drop(cluster);
    assert!(!answers(&address) && !leaves_something(&address));
}

fn command() -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throwaway-postgres"));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(answers(address.trim()), "{address}");
    (child, address.trim().to_owned())
}

#[test]
fn the_command_ends_with_its_standard_input() {
    let (mut child, address) = command();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!leaves_something(&address));
}

#[test]
fn killing_the_command_stops_the_server_too() {
    let (mut child, address) = command();
    let mut held = child.stderr.take().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // The supervisor removes the folder and ends; nobody tells us, so look until it is so.
    held.read_to_end(&mut Vec::new()).unwrap();
    while leaves_something(&address) {
        std::thread::yield_now();
    }
    assert!(!answers(&address));
}

#[test]
fn schemas_are_fresh() {
    let [one, other] = [(); 2].map(|()| with_fresh_schema("postgres://a@/b?host=c"));
    assert!(one.starts_with("postgres://a@/b?host=c&schema=t") && one != other);
    assert!(with_fresh_schema("postgres://a@b/c").contains("/c?schema=t"));
}
