//! `/_api/logs` and `/_api/invocations`: what happened, searched newest first or followed live.
//!
//! Read with the API key; on a `dev` server also by a browser on this very machine, as the console
//! does. What functions print about their users is in here: see [`crate::console`].

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use futures_util::stream;
use platform::journal::{Follower, Level, PAGE_MAX, Query};
use platform::{Code, Context, Error, Result};
use serde_json::json;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::asked::{Answer, Refused, Viewer, number, parameter, told};
use crate::envelope::invalid;
use crate::server::Gateway;

/// How many entries a search answers when it names no limit.
const LIMIT_DEFAULT: usize = 100;
/// How many entries a follower gets first when it names no limit.
const FOLLOW_LIMIT_DEFAULT: usize = 20;
/// How often a follower gets an empty line when nothing happens: a dead connection shows.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// `GET logs`: every kind of entry.
pub async fn logs(
    Viewer(context): Viewer,
    State(gateway): State<Arc<Gateway>>,
    uri: Uri,
) -> std::result::Result<Response<Body>, Refused> {
    respond(&gateway, &context, &uri, &[], "entries").await
}

/// `GET invocations`: settled invocations with their figures.
pub async fn invocations(
    Viewer(context): Viewer,
    State(gateway): State<Arc<Gateway>>,
    uri: Uri,
) -> std::result::Result<Response<Body>, Refused> {
    respond(&gateway, &context, &uri, &["invocation"], "invocations").await
}

/// `GET invocations/ID`: one with everything it logged, in order.
pub async fn invocation(Viewer(context): Viewer, Path(request_id): Path<String>) -> Answer {
    let environment = &context.environment;
    let ask = |kind: &str, limit| {
        let kinds = vec![kind.to_owned()];
        let request_id = Some(request_id.clone());
        environment.search_journal(Query { kinds, request_id, limit, ..Query::default() })
    };
    let found = ask("invocation", 1).await?.entries.pop();
    let lines = ask("log", PAGE_MAX).await?;
    let is_running = found.is_none() && environment.invocation(&request_id).is_some();
    if found.is_none() && lines.entries.is_empty() && !is_running {
        return Err(Error::new(
            Code::DocumentMissing,
            "Nothing is known of this invocation: its id is wrong, or it is too long ago. / \
             找不到该次调用:请检查请求 ID,或记录已过期。",
        )
        .into());
    }
    let found = found.as_ref().map_or("null", |found| found.get());
    let more = lines.cursor.is_some();
    let lines: Vec<_> = lines.entries.iter().rev().map(|line| line.get()).collect();
    told(format!(
        r#"{{"invocation":{found},"running":{is_running},"lines":[{}],"moreLines":{more}}}"#,
        lines.join(",")
    ))
}

async fn respond(
    gateway: &Gateway,
    context: &Context,
    uri: &Uri,
    kinds: &[&str],
    member: &str,
) -> std::result::Result<Response<Body>, Refused> {
    let follows = flag(uri, "follow")?;
    let query = query(uri, context, kinds, follows)?;
    if follows {
        let (entries, follower) = context.environment.follow_journal(query).await?;
        return Ok(followed(entries, follower, gateway.stopping().clone()));
    }
    let page = context.environment.search_journal(query).await?;
    let entries: Vec<_> = page.entries.iter().map(|entry| entry.get()).collect();
    let (entries, cursor) = (entries.join(","), json!(page.cursor));
    let told = told(format!(r#"{{"{member}":[{entries}],"cursor":{cursor}}}"#))?;
    Ok(told.into_response())
}

/// The conditions in the address.
fn query(uri: &Uri, context: &Context, kinds: &[&str], follows: bool) -> Result<Query> {
    let text = |name: &str| parameter(uri, name).filter(|text| !text.is_empty());
    let time = |name: &str| moment(uri, name, context.now_ms);
    let mut level = match text("level") {
        None => None,
        Some(name) => Some(Level::parse(&name).ok_or_else(|| {
            let levels = "debug, info, warn or error";
            invalid("level", levels, "debug、info、warn 或 error")
        })?),
    };
    if flag(uri, "errors")? {
        level = Some(Level::Error);
    }
    let kinds = match text("kind") {
        Some(kinds) => kinds.split(',').map(str::to_owned).collect(),
        None => kinds.iter().map(|kind| (*kind).to_owned()).collect(),
    };
    let limit = match number(uri, "limit")? {
        Some(limit) if limit <= PAGE_MAX as u64 => usize::try_from(limit).unwrap_or(PAGE_MAX),
        Some(_) => {
            return Err(invalid(
                "limit",
                &format!("at most {PAGE_MAX}"),
                &format!("不超过 {PAGE_MAX}"),
            ));
        }
        None if follows => FOLLOW_LIMIT_DEFAULT,
        None => LIMIT_DEFAULT,
    };
    Ok(Query {
        kinds,
        function: text("function"),
        request_id: text("requestId"),
        openid: text("openid"),
        text: text("text"),
        level,
        only_cold: flag(uri, "cold")?,
        since_ms: time("since")?,
        until_ms: time("until")?,
        before: number(uri, "cursor")?,
        limit,
    })
}

fn flag(uri: &Uri, name: &str) -> Result<bool> {
    match parameter(uri, name).as_deref() {
        None | Some("" | "0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(invalid(name, "1 or 0", " 1 或 0")),
    }
}

/// A moment: ms since 1970, or how long ago, e.g. `90s`, `15m`, `2h`, `3d`.
fn moment(uri: &Uri, name: &str, now_ms: i64) -> Result<Option<i64>> {
    let Some(text) = parameter(uri, name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let units = [('s', 1_000), ('m', 60_000), ('h', 3_600_000), ('d', 86_400_000)];
    let ago = units.iter().find_map(|(unit, ms)| Some((text.strip_suffix(*unit)?, *ms)));
    let read = match ago {
        Some((count, ms)) => count.parse::<u32>().ok().map(|count| now_ms - i64::from(count) * ms),
        None => text.parse().ok(),
    };
    read.map(Some).ok_or_else(|| {
        invalid(
            name,
            "ms since 1970, or like 90s, 15m, 2h, 3d",
            "毫秒时间戳,或 90s、15m、2h、3d 的形式",
        )
    })
}

struct Following {
    first: VecDeque<Box<RawValue>>,
    follower: Follower,
    stopping: CancellationToken,
}

/// Lines of JSON without end: entries, `{"kind":"skipped","count"}` where the reader was too slow,
/// and an empty line now and then.
fn followed(
    entries: Vec<Box<RawValue>>,
    follower: Follower,
    stopping: CancellationToken,
) -> Response<Body> {
    let following = Following { first: entries.into(), follower, stopping };
    let lines = stream::unfold(following, |mut following| async {
        let mut line = match following.first.pop_front() {
            Some(entry) => Box::<str>::from(entry).into_string(),
            None => {
                tokio::select! {
                    tail = following.follower.next() => tail?.line(),
                    () = following.stopping.cancelled() => return None,
                    () = tokio::time::sleep(HEARTBEAT) => String::new(),
                }
            }
        };
        line.push('\n');
        Some((Ok::<_, Infallible>(Bytes::from(line)), following))
    });
    let mut response = Response::new(Body::from_stream(lines));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
