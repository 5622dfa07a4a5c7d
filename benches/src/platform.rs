//! Our side: the release binary serving the project of this folder, in a fresh data directory.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::load::Shot;

/// A running server; ended when dropped.
pub struct Platform {
    child: Child,
    /// `host:port`.
    pub address: String,
    api_key: String,
    /// Its data directory.
    pub data: PathBuf,
    _folder: tempfile::TempDir,
}

/// The folder of this crate.
pub fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The server's program, beside this one.
fn binary() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("yunkai"))
}

impl Platform {
    /// Starts the binary beside this one on a project folder.
    pub async fn start(project: &Path) -> Result<Self> {
        let folder = tempfile::tempdir_in(here().join("../target"))?;
        let data = folder.path().join("data");
        let mut command = Command::new(binary()?);
        command.args(["dev", "--port", "0", "--no-watch", "--data"]).arg(&data).arg(project);
        Self::run(command, folder, data).await
    }

    /// Starts it as a server on which no worker waits, and deploys the project to it.
    pub async fn start_without_waiting(project: &Path) -> Result<Self> {
        let folder = tempfile::tempdir_in(here().join("../target"))?;
        let (data, config) = (folder.path().join("data"), folder.path().join("yunkai.toml"));
        let text = format!(
            "listen = \"127.0.0.1:0\"\ndata = {:?}\nenvironment = \"bench\"\n\n[functions]\n\
             waiting_workers = 0\n",
            data.display().to_string()
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new(binary()?);
        command.arg("serve").arg("--config").arg(&config);
        let platform = Self::run(command, folder, data).await?;
        let deployed = Command::new(binary()?)
            .arg("deploy")
            .arg(project)
            .args(["--server", &format!("http://{}", platform.address), "--key"])
            .arg(&platform.api_key)
            .stdout(Stdio::null())
            .status()
            .await?;
        ensure!(deployed.success(), "the project could not be deployed");
        Ok(platform)
    }

    async fn run(mut command: Command, folder: tempfile::TempDir, data: PathBuf) -> Result<Self> {
        let mut child = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("yunkai (build it first: make release)")?;
        let stdout = child.stdout.take().ok_or_else(|| anyhow!("no standard output"))?;
        let mut lines = BufReader::new(stdout).lines();
        let address = loop {
            let line = lines.next_line().await?.ok_or_else(|| anyhow!("the server ended"))?;
            if let Some(address) = line.strip_prefix("ready http://") {
                break address.to_owned();
            }
        };
        // The terminal must be read on, or the server would wait for it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let credentials = std::fs::read(data.join("credentials.json"))?;
        let credentials: Json = serde_json::from_slice(&credentials)?;
        let api_key = credentials["apiKey"].as_str().unwrap_or_default().to_owned();
        Ok(Self { child, address, api_key, data, _folder: folder })
    }

    /// Waits until a worker waits for a function, so that the next cold call finds one.
    pub async fn waiting_worker(&self) -> Result<()> {
        loop {
            let response = get(&self.address, "/_api/functions").await?;
            if response["waitingWorkers"].as_u64() >= Some(1) {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Waits until no worker serves this function: it has been scaled to zero.
    pub async fn no_workers(&self, function: &str) -> Result<()> {
        loop {
            let response = get(&self.address, "/_api/functions").await?;
            let functions = response["functions"].as_array().cloned().unwrap_or_default();
            let found = functions.iter().find(|it| it["name"] == function);
            let workers = found.and_then(|it| it["workers"].as_u64());
            if workers.with_context(|| format!("no function {function}"))? == 0 {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// The server's process id.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// An `/admin` request as a server SDK sends it, with the API key.
    pub fn admin(&self, body: &Json) -> Shot {
        self.admin_any(std::iter::once(body.clone()))
    }

    /// [`Platform::admin`] with a choice of bodies.
    pub fn admin_any(&self, bodies: impl Iterator<Item = Json>) -> Shot {
        Shot {
            address: self.address.clone(),
            path: "/admin?env=bench".to_owned(),
            headers: vec![("authorization".to_owned(), format!("Bearer {}", self.api_key))],
            bodies: bodies.map(|body| Bytes::from(body.to_string())).collect(),
            is_numbered: false,
            expected: "\"data\"",
        }
    }

    /// An addition of a small document, whose id is the number of the shot.
    pub fn adds(&self) -> Shot {
        let shot = self.admin(&json!({
            "action": "database.addDocument",
            "collectionName": "kept",
            "data": ["{\"_id\":\"added-NUMBER\"}"],
            "multi": false,
            "envName": "bench",
        }));
        Shot { is_numbered: true, ..shot }
    }

    /// A call of a function.
    pub fn call(&self, function: &str, data: &Json) -> Shot {
        self.admin(&json!({
            "action": "functions.invokeFunction",
            "function_name": function,
            "request_data": data.to_string(),
            "envName": "bench",
        }))
    }
}

async fn get(address: &str, path: &str) -> Result<Json> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = hyper::Request::get(path)
        .header("host", address)
        .body(http_body_util::Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let body = http_body_util::BodyExt::collect(response.into_body()).await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}
