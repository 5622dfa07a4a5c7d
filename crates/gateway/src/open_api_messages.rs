//! The protobuf messages inside open API calls (protocol 02 §6.2), for the wire only.

/// `requestData` of `wx.openApi`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommApiData {
    /// Which of the data members is set: 0 open API, 1 inner, 2 svrkit, 3 token.
    #[prost(int32, tag = "1")]
    pub api_type: i32,
    /// Arguments of an open API call.
    #[prost(message, optional, tag = "2")]
    pub open_api_data: Option<OpenApiData>,
    /// A call of WeChat's internal services, by name.
    #[prost(message, optional, tag = "4")]
    pub svrkit_data: Option<SvrkitApiData>,
    /// The AppID the call is for, when not the caller's own.
    #[prost(string, tag = "6")]
    pub appid: String,
}

/// Arguments of an open API call.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OpenApiData {
    /// One pair per argument.
    #[prost(message, repeated, tag = "1")]
    pub pairs: Vec<KeyValuePair>,
}

/// One argument.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KeyValuePair {
    /// The argument's name in snake_case.
    #[prost(string, tag = "1")]
    pub key: String,
    /// JSON text, or the bytes of media.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: bytes::Bytes,
    /// The media type; SDKs leave it out.
    #[prost(string, tag = "3")]
    pub content_type: String,
    /// The media's file name.
    #[prost(string, tag = "4")]
    pub file_name: String,
}

/// A call of WeChat's internal services.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SvrkitApiData {
    /// The service's name.
    #[prost(string, tag = "1")]
    pub api_name: String,
    /// Its message.
    #[prost(bytes = "bytes", tag = "2")]
    pub request: bytes::Bytes,
}

/// `ApiGetOpenDataByCloudId`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OpenDataRequest {
    /// The CloudIDs.
    #[prost(string, repeated, tag = "2")]
    pub cloud_ids: Vec<String>,
    /// The AppID, when not the caller's own.
    #[prost(string, tag = "3")]
    pub appid: String,
}

/// The reply to it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OpenDataReply {
    /// One per CloudID.
    #[prost(message, repeated, tag = "1")]
    pub list: Vec<OpenDataItem>,
}

/// What became of one CloudID.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OpenDataItem {
    /// The CloudID.
    #[prost(string, tag = "1")]
    pub cloud_id: String,
    /// `{"cloudID", "data"}` as text; never empty.
    #[prost(string, tag = "2")]
    pub json: String,
}

/// `ApiVoipSign`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct VoipSignRequest {
    /// The room.
    #[prost(string, tag = "2")]
    pub group_id: String,
    /// Seconds since 1970.
    #[prost(uint32, tag = "3")]
    pub timestamp: u32,
    /// A random text.
    #[prost(string, tag = "4")]
    pub nonce: String,
}

/// `GetCloudCallSign`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CloudCallSignRequest {
    /// What is signed.
    #[prost(string, repeated, tag = "2")]
    pub parameters: Vec<String>,
}

/// The reply to both.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SignReply {
    /// The signature.
    #[prost(string, tag = "1")]
    pub signature: String,
}

/// The reply to an open API call.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommOpenApiResp {
    /// What WeChat answered.
    #[prost(bytes = "bytes", tag = "1")]
    pub body: bytes::Bytes,
    /// Its content type.
    #[prost(string, tag = "2")]
    pub content_type: String,
    /// Not 0 when the call did not reach WeChat.
    #[prost(int32, tag = "3")]
    pub error_code: i32,
    /// WeChat's HTTP status.
    #[prost(uint32, tag = "4")]
    pub http_code: u32,
    /// Not 0 when an internal service refused.
    #[prost(int32, tag = "6")]
    pub svrkit_error_code: i32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    /// The captured bytes of protocol 02 §6.2.
    const CAPTURED: &str = "080012650a0e0a06746f757365721204226f31220a200a046461746112187b227468696e6731223a7b2276616c7565223a2276227d7d0a120a0b74656d706c6174655f696412032274220a1d0a116d696e6970726f6772616d5f7374617465120822666f726d616c22";

    #[test]
    fn a_captured_call_is_understood() {
        let bytes: Vec<u8> = (0..CAPTURED.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&CAPTURED[at..at + 2], 16).unwrap())
            .collect();
        let message = CommApiData::decode(bytes.as_slice()).unwrap();
        let pairs = message.open_api_data.unwrap().pairs;
        let keys: Vec<_> = pairs.iter().map(|pair| pair.key.as_str()).collect();
        assert_eq!(keys, ["touser", "data", "template_id", "miniprogram_state"]);
        assert_eq!(pairs[0].value.as_ref(), b"\"o1\"");
    }
}
