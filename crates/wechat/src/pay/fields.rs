//! From the arguments of a function to the fields of a request, and from a reply's texts to JSON.

use serde_json::Value;

use super::sign::text;
use super::{Fields, Mode, PayCall, PayOptions};
use crate::error::{Error, code};

/// What is said to this platform, not to WeChat Pay.
const OWN: [&str; 2] = ["env_id", "function_name"];

/// The fields of a request, unsigned.
pub(super) fn of_call(
    call: &PayCall,
    options: &PayOptions,
    app_id: &str,
    nonce: &str,
) -> Result<Fields, Error> {
    let mut fields = Fields::new();
    for (name, value) in &call.arguments {
        if !OWN.contains(&name.as_str()) && !text(value).is_empty() {
            fields.insert(name.clone(), text(value).into());
        }
    }
    let mut set = |name: &str, value: &str| {
        if !value.is_empty() {
            fields.entry(name).or_insert_with(|| value.into());
        }
    };
    set("nonce_str", nonce);
    let openid = call.openid.as_deref().unwrap_or_default();
    let orders = call.name == "unifiedOrder";
    if orders || call.name == "refund" {
        set("notify_url", &call.notify_url);
    }
    if orders {
        set("trade_type", "JSAPI");
    }
    let is_jsapi = orders && call.arguments.get("trade_type").is_none_or(|it| it == "JSAPI");
    match &options.mode {
        Mode::Merchant => {
            let given = fields.shift_remove("sub_mch_id").unwrap_or_default();
            if !given.is_null() && given != options.mch_id.as_str() {
                return Err(Error::new(
                    code::INVALID_ARGUMENTS,
                    format!(
                        "sub_mch_id is {given}, but the merchant is {}: leave it out, or set \
                         wechat.pay.mode to \"provider\". / sub_mch_id 与配置的商户号不一致:请去掉它,\
                         或将 wechat.pay.mode 设为 \"provider\"。",
                        options.mch_id
                    ),
                ));
            }
            let sub_app_id = fields.shift_remove("sub_appid").unwrap_or_else(|| app_id.into());
            let sub_openid = fields.shift_remove("sub_openid").unwrap_or_else(|| openid.into());
            fields.insert("appid".to_owned(), sub_app_id);
            if is_jsapi && !fields.contains_key("openid") {
                fields.insert("openid".to_owned(), sub_openid);
            }
        }
        Mode::Provider { app_id: provider } => {
            set("sub_appid", app_id);
            if is_jsapi && !call.arguments.contains_key("openid") {
                set("sub_openid", openid);
            }
            fields.insert("appid".to_owned(), provider.as_str().into());
        }
    }
    fields.insert("mch_id".to_owned(), options.mch_id.as_str().into());
    if options.sign_type != super::SignType::Md5 {
        fields.insert("sign_type".to_owned(), options.sign_type.name().into());
    }
    Ok(fields)
}

/// Amounts and counts become numbers, as the vendor's replies have them.
pub(crate) fn numbered(fields: &mut Fields) {
    for (name, value) in fields.iter_mut() {
        let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        let counts = base.ends_with("_fee") || base.ends_with("_count");
        if let (true, Value::String(text)) = (counts, &*value)
            && let Ok(number) = text.parse::<i64>()
        {
            *value = number.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SignType;
    use super::*;
    use serde_json::json;

    fn options(mode: Mode) -> PayOptions {
        PayOptions {
            mch_id: "100".into(),
            key: "k".into(),
            mode,
            sign_type: SignType::Md5,
            certificate: None,
            base_url: String::new(),
        }
    }

    fn order(arguments: &Value) -> PayCall {
        PayCall {
            name: "unifiedOrder".into(),
            arguments: arguments.as_object().cloned().unwrap(),
            openid: Some("oA".into()),
            notify_url: "https://x/n".into(),
        }
    }

    #[test]
    fn a_merchant_of_ones_own_speaks_for_itself() {
        let call = order(&json!({
            "body": "b", "total_fee": 1, "env_id": "e", "function_name": "f", "sub_mch_id": "100",
            "detail": { "a": [1] }, "attach": "",
        }));
        let fields = of_call(&call, &options(Mode::Merchant), "wx1", "n").unwrap();
        assert_eq!(
            Value::Object(fields),
            json!({
                "body": "b", "total_fee": "1", "detail": "{\"a\":[1]}", "nonce_str": "n",
                "notify_url": "https://x/n", "trade_type": "JSAPI", "appid": "wx1", "openid": "oA",
                "mch_id": "100",
            })
        );
        let other = order(&json!({ "sub_mch_id": "200" }));
        assert!(of_call(&other, &options(Mode::Merchant), "wx1", "n").is_err());
    }

    #[test]
    fn a_provider_speaks_for_the_sub_merchant() {
        let provider = options(Mode::Provider { app_id: "wx-provider".into() });
        let call = order(&json!({ "sub_mch_id": "200", "trade_type": "JSAPI" }));
        let fields = of_call(&call, &provider, "wx1", "n").unwrap();
        for (name, value) in [
            ("appid", "wx-provider"),
            ("mch_id", "100"),
            ("sub_mch_id", "200"),
            ("sub_appid", "wx1"),
            ("sub_openid", "oA"),
        ] {
            assert_eq!(fields[name], value, "{name}");
        }
        assert!(!fields.contains_key("openid"));
        let query = PayCall { name: "queryOrder".into(), ..call };
        let fields = of_call(&query, &provider, "wx1", "n").unwrap();
        assert!(!fields.contains_key("notify_url") && !fields.contains_key("sub_openid"));
    }

    #[test]
    fn amounts_become_numbers_and_nothing_else() {
        let value = json!({
            "total_fee": "88", "refund_fee_0": "1", "coupon_count": "2", "cash_fee_type": "CNY",
            "out_trade_no": "123", "coupon_refund_fee_0_1": "3", "fee_type": "CNY",
        });
        let mut fields = value.as_object().cloned().unwrap();
        numbered(&mut fields);
        assert_eq!(
            Value::Object(fields),
            json!({
                "total_fee": 88, "refund_fee_0": 1, "coupon_count": 2, "cash_fee_type": "CNY",
                "out_trade_no": "123", "coupon_refund_fee_0_1": 3, "fee_type": "CNY",
            })
        );
    }
}
