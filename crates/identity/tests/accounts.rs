//! Accounts, tokens and keys: one account per user however many sign in at once, tokens that end
//! when they should and never before, sign-out that survives a restart.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use engine::{Clock, Engine};
use identity::{
    ACCESS_TOKEN_LIFETIME_S, Credentials, Error, Identity, Keys, LoginType,
    PROVIDER_TOKEN_LIFETIME_S, REFRESH_TOKEN_LIFETIME_S, TokenError,
};
use serde_json::{Value as Json, json};
use store::{FjallOptions, Store};

const NOW_MS: i64 = 1_795_161_406_123;

/// A clock that tests set.
#[derive(Clone)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW_MS)))
    }

    fn clock(&self) -> Clock {
        let now_ms = self.0.clone();
        Clock::from_fn(move || now_ms.load(Ordering::SeqCst))
    }

    fn pass_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

fn keys() -> Keys {
    serde_json::from_value(json!({
        "envId": "env-a", "secretId": "AKIDa", "secretKey": "s", "apiKey": "k", "tokenKey": "t",
    }))
    .unwrap()
}

async fn open(time: &Time) -> Identity {
    let engine = Engine::open(Store::memory(), time.clock()).await.unwrap();
    Identity::open(engine, keys(), time.clock()).await.unwrap()
}

fn sign_in_again(result: Result<impl Sized, Error>) -> TokenError {
    match result {
        Err(Error::SignInAgain(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("no error"),
    }
}

/// The members a token holds, read without checking anything.
fn content_of(token: &str) -> Json {
    let content = token.split('.').nth(1).unwrap();
    let decoder = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    serde_json::from_slice(&decoder.decode(content).unwrap()).unwrap()
}

#[tokio::test]
async fn first_sign_ins_at_once_make_one_account_per_user() {
    let identity = open(&Time::new()).await;
    let mut sign_ins = tokio::task::JoinSet::new();
    for number in 0..60 {
        let identity = identity.clone();
        sign_ins.spawn(async move {
            let openid = format!("o{}", number % 3);
            (openid.clone(), identity.sign_in_wechat("wx1", &openid, None).await.unwrap())
        });
    }
    let accounts = sign_ins.join_all().await;
    for (openid, account) in &accounts {
        assert_eq!(account.openid.as_deref(), Some(openid.as_str()));
        assert_eq!(identity.account(&account.uid).await.unwrap().as_ref(), Some(account));
    }
    let uids: std::collections::BTreeSet<_> = accounts.iter().map(|(_, a)| &a.uid).collect();
    assert_eq!(uids.len(), 3);
    assert!(uids.iter().all(|uid| uid.len() == 32));
}

#[tokio::test]
async fn an_account_belongs_to_one_pair_of_app_and_openid() {
    let time = Time::new();
    let identity = open(&time).await;
    let first = identity.sign_in_wechat("wx1", "oA", None).await.unwrap();
    assert_eq!((first.login_type, first.created_at_ms), (LoginType::WeChat, NOW_MS));
    assert_eq!((first.appid.as_deref(), first.anonymous_uuid.as_deref()), (Some("wx1"), None));
    // The parts must not run into each other: "wx1" + "oA" is not "wx1o" + "A".
    for (appid, openid) in [("wx2", "oA"), ("wx1", "oB"), ("wx1o", "A")] {
        let other = identity.sign_in_wechat(appid, openid, None).await.unwrap();
        assert_ne!(other.uid, first.uid, "{appid} {openid}");
    }
    time.pass_s(60);
    for (unionid, expected) in [
        (Some("u1"), Some("u1")),
        (None, Some("u1")),
        (Some(""), Some("u1")),
        (Some("u2"), Some("u2")),
    ] {
        let again = identity.sign_in_wechat("wx1", "oA", unionid).await.unwrap();
        assert_eq!((&again.uid, again.created_at_ms), (&first.uid, NOW_MS));
        assert_eq!(again.unionid.as_deref(), expected);
        assert_eq!(identity.account(&first.uid).await.unwrap(), Some(again));
    }
    let long = "x".repeat(129);
    for (appid, openid) in [("", "o"), ("wx1", ""), ("wx1", long.as_str())] {
        let refused = identity.sign_in_wechat(appid, openid, None).await;
        assert!(matches!(refused, Err(Error::InvalidIdentity(_))), "{appid:?} {openid:?}");
    }
    assert_eq!(identity.account("nobody").await.unwrap(), None);
}

#[tokio::test]
async fn an_anonymous_account_continues_only_with_its_secret() {
    let identity = open(&Time::new()).await;
    let first = identity.sign_in_anonymously(None).await.unwrap();
    let uuid = first.anonymous_uuid.clone().unwrap();
    assert_eq!((first.login_type, &first.openid), (LoginType::Anonymous, &None));
    assert_eq!(identity.sign_in_anonymously(Some(&uuid)).await.unwrap(), first);
    let stored = identity.account(&first.uid).await.unwrap().unwrap();
    assert_eq!(stored.anonymous_uuid, None, "the secret is not stored");
    // The uid is public: it must not let anybody in.
    let long = "x".repeat(129);
    for other in [None, Some(""), Some("short"), Some(first.uid.as_str()), Some(long.as_str())] {
        assert_ne!(identity.sign_in_anonymously(other).await.unwrap().uid, first.uid, "{other:?}");
    }
}

#[tokio::test]
async fn tokens_end_when_they_should() {
    let time = Time::new();
    let identity = open(&time).await;
    let account = identity.sign_in_wechat("wx1", "oA", Some("u1")).await.unwrap();
    let Credentials { access_token, refresh_token, access_expires_in_s, refresh_expires_in_s } =
        identity.issue(&account).await.unwrap();
    assert_eq!(access_expires_in_s, ACCESS_TOKEN_LIFETIME_S);
    assert_eq!(refresh_expires_in_s, REFRESH_TOKEN_LIFETIME_S);

    let claims = identity.verify_access(&access_token).unwrap();
    assert_eq!((&claims.uid, claims.env.as_str()), (&account.uid, "env-a"));
    assert_eq!(
        (claims.openid.as_deref(), claims.appid.as_deref(), claims.unionid.as_deref()),
        (Some("oA"), Some("wx1"), Some("u1"))
    );
    assert_eq!(claims.login_type, LoginType::WeChat);
    assert_eq!(claims.expires_at_s, NOW_MS / 1000 + 7200);

    // (seconds that pass, the access token, the refresh token)
    let expired = Err(TokenError::Expired);
    let rows = [
        (7199, Ok(()), Ok(())),
        (1, expired, Ok(())),
        (30 * 24 * 3600 - 7201, expired, Ok(())),
        (1, expired, expired),
    ];
    for (seconds, access, refresh) in rows {
        time.pass_s(seconds);
        assert_eq!(identity.verify_access(&access_token).map(drop), access, "{seconds}");
        match identity.refresh(&refresh_token).await {
            Ok((who, fresh)) => {
                assert_eq!(refresh, Ok(()), "{seconds}");
                assert_eq!(who, account);
                assert_eq!(identity.verify_access(&fresh.access_token).unwrap().uid, account.uid);
                assert_eq!(fresh.refresh_token, refresh_token);
                let age_s = time.clock().now_ms() / 1000 - NOW_MS / 1000;
                assert_eq!(fresh.refresh_expires_in_s, REFRESH_TOKEN_LIFETIME_S - age_s);
            }
            failed => assert_eq!(Err(sign_in_again(failed)), refresh, "{seconds}"),
        }
    }
}

#[tokio::test]
async fn no_other_text_is_a_token() {
    let time = Time::new();
    let identity = open(&time).await;
    let account = identity.sign_in_wechat("wx1", "oA", None).await.unwrap();
    let issued = identity.issue(&account).await.unwrap();
    let provider = identity.provider_token("wx1", "oA", None).unwrap();
    let (head_and_body, signature) = issued.access_token.rsplit_once('.').unwrap();
    let encoder = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut content = content_of(&issued.access_token);
    content["sub"] = "somebody else".into();
    let forged = encoder.encode(content.to_string());
    let unsigned = encoder.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let head = head_and_body.split('.').next().unwrap();
    let long = "x".repeat(100_000);
    let others = [
        String::new(),
        "a.b.c".to_owned(),
        issued.refresh_token.clone(),
        provider.clone(),
        format!("{head_and_body}."),
        format!("{head}.{forged}.{signature}"),
        format!("{unsigned}.{forged}."),
        format!("{}x", issued.access_token),
        long,
    ];
    for other in &others {
        let shown = &other[..other.len().min(60)];
        assert_eq!(identity.verify_access(other), Err(TokenError::Invalid), "{shown}");
    }
    for other in others.iter().filter(|other| **other != issued.refresh_token) {
        assert_eq!(sign_in_again(identity.refresh(other).await), TokenError::Invalid);
    }
    for other in [&issued.access_token, &issued.refresh_token] {
        assert_eq!(identity.verify_provider_token(other), Err(TokenError::Invalid));
    }
    assert!(identity.verify_provider_token(&provider).is_ok());
}

#[tokio::test]
async fn environments_do_not_take_each_others_tokens() {
    let time = Time::new();
    let identity = open(&time).await;
    let account = identity.sign_in_anonymously(None).await.unwrap();
    let issued = identity.issue(&account).await.unwrap();
    // Another environment, even with the same token key; and the same one with another key.
    let other_name = Keys { env_id: "env-b".to_owned(), ..keys() };
    let other_key = Keys { token_key: "other".to_owned(), ..keys() };
    for other_keys in [other_name, other_key] {
        let engine = Engine::open(Store::memory(), time.clock()).await.unwrap();
        let other = Identity::open(engine, other_keys, time.clock()).await.unwrap();
        assert_eq!(other.verify_access(&issued.access_token), Err(TokenError::Invalid));
        let refused = other.refresh(&issued.refresh_token).await;
        assert_eq!(sign_in_again(refused), TokenError::Invalid);
    }
}

#[tokio::test]
async fn signing_out_survives_a_restart_and_so_does_staying_in() {
    let time = Time::new();
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let store = Store::fjall(folder.path(), FjallOptions::default()).unwrap();
        let engine = Engine::open(store, time.clock()).await.unwrap();
        (engine.clone(), Identity::open(engine, keys(), time.clock()).await.unwrap())
    };
    let (engine, identity) = open().await;
    let account = identity.sign_in_wechat("wx1", "oA", None).await.unwrap();
    let gone = identity.issue(&account).await.unwrap();
    let stays = identity.issue(&account).await.unwrap();
    identity.revoke(&gone.refresh_token).await.unwrap();
    identity.revoke(&gone.refresh_token).await.unwrap();
    identity.revoke("never existed").await.unwrap();
    engine.close().await.unwrap();
    drop((engine, identity));

    let (engine, identity) = open().await;
    assert_eq!(sign_in_again(identity.refresh(&gone.refresh_token).await), TokenError::Invalid);
    assert_eq!(identity.refresh(&stays.refresh_token).await.unwrap().0, account);
    assert_eq!(identity.sign_in_wechat("wx1", "oA", None).await.unwrap(), account);
    assert_eq!(identity.revoke_all(&account.uid).await.unwrap(), 1);
    assert_eq!(sign_in_again(identity.refresh(&stays.refresh_token).await), TokenError::Invalid);
    engine.close().await.unwrap();
}

#[tokio::test]
async fn what_is_stored_lets_nobody_in_and_does_not_pile_up() {
    let time = Time::new();
    let engine = Engine::open(Store::memory(), time.clock()).await.unwrap();
    let identity = Identity::open(engine.clone(), keys(), time.clock()).await.unwrap();
    let account = identity.sign_in_anonymously(None).await.unwrap();
    let issued = identity.issue(&account).await.unwrap();
    let everything = engine::Filter::all();
    assert_eq!(engine.count("system.tokens", &everything).await.unwrap(), 1);
    let clear = value::Value::from(issued.refresh_token.as_str());
    assert_eq!(engine.get("system.tokens", &clear).await.unwrap(), None, "stored in the clear");

    let counts = [(REFRESH_TOKEN_LIFETIME_S - 1, 2), (24 * 3600 - 1, 3), (1, 3)];
    for (seconds, expected) in counts {
        time.pass_s(seconds);
        identity.issue(&account).await.unwrap();
        let count = engine.count("system.tokens", &everything).await.unwrap();
        assert_eq!(count, expected, "after {seconds} more seconds");
    }
}

#[tokio::test]
async fn provider_tokens_carry_a_wechat_user_for_ten_minutes() {
    let time = Time::new();
    let identity = open(&time).await;
    let token = identity.provider_token("wx1", "oA", Some("u1")).unwrap();
    time.pass_s(PROVIDER_TOKEN_LIFETIME_S - 1);
    let claims = identity.verify_provider_token(&token).unwrap();
    assert_eq!((claims.appid.as_str(), claims.openid.as_str()), ("wx1", "oA"));
    assert_eq!(claims.unionid.as_deref(), Some("u1"));
    time.pass_s(1);
    assert_eq!(identity.verify_provider_token(&token), Err(TokenError::Expired));
    assert!(matches!(identity.provider_token("wx1", "", None), Err(Error::InvalidIdentity(_))));

    let errand = identity.short_tokens().sign("download", &json!({ "path": "a/b" }), 5);
    let read = |kind: &str| identity.short_tokens().verify::<Json>(kind, &errand);
    assert_eq!(read("download").unwrap()["path"], "a/b");
    assert_eq!(read("upload"), Err(TokenError::Invalid));
}

#[tokio::test]
async fn access_tokens_hold_what_sdks_read() {
    let identity = open(&Time::new()).await;
    let user = identity.sign_in_wechat("wx1", "oA", None).await.unwrap();
    let nobody = identity.sign_in_anonymously(None).await.unwrap();
    for (account, scope, login_type) in
        [(user, "user", "WECHAT"), (nobody, "anonymous", "ANONYMOUS")]
    {
        let content = content_of(&identity.issue(&account).await.unwrap().access_token);
        assert_eq!(content["sub"], account.uid);
        assert_eq!(content["aud"], "env-a");
        assert_eq!(
            (&content["scope"], &content["login_type"]),
            (&json!(scope), &json!(login_type))
        );
        let text = content.to_string();
        assert!(account.anonymous_uuid.is_none_or(|uuid| !text.contains(&uuid)));
    }
}

#[test]
fn keys_are_random_serialisable_and_silent() {
    let (one, other) = (Keys::generate("env-a"), Keys::generate("env-a"));
    let text = serde_json::to_value(&one).unwrap();
    for (member, length) in [("secretId", 36), ("secretKey", 32), ("apiKey", 46), ("tokenKey", 43)]
    {
        let secret = text[member].as_str().unwrap();
        assert_eq!(secret.len(), length, "{member}");
        assert_ne!(serde_json::to_value(&other).unwrap()[member], secret, "{member}");
        if member != "secretId" {
            assert!(!format!("{one:?}").contains(secret), "{member} is printed");
        }
    }
    let again: Keys = serde_json::from_value(text).unwrap();
    assert!(again.is_api_key(&one.api_key) && !again.is_api_key(&other.api_key));
    assert!(
        !again.is_api_key("") && !Keys { api_key: String::new(), ..again.clone() }.is_api_key("")
    );
    assert_eq!(again.secret_of(&one.secret_id), Some(one.secret_key.as_str()));
    assert_eq!(again.secret_of(&other.secret_id), None);
    assert_eq!(again.link_key(), one.link_key());
    assert_ne!(one.link_key(), one.derive("another purpose"));
    assert_ne!(one.link_key(), other.link_key());
}
