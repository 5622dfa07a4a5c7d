//! `/_api/functions`: the functions of an environment, their versions and aliases, and calling
//! them.

mod deploy;
mod invoke;
mod shape;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::{delete, get, post, put};
use platform::Result;
use platform::releases;
use serde_json::Value as Json;

use super::asked::{Answer, Operator, Viewer, done, told};
use crate::envelope::invalid;
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
async fn list(Viewer(context): Viewer) -> Answer {
    told(shape::list(&context.environment))
}

/// `GET NAME`.
async fn one(Operator(context): Operator, Path(name): Path<String>) -> Answer {
    let entry = releases::entry_of(&context, &name)?;
    told(shape::function(&context.environment, &entry))
}

/// `DELETE NAME`.
async fn remove(Operator(context): Operator, Path(name): Path<String>) -> Answer {
    releases::delete_function(&context, &name).await?;
    done()
}

/// A number of the JSON that callers send: `null` and absent are none.
fn number(body: &Json, name: &str) -> Result<Option<u64>> {
    match &body[name] {
        Json::Null => Ok(None),
        value => value
            .as_u64()
            .map(Some)
            .ok_or_else(|| invalid(name, "a number that is not negative", "非负整数")),
    }
}

/// A text of the JSON that callers send: `null` and absent are none.
fn text<'a>(body: &'a Json, name: &str) -> Result<Option<&'a str>> {
    match &body[name] {
        Json::Null => Ok(None),
        value => {
            let text = value.as_str();
            text.map(Some).ok_or_else(|| invalid(name, "a string", "字符串"))
        }
    }
}
