//! The process environment of one invocation: identity, call chain, and what SDKs insist on.

use crate::caller::User;
use crate::invocations::InvocationContext;

/// Stands where SDKs want a key or token; worth nothing, and the same for every call, because only
/// what differs is sent to a worker.
const DECOY: &str = "yunkai";
/// Seldom more begin with `WX_`, or with `TCB_`.
const OF_A_KIND: usize = 8;

/// The process environment of one invocation (protocol 02 §3.3, §3.4).
pub(super) fn of_invocation(
    context: &InvocationContext,
    app_id: &str,
    more: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let mut wx = Vec::with_capacity(OF_A_KIND);
    wx.push(("WX_APPID".to_owned(), app_id.to_owned()));
    let mut tcb = Vec::with_capacity(OF_A_KIND);
    tcb.extend([
        ("TCB_ENV".to_owned(), context.environment.clone()),
        ("TCB_SEQID".to_owned(), context.request_id.clone()),
        ("TCB_SOURCE".to_owned(), context.source.clone()),
    ]);
    if let Some(ip) = context.client_ip {
        wx.push(("WX_CLIENTIP".to_owned(), ip.to_string()));
        tcb.push(("TCB_SOURCE_IP".to_owned(), ip.to_string()));
    }
    if let Some(user) = &context.user {
        wx.extend(user_variables(user));
        tcb.push(("TCB_UUID".to_owned(), user.uid.clone()));
        tcb.push(("LOGINTYPE".to_owned(), user.login_type.clone()));
        let anonymous = (user.login_type == "ANONYMOUS").to_string();
        tcb.push(("TCB_ISANONYMOUS_USER".to_owned(), anonymous));
    }
    wx.push(("WX_API_TOKEN".to_owned(), DECOY.to_owned()));
    // SDKs see only the TCB_ names that are listed, and `TRIGGER_SRC`.
    let listed = |name: &str| name.starts_with("TCB_") || name == "TRIGGER_SRC";
    let (of_tcb, others): (Vec<_>, Vec<_>) = more.into_iter().partition(|(name, _)| listed(name));
    tcb.extend(of_tcb);
    let mut variables = Vec::with_capacity(6 + wx.len() + tcb.len() + others.len());
    variables.extend([
        ("WX_CONTEXT_KEYS".to_owned(), names(&wx)),
        ("TCB_CONTEXT_KEYS".to_owned(), names(&tcb)),
        ("SCF_NAMESPACE".to_owned(), context.environment.clone()),
        // The SDKs insist on keys; who asks is known by the worker's own socket, not by these.
        ("TENCENTCLOUD_SECRETID".to_owned(), DECOY.to_owned()),
        ("TENCENTCLOUD_SECRETKEY".to_owned(), DECOY.to_owned()),
        ("TENCENTCLOUD_SESSIONTOKEN".to_owned(), DECOY.to_owned()),
    ]);
    variables.extend(wx);
    variables.extend(tcb);
    variables.extend(others);
    variables
}

/// The names, as the SDKs want them listed.
fn names(pairs: &[(String, String)]) -> String {
    let mut text = String::with_capacity(pairs.iter().map(|(name, _)| name.len() + 1).sum());
    for (at, (name, _)) in pairs.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(name);
    }
    text
}

fn user_variables(user: &User) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    if let Some(openid) = &user.openid {
        pairs.push(("WX_OPENID".to_owned(), openid.clone()));
    }
    if let Some(unionid) = &user.unionid {
        pairs.push(("WX_UNIONID".to_owned(), unionid.clone()));
    }
    pairs
}
