//! The process environment of one invocation: identity, call chain, and what SDKs insist on.

use std::borrow::Cow;

use functions::Variable;

use crate::caller::User;
use crate::invocations::InvocationContext;

/// Stands where SDKs want a key or token; worth nothing, and the same for every call, because only
/// what differs is sent to a worker.
const DECOY: Cow<'static, str> = Cow::Borrowed("yunkai");
/// Seldom more begin with `WX_`, or with `TCB_`.
const OF_A_KIND: usize = 8;

/// The process environment of one invocation (protocol 02 §3.3, §3.4).
pub(super) fn of_invocation(
    context: &InvocationContext,
    app_id: &str,
    more: Vec<(String, String)>,
) -> Vec<Variable> {
    let mut wx = Vec::with_capacity(OF_A_KIND);
    wx.push(("WX_APPID".into(), app_id.to_owned().into()));
    let mut tcb = Vec::with_capacity(OF_A_KIND);
    tcb.extend([
        ("TCB_ENV".into(), context.environment.clone().into()),
        ("TCB_SEQID".into(), context.request_id.clone().into()),
        ("TCB_SOURCE".into(), context.source.clone().into()),
    ]);
    if let Some(ip) = context.client_ip {
        let ip = ip.to_string();
        wx.push(("WX_CLIENTIP".into(), ip.clone().into()));
        tcb.push(("TCB_SOURCE_IP".into(), ip.into()));
    }
    if let Some(user) = &context.user {
        wx.extend(user_variables(user));
        tcb.push(("TCB_UUID".into(), user.uid.clone().into()));
        tcb.push(("LOGINTYPE".into(), user.login_type.clone().into()));
        let anonymous = if user.login_type == "ANONYMOUS" { "true" } else { "false" };
        tcb.push(("TCB_ISANONYMOUS_USER".into(), anonymous.into()));
    }
    wx.push(("WX_API_TOKEN".into(), DECOY));
    // SDKs see only the TCB_ names that are listed, and `TRIGGER_SRC`.
    let listed = |name: &str| name.starts_with("TCB_") || name == "TRIGGER_SRC";
    let more = more.into_iter().map(|(name, value)| -> Variable { (name.into(), value.into()) });
    let (of_tcb, others): (Vec<_>, Vec<_>) = more.partition(|(name, _)| listed(name));
    tcb.extend(of_tcb);
    let mut variables = Vec::with_capacity(6 + wx.len() + tcb.len() + others.len());
    variables.extend([
        ("WX_CONTEXT_KEYS".into(), names(&wx).into()),
        ("TCB_CONTEXT_KEYS".into(), names(&tcb).into()),
        ("SCF_NAMESPACE".into(), context.environment.clone().into()),
        // The SDKs insist on keys; who asks is known by the worker's own socket, not by these.
        ("TENCENTCLOUD_SECRETID".into(), DECOY),
        ("TENCENTCLOUD_SECRETKEY".into(), DECOY),
        ("TENCENTCLOUD_SESSIONTOKEN".into(), DECOY),
    ]);
    variables.extend(wx);
    variables.extend(tcb);
    variables.extend(others);
    variables
}

/// The names, as the SDKs want them listed.
fn names(pairs: &[Variable]) -> String {
    let mut text = String::with_capacity(pairs.iter().map(|(name, _)| name.len() + 1).sum());
    for (at, (name, _)) in pairs.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(name);
    }
    text
}

fn user_variables(user: &User) -> Vec<Variable> {
    let mut pairs = Vec::new();
    if let Some(openid) = &user.openid {
        pairs.push(("WX_OPENID".into(), openid.clone().into()));
    }
    if let Some(unionid) = &user.unionid {
        pairs.push(("WX_UNIONID".into(), unionid.clone().into()));
    }
    pairs
}
