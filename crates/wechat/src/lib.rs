//! The WeChat servers, as the rest of the house sees them: sign-in codes, access tokens, the open
//! API.
//!
//! [`WeChat`] is one concrete handle over two real implementations:
//!
//! * [`WeChat::http`] talks to `api.weixin.qq.com` (or any base URL) with an AppID and AppSecret;
//! * [`WeChat::simulator`] answers the same calls locally, without a network or an account, and
//!   shows everything it did as [`Events`].
//!
//! This room refuses to know accounts, tokens of ours, files or rules: an openid comes out of here,
//! what it may do is decided elsewhere. It never logs an AppSecret, an access token or a session
//! key.

mod cipher;
mod error;
mod events;
mod http;
mod media;
mod open_api;
pub mod open_data;
pub mod pay;
pub mod push;
mod routes;
pub mod simulator;
mod xml;

use std::sync::Arc;

pub use engine::Clock;
pub use error::{Error, code};
pub use events::{Events, SimulatorEvent};
pub use http::{DEFAULT_BASE_URL, HttpOptions};
use open_data::{OpenData, OpenDataUser};
use pay::{Notification, PayCall, PayOutcome};
use push::Push;

pub use open_api::{Field, OpenApiCall, OpenApiReply};
pub use simulator::{CodeContent, CodeText, Simulator, SimulatorOptions};

/// What `jscode2session` tells about the user who holds a sign-in code.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The user's id for this AppID: 28 characters, starting with `o`.
    pub openid: String,
    /// The user's id across the AppIDs of one owner; only when the AppID is bound to one.
    pub unionid: Option<String>,
    /// Key of the data WeChat encrypts for this user (base64 of 16 bytes). Never hand it to a
    /// client.
    pub session_key: String,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("openid", &self.openid)
            .field("unionid", &self.unionid)
            .finish_non_exhaustive()
    }
}

/// The SDK's name of an open API that is given by its name or its path.
pub fn api_name(name_or_path: &str) -> &str {
    let path = name_or_path.split('?').next().unwrap_or_default();
    routes::by_path(path).map_or(name_or_path, |route| route.name)
}

/// A handle on the WeChat servers of one AppID; cheap to clone.
#[derive(Clone)]
pub struct WeChat {
    servers: Arc<Servers>,
    pay: Option<Arc<pay::http::PayClient>>,
    push: Option<Arc<Push>>,
    events: Events,
}

/// The two implementations behind the handle.
enum Servers {
    Http(http::Client),
    Simulator(Simulator),
}

impl WeChat {
    /// The real servers (or any that speak their protocol at `options.base_url`).
    ///
    /// # Errors
    /// [`code::CONFIGURATION`] when the base URL cannot be understood or an option is empty.
    pub fn http(options: HttpOptions) -> Result<Self, Error> {
        let push = options.push.as_ref().map(|it| Push::new(it, &options.app_id)).transpose()?;
        let pay = options.pay.clone().map(pay::http::PayClient::new).transpose()?;
        let client = http::Client::new(options)?;
        Ok(Self {
            servers: Arc::new(Servers::Http(client)),
            pay: pay.map(Arc::new),
            push: push.map(Arc::new),
            events: Events::new(),
        })
    }

    /// The simulator: the same answers without a network.
    pub fn simulator(options: SimulatorOptions) -> Self {
        let events = Events::new();
        let push = options.push.as_ref().and_then(|it| Push::new(it, &options.app_id).ok());
        let simulator = Simulator::new(options, events.clone());
        let servers = Arc::new(Servers::Simulator(simulator));
        Self { servers, pay: None, push: push.map(Arc::new), events }
    }

    /// The AppID that openids of this handle belong to.
    pub fn app_id(&self) -> &str {
        match &*self.servers {
            Servers::Http(client) => client.app_id(),
            Servers::Simulator(simulator) => simulator.app_id(),
        }
    }

    /// True when answers come from the simulator.
    pub fn is_simulator(&self) -> bool {
        self.as_simulator().is_some()
    }

    /// The simulator's own doors (one-time codes, openids by name); none with the real servers.
    pub fn as_simulator(&self) -> Option<&Simulator> {
        match &*self.servers {
            Servers::Http(_) => None,
            Servers::Simulator(simulator) => Some(simulator),
        }
    }

    /// What the simulator did, newest last; with the real servers this stays empty.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Exchanges a `wx.login` code for the user behind it (`jscode2session`).
    ///
    /// # Errors
    /// WeChat's own numbers: [`code::INVALID_CODE`] (40029), [`code::CODE_USED`] (40163), …;
    /// [`code::NETWORK`] or [`code::TIMEOUT`] when WeChat could not be asked.
    pub async fn session(&self, code: &str) -> Result<Session, Error> {
        match &*self.servers {
            Servers::Http(client) => client.session(code).await,
            Servers::Simulator(simulator) => simulator.session(code),
        }
    }

    /// Calls an open API by its SDK name (`wxacode.getUnlimited`) or by its path (`/wxa/…`).
    ///
    /// A refusal by WeChat (`errcode` not 0) is a reply, not an error: the caller's SDK wants its
    /// JSON.
    ///
    /// # Errors
    /// [`code::API_NOT_FOUND`] for a name nobody answers; [`code::NETWORK`], [`code::TIMEOUT`] when
    /// WeChat could not be asked; WeChat's own number when it gives no access token
    /// (40125: wrong AppSecret, 40164: this server's address is not on the AppID's list).
    pub async fn open_api(&self, call: OpenApiCall) -> Result<OpenApiReply, Error> {
        match &*self.servers {
            Servers::Http(client) => client.open_api(&call).await,
            Servers::Simulator(simulator) => simulator.open_api(&call),
        }
    }

    /// Exchanges CloudIDs for the open data behind them, on behalf of `user`; one answer each, in
    /// the order given.
    ///
    /// # Errors
    /// When WeChat could not be asked at all; a CloudID that does not fit is an answer.
    pub async fn open_data(
        &self,
        user: &OpenDataUser,
        cloud_ids: Vec<String>,
    ) -> Result<Vec<OpenData>, Error> {
        match &*self.servers {
            Servers::Http(client) => client.open_data(user, cloud_ids).await,
            Servers::Simulator(simulator) => Ok(simulator.open_data(user, cloud_ids)),
        }
    }

    /// The signature for `wx.joinVoIPChat` of `user`.
    ///
    /// # Errors
    /// As [`WeChat::open_api`]; WeChat's number when it refuses.
    pub async fn voip_sign(
        &self,
        user: &OpenDataUser,
        group_id: &str,
        timestamp_s: u32,
        nonce: &str,
    ) -> Result<String, Error> {
        match &*self.servers {
            Servers::Http(client) => client.voip_sign(user, group_id, timestamp_s, nonce).await,
            Servers::Simulator(simulator) => {
                Ok(simulator.voip_sign(user, group_id, timestamp_s, nonce))
            }
        }
    }

    /// Reads and answers pushed messages; none where `[wechat.push]` is not configured.
    pub fn push(&self) -> Option<&Push> {
        self.push.as_deref()
    }

    /// Calls WeChat Pay: `unifiedOrder` and its like.
    ///
    /// # Errors
    /// [`code::API_NOT_FOUND`] for a name that is none, [`code::CONFIGURATION`] without
    /// `[wechat.pay]`, [`code::NETWORK`], [`code::TIMEOUT`], or a reply that is not WeChat Pay's.
    /// A refusal by WeChat Pay is a reply.
    pub async fn pay(&self, call: &PayCall) -> Result<PayOutcome, Error> {
        if let Servers::Simulator(simulator) = &*self.servers {
            return simulator.pay(call);
        }
        let client = self.pay.as_ref().ok_or_else(|| {
            Error::new(
                code::CONFIGURATION,
                "cloudPay needs [wechat.pay] in the configuration. / 使用 cloudPay 需要配置 \
                 [wechat.pay]。",
            )
        })?;
        let reply = client.call(call, self.app_id()).await?;
        Ok(PayOutcome { reply, notification: None })
    }

    /// Reads a notification of WeChat Pay; `None` when it is not one.
    pub fn pay_notification(&self, body: &str) -> Option<Notification> {
        self.pay.as_ref()?.notification(body)
    }

    /// The signature of `getCloudCallSign` over `parameters`.
    ///
    /// # Errors
    /// [`code::API_NOT_FOUND`] with the real servers: WeChat signs only for its own cloud.
    pub fn cloud_call_sign(&self, parameters: &[String]) -> Result<String, Error> {
        match &*self.servers {
            Servers::Http(_) => Err(Error::api_not_found("getCloudCallSign")),
            Servers::Simulator(simulator) => Ok(simulator.cloud_call_sign(parameters)),
        }
    }
}

impl std::fmt::Debug for WeChat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeChat")
            .field("app_id", &self.app_id())
            .field("is_simulator", &self.is_simulator())
            .finish_non_exhaustive()
    }
}
