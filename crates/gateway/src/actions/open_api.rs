//! `wx.*`: open API calls of functions, carried to WeChat or its simulator (protocol 02 §6).

use bytes::Bytes;
use platform::open_api::{self, Field};
use platform::{Code, Context, Error, Result};
use prost::Message;
use serde_json::{Value as Json, json};

use crate::envelope::Envelope;
use crate::open_api_messages::{CommApiData, CommOpenApiResp, KeyValuePair};
use crate::reply::Reply;

/// "API not found", as WeChat numbers it.
const API_NOT_FOUND: i32 = -604_100;

/// Runs the action, or `None` when there is none of that name.
pub async fn run(context: &Context, action: &str, envelope: &Envelope) -> Result<Option<Reply>> {
    if !context.caller.is_privileged() {
        return Err(open_api::for_functions_only());
    }
    match action {
        "openApi" => open_api(context, envelope).await.map(Some),
        "api" => api(context, envelope).await.map(Some),
        _ => Ok(None),
    }
}

/// Multipart with a protobuf part; the reply is protobuf, errors of WeChat included.
async fn open_api(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let name = envelope.required_text("apiName")?;
    let part = envelope.binary.iter().find(|part| part.name == "requestData");
    let bytes = part.map(|part| part.bytes.clone()).unwrap_or_default();
    let message = CommApiData::decode(bytes).map_err(|error| {
        let text = format!(
            "requestData is not an open API call: {error}. / requestData 无法解析:{error}。"
        );
        Error::with_cause(Code::InvalidParameter, text, error)
    })?;
    let Some(data) = message.open_api_data else {
        let reply = CommOpenApiResp {
            error_code: API_NOT_FOUND,
            svrkit_error_code: API_NOT_FOUND,
            ..CommOpenApiResp::default()
        };
        return Ok(Reply::Binary(reply.encode_to_vec().into()));
    };
    let fields = data.pairs.into_iter().map(field).collect();
    let reply = match open_api::call(context, name, fields).await {
        Ok(reply) => CommOpenApiResp {
            body: reply.body,
            content_type: reply.content_type,
            http_code: 200,
            ..CommOpenApiResp::default()
        },
        Err(error) if error.number().is_some() => CommOpenApiResp {
            error_code: error.number().and_then(|it| i32::try_from(it).ok()).unwrap_or(-1),
            ..CommOpenApiResp::default()
        },
        Err(error) => return Err(error),
    };
    Ok(Reply::Binary(reply.encode_to_vec().into()))
}

fn field(pair: KeyValuePair) -> Field {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Field {
        key: pair.key,
        value: pair.value,
        content_type: some(pair.content_type),
        file_name: some(pair.file_name),
    }
}

/// The JSON form (`callOpenAPI`).
async fn api(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let name = envelope.required_text("apiName")?;
    let text = envelope.text("requestData").unwrap_or("{}");
    let Ok(Json::Object(arguments)) = serde_json::from_str::<Json>(text) else {
        return Err(crate::envelope::invalid("requestData", "a JSON object", "JSON 对象"));
    };
    let fields = arguments
        .into_iter()
        .map(|(key, value)| Field {
            key,
            value: Bytes::from(value.to_string()),
            content_type: None,
            file_name: None,
        })
        .collect();
    let reply = open_api::call(context, name, fields).await?;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    Ok(Reply::data(&json!({ "responseData": text })))
}
