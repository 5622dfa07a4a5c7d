//! Who asks: an administrator with keys, a function on somebody's behalf, or a signed-in user.
//!
//! Every operation takes a [`Context`]; there is no way to reach an environment without one.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::invocations::InvocationContext;

/// A signed-in user, as the access token says. Calls that wait are kept with theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The account's id, unique in the environment.
    pub uid: String,
    /// The WeChat id of this user for this AppID, when signed in through WeChat.
    pub openid: Option<String>,
    /// The AppID the openid belongs to.
    pub appid: Option<String>,
    /// The WeChat id across the AppIDs of one owner.
    pub unionid: Option<String>,
    /// How the user signed in, in the vendor's words (`WECHAT`, `ANONYMOUS`).
    pub login_type: String,
}

impl User {
    /// What is written into `_openid`: the openid, or the account id of users without one.
    pub fn owner_id(&self) -> &str {
        self.openid.as_deref().unwrap_or(&self.uid)
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Holds the keys of the environment: no rule applies.
    Administrator,
    /// A running function; as powerful as an administrator, but it keeps its caller's identity.
    Function(Arc<InvocationContext>),
    /// A signed-in user: permissions apply.
    User(User),
    /// Nobody signed in.
    Nobody,
}

impl Caller {
    /// True when permissions do not apply.
    pub fn is_privileged(&self) -> bool {
        matches!(self, Caller::Administrator | Caller::Function(_))
    }

    /// What the permission modes look at.
    pub(crate) fn identity(&self) -> rules::CallerIdentity {
        match self {
            Caller::User(user) => {
                rules::CallerIdentity { openid: user.openid.clone(), uid: Some(user.uid.clone()) }
            }
            _ => rules::CallerIdentity { openid: None, uid: None },
        }
    }

    /// The user's id for ownership checks; none for privileged callers and for nobody.
    pub fn owner_id(&self) -> Option<&str> {
        match self {
            Caller::User(user) => Some(user.owner_id()),
            _ => None,
        }
    }
}

/// One request: who asks, of which environment, reached how.
#[derive(Debug, Clone)]
pub struct Context {
    /// The environment the request is for.
    pub environment: Arc<Environment>,
    /// Who asks.
    pub caller: Caller,
    /// `http://host[:port]` as the client reaches this server; the start of links handed out.
    pub base_url: String,
    /// Where uploads of this caller go; differs from `base_url` inside workers.
    pub upload_url: String,
    /// The client's address, where known.
    pub client_ip: Option<IpAddr>,
    /// What puts this request's calls on one side of a traffic split, when the client says.
    pub route_key: Option<String>,
    /// The id under which this request is logged.
    pub request_id: String,
    /// When the request arrived, ms since 1970.
    pub now_ms: i64,
}
