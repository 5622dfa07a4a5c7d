//! `/v1/database/…`: documents for the gateway generation of client SDKs (protocol 03 §7).
//!
//! A path names the collection, the HTTP status says how it went; documents are objects of
//! canonical extended JSON. A Bearer token is an access token or the environment's API key, and
//! tells the environment, too.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::any;
use platform::database::{self, Aggregate, Find, Write};
use platform::keys::{self, Proof};
use platform::{Caller, Code, Context, Environment, Error, Result, sign_in, transactions};
use serde_json::{Map, Value as Json, json};
use value::Document;

use crate::codes::{http_status, vendor_code};
use crate::envelope::{Envelope, invalid};
use crate::origin::{self, Peer};
use crate::server::Gateway;
use crate::{encode, reply, upload, web};

/// The largest body of a server, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The only instance and the only database there are.
const DEFAULT: &str = "(default)";

/// The routes of this protocol.
pub fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/v1/database/instances/{instance}/databases/{database}/{*rest}", any(handle))
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    Path((instance, database, rest)): Path<(String, String, String)>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let given = parts.headers.get("x-request-id").filter(|id| id.len() <= 100).cloned();
    let outcome = async {
        if instance != DEFAULT || database != DEFAULT {
            return Err(unknown());
        }
        let context = context(&gateway, &parts)?;
        let bytes_max = match &context.caller {
            Caller::User(_) | Caller::Nobody => web::DATABASE_BYTES_MAX,
            _ => BODY_BYTES_MAX,
        };
        let body = upload::read_body(body, bytes_max).await?;
        run(&context, &parts, &rest, &body).await
    };
    let outcome = outcome.await;
    let id = given.unwrap_or_else(|| {
        let id = platform::new_request_id();
        HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("-"))
    });
    let mut response = match outcome {
        Ok(text) => reply::json_response(StatusCode::OK, text),
        Err(error) => {
            reply::note("", &error);
            let status = StatusCode::from_u16(http_status(error.code()));
            let text = json!({
                "code": vendor_code(error.code()),
                "message": error.message(),
                "requestId": id.to_str().unwrap_or_default(),
            });
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            reply::json_response(status, text.to_string())
        }
    };
    response.headers_mut().insert("x-request-id", id);
    response
}

/// Who asks, and of which environment: the token tells both.
pub(crate) fn context(gateway: &Gateway, parts: &Parts) -> Result<Context> {
    let peer = origin::peer(parts)?;
    if matches!(peer, Peer::Worker(_)) {
        return Err(unknown());
    }
    let token = parts.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = token.and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
    let default = gateway.platform().default_environment();
    let mut environments = gateway.platform().environments();
    environments.sort_by_key(|it| it.id() != default.id());
    let mut refusal = None;
    for environment in environments {
        match caller(&environment, token) {
            Ok(caller) => {
                return Ok(origin::client_context(
                    gateway,
                    environment,
                    caller,
                    &peer,
                    &parts.headers,
                ));
            }
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(refusal.unwrap_or_else(sign_in::not_signed_in))
}

fn caller(environment: &Environment, token: &str) -> Result<Caller> {
    if token.is_empty() {
        return Err(sign_in::not_signed_in());
    }
    if keys::verify(environment, &Proof::Bearer(token)).is_ok() {
        return Ok(Caller::Administrator);
    }
    sign_in::caller_of_token(environment, token)
}

async fn run(context: &Context, parts: &Parts, rest: &str, body: &[u8]) -> Result<String> {
    let segments: Vec<&str> = rest.split('/').collect();
    let method = match parts.headers.get("x-http-method-override").map(HeaderValue::as_bytes) {
        Some(b"PATCH") if parts.method == "POST" => "PATCH",
        Some(b"DELETE") if parts.method == "POST" => "DELETE",
        _ => parts.method.as_str(),
    };
    let asked = match method {
        "GET" => query_parameters(parts, context.now_ms)?,
        _ => Envelope::parameters(body, context.now_ms)?,
    };
    match (method, &segments[..]) {
        ("POST", ["collections"]) => {
            database::create_collection(context, asked.required_text("collectionName")?).await?;
            Ok("{}".to_owned())
        }
        ("GET", ["collections", collection, "documents"]) => {
            find(context, collection, &asked).await
        }
        ("GET", ["collections", collection, "documents", id]) => {
            get(context, collection, id, &asked).await
        }
        ("POST", ["collections", collection, "documents"]) => {
            let transaction = transaction(&asked);
            let documents = asked.documents("data")?;
            let ids =
                database::insert(context, collection, documents, transaction.as_deref()).await?;
            let ids: Vec<_> = ids.iter().map(encode::id).collect();
            Ok(json!({ "insertedIds": ids }).to_string())
        }
        ("PATCH", ["collections", collection, "documents"]) => {
            update(context, collection, asked.document("query")?, &asked).await
        }
        ("PATCH", ["collections", collection, "documents", id]) => {
            update(context, collection, Some(by_id(id)), &asked).await
        }
        ("POST", ["collections", collection, "documents", "remove"]) => {
            let multi = asked.json("multi").is_none() || asked.flag("multi");
            remove(context, collection, asked.document("query")?, multi, &asked).await
        }
        ("DELETE", ["collections", collection, "documents", id]) => {
            remove(context, collection, Some(by_id(id)), false, &asked).await
        }
        ("POST", ["collections", collection, "documents", "aggregations"]) => {
            let aggregate = Aggregate {
                collection: (*collection).to_owned(),
                stages: asked.stages("pipeline")?,
                limit: None,
                transaction: transaction(&asked),
            };
            let results = database::aggregate(context, aggregate).await?;
            Ok(format!(r#"{{"list":{}}}"#, list(&results)?))
        }
        ("POST", ["transactions"]) => {
            Ok(json!({ "transactionId": transactions::begin(context).await? }).to_string())
        }
        ("POST", ["transactions", id, "commit"]) => {
            transactions::commit(context, id).await?;
            Ok("{}".to_owned())
        }
        ("POST", ["transactions", id, "rollback"]) => {
            transactions::abort(context, id).await?;
            Ok("{}".to_owned())
        }
        _ => Err(unknown()),
    }
}

/// The parameters of an address; texts of JSON stay texts, but lists become lists.
fn query_parameters(parts: &Parts, now_ms: i64) -> Result<Envelope> {
    let mut members = Map::new();
    for pair in parts.uri.query().unwrap_or_default().split('&').filter(|it| !it.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.replace('+', " ");
        let value = percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned();
        if value.is_empty() {
            continue;
        }
        let list = serde_json::from_str(&value).ok().filter(Json::is_array);
        members.insert(name.to_owned(), list.unwrap_or(Json::String(value)));
    }
    Envelope::parameters(Json::Object(members).to_string().as_bytes(), now_ms)
}

async fn find(context: &Context, collection: &str, asked: &Envelope) -> Result<String> {
    let filter = asked.document("query")?.unwrap_or_default();
    let transaction = transaction(asked);
    if asked.text("count") == Some("true") {
        let total = database::count(context, collection, filter, transaction.as_deref()).await?;
        return Ok(json!({ "total": total }).to_string());
    }
    let skip = asked.count("offset")?.unwrap_or(0);
    let limit = asked.count("limit")?;
    let find = Find {
        collection: collection.to_owned(),
        filter,
        order: asked.order("order")?,
        projection: asked.document("projection")?.unwrap_or_default(),
        skip,
        limit,
        transaction,
    };
    let list = list(&database::find(context, find).await?)?;
    let limit = limit.unwrap_or(database::LIMIT_DEFAULT).min(database::LIMIT_MAX);
    Ok(format!(r#"{{"list":{list},"offset":{skip},"limit":{limit}}}"#))
}

async fn get(context: &Context, collection: &str, id: &str, asked: &Envelope) -> Result<String> {
    let find = Find {
        collection: collection.to_owned(),
        filter: by_id(id),
        projection: asked.document("projection")?.unwrap_or_default(),
        limit: Some(1),
        transaction: transaction(asked),
        ..Find::default()
    };
    match database::find(context, find).await?.first() {
        Some(document) => encode::canonical(document),
        None => Err(Error::new(
            Code::DocumentMissing,
            format!("The document '{id}' does not exist. / 文档「{id}」不存在。"),
        )),
    }
}

async fn update(
    context: &Context,
    collection: &str,
    filter: Option<Document>,
    asked: &Envelope,
) -> Result<String> {
    let write = Write {
        collection: collection.to_owned(),
        filter,
        data: asked.document("data")?.ok_or_else(|| invalid("data", "a document", "文档"))?,
        multi: asked.flag("multi"),
        merge: !asked.flag("replaceMode"),
        upsert: asked.flag("upsert"),
        transaction: transaction(asked),
        ..Write::default()
    };
    let written = database::write(context, write).await?;
    let id = written.upserted_id.as_ref().map(encode::id);
    let mut told = json!({
        "updated": written.updated,
        "matched": written.matched,
        "upsert_id": id,
        "upserted_id": id,
    });
    if asked.flag("returnDoc")
        && let Some(document) = &written.document
    {
        told["doc"] = serde_json::from_str(&encode::canonical(document)?).unwrap_or_default();
    }
    Ok(told.to_string())
}

async fn remove(
    context: &Context,
    collection: &str,
    filter: Option<Document>,
    multi: bool,
    asked: &Envelope,
) -> Result<String> {
    let transaction = transaction(asked);
    let deleted =
        database::remove(context, collection, filter, multi, transaction.as_deref()).await?;
    Ok(json!({ "deleted": deleted }).to_string())
}

fn transaction(asked: &Envelope) -> Option<String> {
    asked.text("transactionId").filter(|id| !id.is_empty()).map(str::to_owned)
}

fn by_id(id: &str) -> Document {
    [("_id".to_owned(), value::Value::String(id.to_owned()))].into_iter().collect()
}

fn list(documents: &[bytes::Bytes]) -> Result<String> {
    let documents = documents.iter().map(|it| encode::canonical(it)).collect::<Result<Vec<_>>>()?;
    Ok(format!("[{}]", documents.join(",")))
}

fn unknown() -> Error {
    Error::new(
        Code::Unsupported,
        "This path is not supported by this version: see COMPAT.md. / 当前版本不支持该接口,参见 \
         COMPAT.md。",
    )
}
