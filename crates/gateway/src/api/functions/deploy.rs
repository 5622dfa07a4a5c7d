//! Deploying a function: its settings and, unless the server has it already, its code as a zip.

use std::collections::HashMap;
use std::time::Instant;

use axum::body::Body;
use axum::extract::Path;
use axum::http::HeaderMap;
use platform::deploy::{Deploy, Deployed, FunctionSettings, Source, Upload, Uploaded, deploy_for};
use platform::{Code, Context, Error, Result};
use serde_json::{Value as Json, json};

use crate::api::asked::{Answer, Operator, told};
use crate::envelope::invalid;
use crate::multipart;

/// How much may stand beside the code, in bytes.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

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
    let form = Form::receive(&context, body, &boundary).await?;
    let deploy = Deploy {
        name,
        source: form.code.as_ref().map(|code| Source::Zip(code.zip())),
        source_hash: form.text("sourceHash")?.map(str::to_owned),
        settings: settings(form.text("settings")?.unwrap_or("{}"))?,
        is_strict: form.text("strict")? == Some("true"),
        publish: form.text("publish")?.map(str::to_owned),
    };
    let deployed = deploy_for(&context, deploy).await?;
    told(report(&deployed, started))
}

/// What was sent: texts, and the code in a file.
struct Form {
    texts: HashMap<String, Vec<u8>>,
    code: Option<Uploaded>,
}

impl Form {
    async fn receive(context: &Context, body: Body, boundary: &str) -> Result<Self> {
        let mut form = Self { texts: HashMap::new(), code: None };
        let mut parts = multer::Multipart::new(body.into_data_stream(), boundary);
        form.receive_parts(context, &mut parts).await?;
        Ok(form)
    }

    async fn receive_parts(
        &mut self,
        context: &Context,
        parts: &mut multer::Multipart<'_>,
    ) -> Result<()> {
        let mut text_bytes = 0;
        while let Some(mut part) = parts.next_field().await.map_err(multipart::malformed)? {
            let name = part.name().unwrap_or_default().to_owned();
            if name == "code" {
                let mut code = Upload::begin(context).await?;
                while let Some(chunk) = part.chunk().await.map_err(multipart::malformed)? {
                    code.write(&chunk).await?;
                }
                self.code = Some(code.finish().await?);
                continue;
            }
            let text = self.texts.entry(name).or_default();
            while let Some(chunk) = part.chunk().await.map_err(multipart::malformed)? {
                text_bytes += chunk.len();
                if text_bytes > TEXT_BYTES_MAX {
                    return Err(invalid("settings", "at most 1 MB", "不超过 1 MB"));
                }
                text.extend_from_slice(&chunk);
            }
        }
        Ok(())
    }

    fn text(&self, name: &str) -> Result<Option<&str>> {
        let text = self.texts.get(name).map(|text| std::str::from_utf8(text)).transpose();
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
