//! What the RPC envelopes can ask for, by the name of the action (protocol 01 §3.3).

pub mod database;
pub mod functions;
pub mod open_api;
pub mod session;
pub mod storage;
pub mod transactions;

use platform::{Code, Context, Error, Result};

use crate::envelope::Envelope;
use crate::reply::Reply;

/// The largest envelope, in bytes (protocol 01 §9). Each action has narrower limits of its own.
pub const ENVELOPE_BYTES_MAX: usize = 100 * 1024 * 1024;

/// Runs an action on behalf of the context's caller.
pub async fn run(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let Some((room, action)) = envelope.action.split_once('.') else {
        return Err(unknown(&envelope.action));
    };
    let reply = match room {
        "database" => database::run(context, action, envelope).await?,
        "functions" => functions::run(context, action, envelope).await?,
        "storage" => storage::run(context, action, envelope).await?,
        "wx" => open_api::run(context, action, envelope).await?,
        "auth" => session::run_signed_in(context, action, envelope).await?,
        // Reports of the vendor's own analytics: taken and not kept, as the vendor's SDK expects.
        "analytics" if action == "report" => Some(Reply::Empty),
        _ => None,
    };
    reply.ok_or_else(|| unknown(&envelope.action))
}

fn unknown(action: &str) -> Error {
    Error::new(
        Code::Unsupported,
        format!(
            "The action '{action}' is not supported by this version: see COMPAT.md for what is. / \
             当前版本不支持「{action}」:支持范围见 COMPAT.md。"
        ),
    )
}
