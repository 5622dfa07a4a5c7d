//! The peer beside us: Parse Server, the platform with the nearest interface, on PostgreSQL.

use std::process::Stdio;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::load::Shot;
use crate::platform::here;
use crate::postgres::Postgres;

/// A running server; ended when dropped.
pub struct ParseServer {
    _child: Child,
    address: String,
}

impl ParseServer {
    /// Installs it by its lock file, once, and starts it.
    pub async fn start(postgres: &Postgres) -> Result<Self> {
        let folder = here().join("peers/parse-server");
        if !folder.join("node_modules/.package-lock.json").exists() {
            let mut npm = Command::new("npm");
            let status = npm.args(["ci", "--ignore-scripts"]).current_dir(&folder).status().await;
            ensure!(status.context("npm")?.success(), "npm ci failed in {}", folder.display());
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new("node")
            .arg("index.mjs")
            .arg(&postgres.folder)
            .arg(port.to_string())
            .env("NODE_ENV", "production")
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("node")?;
        let stdout = child.stdout.take().ok_or_else(|| anyhow!("no standard output"))?;
        let mut lines = BufReader::new(stdout).lines();
        while lines.next_line().await?.ok_or_else(|| anyhow!("Parse Server ended"))? != "ready" {}
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { _child: child, address: format!("127.0.0.1:{port}") })
    }

    /// Requests as Parse's own JavaScript SDK sends them: the method and the keys in the body.
    pub fn shot(&self, path: &str, method: &str, bodies: impl Iterator<Item = Json>) -> Shot {
        let keyed = bodies.map(|body| {
            let mut keyed = json!({
                "_method": method, "_ApplicationId": "bench", "_MasterKey": "bench",
            });
            if let (Some(keyed), Json::Object(body)) = (keyed.as_object_mut(), body) {
                keyed.extend(body);
            }
            Bytes::from(keyed.to_string())
        });
        Shot {
            address: self.address.clone(),
            path: format!("/parse/{path}"),
            headers: Vec::new(),
            bodies: keyed.collect(),
            is_numbered: false,
            expected: "",
        }
    }
}
