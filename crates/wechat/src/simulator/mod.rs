//! The simulator: WeChat's answers without WeChat, for development and tests.
//!
//! Users are names. `dev-<name>` is a sign-in code that always works and always means the same
//! openid for the same AppID, on every machine; [`Simulator::issue_code`] gives codes that work
//! once, as real ones do. Nothing is stored: openids follow from name and AppID, so they outlive
//! restarts. It refuses to reach any network.

mod code_image;
mod codes;
mod open_api;
mod open_data;
mod pay;

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use engine::Clock;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::events::Events;
use crate::open_api::{OpenApiCall, OpenApiReply};
use crate::push::PushOptions;
use crate::{Session, code};
use codes::OneTimeCodes;
use open_api::Templates;

pub use code_image::{CodeContent, CodeText, default_code_text};

/// What a sign-in code of a simulated user starts with.
pub const CODE_PREFIX: &str = "dev-";
/// The Token of pushed messages in the simulator.
pub const PUSH_TOKEN: &str = "yunkaidev";
/// The EncodingAESKey of pushed messages in the simulator.
pub const PUSH_KEY: &str = "yunkaidevyunkaidevyunkaidevyunkaidevyunkaid";
/// The longest name of a simulated user, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// How the simulator behaves.
#[derive(Clone)]
pub struct SimulatorOptions {
    /// The AppID that openids belong to; must not be empty.
    pub app_id: String,
    /// True when the AppID is bound to an owner, so that sessions carry a unionid.
    pub gives_unionid: bool,
    /// What the picture of a mini-program code says.
    pub code_text: CodeText,
    /// Words that make a text or a file risky for `security.*`.
    pub risky_words: Vec<String>,
    /// How pushed messages are verified; real WeChat never comes by, but tests and tools do.
    pub push: Option<PushOptions>,
    /// Where the time comes from.
    pub clock: Clock,
}

impl SimulatorOptions {
    /// The usual behaviour for this AppID: no unionid, `yunkai-sim://` codes, the machine's clock.
    pub fn new(app_id: impl Into<String>) -> Self {
        Self {
            app_id: app_id.into(),
            gives_unionid: false,
            code_text: Arc::new(default_code_text),
            risky_words: ["RISKY", "违规测试"].map(str::to_owned).into(),
            push: Some(PushOptions {
                token: PUSH_TOKEN.to_owned(),
                encoding_aes_key: Some(PUSH_KEY.to_owned()),
                accepts_plain: true,
            }),
            clock: Clock::system(),
        }
    }
}

impl std::fmt::Debug for SimulatorOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatorOptions")
            .field("app_id", &self.app_id)
            .field("gives_unionid", &self.gives_unionid)
            .field("risky_words", &self.risky_words)
            .finish_non_exhaustive()
    }
}

/// The simulated WeChat servers of one AppID.
pub struct Simulator {
    options: SimulatorOptions,
    events: Events,
    codes: Mutex<OneTimeCodes>,
    templates: Mutex<Templates>,
    orders: Mutex<pay::Orders>,
}

impl Simulator {
    pub(crate) fn new(options: SimulatorOptions, events: Events) -> Self {
        Self {
            options,
            events,
            codes: Mutex::default(),
            templates: Mutex::default(),
            orders: Mutex::default(),
        }
    }

    pub(crate) fn app_id(&self) -> &str {
        &self.options.app_id
    }

    /// The openid of this simulated user; the same whenever and wherever it is asked.
    pub fn openid(&self, name: &str) -> String {
        let app_id = self.app_id();
        // Real openids of one AppID share their first characters, and code relies on 28 in all.
        let of_app = url_safe_hash(&["openid of app", app_id]);
        let of_user = url_safe_hash(&["openid of user", app_id, name]);
        format!("o{}{}", &of_app[..5], &of_user[..22])
    }

    /// The unionid of this simulated user, when the AppID is bound to an owner.
    pub fn unionid(&self, name: &str) -> Option<String> {
        let hash = url_safe_hash(&["unionid of user", name]);
        self.options.gives_unionid.then(|| format!("o6_b{}", &hash[..24]))
    }

    /// A sign-in code for this simulated user that works once and for five minutes, as codes of
    /// `wx.login` do.
    ///
    /// # Errors
    /// [`code::INVALID_CODE`] when the name is none: 1 to 64 letters, digits, `-`, `_` or `.`.
    pub fn issue_code(&self, name: &str) -> Result<String, Error> {
        if !is_name(name) {
            return Err(invalid_code(name));
        }
        let now_ms = self.options.clock.now_ms();
        let code = self.codes.lock().unwrap_or_else(PoisonError::into_inner).issue(name, now_ms);
        self.events.record(
            now_ms,
            "code",
            format!("wx.login code for {name}"),
            json!({ "name": name, "code": code, "openid": self.openid(name) }),
        );
        Ok(code)
    }

    pub(crate) fn session(&self, code: &str) -> Result<Session, Error> {
        let now_ms = self.options.clock.now_ms();
        let name = match self.user_of_code(code, now_ms) {
            Ok(name) => name,
            Err(error) => {
                let title = format!("Sign-in refused: {}", error.errmsg);
                self.events.record(
                    now_ms,
                    "refused",
                    title,
                    json!({ "code": code, "errcode": error.errcode }),
                );
                return Err(error);
            }
        };
        let session = Session {
            openid: self.openid(&name),
            unionid: self.unionid(&name),
            session_key: STANDARD.encode(rand::random::<[u8; 16]>()),
        };
        self.events.record(
            now_ms,
            "sign-in",
            format!("{name} signs in"),
            json!({ "name": name, "openid": session.openid, "unionid": session.unionid }),
        );
        Ok(session)
    }

    pub(crate) fn open_api(&self, call: &OpenApiCall) -> Result<OpenApiReply, Error> {
        open_api::answer(self, call)
    }

    /// The user a sign-in code stands for; takes a one-time code out of use.
    fn user_of_code(&self, code: &str, now_ms: i64) -> Result<String, Error> {
        if let Some(name) = code.strip_prefix(CODE_PREFIX) {
            return if is_name(name) { Ok(name.to_owned()) } else { Err(invalid_code(code)) };
        }
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).take(code, now_ms)
    }
}

/// True for names a simulated user can have.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && name.chars().all(allowed)
}

fn invalid_code(given: &str) -> Error {
    let given: String = given.chars().take(80).collect();
    Error::new(
        code::INVALID_CODE,
        format!(
            "invalid code: {given:?}. The simulator knows dev-<name> (dev-alice) and its own \
             one-time codes. / 无效的 code：模拟器只接受 dev-<用户名>（如 dev-alice）或它自己发出的一次性 code。"
        ),
    )
}

/// A hash as 43 characters of `A–Z a–z 0–9 - _`; parts cannot run into each other.
fn url_safe_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// An unguessable id of 43 characters.
fn random_id() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}
