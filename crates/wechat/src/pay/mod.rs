//! WeChat Pay, version 2, as `cloudPay.*` of functions calls it: JSON in `snake_case` in and out,
//! signed XML on the way. The merchant's key stays here: it is in no error and no reply.
//!
//! Two arrangements: a *merchant* of one's own, or a *provider* that collects for sub-merchants, as
//! the vendor does. It refuses replies and notifications whose signature does not fit.

mod fields;
pub(crate) mod http;
mod notification;
pub(crate) mod sign;

use bytes::Bytes;
use serde_json::{Map, Value};

pub use notification::{Notification, subject_of_refund};
pub use sign::{SignType, sign};

/// Where the real servers of WeChat Pay are.
pub const DEFAULT_BASE_URL: &str = "https://api.mch.weixin.qq.com";

/// Names and values of a request or reply.
pub type Fields = Map<String, Value>;

/// Who collects the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// A merchant of one's own; `sub_mch_id` of a call must be absent or its number.
    Merchant,
    /// A provider of this AppID, for the sub-merchant that each call names.
    Provider {
        /// The provider's own AppID.
        app_id: String,
    },
}

/// What `[wechat.pay]` says.
#[derive(Clone)]
pub struct PayOptions {
    /// The merchant's number.
    pub mch_id: String,
    /// The merchant's key of version 2 (32 characters).
    pub key: String,
    /// Who collects.
    pub mode: Mode,
    /// How requests are signed.
    pub sign_type: SignType,
    /// The merchant's certificate and its private key, both PEM in one text; refunds need it.
    pub certificate: Option<Vec<u8>>,
    /// Scheme and host; [`DEFAULT_BASE_URL`] when empty.
    pub base_url: String,
}

impl std::fmt::Debug for PayOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayOptions").field("mch_id", &self.mch_id).finish_non_exhaustive()
    }
}

/// One call of `cloudPay.*`.
#[derive(Debug, Clone, Default)]
pub struct PayCall {
    /// `unifiedOrder`, `queryOrder` ….
    pub name: String,
    /// The arguments in `snake_case`.
    pub arguments: Fields,
    /// Who pays: the user on whose behalf the function runs, if any.
    pub openid: Option<String>,
    /// Where WeChat Pay tells the outcome.
    pub notify_url: String,
}

/// What a call gives.
#[derive(Debug, Clone, PartialEq)]
pub enum PayReply {
    /// Members in `snake_case`; a refusal is a reply, too (`return_code`, `result_code`).
    Fields(Fields),
    /// A bill as it came.
    Bytes(Bytes),
}

/// A reply, and what the simulator will tell later.
#[derive(Debug, Clone, PartialEq)]
pub struct PayOutcome {
    /// What the caller gets.
    pub reply: PayReply,
    /// The notification that follows; never with the real servers, which send it by themselves.
    pub notification: Option<Notification>,
}

/// One API of WeChat Pay: its name, its path, and whether it wants the certificate.
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) wants_certificate: bool,
}

pub(crate) fn route(name: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.name == name)
}

const fn open(name: &'static str, path: &'static str) -> Route {
    Route { name, path, wants_certificate: false }
}

const fn certified(name: &'static str, path: &'static str) -> Route {
    Route { name, path, wants_certificate: true }
}

const ROUTES: &[Route] = &[
    open("authCodeToOpenid", "/tools/authcodetoopenid"),
    open("closeOrder", "/pay/closeorder"),
    open("downloadBill", "/pay/downloadbill"),
    certified("downloadFundflow", "/pay/downloadfundflow"),
    open("micropay", "/pay/micropay"),
    open("queryOrder", "/pay/orderquery"),
    open("queryRefund", "/pay/refundquery"),
    certified("refund", "/secapi/pay/refund"),
    certified("reverse", "/secapi/pay/reverse"),
    open("unifiedOrder", "/pay/unifiedorder"),
];
