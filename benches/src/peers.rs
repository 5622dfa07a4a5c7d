//! The peers: @cloudbase/functions-framework, plain Node http and workerd, on the same function.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use tokio::process::{Child, Command};

use crate::load::{Client, Shot};
use crate::platform::here;

/// A peer that serves one function over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// The vendor's own framework, production mode.
    FunctionsFramework,
    /// The least Node can do: parse, call, answer.
    NodeHttp,
    /// Cloudflare's runtime, which runs many functions in one process.
    Workerd,
}

impl Peer {
    /// How tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Peer::FunctionsFramework => "@cloudbase/functions-framework",
            Peer::NodeHttp => "plain Node http",
            Peer::Workerd => "workerd",
        }
    }
}

/// Installs the peers by their lock file, once.
pub async fn install() -> Result<()> {
    let folder = here().join("peers");
    if folder.join("node_modules/.package-lock.json").exists() {
        return Ok(());
    }
    // Not `ci`: the lock has workerd for Linux only, as not every registry has it for all systems.
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund"]).current_dir(&folder);
    ensure!(npm.status().await.context("npm")?.success(), "npm install failed in benches/peers");
    Ok(())
}

/// A running peer; ended when dropped.
pub struct Running {
    child: Child,
    /// `host:port`.
    pub address: String,
    /// From the start of the process to the first answer.
    pub started_in: Duration,
}

impl Running {
    /// Its process id.
    pub fn process_id(&self) -> Result<u32> {
        self.child.id().context("the peer ended")
    }
}

/// Starts a peer on `echo` or `cold` and waits for its first answer.
pub async fn start(peer: Peer, function: &str) -> Result<Running> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let folder = here().join("peers");
    let source = folder.join(format!("functions/{function}"));
    let mut command = Command::new(match peer {
        Peer::Workerd => folder.join("node_modules/.bin/workerd"),
        _ => "node".into(),
    });
    match peer {
        Peer::Workerd => command
            .arg("serve")
            .arg(source.join("workerd.capnp"))
            .arg(format!("--socket-addr=http=127.0.0.1:{port}")),
        Peer::FunctionsFramework => command
            .arg("node_modules/@cloudbase/functions-framework/bin/tcb-ff.js")
            .arg(format!("--source={}", source.display()))
            .arg(format!("--port={port}"))
            .args(["--enableCors=false", "--logDirname=/tmp"]),
        Peer::NodeHttp => command.arg("http.cjs").arg(&source).arg(port.to_string()),
    };
    let started = Instant::now();
    let child = command
        .env("NODE_ENV", "production")
        .current_dir(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("node")?;
    let address = format!("127.0.0.1:{port}");
    let shot = shot(&address);
    loop {
        if let Ok(mut client) = Client::connect(&address).await
            && client.send(&shot).await.is_ok()
        {
            let started_in = started.elapsed();
            return Ok(Running { child, address, started_in });
        }
        if started.elapsed() > Duration::from_secs(20) {
            bail!("{} gave no answer", peer.name());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The same event that our side gets.
pub fn shot(address: &str) -> Shot {
    Shot {
        address: address.to_owned(),
        path: "/".to_owned(),
        headers: Vec::new(),
        bodies: [Bytes::from(crate::call::event().to_string())].into(),
        is_numbered: false,
        expected: "photo-1",
    }
}
