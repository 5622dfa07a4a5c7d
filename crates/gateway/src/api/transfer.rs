//! Imports and exports as streams. An import answers while it reads: lines of JSON that tell
//! refused rows and progress, and a last line that says how it ended. So whoever loses the
//! connection knows which rows are settled.

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Path;
use axum::http::{HeaderValue, Response, Uri, header};
use futures_util::stream::{self, StreamExt};
use platform::transfer::{self, ExportFormat, Exporter, Import, ImportFormat, Importer, Mode};
use platform::{Code, Error, Result};
use serde_json::json;

use super::Selection;
use super::asked::{Operator, Refused, Said, error_json, parameter};
use crate::encode;
use crate::envelope::{Envelope, invalid};

/// `POST collections/NAME/import?format=json|csv|bson&mode=insert|upsert&create=true`, the file as
/// the body.
pub async fn import(
    Operator(context): Operator,
    Path(collection): Path<String>,
    uri: Uri,
    body: Body,
) -> std::result::Result<Response<Body>, Refused> {
    let format = match parameter(&uri, "format").as_deref() {
        None | Some("json") => ImportFormat::Json,
        Some("csv") => ImportFormat::Csv,
        Some("bson") => ImportFormat::Bson,
        Some(_) => return Err(invalid("format", "json, csv or bson", "json、csv 或 bson").into()),
    };
    let mode = match parameter(&uri, "mode").as_deref() {
        None | Some("insert") => Mode::Insert,
        Some("upsert") => Mode::Upsert,
        Some(_) => return Err(invalid("mode", "insert or upsert", "insert 或 upsert").into()),
    };
    let create = parameter(&uri, "create").as_deref() == Some("true");
    let import = Import { collection, format, mode, create };
    let importer = Importer::start(context, import).await?;
    let running = Running { importer, body: body.into_data_stream(), ended: false };
    let lines = stream::unfold(running, |mut running| async {
        let lines = running.next().await?;
        Some((Ok::<_, Error>(Bytes::from(lines)), running))
    });
    Ok(streamed(Body::from_stream(lines), "application/x-ndjson"))
}

struct Running {
    importer: Importer,
    body: BodyDataStream,
    ended: bool,
}

impl Running {
    /// The next lines of the answer; `None` behind the last one.
    async fn next(&mut self) -> Option<String> {
        let before = self.importer.settled();
        while !self.ended {
            let mut refused = Vec::new();
            let outcome = match self.body.next().await {
                Some(Ok(bytes)) => self.importer.feed(&bytes, &mut refused).await,
                Some(Err(error)) => Err(Error::with_cause(
                    Code::InvalidParameter,
                    "The request body broke off. / 请求体传输中断。",
                    error,
                )),
                None => {
                    self.ended = true;
                    self.importer.finish(&mut refused).await
                }
            };
            let mut lines: String = refused.iter().map(refusal_line).collect();
            let settled = self.importer.settled();
            let mut state = json!({ "written": settled.written, "refused": settled.refused });
            match outcome {
                Ok(()) if self.ended => state["done"] = true.into(),
                Ok(()) if settled == before => continue,
                Ok(()) => {}
                Err(error) => {
                    crate::reply::note("", &error);
                    self.ended = true;
                    state["failed"] = error_json(&error);
                }
            }
            lines.push_str(&state.to_string());
            lines.push('\n');
            return Some(lines);
        }
        None
    }
}

fn refusal_line(refused: &transfer::Refused) -> String {
    let mut row = error_json(&refused.error);
    row["line"] = refused.line.into();
    row["_id"] = refused.id.as_ref().map(encode::id).into();
    json!({ "row": row }).to_string() + "\n"
}

/// `POST collections/NAME/export {filter, sort, projection, skip, limit, format, fields}`.
pub async fn export(
    Path(collection): Path<String>,
    Said(context, body): Said<Envelope>,
) -> std::result::Result<Response<Body>, Refused> {
    let fields = fields(&body)?;
    let (format, kind) = match body.text("format") {
        None | Some("json") => (ExportFormat::JsonLines, "application/x-ndjson"),
        Some("csv") => (ExportFormat::Csv(fields), "text/csv; charset=utf-8"),
        Some(_) => return Err(invalid("format", "json or csv", "json 或 csv").into()),
    };
    let export = Selection::read(&body)?.export(collection, format);
    let exporter = Exporter::start(&context, export).await?;
    // An error breaks the connection off, so that half a file is not taken for a whole.
    let pieces = stream::unfold(exporter, |mut exporter| async {
        let piece = exporter.next().await.transpose()?;
        Some((piece.map(Bytes::from), exporter))
    });
    Ok(streamed(Body::from_stream(pieces), kind))
}

/// The columns of a CSV file.
fn fields(body: &Envelope) -> Result<Vec<String>> {
    let Some(value) = body.json("fields") else { return Ok(Vec::new()) };
    let items = value.as_array().ok_or_else(|| invalid("fields", "a list of names", "字段列表"))?;
    items
        .iter()
        .map(|it| it.as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .ok_or_else(|| invalid("fields", "a list of names", "字段列表"))
}

fn streamed(body: Body, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
