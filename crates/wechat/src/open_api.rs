//! One open-API call and its reply, as plain data. No wire of ours and no transport is known here.

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::media;

/// An open-API call as the server SDKs make it (protocol 02 §6).
#[derive(Debug, Clone, Default)]
pub struct OpenApiCall {
    /// The SDK's name without `openapi.` (`wxacode.getUnlimited`), or a path (`/wxa/getwxacode`).
    pub name: String,
    /// The arguments, keys already in `snake_case`.
    pub fields: Vec<Field>,
    /// The user on whose behalf the function runs, if any.
    pub caller_openid: Option<String>,
}

/// One argument of a call.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// The argument's name.
    pub key: String,
    /// UTF-8 JSON, or the bytes of a media file.
    pub value: Bytes,
    /// The media type of a file; mostly absent, because SDKs do not send it.
    pub content_type: Option<String>,
    /// The file's name; SDKs give every file one, and nothing else.
    pub file_name: Option<String>,
}

impl Field {
    /// An argument holding JSON.
    pub fn json(key: impl Into<String>, value: &serde_json::Value) -> Self {
        Self { key: key.into(), value: value.to_string().into(), ..Self::default() }
    }

    /// An argument holding a file.
    pub fn media(
        key: impl Into<String>,
        file_name: impl Into<String>,
        value: impl Into<Bytes>,
    ) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            content_type: None,
            file_name: Some(file_name.into()),
        }
    }

    /// True for a file. The SDKs name every file; bytes that are not JSON can be nothing else.
    pub fn is_media(&self) -> bool {
        if !self.file_name().is_empty() {
            return true;
        }
        match self.given_content_type() {
            "" => serde_json::from_slice::<&RawValue>(&self.value).is_err(),
            given => !given.contains("json"),
        }
    }

    /// The file's name, empty when there is none.
    pub(crate) fn file_name(&self) -> &str {
        self.file_name.as_deref().unwrap_or_default()
    }

    fn given_content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or_default()
    }

    /// The media type of a file: as given, else by its first bytes, else by its name.
    pub(crate) fn media_type(&self) -> &str {
        match self.given_content_type() {
            "" => media::type_of(&self.value, self.file_name()),
            given => given,
        }
    }
}

impl OpenApiCall {
    /// The JSON object that WeChat expects: every argument that is not a file, in the given order,
    /// numbers and spacing untouched.
    pub(crate) fn json_body(&self) -> Result<String, Error> {
        let mut body = String::from("{");
        for field in self.fields.iter().filter(|field| !field.is_media()) {
            let value: &RawValue = serde_json::from_slice(&field.value)
                .map_err(|error| Error::new(crate::code::DATA_FORMAT, error.to_string()))?;
            if body.len() > 1 {
                body.push(',');
            }
            body.push_str(&serde_json::Value::from(field.key.as_str()).to_string());
            body.push(':');
            body.push_str(value.get());
        }
        body.push('}');
        Ok(body)
    }

    /// The arguments that are not files as query parameters: strings bare, anything else as JSON.
    pub(crate) fn query(&self) -> Vec<(&str, String)> {
        let plain = self.fields.iter().filter(|field| !field.is_media());
        plain
            .map(|field| {
                let text = match serde_json::from_slice::<serde_json::Value>(&field.value) {
                    Ok(serde_json::Value::String(text)) => text,
                    _ => String::from_utf8_lossy(&field.value).into_owned(),
                };
                (field.key.as_str(), text)
            })
            .collect()
    }

    /// The files of the call.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.is_media())
    }
}

/// What WeChat answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenApiReply {
    /// `application/json` exactly when the body is a JSON object, else the media type
    /// (`image/jpeg`).
    pub content_type: String,
    /// JSON text, or the bytes of an image.
    pub body: Bytes,
    /// WeChat's `errcode`; 0 when the call succeeded.
    pub errcode: i64,
    /// WeChat's `errmsg`; `ok` when the call succeeded.
    pub errmsg: String,
}

impl OpenApiReply {
    /// A JSON reply; `errcode` and `errmsg` are read from it.
    pub(crate) fn json(body: Bytes, value: &serde_json::Value) -> Self {
        let errcode = value.get("errcode").and_then(serde_json::Value::as_i64).unwrap_or(0);
        let errmsg = value.get("errmsg").and_then(serde_json::Value::as_str).unwrap_or("ok");
        Self {
            content_type: "application/json".to_owned(),
            body,
            errcode,
            errmsg: errmsg.to_owned(),
        }
    }

    /// Reads a reply as it came. JSON is recognised by its text: WeChat labels it variously.
    pub(crate) fn read(content_type: &str, body: Bytes) -> Self {
        if body.first() == Some(&b'{')
            && let Ok(value) = serde_json::from_slice::<serde_json::Value>(&body)
        {
            return Self::json(body, &value);
        }
        let content_type = match content_type {
            "" => media::type_of(&body, ""),
            given if given.contains("json") => media::type_of(&body, ""),
            given => given,
        };
        Self { content_type: content_type.to_owned(), body, errcode: 0, errmsg: "ok".to_owned() }
    }
}
