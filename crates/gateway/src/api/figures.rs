//! `/_api/metrics`, `/_api/usage` and `/_metrics`: figures, for people, for bills, for Prometheus.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Response, Uri, header};
use platform::metrics::{self, Exposition, usage};
use serde_json::json;

use super::asked::{Answer, Viewer, parameter, told};
use crate::server::Gateway;

/// The content type of Prometheus' text format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET metrics`: the functions of an environment.
pub async fn metrics_json(Viewer(context): Viewer) -> Answer {
    told(metrics::as_json(&context.environment))
}

/// `GET usage?from=2026-01-01&to=2026-01-31`: what was used, by day.
pub async fn usage_by_day(Viewer(context): Viewer, uri: Uri) -> Answer {
    let (from, to) = (parameter(&uri, "from"), parameter(&uri, "to"));
    let days = usage::days(&context, from.as_deref(), to.as_deref()).await?;
    told(json!({ "environment": context.environment.id(), "days": days }))
}

/// `GET /_metrics`: everything, or with `?env=` one environment.
pub async fn prometheus(
    Viewer(context): Viewer,
    State(gateway): State<Arc<Gateway>>,
    uri: Uri,
) -> Response<Body> {
    let mut text = Exposition::default();
    if parameter(&uri, "env").is_none() {
        text.environments(&gateway.platform().environments()).await;
        gateway.metrics().expose(&mut text);
        process(&mut text, &gateway);
    } else {
        text.environments(&[context.environment]).await;
    }
    let mut response = Response::new(Body::from(text.into_text()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(EXPOSITION));
    response
}

/// What the server itself takes; where the system does not say, nothing.
fn process(text: &mut Exposition, gateway: &Gateway) {
    text.metric("yunkai_build_info", "gauge", "1, with the version.");
    text.value("yunkai_build_info", &format!("version=\"{}\"", env!("CARGO_PKG_VERSION")), 1);
    let uptime = "yunkai_uptime_seconds";
    text.metric(uptime, "gauge", "Time since the start, in s.");
    text.value(uptime, "", gateway.started().elapsed().as_secs());
    if let Some(bytes) = resident_bytes() {
        let memory = "yunkai_process_resident_bytes";
        text.metric(memory, "gauge", "Memory of the server without its workers, in bytes.");
        text.value(memory, "", bytes);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}
