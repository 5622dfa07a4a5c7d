//! `wx.*`: open API calls and payments of functions, carried to WeChat or its simulator (protocol
//! 02 §6).

use bytes::Bytes;
use platform::open_api::{self, Field, OpenApiReply};
use platform::pay::{self, PayReply};
use platform::{Code, Context, Error, Result};
use prost::Message;
use serde_json::{Value as Json, json};

use crate::envelope::Envelope;
use crate::open_api_messages::{
    CloudCallSignRequest, CommApiData, CommOpenApiResp, KeyValuePair, OpenDataItem, OpenDataReply,
    OpenDataRequest, SignReply, SvrkitApiData, VoipSignRequest,
};
use crate::reply::Reply;

/// "The function has no permission to call this API", as WeChat numbers it.
const NO_PERMISSION: i32 = -604_101;
/// `apiType` of calls of the open API.
const OPEN_API: i32 = 0;
/// `apiType` of the call that asks for another mini program's environment.
const TOKEN_API: i32 = 3;

/// Runs the action, or `None` when there is none of that name.
pub async fn run(context: &Context, action: &str, envelope: &Envelope) -> Result<Option<Reply>> {
    if !context.caller.is_privileged() {
        return Err(open_api::for_functions_only());
    }
    match action {
        "openApi" => open_api(context, envelope).await.map(Some),
        "api" => api(context, envelope).await.map(Some),
        "wxPayApi" => pay(context, envelope).await.map(Some),
        "wxCallContainerApi" => Err(no_container()),
        _ => Ok(None),
    }
}

/// Multipart with a protobuf part; the reply is protobuf, errors of WeChat included.
async fn open_api(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let name = envelope.required_text("apiName")?;
    let part = envelope.binary.iter().find(|part| part.name == "requestData");
    let bytes = part.map(|part| part.bytes.clone()).unwrap_or_default();
    let message: CommApiData = message(bytes)?;
    let is_open_api = message.api_type == OPEN_API && message.svrkit_data.is_none();
    let reply = match (message.open_api_data, message.svrkit_data) {
        (_, Some(data)) => service(context, &message.appid, data).await,
        (data, None) if is_open_api => {
            let pairs = data.map(|data| data.pairs).unwrap_or_default();
            let fields = pairs.into_iter().map(field).collect();
            open_api::call(context, &message.appid, name, fields).await.map(carried)
        }
        _ if message.api_type == TOKEN_API => Err(open_api::no_shared_environments(context)),
        _ => Err(open_api::not_served(context, name)),
    };
    match reply {
        Ok(reply) => Ok(binary(&reply)),
        Err(error) => match error.number().and_then(|it| i32::try_from(it).ok()) {
            // In the form of WeChat's own refusals the SDK shows the sentence beside the number.
            Some(number) if is_open_api && number != NO_PERMISSION => {
                Ok(binary(&refused(number, error.message())))
            }
            // Here it shows the number alone; `platform` has told the operator the sentence.
            Some(number) => Ok(binary(&failed(number))),
            None => Err(error),
        },
    }
}

/// What WeChat answered, as it is.
fn carried(reply: OpenApiReply) -> CommOpenApiResp {
    CommOpenApiResp {
        body: reply.body,
        content_type: reply.content_type,
        http_code: 200,
        ..CommOpenApiResp::default()
    }
}

/// A refusal as WeChat words it, made here.
fn refused(number: i32, message: &str) -> CommOpenApiResp {
    CommOpenApiResp {
        body: json!({ "errcode": number, "errmsg": message }).to_string().into(),
        content_type: "application/json".to_owned(),
        http_code: 200,
        ..CommOpenApiResp::default()
    }
}

/// `wxCallContainerApi` of server SDKs: an opaque message for WeChat's own container service.
fn no_container() -> Error {
    Error::new(
        Code::Unsupported,
        "wxCallContainerApi speaks to WeChat's own containers and is not served: declare the back \
         end under services in yunkai.json and ask http://NAME.services.internal/. / 不支持 \
         wxCallContainerApi:请在 yunkai.json 的 services 中声明后端服务,并在云函数中访问 \
         http://NAME.services.internal/。",
    )
}

fn failed(number: i32) -> CommOpenApiResp {
    CommOpenApiResp { error_code: number, ..CommOpenApiResp::default() }
}

fn binary(reply: &CommOpenApiResp) -> Reply {
    Reply::Binary(reply.encode_to_vec().into())
}

/// The internal services of WeChat that SDKs call by name (protocol 02 §6.2).
async fn service(context: &Context, app_id: &str, call: SvrkitApiData) -> Result<CommOpenApiResp> {
    let body = match call.api_name.as_str() {
        "ApiGetOpenDataByCloudId" => {
            let request: OpenDataRequest = message(call.request)?;
            let app_id = if request.appid.is_empty() { app_id } else { &request.appid };
            let list = open_api::open_data(context, app_id, request.cloud_ids).await?;
            let item = |(cloud_id, json)| OpenDataItem { cloud_id, json };
            OpenDataReply { list: list.into_iter().map(item).collect() }.encode_to_vec()
        }
        "ApiVoipSign" => {
            let VoipSignRequest { group_id, timestamp, nonce } = message(call.request)?;
            let signature = open_api::voip_sign(context, &group_id, timestamp, &nonce).await?;
            SignReply { signature }.encode_to_vec()
        }
        "GetCloudCallSign" => {
            let request: CloudCallSignRequest = message(call.request)?;
            let signature = open_api::cloud_call_sign(context, &request.parameters)?;
            SignReply { signature }.encode_to_vec()
        }
        name => return Err(open_api::not_served(context, name)),
    };
    Ok(CommOpenApiResp { body: body.into(), http_code: 200, ..CommOpenApiResp::default() })
}

fn message<M: Message + Default>(bytes: Bytes) -> Result<M> {
    M::decode(bytes).map_err(not_a_message)
}

fn not_a_message(error: prost::DecodeError) -> Error {
    let text =
        format!("requestData is not an open API call: {error}. / requestData 无法解析:{error}。");
    Error::with_cause(Code::InvalidParameter, text, error)
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

/// `cloudPay.*`: JSON bytes in a part, JSON bytes or a bill as the answer (protocol 02 §6.4).
async fn pay(context: &Context, envelope: &Envelope) -> Result<Reply> {
    let name = envelope.required_text("apiName")?;
    let part = envelope.binary.iter().find(|part| part.name == "requestData");
    // A part without a content type of its own is taken for text.
    let text = envelope.text("requestData").map(str::as_bytes);
    let bytes = part.map(|part| part.bytes.as_ref()).or(text).unwrap_or(b"{}");
    let Ok(Json::Object(arguments)) = serde_json::from_slice::<Json>(bytes) else {
        return Err(crate::envelope::invalid("requestData", "a JSON object", "JSON 对象"));
    };
    Ok(Reply::Binary(match pay::call(context, name, arguments).await? {
        PayReply::Fields(fields) => Json::Object(fields).to_string().into(),
        PayReply::Bytes(bytes) => bytes,
    }))
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
    let reply = open_api::call(context, "", name, fields).await?;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    Ok(Reply::data(&json!({ "responseData": text })))
}
