//! Signing in: a WeChat code (real or simulated) or nobody in particular becomes an account with
//! tokens.

use identity::{Account, Credentials, TokenError};

use crate::caller::{Caller, User};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::journal::Event;
use crate::open_api::keep_session_key;

/// First step of the openid sign-in: a `wx.login` code for a short-lived provider token.
pub async fn exchange_code(environment: &Environment, code: &str) -> Result<String> {
    let wechat = environment.wechat();
    let session = wechat.session(code).await.map_err(|error| {
        let number = error.errcode();
        Error::from_room(Code::SignInRefused, error).numbered(number)
    })?;
    let app_id = wechat.app_id();
    keep_session_key(environment.engine(), &session.openid, &session.session_key).await?;
    let unionid = session.unionid.as_deref();
    let identity = environment.identity();
    Ok(identity.provider_token(app_id, &session.openid, unionid)?)
}

/// Second step: the provider token for an account and its credentials.
pub async fn with_provider(environment: &Environment, token: &str) -> Result<SignedIn> {
    let identity = environment.identity();
    let claims = identity.verify_provider_token(token)?;
    let unionid = claims.unionid.as_deref();
    let account = identity.sign_in_wechat(&claims.appid, &claims.openid, unionid).await?;
    issue(environment, account).await
}

/// Signs in without any identity; the same `anonymous_id` is the same account again.
pub async fn anonymously(
    environment: &Environment,
    anonymous_id: Option<&str>,
) -> Result<SignedIn> {
    let account = environment.identity().sign_in_anonymously(anonymous_id).await?;
    issue(environment, account).await
}

/// New credentials for a refresh token.
pub async fn refresh(environment: &Environment, refresh_token: &str) -> Result<SignedIn> {
    let (account, credentials) = environment.identity().refresh(refresh_token).await?;
    Ok(SignedIn { account, credentials })
}

/// Makes a refresh token worthless; unknown ones are fine.
pub async fn sign_out(environment: &Environment, refresh_token: &str) -> Result<()> {
    Ok(environment.identity().revoke(refresh_token).await?)
}

/// An account with fresh credentials.
#[derive(Debug)]
pub struct SignedIn {
    /// Who signed in.
    pub account: Account,
    /// Access and refresh token.
    pub credentials: Credentials,
}

async fn issue(environment: &Environment, account: Account) -> Result<SignedIn> {
    let credentials = environment.identity().issue(&account).await?;
    environment.record(Event::Notice {
        text: format!("signed in: {}", account.openid.as_deref().unwrap_or(&account.uid)),
    });
    Ok(SignedIn { account, credentials })
}

/// Who an access token stands for.
pub fn caller_of_token(environment: &Environment, access_token: &str) -> Result<Caller> {
    if access_token.is_empty() {
        return Ok(Caller::Nobody);
    }
    let claims = environment.identity().verify_access(access_token)?;
    Ok(Caller::User(User {
        uid: claims.uid,
        openid: claims.openid,
        appid: claims.appid,
        unionid: claims.unionid,
        login_type: claims.login_type.to_string(),
    }))
}

/// An account, for privileged callers.
pub async fn account(context: &crate::Context, uid: &str) -> Result<Account> {
    let found = if context.caller.is_privileged() {
        context.environment.identity().account(uid).await?
    } else {
        return Err(not_signed_in());
    };
    found.ok_or_else(|| {
        let message = format!("There is no account '{uid}'. / 用户「{uid}」不存在。");
        Error::new(Code::InvalidParameter, message)
    })
}

/// The user that an operator names: one of the simulator (`alice`, in `dev`), or an openid.
///
/// # Errors
/// [`Code::SignInRefused`] when there can be no such user.
pub async fn named(context: &crate::Context, who: &str) -> Result<User> {
    crate::database::check_privileged(context)?;
    let environment = &context.environment;
    // Openids are longer than anybody's name.
    const OPENID_BYTES_MIN: usize = 20;
    let (openid, unionid) = if environment.wechat().is_simulator() && who.len() < OPENID_BYTES_MIN {
        let name = who.strip_prefix("dev-").unwrap_or(who);
        let session = environment.wechat().session(&format!("dev-{name}")).await;
        let session = session.map_err(|error| Error::from_room(Code::SignInRefused, error))?;
        (session.openid, session.unionid)
    } else {
        (who.to_owned(), None)
    };
    let app_id = environment.app_id();
    let account =
        environment.identity().sign_in_wechat(app_id, &openid, unionid.as_deref()).await?;
    Ok(User {
        uid: account.uid,
        openid: account.openid,
        appid: account.appid,
        unionid: account.unionid,
        login_type: account.login_type.to_string(),
    })
}

/// The error for callers without a token where one is needed.
pub fn not_signed_in() -> Error {
    Error::new(Code::NotSignedIn, "Nobody is signed in: sign in first. / 尚未登录:请先登录。")
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        let code = match error {
            TokenError::Expired => Code::AccessTokenExpired,
            TokenError::Invalid => Code::AccessTokenInvalid,
        };
        Error::from_room(code, error)
    }
}

impl From<identity::Error> for Error {
    fn from(error: identity::Error) -> Self {
        let code = match &error {
            identity::Error::SignInAgain(TokenError::Expired) => Code::RefreshTokenExpired,
            identity::Error::SignInAgain(TokenError::Invalid) => Code::RefreshTokenInvalid,
            identity::Error::InvalidIdentity(_) => Code::InvalidParameter,
            _ => Code::StoreFailed,
        };
        Error::from_room(code, error)
    }
}
