//! `POST /v1/streams/{name}/records`: administrators and functions hand in records of a stream.
//! Without a user's identity, and so not for clients: a function decides what they may send.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::post;
use platform::triggers::streams::{self, Entry};
use platform::{Code, Error, Result, new_request_id};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::server::Gateway;
use crate::{http_routes, reply, upload, v1_functions};

/// The largest body in bytes: five megabytes of records and what is around them.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The routes of this protocol.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new().route("/v1/streams/{stream}/records", post(handle))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Record {
    /// Any JSON.
    data: Box<RawValue>,
    #[serde(default)]
    partition_key: Option<String>,
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    Path(stream): Path<String>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (request_id, outcome) = match v1_functions::context(&gateway, &parts) {
        Ok(context) => {
            let numbers = async {
                let body = upload::read_body(body, BODY_BYTES_MAX).await?;
                streams::append(&context, &stream, entries(&body)?).await
            };
            (context.request_id.clone(), numbers.await)
        }
        Err(error) => (new_request_id(), Err(error)),
    };
    let mut response = match outcome {
        Ok(numbers) => {
            let text = json!({ "sequenceNumbers": numbers }).to_string();
            reply::json_response(StatusCode::OK, text)
        }
        Err(error) => http_routes::refusal(&request_id, &error),
    };
    http_routes::identify(&mut response, &request_id);
    response
}

fn entries(body: &[u8]) -> Result<Vec<Entry>> {
    let sent: Sent = serde_json::from_slice(body).map_err(|error| {
        Error::with_cause(
            Code::InvalidParameter,
            format!(
                "The body is {{\"records\":[{{\"data\":…,\"partitionKey\":…}}]}}: {error}. / 请求体\
                 应为 {{\"records\":[{{\"data\":…}}]}}:{error}"
            ),
            error,
        )
    })?;
    let entry = |record: Record| Entry {
        data: Box::<str>::from(record.data).into_string(),
        key: record.partition_key,
    };
    Ok(sent.records.into_iter().map(entry).collect())
}
