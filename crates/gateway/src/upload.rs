//! Request bodies: read whole under a limit, or passed on as a stream.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use platform::deploy::{Upload, Uploaded};
use platform::{Code, Context, Error, Result};

/// How long the rest of a refused body is read.
const REST_WITHIN: Duration = Duration::from_secs(10);

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
        Err(error) => Err(broke_off(error)),
    }
}

/// Receives a body that is a zip to be deployed.
pub async fn receive(context: &Context, body: Body) -> Result<Uploaded> {
    let mut chunks = body.into_data_stream();
    let received = async {
        let mut upload = Upload::begin(context).await?;
        while let Some(chunk) = chunks.next().await {
            upload.write(&chunk.map_err(broke_off)?).await?;
        }
        upload.finish().await
    }
    .await;
    if received.is_err() {
        read_rest(async { while let Some(Ok(_)) = chunks.next().await {} }).await;
    }
    received
}

/// Reads on after a refusal. A connection that is closed with bytes unread is reset, and the client
/// would see that in the place of the answer.
pub async fn read_rest(rest: impl Future<Output = ()>) {
    // A client that takes longer is not worth waiting for.
    let _ = tokio::time::timeout(REST_WITHIN, rest).await;
}

fn broke_off(error: impl std::fmt::Display) -> Error {
    let message = "The request body broke off. / 请求体传输中断。";
    Error::with_cause(Code::InvalidParameter, message, error.to_string())
}
