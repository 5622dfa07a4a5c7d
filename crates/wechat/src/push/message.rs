//! One pushed message as functions see it: the members of its JSON, whatever it came as.

use serde_json::{Map, Number, Value};

use crate::xml;

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    Json,
    /// `<xml>…</xml>`.
    Xml,
}

impl Format {
    /// Writes a reply.
    pub(super) fn write(self, members: &Map<String, Value>) -> String {
        match self {
            Format::Json => Value::Object(members.clone()).to_string(),
            Format::Xml => xml::write(members.iter().map(|(name, it)| (name.as_str(), it))),
        }
    }

    /// The content type of an answer.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Json => "application/json; charset=utf-8",
            Format::Xml => "text/xml; charset=utf-8",
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// How it came, and how it is answered.
    pub format: Format,
    /// True when it was encrypted.
    pub is_sealed: bool,
    /// `ToUserName`, `FromUserName`, `CreateTime`, `MsgType` and what belongs to the type.
    pub members: Map<String, Value>,
}

impl Message {
    /// Reads JSON or XML; `None` when it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let (format, members) = if text.starts_with('<') {
            (Format::Xml, like_json(xml::read(text)?))
        } else {
            (Format::Json, serde_json::from_str(text).ok()?)
        };
        Some(Self { format, is_sealed: false, members })
    }

    /// `text`, `image`, `event` …; empty when it says none.
    pub fn msg_type(&self) -> &str {
        self.text("MsgType")
    }

    /// The name of an event; empty for other messages.
    pub fn event(&self) -> &str {
        self.text("Event")
    }

    /// The openid of the user it is from, if any.
    pub fn from_openid(&self) -> Option<&str> {
        Some(self.text("FromUserName")).filter(|it| !it.is_empty())
    }

    /// What a repetition of the same message shares with it (WeChat's documentation: `MsgId`, or
    /// sender and time of an event).
    pub fn identity(&self) -> String {
        let shown = |name: &str| match self.members.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let unique =
            ["MsgId", "msgid", "trace_id"].map(shown).into_iter().find(|it| !it.is_empty());
        match unique {
            Some(id) => format!("{}/{id}", self.event()),
            None => {
                let parts = ["FromUserName", "CreateTime", "MsgType", "Event"].map(shown);
                parts.join("/")
            }
        }
    }

    fn text(&self, name: &str) -> &str {
        self.members.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// XML knows texts only: times and ids become the numbers they are in JSON, and the wrapper that
/// only XML has around the list of a subscription event goes.
fn like_json(mut members: Map<String, Value>) -> Map<String, Value> {
    for name in ["CreateTime", "MsgId"] {
        if let Some(Value::String(text)) = members.get(name)
            && let Ok(number) = text.parse::<u64>()
        {
            members.insert(name.to_owned(), Value::Number(Number::from(number)));
        }
    }
    for wrapper in ["SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent"] {
        if !members.contains_key("List")
            && let Some(list) = members.get(wrapper).and_then(|it| it.get("List")).cloned()
        {
            members.remove(wrapper);
            members.insert("List".to_owned(), list);
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn xml_and_json_of_one_message_are_alike() {
        let xml = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oA]]>\
                   </FromUserName><CreateTime>1482048670</CreateTime><MsgType><![CDATA[text]]>\
                   </MsgType><Content><![CDATA[你好]]></Content><MsgId>1234567890123456</MsgId></xml>";
        let json = json!({
            "ToUserName": "gh_1", "FromUserName": "oA", "CreateTime": 1_482_048_670,
            "MsgType": "text", "Content": "你好", "MsgId": 1_234_567_890_123_456_u64,
        });
        let (a, b) = (Message::parse(xml).unwrap(), Message::parse(&json.to_string()).unwrap());
        assert_eq!(a.members, b.members);
        assert_eq!(a.identity(), b.identity());
        assert_eq!((a.format, b.format), (Format::Xml, Format::Json));
    }

    #[test]
    fn the_list_of_a_subscription_event_is_where_functions_look() {
        let xml = "<xml><MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event>\
                   <SubscribeMsgPopupEvent><List><TemplateId>T1</TemplateId>\
                   <SubscribeStatusString>accept</SubscribeStatusString></List>\
                   </SubscribeMsgPopupEvent></xml>";
        let message = Message::parse(xml).unwrap();
        assert_eq!(message.members["List"]["TemplateId"], "T1");
        assert_eq!(message.event(), "subscribe_msg_popup_event");
    }

    #[test]
    fn repetitions_are_known_by_their_id_or_by_sender_and_time() {
        let identity = |value: Value| Message::parse(&value.to_string()).unwrap().identity();
        let event = |time: i64| json!({ "FromUserName": "oA", "CreateTime": time, "Event": "e" });
        assert_eq!(identity(json!({ "MsgId": 1 })), identity(json!({ "MsgId": "1" })));
        assert_ne!(identity(json!({ "MsgId": 1 })), identity(json!({ "MsgId": 2 })));
        assert_eq!(identity(event(1)), identity(event(1)));
        assert_ne!(identity(event(1)), identity(event(2)));
        assert_ne!(
            identity(json!({ "trace_id": "a", "CreateTime": 1 })),
            identity(json!({ "trace_id": "b", "CreateTime": 1 })),
        );
    }

    #[test]
    fn anything_else_is_no_message() {
        for text in ["", "null", "[]", "\"x\"", "1", "{", "<a", "hello"] {
            assert!(Message::parse(text).is_none(), "{text}");
        }
    }
}
