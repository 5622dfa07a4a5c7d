//! Asking a running server: found by `--server` and `--key`, or by what a `dev` server leaves in
//! the data directory of the project folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value as Json;

use crate::arguments::Target;

/// The server compares the fixed parts of a path as they are written: `dead-letters`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Where a running server leaves its address.
pub fn address_file(data: &Path) -> PathBuf {
    data.join("server.json")
}

/// A running server and the key to it.
pub struct Client {
    http: reqwest::Client,
    server: String,
    key: String,
    env: Option<String>,
}

impl Client {
    /// Finds the server that a command acts on.
    pub fn find(target: Target) -> Result<Self> {
        let data = target.data.unwrap_or_else(|| PathBuf::from(".yunkai"));
        let server = match target.server {
            Some(server) if server.contains("://") => server.trim_end_matches('/').to_owned(),
            Some(server) => format!("http://{}", server.trim_end_matches('/')),
            None => member(&address_file(&data), "url").ok_or_else(|| {
                anyhow!(
                    "No server is running for this folder: start it with `yunkai dev`, or name one \
                     with --server and --key. / 当前目录没有运行中的服务:请先执行 `yunkai dev`,\
                     或用 --server 与 --key 指定服务器。"
                )
            })?,
        };
        let key = target.key.or_else(|| member(&data.join("credentials.json"), "apiKey"));
        let Some(key) = key else {
            bail!(
                "A key is needed: give --key the apiKey of credentials.json in the server's data \
                 directory. / 缺少密钥:请用 --key 指定服务器数据目录 credentials.json 中的 apiKey。"
            );
        };
        let http = reqwest::Client::builder().build().context("HTTP")?;
        Ok(Self { http, server, key, env: target.env })
    }

    /// A request to `/_api/database/…`; the parts of the path are encoded.
    pub fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        self.api(method, &[&["database"], path].concat(), query)
    }

    /// A request to `/_api/…`; the parts of the path are encoded.
    pub fn api(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let path: Vec<_> = path.iter().map(|part| encode(part)).collect();
        let env = self.env.as_deref().map(|env| ("env", env));
        let query: Vec<_> = query
            .iter()
            .copied()
            .chain(env)
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        let url = format!("{}/_api/{}?{}", self.server, path.join("/"), query.join("&"));
        self.http.request(method, url).bearer_auth(&self.key)
    }

    /// Sends; what is not a success becomes an error in the server's words.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        match serde_json::from_str::<Json>(&text) {
            Ok(Json::Object(body)) if body.contains_key("message") => {
                bail!("{}", body["message"].as_str().unwrap_or_default())
            }
            _ => bail!(
                "{0} answered {status}, so it is no yunkai of this version. / {0} 返回 {status},\
                 可能不是本版本的 yunkai 服务。",
                self.server
            ),
        }
    }

    /// Sends parameters and reads an answer in JSON.
    pub async fn ask(&self, method: Method, path: &[&str], body: Option<&Json>) -> Result<Json> {
        self.ask_api(method, &[&["database"], path].concat(), body).await
    }

    /// As [`Self::ask`], of any part of the API.
    pub async fn ask_api(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Json>,
    ) -> Result<Json> {
        let mut request = self.api(method, path, &[]);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.read(request).await
    }

    /// Sends a request and reads an answer in JSON.
    pub async fn read(&self, request: RequestBuilder) -> Result<Json> {
        let text = self.send(request).await?.text().await;
        let text = text.map_err(|error| self.unreachable(&error))?;
        serde_json::from_str(&text).with_context(|| format!("{}: {text}", self.server))
    }

    /// Why a server cannot be talked to.
    pub fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        // The innermost says what happened; those around it repeat the address.
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        anyhow!(
            "{0} cannot be reached ({cause}): is the server running there? / 无法连接 {0}({cause}):\
             请确认服务正在运行。",
            self.server
        )
    }
}

/// A text member of a JSON file; `None` when there is none.
fn member(path: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let json: Json = serde_json::from_str(&text).ok()?;
    json.get(name)?.as_str().map(str::to_owned)
}
