//! Messages that WeChat pushes: is this request WeChat's, what does it say, how is it answered.
//!
//! Pure functions over a request; nothing is sent and nothing is remembered here. With an
//! EncodingAESKey only encrypted messages are taken: the signature of a plain one covers its time
//! and nonce, but not its text.

mod message;
mod sealed;

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

pub use message::{Format, Message};
use sealed::Key;

/// How far the time of a request may be from ours, in seconds.
pub const WINDOW_S: i64 = 300;

/// What is configured in WeChat's console under 消息推送.
#[derive(Clone)]
pub struct PushOptions {
    /// The Token, 3 to 32 letters and digits.
    pub token: String,
    /// The EncodingAESKey, 43 letters and digits; absent in plain mode.
    pub encoding_aes_key: Option<String>,
    /// Takes plain messages although there is a key (WeChat's 兼容模式).
    pub accepts_plain: bool,
}

impl std::fmt::Debug for PushOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushOptions").finish_non_exhaustive()
    }
}

/// What WeChat puts into the address of a request.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Over token, timestamp and nonce.
    pub signature: String,
    /// Over the three and the encrypted text.
    pub msg_signature: String,
    /// Seconds since 1970.
    pub timestamp: String,
    /// A number of WeChat's choice.
    pub nonce: String,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The signature does not fit the token.
    #[error(
        "the signature does not fit: compare the Token with WeChat's console / 签名不正确:请核对 Token"
    )]
    Signature,
    /// The time is more than [`WINDOW_S`] away.
    #[error("the time of the request is too far from this machine's / 请求时间与本机时间相差过大")]
    Time,
    /// A plain message where an encrypted one is due, or the other way round.
    #[error(
        "plain or encrypted, unlike the configuration: set or remove encoding_aes_key / 加密方式与配置不一致"
    )]
    Mode,
    /// The text does not open with the key, or is of another AppID.
    #[error(
        "the message does not open: compare the EncodingAESKey and AppID with WeChat's console / 消息无法解密:请核对 EncodingAESKey 与 AppID"
    )]
    Sealed,
    /// Neither JSON nor XML.
    #[error("the message is neither a JSON object nor XML / 消息不是 JSON 或 XML")]
    Unreadable,
}

impl Refusal {
    /// Its name in counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Signature => "signature",
            Refusal::Time => "time",
            Refusal::Mode => "mode",
            Refusal::Sealed => "sealed",
            Refusal::Unreadable => "unreadable",
        }
    }
}

/// Reads and answers the requests of one AppID's console.
#[derive(Clone)]
pub struct Push {
    token: String,
    key: Option<Key>,
    accepts_plain: bool,
    app_id: String,
}

impl std::fmt::Debug for Push {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Push").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl Push {
    /// # Errors
    /// A sentence when the token is empty or the key has not 43 letters and digits.
    pub fn new(options: &PushOptions, app_id: &str) -> Result<Self, crate::Error> {
        let refuse = |what: &str| {
            crate::Error::new(
                crate::code::CONFIGURATION,
                format!("{what}: correct [wechat.push]. / 请修正 [wechat.push] 配置。"),
            )
        };
        if options.token.trim().is_empty() {
            return Err(refuse("wechat.push.token is empty"));
        }
        let key = match options.encoding_aes_key.as_deref().filter(|key| !key.is_empty()) {
            None => None,
            Some(text) => Some(Key::parse(text).ok_or_else(|| {
                refuse("wechat.push.encoding_aes_key is not 43 letters and digits")
            })?),
        };
        let (token, accepts_plain) = (options.token.clone(), options.accepts_plain);
        Ok(Self { token, key, accepts_plain, app_id: app_id.to_owned() })
    }

    /// The check that WeChat's console makes (`GET` with `echostr`): the text to answer with.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn echo(&self, query: &Query, echostr: &str, now_s: i64) -> Result<String, Refusal> {
        check_time(query, now_s)?;
        // The newer console sends the text encrypted, with a signature over it.
        if !query.msg_signature.is_empty() {
            self.check(query, Some(echostr))?;
            let key = self.key.as_ref().ok_or(Refusal::Mode)?;
            return key.open(echostr, &self.app_id).ok_or(Refusal::Sealed);
        }
        self.check(query, None)?;
        Ok(echostr.to_owned())
    }

    /// Reads a message (`POST`).
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn read(&self, query: &Query, body: &str, now_s: i64) -> Result<Message, Refusal> {
        check_time(query, now_s)?;
        let outer = Message::parse(body);
        let sealed =
            outer.as_ref().and_then(|it| it.members.get("Encrypt")).and_then(Value::as_str);
        match (&self.key, sealed) {
            (key, None) if key.is_none() || self.accepts_plain => {
                self.check(query, None)?;
                outer.ok_or(Refusal::Unreadable)
            }
            (Some(key), Some(sealed)) => {
                self.check(query, Some(sealed))?;
                let text = key.open(sealed, &self.app_id).ok_or(Refusal::Sealed)?;
                let mut message = Message::parse(&text).ok_or(Refusal::Unreadable)?;
                message.is_sealed = true;
                Ok(message)
            }
            _ => {
                // Strangers learn nothing about the mode.
                self.check(query, sealed)?;
                Err(Refusal::Mode)
            }
        }
    }

    /// The body that answers a message: `success`, or the passive reply in the message's own
    /// format, sealed when the message was.
    pub fn reply(&self, message: &Message, reply: Option<&Value>, now_s: i64) -> String {
        let Some(Value::Object(members)) = reply else { return "success".to_owned() };
        let text = message.format.write(members);
        let Some(key) = self.key.as_ref().filter(|_| message.is_sealed) else { return text };
        let nonce = (rand::random::<u32>()).to_string();
        let timestamp = now_s.to_string();
        let sealed = key.seal(&text, &self.app_id);
        let signature = sign(&[&self.token, &timestamp, &nonce, &sealed]);
        let outer = json!({
            "Encrypt": sealed, "MsgSignature": signature, "TimeStamp": now_s, "Nonce": nonce,
        });
        match outer {
            Value::Object(members) => message.format.write(&members),
            _ => String::new(),
        }
    }

    fn check(&self, query: &Query, sealed: Option<&str>) -> Result<(), Refusal> {
        let Query { timestamp, nonce, .. } = query;
        let (expected, given) = match sealed {
            Some(sealed) if !query.msg_signature.is_empty() => {
                (sign(&[&self.token, timestamp, nonce, sealed]), &query.msg_signature)
            }
            _ => (sign(&[&self.token, timestamp, nonce]), &query.signature),
        };
        // With a key, the signature must cover the text.
        let covers = self.key.is_none() || sealed.is_none() || !query.msg_signature.is_empty();
        if covers && same(expected.as_bytes(), given.as_bytes()) {
            return Ok(());
        }
        Err(Refusal::Signature)
    }
}

/// SHA-1 over the sorted texts, in hexadecimal.
pub fn sign(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    hex::encode(Sha1::digest(parts.concat()))
}

fn check_time(query: &Query, now_s: i64) -> Result<(), Refusal> {
    let timestamp: i64 = query.timestamp.parse().map_err(|_| Refusal::Time)?;
    let is_near = now_s.checked_sub(timestamp).is_some_and(|it| it.abs() <= WINDOW_S);
    is_near.then_some(()).ok_or(Refusal::Time)
}

/// Compares in a time that does not depend on where the texts differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in WeChat's own code for verifying an address.
    const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
    const ECHO: &str =
        "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
    const NOW_S: i64 = 1_409_659_589;

    fn push(key: Option<&str>) -> Push {
        let options = PushOptions {
            token: "QDG6eK".to_owned(),
            encoding_aes_key: key.map(str::to_owned),
            accepts_plain: false,
        };
        Push::new(&options, "wx5823bf96d3bd56c7").unwrap()
    }

    fn query(sealed: Option<&str>) -> Query {
        let (timestamp, nonce) = (NOW_S.to_string(), "263014780".to_owned());
        let mut parts = vec!["QDG6eK", &timestamp, &nonce];
        let signature = sign(&parts);
        parts.extend(sealed);
        let msg_signature = sealed.map(|_| sign(&parts)).unwrap_or_default();
        Query { signature, msg_signature, timestamp, nonce }
    }

    #[test]
    fn the_published_example_is_echoed() {
        let query = query(Some(ECHO));
        assert_eq!(query.msg_signature, "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3");
        let echo = push(Some(KEY)).echo(&query, ECHO, NOW_S + 200);
        assert_eq!(echo.as_deref(), Ok("1616140317555161061"));
    }

    #[test]
    fn a_plain_address_is_verified_by_its_echo() {
        assert_eq!(push(None).echo(&query(None), "hi", NOW_S).as_deref(), Ok("hi"));
        assert_eq!(push(Some(KEY)).echo(&query(None), "hi", NOW_S).as_deref(), Ok("hi"));
        let mut forged = query(None);
        forged.signature = "0".repeat(40);
        assert_eq!(push(None).echo(&forged, "hi", NOW_S), Err(Refusal::Signature));
    }

    #[test]
    fn time_signature_mode_and_key_must_fit() {
        let plain = r#"{"MsgType":"text"}"#;
        let key = Key::parse(KEY).unwrap();
        let sealed = key.seal(plain, "wx5823bf96d3bd56c7");
        let body = json!({ "ToUserName": "gh", "Encrypt": sealed }).to_string();
        let of_other = key.seal(plain, "wx-other");
        let other = json!({ "Encrypt": of_other }).to_string();
        let fits = query(Some(&sealed));
        let (open, closed) = (push(None), push(Some(KEY)));
        let refused = |outcome: Result<Message, Refusal>| outcome.unwrap_err();

        let read = closed.read(&fits, &body, NOW_S).unwrap();
        assert!(read.is_sealed && read.members["MsgType"] == "text");
        assert!(!open.read(&query(None), plain, NOW_S).unwrap().is_sealed);

        assert_eq!(refused(closed.read(&fits, &body, NOW_S + 301)), Refusal::Time);
        assert_eq!(refused(closed.read(&fits, &body, NOW_S - 301)), Refusal::Time);
        assert_eq!(refused(closed.read(&query(None), plain, NOW_S)), Refusal::Mode);
        assert_eq!(refused(open.read(&fits, &body, NOW_S)), Refusal::Mode);
        assert_eq!(refused(closed.read(&query(None), &body, NOW_S)), Refusal::Signature);
        assert_eq!(refused(closed.read(&fits, &other, NOW_S)), Refusal::Signature);
        assert_eq!(refused(closed.read(&query(Some(&of_other)), &other, NOW_S)), Refusal::Sealed);
        assert_eq!(refused(open.read(&query(None), "hello", NOW_S)), Refusal::Unreadable);
        let forged = Query { signature: "x".into(), ..query(None) };
        assert_eq!(refused(open.read(&forged, "hello", NOW_S)), Refusal::Signature);
    }

    #[test]
    fn a_reply_is_sealed_when_the_message_was() {
        let closed = push(Some(KEY));
        let mut message = Message::parse("<xml><MsgType>text</MsgType></xml>").unwrap();
        assert_eq!(closed.reply(&message, None, NOW_S), "success");
        let reply = json!({ "MsgType": "transfer_customer_service", "CreateTime": 1 });
        assert!(closed.reply(&message, Some(&reply), NOW_S).contains("transfer_customer_service"));
        message.is_sealed = true;
        let text = closed.reply(&message, Some(&reply), NOW_S);
        let outer = Message::parse(&text).unwrap().members;
        let text_of =
            |name: &str| outer[name].as_str().map_or(outer[name].to_string(), str::to_owned);
        let query = Query {
            msg_signature: text_of("MsgSignature"),
            timestamp: text_of("TimeStamp"),
            nonce: text_of("Nonce"),
            signature: String::new(),
        };
        let opened = closed.read(&query, &text, NOW_S).unwrap();
        assert_eq!(opened.members["MsgType"], "transfer_customer_service");
    }

    #[test]
    fn a_configuration_that_cannot_work_is_refused() {
        for (token, key) in [("", None), ("t", Some("short")), ("t", Some(&*"!".repeat(43)))] {
            let key = key.map(str::to_owned);
            let token = token.to_owned();
            let options = PushOptions { token, encoding_aes_key: key, accepts_plain: true };
            assert!(Push::new(&options, "wx").is_err(), "{options:?}");
        }
    }
}
