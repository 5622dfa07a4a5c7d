//! `auth.*` on `/web`: the sign-in protocol of the first client SDKs (protocol 04 §6.1), with its
//! result fields at top level.

use platform::sign_in::{self, SignedIn};
use platform::{Caller, Context, Environment, Result};
use serde_json::json;

use crate::envelope::Envelope;
use crate::reply::Reply;

/// Runs an action that needs no valid access token, or `None` when it is none of those.
pub async fn run(environment: &Environment, envelope: &Envelope) -> Option<Result<Reply>> {
    match envelope.action.as_str() {
        "auth.signInAnonymously" => Some(anonymously(environment, envelope).await),
        "auth.fetchAccessTokenWithRefreshToken" => Some(refresh(environment, envelope).await),
        "auth.logout" => Some(log_out(environment, envelope).await),
        _ => None,
    }
}

/// Runs an action of a signed-in user, or `None` when there is none of that name.
pub async fn run_signed_in(
    context: &Context,
    action: &str,
    envelope: &Envelope,
) -> Result<Option<Reply>> {
    match action {
        "getUserInfo" => match &context.caller {
            Caller::User(user) => Ok(Some(Reply::data(&json!({
                "uid": user.uid,
                "openid": user.openid,
                "loginType": user.login_type,
            })))),
            _ => Err(sign_in::not_signed_in()),
        },
        "getUserInfoForAdmin" => {
            let uid = envelope.text("uuid").unwrap_or_default();
            let account = sign_in::account(context, uid).await?;
            Ok(Some(Reply::data(&json!({
                "uid": account.uid,
                "openId": account.openid,
                "appId": account.appid,
            }))))
        }
        _ => Ok(None),
    }
}

async fn anonymously(environment: &Environment, envelope: &Envelope) -> Result<Reply> {
    let known = envelope.text("anonymous_uuid").filter(|uuid| !uuid.is_empty());
    let SignedIn { account, credentials } = sign_in::anonymously(environment, known).await?;
    Ok(Reply::members(&json!({
        // What the client shows the next time to be the same user; as good as a password.
        "uuid": account.anonymous_uuid,
        "refresh_token": credentials.refresh_token,
    })))
}

async fn refresh(environment: &Environment, envelope: &Envelope) -> Result<Reply> {
    let token = envelope.required_text("refresh_token")?;
    let signed_in = sign_in::refresh(environment, token).await?;
    Ok(Reply::members(&json!({
        "access_token": signed_in.credentials.access_token,
        "access_token_expire": signed_in.credentials.access_expires_in_s * 1_000,
    })))
}

async fn log_out(environment: &Environment, envelope: &Envelope) -> Result<Reply> {
    sign_in::sign_out(environment, envelope.text("refresh_token").unwrap_or_default()).await?;
    Ok(Reply::Empty)
}
