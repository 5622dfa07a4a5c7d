//! Deploying a function: its settings and, unless the server has it already, its code as a zip.

use std::time::Instant;

use axum::body::Body;
use axum::extract::Path;
use axum::http::HeaderMap;
use bytes::Bytes;
use platform::deploy::{Deploy, Deployed, FunctionSettings, Source, Zip, deploy_for};
use platform::{Code, Error, Result};
use serde_json::{Value as Json, json};

use crate::api::asked::{Answer, Operator, told};
use crate::envelope::invalid;
use crate::multipart::{self, RawPart};
use crate::upload;

/// The largest deploy, in bytes.
const CODE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// `PUT NAME`: a form with `settings` (JSON), `sourceHash`, `strict`, `publish` and `code` (zip).
pub async fn deploy(
    Operator(context): Operator,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let started = Instant::now();
    let boundary = multipart::boundary(&headers)
        .ok_or_else(|| invalid("code", "part of a multipart form", "multipart 表单的一项"))?;
    let body = upload::read_body(body, CODE_BYTES_MAX).await?;
    let form = Form(multipart::read(body, &boundary).await?);
    let deploy = Deploy {
        name,
        source: form.bytes("code").map(|zip| Source::Zip(Zip::Bytes(zip))),
        source_hash: form.text("sourceHash")?.map(str::to_owned),
        settings: settings(form.text("settings")?.unwrap_or("{}"))?,
        is_strict: form.text("strict")? == Some("true"),
        publish: form.text("publish")?.map(str::to_owned),
    };
    let deployed = deploy_for(&context, deploy).await?;
    told(report(&deployed, started))
}

struct Form(Vec<RawPart>);

impl Form {
    fn bytes(&self, name: &str) -> Option<Bytes> {
        self.0.iter().find(|part| part.name == name).map(|part| part.bytes.clone())
    }

    fn text(&self, name: &str) -> Result<Option<&str>> {
        let part = self.0.iter().find(|part| part.name == name);
        let text = part.map(|part| std::str::from_utf8(&part.bytes)).transpose();
        text.map_err(|_| invalid(name, "text", "文本"))
    }
}

fn settings(text: &str) -> Result<FunctionSettings> {
    serde_json::from_str(text).map_err(|error| {
        let message =
            format!("The settings cannot be understood: {error}. / 云函数配置有误:{error}。");
        Error::with_cause(Code::InvalidParameter, message, error)
    })
}

fn report(deployed: &Deployed, started: Instant) -> Json {
    let mut report = json!({
        "changed": deployed.changed,
        "version": deployed.version,
        "contentHash": deployed.content_hash,
        "milliseconds": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "notices": [],
        "unsupported": [],
    });
    if let Some(built) = &deployed.report {
        report["notices"] = built.notices.clone().into();
        report["unsupported"] = serde_json::to_value(&built.unsupported).unwrap_or_default();
        report["bundle"] = serde_json::to_value(&built.bundle).unwrap_or_default();
        report["carriedSdk"] = built.carried_sdk.clone().into();
    }
    report
}
