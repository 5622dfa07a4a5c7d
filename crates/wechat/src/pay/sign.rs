//! Signatures of WeChat Pay, version 2: pure functions.

use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::Fields;
use crate::open_data::hmac_hex;

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignType {
    /// MD5 of the text with the key.
    #[default]
    Md5,
    /// HMAC-SHA256 of the text with the key.
    HmacSha256,
}

impl SignType {
    /// As requests name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SignType::Md5 => "MD5",
            SignType::HmacSha256 => "HMAC-SHA256",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [SignType::Md5, SignType::HmacSha256].into_iter().find(|it| it.name() == name)
    }
}

/// The signature over all fields that are not empty, but `sign` itself, in the order of names.
pub fn sign(fields: &Fields, key: &str, sign_type: SignType) -> String {
    let mut pairs: Vec<(&str, String)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)))
        .filter(|(name, value)| *name != "sign" && !value.is_empty())
        .collect();
    pairs.sort_unstable();
    let mut signed: String = pairs.iter().map(|(name, value)| format!("{name}={value}&")).collect();
    signed.push_str("key=");
    signed.push_str(key);
    let hex = match sign_type {
        SignType::Md5 => hex::encode(Md5::digest(&signed)),
        SignType::HmacSha256 => hmac_hex(key.as_bytes(), signed.as_bytes()),
    };
    hex.to_ascii_uppercase()
}

/// True when the fields carry a signature with this key, of either kind.
pub(crate) fn is_signed(fields: &Fields, key: &str) -> bool {
    let Some(given) = fields.get("sign").and_then(Value::as_str) else { return false };
    [SignType::Md5, SignType::HmacSha256].into_iter().any(|it| sign(fields, key, it) == given)
}

/// What `wx.requestPayment` takes.
pub(crate) fn payment(
    app_id: &str,
    prepay_id: &str,
    nonce: &str,
    now_s: i64,
    key: &str,
    sign_type: SignType,
) -> Value {
    let mut fields = Fields::new();
    for (name, value) in [
        ("appId", app_id.to_owned()),
        ("timeStamp", now_s.to_string()),
        ("nonceStr", nonce.to_owned()),
        ("package", format!("prepay_id={prepay_id}")),
        ("signType", sign_type.name().to_owned()),
    ] {
        fields.insert(name.to_owned(), value.into());
    }
    let signature = sign(&fields, key, sign_type);
    json!({
        "timeStamp": fields["timeStamp"], "nonceStr": nonce, "package": fields["package"],
        "signType": sign_type.name(), "paySign": signature,
    })
}

/// A value as requests carry it.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of WeChat Pay's documentation of signatures.
    const KEY: &str = "192006250b4c09247ec02edce69f6a2d";

    fn example() -> Fields {
        let value = json!({
            "mch_id": "10000100", "appid": "wxd930ea5d5a258f4f", "device_info": 1000,
            "nonce_str": "ibuaiVcKdpRxkhJA", "body": "test", "attach": "", "detail": null,
        });
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn the_example_of_the_documentation_has_its_two_signatures() {
        let mut fields = example();
        let md5 = "9A0A8659F005D6984697E2CA0A9CF3B7";
        let hmac = "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6";
        assert_eq!(sign(&fields, KEY, SignType::Md5), md5);
        assert_eq!(sign(&fields, KEY, SignType::HmacSha256), hmac);
        for signature in [md5, hmac] {
            fields.insert("sign".to_owned(), signature.into());
            assert!(is_signed(&fields, KEY));
            assert!(!is_signed(&fields, "another key"));
        }
        fields.insert("body".to_owned(), "tesu".into());
        assert!(!is_signed(&fields, KEY));
        fields.remove("sign");
        assert!(!is_signed(&fields, KEY));
    }

    #[test]
    fn the_payment_is_signed_with_the_names_of_the_client() {
        let payment = payment("wx1", "wx2019", "n", 1_490_840_662, KEY, SignType::Md5);
        assert_eq!(payment["package"], "prepay_id=wx2019");
        let text = "appId=wx1&nonceStr=n&package=prepay_id=wx2019&signType=MD5\
                    &timeStamp=1490840662&key=192006250b4c09247ec02edce69f6a2d";
        let expected = hex::encode_upper(Md5::digest(text));
        assert_eq!(payment["paySign"], expected);
    }
}
