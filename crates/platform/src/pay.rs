//! `cloudPay` of functions: calls go to WeChat Pay or its simulator, outcomes come back to the
//! function that the order named.
//!
//! Which function that is, is kept durably by order before WeChat Pay hears of it. WeChat Pay sends
//! a notification again until the function has answered `{errcode: 0}`; the simulator does so, too.

use std::sync::{Arc, Weak};
use std::time::Duration;

use engine::Engine;
use serde_json::{Value as Json, json};
pub use wechat::pay::PayReply;
use wechat::pay::{Fields, Notification, PayCall, PayOutcome, subject_of_refund};

use crate::caller::{Caller, Context};
use crate::calls::{self, Run, Trigger};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::journal::Event;
use crate::open_api::for_functions_only;
use crate::shelf::Shelf;

/// After how long the simulator tells again what was not acknowledged. WeChat Pay's own pauses are
/// 15 s to 6 h; waiting for them helps nobody who develops.
const PAUSES_S: [u64; 6] = [1, 2, 5, 10, 30, 60];

/// Who is told about which order: `{_id: subject, function, at, acknowledged?}`.
const ORDERS: Shelf<Json> = Shelf::new("system.orders");

/// Opens what is remembered of orders.
pub(crate) async fn open(engine: &Engine) -> Result<()> {
    ORDERS.open(engine).await
}

/// Calls WeChat Pay: `unifiedOrder`, `refund` and their like, arguments in `snake_case`.
///
/// # Errors
/// For clients; with WeChat's number when WeChat Pay could not be asked. Its refusals are replies.
pub async fn call(context: &Context, name: &str, arguments: Fields) -> Result<PayReply> {
    let openid = match &context.caller {
        Caller::Function(invocation) => invocation.user.as_ref().and_then(|it| it.openid.clone()),
        Caller::Administrator => None,
        Caller::User(_) | Caller::Nobody => return Err(for_functions_only()),
    };
    let environment = &context.environment;
    let function = text(&arguments, "function_name");
    let subject = match name {
        "unifiedOrder" => Some(text(&arguments, "out_trade_no")),
        "refund" => Some(subject_of_refund(&text(&arguments, "out_refund_no"))),
        _ => None,
    };
    if let Some(subject) = subject.filter(|_| !function.is_empty()) {
        let order = json!({ "_id": subject, "function": function, "at": context.now_ms });
        ORDERS.replace(environment.engine(), &order).await?;
    }
    let notify_url = format!("{}/_wechat/pay/{}", context.base_url, environment.id());
    let call = PayCall { name: name.to_owned(), arguments, openid, notify_url };
    let PayOutcome { reply, notification } =
        environment.wechat().pay(&call).await.map_err(|error| {
            let number = error.errcode();
            Error::from_room(Code::WeChatRefused, error).numbered(number)
        })?;
    if let Some(notification) = notification {
        tokio::spawn(tell(Arc::downgrade(environment), function, notification));
    }
    Ok(reply)
}

/// Takes a notification of WeChat Pay; true when the function has acknowledged it.
///
/// # Errors
/// [`Code::SignatureInvalid`] for strangers.
pub async fn notified(environment: &Environment, body: &str) -> Result<bool> {
    let strange = || {
        Error::new(
            Code::SignatureInvalid,
            "This is no notification of WeChat Pay, or wechat.pay.key differs. / 支付通知验签失败:请\
             核对 wechat.pay.key。",
        )
    };
    let notification = environment.wechat().pay_notification(body).ok_or_else(strange)?;
    let subject = notification.subject().ok_or_else(strange)?;
    let Some(mut order) = ORDERS.get(environment.engine(), &subject).await? else {
        // Not ordered here, or without a function: there is nobody to tell.
        return Ok(true);
    };
    if order["acknowledged"] == true {
        return Ok(true);
    }
    let function = order["function"].as_str().unwrap_or_default();
    let acknowledged = run(environment, function, &notification).await;
    if acknowledged {
        order["acknowledged"] = true.into();
        ORDERS.replace(environment.engine(), &order).await?;
    }
    Ok(acknowledged)
}

/// Tells what the simulator has to tell until the function acknowledges it.
async fn tell(environment: Weak<Environment>, function: String, notification: Notification) {
    for pause_s in PAUSES_S {
        let Some(environment) = environment.upgrade() else { return };
        if run(&environment, &function, &notification).await {
            return;
        }
        drop(environment);
        tokio::time::sleep(Duration::from_secs(pause_s)).await;
    }
    if let Some(environment) = environment.upgrade() {
        environment.record(Event::Notice {
            text: format!(
                "{function} did not acknowledge a payment: it must answer {{ errcode: 0 }}. / 云函数 \
                 {function} 未确认支付结果:必须返回 {{ errcode: 0 }}。"
            ),
        });
    }
}

/// True when the function has answered `{errcode: 0}`.
async fn run(environment: &Environment, function: &str, notification: &Notification) -> bool {
    let event = notification.event().to_string();
    let answer = calls::run(environment, Run::new(Trigger::Push, function.to_owned(), event)).await;
    let acknowledges = |result: String| {
        let result: Json = serde_json::from_str(&result).unwrap_or_default();
        ["errcode", "errCode"].into_iter().any(|name| result[name] == 0)
    };
    answer.is_ok_and(|answer| acknowledges(answer.result))
}

fn text(arguments: &Fields, name: &str) -> String {
    arguments.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
}
