//! A simulated WeChat Pay: orders are paid at once and told about right after, unless their body
//! says `UNPAID` (or 未支付). Orders live in memory, bounded; refusals are WeChat Pay's own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::PoisonError;

use serde_json::{Value, json};

use super::{Simulator, random_id};
use crate::error::Error;
use crate::pay::sign::{SignType, payment, sign, text};
use crate::pay::{Fields, Notification, PayCall, PayOutcome, PayReply, route};

/// The merchant of the simulator when a call names none.
const MERCHANT: &str = "1900000109";
/// The key that simulated signatures are made with.
const KEY: &str = "simulated-key-of-wechat-pay-0000";
/// How many orders are remembered.
const ORDERS_MAX: usize = 10_000;
/// The longest order number, in characters.
const ORDER_NUMBER_MAX: usize = 32;

/// Orders by the caller's number.
#[derive(Default)]
pub(super) struct Orders {
    orders: HashMap<String, Order>,
    /// The same numbers, oldest first.
    numbers: VecDeque<String>,
}

#[derive(Clone)]
struct Order {
    fields: Fields,
    total_fee: i64,
    state: &'static str,
    refunds: BTreeMap<String, i64>,
}

/// Why a call is refused: before it was judged, or by the business.
enum Refusal {
    Call(String),
    Business(&'static str, &'static str),
}

type Answer = Result<(Fields, Option<Notification>), Refusal>;

impl Simulator {
    pub(crate) fn pay(&self, call: &PayCall) -> Result<PayOutcome, Error> {
        if route(&call.name).is_none() {
            return Err(Error::api_not_found(&call.name));
        }
        if call.name == "downloadBill" {
            let bill = self.bill();
            self.show_payment(call, "downloadBill", &json!({ "bytes": bill.len() }));
            return Ok(PayOutcome { reply: PayReply::Bytes(bill.into()), notification: None });
        }
        let answer = {
            let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
            match call.name.as_str() {
                "unifiedOrder" => self.order(&mut orders, call),
                "queryOrder" => query(&orders, call),
                "closeOrder" => close(&mut orders, call),
                "refund" => self.refund(&mut orders, call),
                "queryRefund" => query_refund(&orders, call),
                _ => Err(Refusal::Call("the simulator does not play this API".to_owned())),
            }
        };
        let mut reply = self.common(call);
        let mut notification = None;
        match answer {
            Ok((fields, told)) => {
                reply.insert("result_code".to_owned(), "SUCCESS".into());
                reply.extend(fields);
                notification = told;
            }
            Err(Refusal::Call(message)) => {
                reply = Fields::new();
                reply.insert("return_code".to_owned(), "FAIL".into());
                reply.insert("return_msg".to_owned(), message.into());
            }
            Err(Refusal::Business(name, description)) => {
                reply.insert("result_code".to_owned(), "FAIL".into());
                reply.insert("err_code".to_owned(), name.into());
                reply.insert("err_code_des".to_owned(), description.into());
            }
        }
        let shown = Value::Object(reply.clone());
        self.show_payment(call, &call.name, &shown);
        Ok(PayOutcome { reply: PayReply::Fields(reply), notification })
    }

    fn show_payment(&self, call: &PayCall, name: &str, reply: &Value) {
        let subject = ["out_trade_no", "out_refund_no"].map(|it| argument(call, it));
        let title = format!("cloudPay.{name} {}", subject.join(" ").trim());
        let detail = json!({ "api": name, "arguments": call.arguments, "reply": reply });
        self.events.record(self.options.clock.now_ms(), "payment", title, detail);
    }

    /// What every reply carries.
    fn common(&self, call: &PayCall) -> Fields {
        let given = argument(call, "sub_mch_id");
        let sub = if given.is_empty() { MERCHANT.to_owned() } else { given };
        let common = json!({
            "return_code": "SUCCESS", "return_msg": "OK", "appid": self.app_id(),
            "mch_id": MERCHANT, "sub_appid": self.app_id(), "sub_mch_id": sub,
            "nonce_str": random_id(),
        });
        fields_of(common)
    }

    fn order(&self, orders: &mut Orders, call: &PayCall) -> Answer {
        for name in ["body", "out_trade_no", "spbill_create_ip", "total_fee", "function_name"] {
            if argument(call, name).is_empty() {
                return Err(Refusal::Call(format!("缺少参数{name}")));
            }
        }
        let number = argument(call, "out_trade_no");
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-|*@".contains(c);
        if number.chars().count() > ORDER_NUMBER_MAX || !number.chars().all(fits) {
            return Err(Refusal::Call("out_trade_no格式错误".to_owned()));
        }
        let total_fee = amount(call, "total_fee")?;
        let openid = ["sub_openid", "openid"].map(|it| argument(call, it));
        let openid = openid.into_iter().find(|it| !it.is_empty()).or_else(|| call.openid.clone());
        let Some(openid) = openid else {
            return Err(Refusal::Call("缺少参数sub_openid".to_owned()));
        };
        match orders.orders.get(&number).map(|order| order.state) {
            Some("SUCCESS") => return Err(Refusal::Business("ORDERPAID", "该订单已支付")),
            Some(_) => return Err(Refusal::Business("OUT_TRADE_NO_USED", "商户订单号重复")),
            None => {}
        }
        let now_ms = self.options.clock.now_ms();
        let body = argument(call, "body");
        let is_paid = !body.contains("UNPAID") && !body.contains("未支付");
        let prepay_id = format!("wx{}", random_id());
        let mut fields = self.common(call);
        fields.extend(fields_of(json!({
            "openid": openid, "sub_openid": openid, "is_subscribe": "N", "sub_is_subscribe": "N",
            "trade_type": "JSAPI", "bank_type": "OTHERS", "total_fee": total_fee,
            "cash_fee": total_fee, "fee_type": "CNY", "out_trade_no": number,
            "attach": argument(call, "attach"),
        })));
        if is_paid {
            fields.extend(fields_of(json!({
                "transaction_id": format!("4200{}", digits(&random_id())),
                "time_end": china_time(now_ms),
            })));
        }
        let state = if is_paid { "SUCCESS" } else { "NOTPAY" };
        orders.put(
            number,
            Order { fields: fields.clone(), total_fee, state, refunds: BTreeMap::new() },
        );
        let payment =
            payment(self.app_id(), &prepay_id, &random_id(), now_ms / 1_000, KEY, SignType::Md5);
        let reply = json!({ "trade_type": "JSAPI", "prepay_id": prepay_id, "payment": payment });
        let told = is_paid.then(|| {
            fields.insert("result_code".to_owned(), "SUCCESS".into());
            fields.shift_remove("return_msg");
            notification(fields)
        });
        Ok((fields_of(reply), told))
    }

    fn refund(&self, orders: &mut Orders, call: &PayCall) -> Answer {
        let refund_no = argument(call, "out_refund_no");
        if refund_no.is_empty() {
            return Err(Refusal::Call("缺少参数out_refund_no".to_owned()));
        }
        let fee = amount(call, "refund_fee")?;
        let order = orders.find_mut(call)?;
        if order.state == "NOTPAY" || order.state == "CLOSED" {
            return Err(Refusal::Business("TRADE_STATE_ERROR", "订单状态错误"));
        }
        if amount(call, "total_fee")? != order.total_fee {
            return Err(Refusal::Business("INVALID_REQUEST", "订单金额不一致"));
        }
        // The same refund again is the same refund.
        let is_new = !order.refunds.contains_key(&refund_no);
        let refunded: i64 = order.refunds.values().sum();
        if is_new && refunded.saturating_add(fee) > order.total_fee {
            return Err(Refusal::Business("NOTENOUGH", "累计退款金额大于支付金额"));
        }
        order.refunds.insert(refund_no.clone(), fee);
        order.state = "REFUND";
        let mut fields = fields_of(json!({
            "out_trade_no": order.fields["out_trade_no"], "out_refund_no": refund_no,
            "transaction_id": order.fields["transaction_id"],
            "refund_id": format!("5030{}", digits(&random_id())), "refund_fee": fee,
            "total_fee": order.total_fee, "cash_fee": order.total_fee, "cash_refund_fee": fee,
        }));
        let told = (is_new && !argument(call, "function_name").is_empty()).then(|| {
            let now = china_time(self.options.clock.now_ms());
            let mut told = self.common(call);
            told.extend(fields.clone());
            told.insert("refund_status".to_owned(), "SUCCESS".into());
            told.insert("success_time".to_owned(), now.into());
            notification(told)
        });
        fields.insert("coupon_refund_fee".to_owned(), 0.into());
        Ok((fields, told))
    }

    fn bill(&self) -> String {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bill =
            String::from("\u{feff}交易时间,公众账号ID,商户号,微信订单号,商户订单号,总金额\r\n");
        for number in &orders.numbers {
            let order = &orders.orders[number];
            let of = |name: &str| order.fields.get(name).map(text).unwrap_or_default();
            let fee = order.total_fee;
            bill.push_str(&format!(
                "`{},`{},`{},`{},`{number},`{}.{:02}\r\n",
                of("time_end"),
                of("appid"),
                of("mch_id"),
                of("transaction_id"),
                fee / 100,
                fee % 100,
            ));
        }
        bill
    }
}

impl Orders {
    fn put(&mut self, number: String, order: Order) {
        if self.numbers.len() >= ORDERS_MAX
            && let Some(oldest) = self.numbers.pop_front()
        {
            self.orders.remove(&oldest);
        }
        self.orders.insert(number.clone(), order);
        self.numbers.push_back(number);
    }

    fn number(&self, call: &PayCall) -> Option<String> {
        let (number, id) = (argument(call, "out_trade_no"), argument(call, "transaction_id"));
        if !number.is_empty() {
            return Some(number);
        }
        let is_it = |order: &Order| {
            !id.is_empty()
                && order.fields.get("transaction_id").is_some_and(|it| *it == id.as_str())
        };
        self.numbers.iter().find(|number| is_it(&self.orders[*number])).cloned()
    }

    fn find(&self, call: &PayCall) -> Result<&Order, Refusal> {
        let found = self.number(call).and_then(|number| self.orders.get(&number));
        found.ok_or(Refusal::Business("ORDERNOTEXIST", "此交易订单号不存在"))
    }

    fn find_mut(&mut self, call: &PayCall) -> Result<&mut Order, Refusal> {
        let number = self.number(call).unwrap_or_default();
        let found = self.orders.get_mut(&number);
        found.ok_or(Refusal::Business("ORDERNOTEXIST", "此交易订单号不存在"))
    }
}

fn query(orders: &Orders, call: &PayCall) -> Answer {
    let order = orders.find(call)?;
    let mut fields = order.fields.clone();
    fields.insert("trade_state".to_owned(), order.state.into());
    let words = match order.state {
        "SUCCESS" => "支付成功",
        "REFUND" => "转入退款",
        "CLOSED" => "已关闭",
        _ => "订单未支付",
    };
    fields.insert("trade_state_desc".to_owned(), words.into());
    Ok((fields, None))
}

fn close(orders: &mut Orders, call: &PayCall) -> Answer {
    let order = orders.find_mut(call)?;
    match order.state {
        "NOTPAY" | "CLOSED" => order.state = "CLOSED",
        _ => return Err(Refusal::Business("ORDERPAID", "订单已支付")),
    }
    Ok((Fields::new(), None))
}

fn query_refund(orders: &Orders, call: &PayCall) -> Answer {
    let refund_no = argument(call, "out_refund_no");
    let has = |order: &&Order| order.refunds.contains_key(&refund_no);
    let order = match refund_no.is_empty() {
        true => orders.find(call)?,
        false => orders
            .orders
            .values()
            .find(has)
            .ok_or(Refusal::Business("REFUNDNOTEXIST", "退款订单查询失败"))?,
    };
    let mut fields = fields_of(json!({
        "out_trade_no": order.fields["out_trade_no"], "total_fee": order.total_fee,
        "transaction_id": order.fields.get("transaction_id"), "refund_count": order.refunds.len(),
        "refund_fee": order.refunds.values().sum::<i64>(), "cash_fee": order.total_fee,
    }));
    for (place, (number, fee)) in order.refunds.iter().enumerate() {
        fields.insert(format!("out_refund_no_{place}"), number.as_str().into());
        fields.insert(format!("refund_fee_{place}"), (*fee).into());
        fields.insert(format!("refund_status_{place}"), "SUCCESS".into());
    }
    Ok((fields, None))
}

/// A notification as WeChat Pay would send it, signed.
fn notification(mut fields: Fields) -> Notification {
    let signature = sign(&fields, KEY, SignType::Md5);
    fields.insert("sign".to_owned(), signature.into());
    Notification::new(fields)
}

fn argument(call: &PayCall, name: &str) -> String {
    call.arguments.get(name).map(text).unwrap_or_default()
}

/// An amount in fen: a whole number above 0.
fn amount(call: &PayCall, name: &str) -> Result<i64, Refusal> {
    let fits = |fee: &i64| (1..=10_000_000_000).contains(fee);
    let fee = argument(call, name).parse().ok().filter(fits);
    fee.ok_or_else(|| Refusal::Call(format!("{name}必须为大于0的整数(分)")))
}

fn fields_of(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

fn digits(hash: &str) -> String {
    hash.bytes().take(24).map(|byte| char::from(b'0' + byte % 10)).collect()
}

/// `yyyyMMddHHmmss` in UTC+8, as WeChat Pay writes times.
fn china_time(now_ms: i64) -> String {
    let seconds = now_ms.div_euclid(1_000) + 8 * 3_600;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{:02}", second % 60)
}

/// Year, month and day of a day since 1970-01-01 in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_china() {
        for (ms, expected) in [
            (0, "19700101080000"),
            (1_582_991_999_000, "20200229235959"),
            (1_767_196_800_000, "20260101000000"),
        ] {
            assert_eq!(china_time(ms), expected);
        }
    }
}
