//! What answers over HTTP in an environment: its routes, and the services behind it.

use serde_json::json;

use super::asked::{Answer, Operator, told};

/// `GET routes`: those with the most segments first, as they are tried.
pub async fn routes(Operator(context): Operator) -> Answer {
    told(json!({ "routes": context.environment.routes().routes() }))
}

/// `GET services`: each with its settings, what its breaker does, and the secret that signs
/// requests to it.
pub async fn services(Operator(context): Operator) -> Answer {
    told(json!({ "services": platform::services::list(&context)? }))
}
