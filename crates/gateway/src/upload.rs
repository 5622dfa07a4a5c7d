//! Request bodies: read whole under a limit, or passed on as a stream.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use platform::{Code, Error, Result};

/// Reads a whole body of at most `bytes_max` bytes.
pub async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::new(
            Code::PayloadTooLarge,
            format!(
                "The request body is over {bytes_max} bytes: send less at once, or upload a file. / \
                 请求体超过 {bytes_max} 字节:请减少单次数据量,或改为上传文件。"
            ),
        )),
        Err(error) => Err(Error::with_cause(
            Code::InvalidParameter,
            "The request body broke off. / 请求体传输中断。",
            error.to_string(),
        )),
    }
}
