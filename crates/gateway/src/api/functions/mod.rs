//! `/_api/functions`: the functions of an environment, their versions and aliases, and calling
//! them.

mod deploy;
mod invoke;
mod shape;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use axum::routing::{delete, get, post, put};
use platform::Result;
use platform::releases;
use serde_json::json;

use super::{answer, asked};
use crate::console;
use crate::server::Gateway;

/// The routes of functions.
pub fn routes() -> Router<Arc<Gateway>> {
    const FUNCTION: &str = "/_api/functions/{name}";
    let of = |rest: &str| format!("{FUNCTION}/{rest}");
    Router::new()
        .route("/_api/functions", get(list))
        .route(FUNCTION, get(one).put(deploy::deploy).delete(remove))
        .route(&of("invoke"), post(invoke::invoke))
        .route(&of("versions"), get(versions::list).post(versions::publish))
        .route(&of("versions/{version}"), delete(versions::remove))
        .route(&of("aliases/{alias}"), put(versions::set_alias).delete(versions::remove_alias))
        .route(&of("rollback"), post(versions::roll_back))
}

/// `GET`: for the key, or for the console of a `dev` server on its own machine.
async fn list(State(gateway): State<Arc<Gateway>>, request: Request) -> Response<Body> {
    answer(async {
        let (parts, _) = request.into_parts();
        let context = console::viewer(&gateway, &parts)?;
        Ok(shape::list(&context.environment).to_string())
    })
    .await
}

/// `GET NAME`.
async fn one(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        let entry = releases::entry_of(&context, &name)?;
        Ok(shape::function(&context.environment, &entry).to_string())
    })
    .await
}

/// `DELETE NAME`.
async fn remove(
    State(gateway): State<Arc<Gateway>>,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(async {
        let context = asked(&gateway, request)?;
        releases::delete_function(&context, &name).await?;
        Ok("{}".to_owned())
    })
    .await
}

/// A number of the JSON that callers send: `null` and absent are none.
fn number(body: &serde_json::Value, name: &str) -> Result<Option<u64>> {
    match &body[name] {
        serde_json::Value::Null => Ok(None),
        value => value.as_u64().map(Some).ok_or_else(|| {
            crate::envelope::invalid(name, "a number that is not negative", "非负整数")
        }),
    }
}

/// A text of the JSON that callers send: `null` and absent are none.
fn text<'a>(body: &'a serde_json::Value, name: &str) -> Result<Option<&'a str>> {
    match &body[name] {
        serde_json::Value::Null => Ok(None),
        value => {
            let text = value.as_str();
            text.map(Some).ok_or_else(|| crate::envelope::invalid(name, "a string", "字符串"))
        }
    }
}

/// `{}` and one member.
fn told(name: &str, value: impl Into<serde_json::Value>) -> String {
    json!({ name: value.into() }).to_string()
}
