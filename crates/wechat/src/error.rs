//! The error of this room: WeChat's own pair of a number and a message, kept as it is, because
//! application code compares both. It refuses to translate numbers: the wire does that.

/// Numbers used in [`Error::errcode`] and in replies of the simulator (protocol 01 §7.2).
pub mod code {
    /// WeChat's system is busy; the caller may try again.
    pub const BUSY: i64 = -1;
    /// An access token that is not (any longer) the current one.
    pub const INVALID_CREDENTIAL: i64 = 40001;
    /// An openid that does not look like one.
    pub const INVALID_OPENID: i64 = 40003;
    /// A file that is larger than the API takes.
    pub const INVALID_MEDIA_SIZE: i64 = 40006;
    /// Another spelling of a wrong access token.
    pub const INVALID_ACCESS_TOKEN: i64 = 40014;
    /// A sign-in or phone code that WeChat does not know.
    pub const INVALID_CODE: i64 = 40029;
    /// A template id that does not exist.
    pub const INVALID_TEMPLATE: i64 = 40037;
    /// Arguments that do not fit the API.
    pub const INVALID_ARGUMENTS: i64 = 40097;
    /// A path that is empty or too long (`wxacode.get`).
    pub const INVALID_PATH: i64 = 40159;
    /// A sign-in code that was used before.
    pub const CODE_USED: i64 = 40163;
    /// A scene that is empty, too long or holds other than the visible characters allowed.
    pub const INVALID_SCENE: i64 = 40169;
    /// A required file is missing.
    pub const MEDIA_MISSING: i64 = 41005;
    /// A page that starts with `/`, carries a query or is not part of the app.
    pub const INVALID_PAGE: i64 = 41030;
    /// An access token past its lifetime.
    pub const ACCESS_TOKEN_EXPIRED: i64 = 42001;
    /// An empty body where one is needed.
    pub const EMPTY_BODY: i64 = 44002;
    /// An empty text where one is needed.
    pub const EMPTY_CONTENT: i64 = 44004;
    /// A body that is not the JSON the API expects.
    pub const DATA_FORMAT: i64 = 47001;
    /// An argument that does not fit the template.
    pub const INVALID_TEMPLATE_ARGUMENT: i64 = 47003;
    /// Content that must not be shown.
    pub const RISKY_CONTENT: i64 = 87014;
    /// WeChat could not be reached; trying again later may help.
    pub const NETWORK: i64 = -601_003;
    /// Nobody answers an API of this name.
    pub const API_NOT_FOUND: i64 = -604_100;
    /// WeChat did not answer in time; whether it acted is unknown.
    pub const TIMEOUT: i64 = -604_102;
    /// WeChat answered something that is not its protocol.
    pub const UNREADABLE_REPLY: i64 = -604_103;
    /// The configuration of this server must be corrected first.
    pub const CONFIGURATION: i64 = -601_002;
}

/// A call that brought no answer the caller can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("WeChat error {errcode}: {errmsg}")]
pub struct Error {
    /// WeChat's number, or one of [`code`]'s negative ones for faults on the way.
    pub errcode: i64,
    /// WeChat's own words, or a bilingual sentence that says what to do.
    pub errmsg: String,
}

impl Error {
    /// An error of this number and message.
    pub fn new(errcode: i64, errmsg: impl Into<String>) -> Self {
        Self { errcode, errmsg: errmsg.into() }
    }

    /// WeChat's number, or one of [`code`]'s negative ones.
    pub fn errcode(&self) -> i64 {
        self.errcode
    }

    /// True when the same call may succeed later without any change.
    pub fn is_transient(&self) -> bool {
        matches!(self.errcode, code::BUSY | code::NETWORK | code::TIMEOUT)
    }

    pub(crate) fn api_not_found(name: &str) -> Self {
        Self::new(
            code::API_NOT_FOUND,
            format!(
                "API not found: {name}. Check the name, or call it by its path (/wxa/…). \
                 / 没有这个接口：{name}，请检查名称，或改用接口路径（/wxa/…）调用。"
            ),
        )
    }
}
