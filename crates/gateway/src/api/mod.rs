//! `/_api/*`: the administrator's API, spoken by the command line and the console.
//!
//! Every request carries the environment's API key as a Bearer token; nothing is granted for being
//! on this machine, because a page of another site could send such a request, too. Documents are
//! relaxed extended JSON. `docs/reference/openapi.json` describes it.

mod asked;
mod database;
mod figures;
mod functions;
mod indexes;
mod later;
mod logs;
mod project;
mod transfer;
mod triggers;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::http::request::Parts;
use axum::routing::{any, delete, get, post};
use platform::keys::{self, Proof};
use platform::transfer::{Export, ExportFormat};
use platform::{Caller, Code, Context, Error, Result};
use value::Document;

pub use self::asked::parameter;
use self::asked::{Answer, Operator};
use crate::envelope::Envelope;
use crate::origin::{self, Peer};
use crate::server::Gateway;

/// The largest body of a request that is not an import, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The routes of this API.
pub fn routes() -> Router<Arc<Gateway>> {
    const COLLECTION: &str = "/_api/database/collections/{collection}";
    let of = |rest: &str| format!("{COLLECTION}/{rest}");
    Router::new()
        .route("/_api/database/collections", get(database::list).post(database::create))
        .route(COLLECTION, delete(database::drop_collection))
        .route(&of("query"), post(database::query))
        .route(&of("count"), post(database::count))
        .route(&of("aggregate"), post(database::aggregate))
        .route(&of("indexes"), get(indexes::list).post(indexes::create))
        .route(&of("indexes/{index}"), delete(indexes::drop_index))
        .route(&of("explain"), post(indexes::explain))
        .route(&of("import"), post(transfer::import))
        .route(&of("export"), post(transfer::export))
        .route("/_api/routes", get(web::routes))
        .route("/_api/services", get(web::services))
        .route("/_api/triggers", get(triggers::list))
        .route("/_api/triggers/{function}/{name}/claims", get(triggers::claims))
        .route("/_api/triggers/{function}/{name}/fire", post(triggers::fire))
        .route("/_api/streams", get(triggers::streams))
        .route("/_api/async", get(later::list).post(later::call))
        .route("/_api/async/{id}", get(later::one))
        .route("/_api/dead-letters", get(later::dead_letters))
        .route("/_api/dead-letters/{id}", delete(later::delete_dead_letter))
        .route("/_api/dead-letters/{id}/retry", post(later::retry_dead_letter))
        .route("/_api/metrics", get(figures::metrics_json))
        .route("/_api/usage", get(figures::usage_by_day))
        .route("/_metrics", get(figures::prometheus))
        .route("/_api/logs", get(logs::logs))
        .route("/_api/invocations", get(logs::invocations))
        .route("/_api/invocations/{request_id}", get(logs::invocation))
        .route("/_api", any(unknown))
        .route("/_api/{*rest}", any(unknown))
        .merge(functions::routes())
        .merge(project::routes())
        .method_not_allowed_fallback(unknown)
}

async fn unknown(_: Operator) -> Answer {
    Err(Error::new(
        Code::Unsupported,
        "This path or method is not part of the API: see docs/reference/openapi.json. / 接口或请求\
         方法不存在:参见 docs/reference/openapi.json。",
    )
    .into())
}

/// Who asks, of which environment: `?env=ID`, the default one when absent.
pub fn context(gateway: &Gateway, parts: &Parts) -> Result<Context> {
    let peer = origin::peer(parts)?;
    let named = parameter(&parts.uri, "env").unwrap_or_default();
    let environment = gateway.platform().environment(&named)?;
    let key = parts.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let key = key.and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
    // A function is not the operator, whatever it found to send.
    if matches!(peer, Peer::Worker(_)) || key.is_empty() {
        return Err(Error::new(
            Code::SignatureInvalid,
            "This needs the apiKey of credentials.json as a Bearer token. / 请使用 \
             credentials.json 中的 apiKey 作为 Bearer 令牌。",
        ));
    }
    keys::verify(&environment, &Proof::Bearer(key))?;
    Ok(origin::client_context(gateway, environment, Caller::Administrator, &peer, &parts.headers))
}

/// Which documents are meant, as the body says it.
struct Selection {
    filter: Document,
    order: Document,
    projection: Document,
    skip: u64,
    limit: Option<u64>,
}

impl Selection {
    /// Reads `{filter, sort, projection, skip, limit}`.
    fn read(body: &Envelope) -> Result<Self> {
        Ok(Self {
            filter: body.document("filter")?.unwrap_or_default(),
            order: body.order("sort")?,
            projection: body.document("projection")?.unwrap_or_default(),
            skip: body.count("skip")?.unwrap_or(0),
            limit: body.count("limit")?,
        })
    }

    /// These documents, to be told in this form.
    fn export(self, collection: String, format: ExportFormat) -> Export {
        let Self { filter, order, projection, skip, limit } = self;
        Export { collection, filter, order, projection, skip, limit, format }
    }
}
