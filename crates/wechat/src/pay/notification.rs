//! What WeChat Pay tells about a payment or a refund, and the event a function gets of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::Value;

use super::Fields;
use super::fields::numbered;
use super::sign::is_signed;
use crate::{cipher, xml};

/// A payment or refund that has an outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// The fields in `snake_case`, amounts as numbers.
    pub fields: Fields,
}

impl Notification {
    /// Reads the body of a notification; `None` when it is not from WeChat Pay with this key.
    pub(crate) fn read(body: &str, key: &str) -> Option<Self> {
        let mut fields = xml::read(body)?;
        // A refund's is sealed with the key, anything else is signed with it.
        if let Some(sealed) = fields.get("req_info").and_then(Value::as_str) {
            let secret = hex::encode(Md5::digest(key));
            let sealed = STANDARD.decode(sealed.trim()).ok()?;
            let text = cipher::open_256_ecb(secret.as_bytes(), &sealed)?;
            fields.shift_remove("req_info");
            fields.extend(xml::read(std::str::from_utf8(&text).ok()?)?);
        } else if !is_signed(&fields, key) {
            return None;
        }
        numbered(&mut fields);
        Some(Self { fields })
    }

    /// A notification of the simulator.
    pub(crate) fn new(mut fields: Fields) -> Self {
        numbered(&mut fields);
        Self { fields }
    }

    /// What the outcome is of: the order's number, or `refund/` and the refund's.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        let text = |name: &str| self.fields.get(name).and_then(Value::as_str);
        match text("out_refund_no") {
            Some(refund) => Some(subject_of_refund(refund)),
            None => text("out_trade_no").map(str::to_owned),
        }
    }

    /// The event of the function: every field in `camelCase`, as the vendor documents it, and in
    /// `snake_case`, as some functions read it. Signatures stay here. A merchant's own payment has
    /// the `sub_…` fields, too, which is where functions written for the vendor look.
    #[must_use]
    pub fn event(&self) -> Value {
        let mut fields = self.fields.clone();
        fields.shift_remove("sign");
        for (sub, own) in
            [("sub_mch_id", "mch_id"), ("sub_openid", "openid"), ("sub_appid", "appid")]
        {
            if !fields.contains_key(sub)
                && let Some(value) = fields.get(own).cloned()
            {
                fields.insert(sub.to_owned(), value);
            }
        }
        let mut event = Fields::new();
        for (name, value) in &fields {
            event.insert(camel(name), value.clone());
        }
        event.extend(fields);
        Value::Object(event)
    }
}

/// The subject of a refund's notification.
#[must_use]
pub fn subject_of_refund(out_refund_no: &str) -> String {
    format!("refund/{out_refund_no}")
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        match letters.peek() {
            Some(next) if letter == '_' && next.is_ascii_lowercase() => {
                camel.push(next.to_ascii_uppercase());
                letters.next();
            }
            _ => camel.push(letter),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::super::sign::{SignType, sign};
    use super::*;
    use serde_json::json;

    const KEY: &str = "192006250b4c09247ec02edce69f6a2d";

    fn signed(value: &Value) -> String {
        let mut fields = value.as_object().cloned().unwrap();
        let signature = sign(&fields, KEY, SignType::Md5);
        fields.insert("sign".to_owned(), signature.into());
        xml::write(fields.iter().map(|(name, value)| (name.as_str(), value)))
    }

    #[test]
    fn a_payment_is_told_in_both_spellings() {
        let body = signed(&json!({
            "appid": "wx1", "mch_id": "100", "openid": "oA", "out_trade_no": "T1",
            "total_fee": "88", "result_code": "SUCCESS", "return_code": "SUCCESS",
        }));
        let notification = Notification::read(&body, KEY).unwrap();
        assert_eq!(notification.subject().as_deref(), Some("T1"));
        let event = notification.event();
        assert_eq!((&event["outTradeNo"], &event["out_trade_no"]), (&json!("T1"), &json!("T1")));
        assert_eq!((&event["totalFee"], &event["subOpenid"]), (&json!(88), &json!("oA")));
        assert!(event.get("sign").is_none());
    }

    #[test]
    fn a_notification_that_is_not_signed_with_the_key_is_none() {
        let body = signed(&json!({ "out_trade_no": "T1", "total_fee": "88" }));
        assert!(Notification::read(&body.replace("88", "1"), KEY).is_none());
        assert!(Notification::read(&body, "another").is_none());
        assert!(Notification::read("<xml><out_trade_no>T1</out_trade_no></xml>", KEY).is_none());
        assert!(Notification::read("no xml", KEY).is_none());
        let sealed = "<xml><req_info>AAAAAAAAAAAAAAAAAAAAAA==</req_info></xml>";
        assert!(Notification::read(sealed, KEY).is_none());
    }

    #[test]
    fn a_refund_is_opened_with_the_key() {
        let secret = hex::encode(Md5::digest(KEY));
        let text =
            "<root><out_refund_no><![CDATA[R1]]></out_refund_no><refund_fee>5</refund_fee></root>";
        let sealed = STANDARD.encode(cipher::seal_256_ecb(secret.as_bytes(), text.as_bytes()));
        let body = format!(
            "<xml><return_code>SUCCESS</return_code><mch_id>100</mch_id><req_info>{sealed}\
             </req_info></xml>"
        );
        let notification = Notification::read(&body, KEY).unwrap();
        assert_eq!(notification.subject().as_deref(), Some("refund/R1"));
        assert_eq!(notification.event()["refundFee"], 5);
        assert!(Notification::read(&body, "another").is_none());
    }
}
