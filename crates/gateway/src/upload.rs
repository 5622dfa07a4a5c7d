//! Request bodies: read whole under a limit, or passed on as a stream. What a handler leaves
//! unread is read behind its back.

use std::pin::Pin;
use std::task::{self, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Frame, Incoming, SizeHint};
use platform::deploy::{Upload, Uploaded};
use platform::{Code, Context, Error, Result};
use tokio::runtime::Handle;

/// How long the rest of a refused body is read. A client that takes longer is not worth waiting
/// for.
const REST_WITHIN: Duration = Duration::from_secs(10);

/// A request's body that is read to its end, also where the handler answers without: a connection
/// that is closed with bytes unread is reset, and a client that is still sending would see that in
/// the place of the answer (`Broken pipe`).
pub struct ReadOut {
    /// `None` behind the end.
    rest: Option<Incoming>,
    /// Whether the client sends without being asked to. One that waits for `100 Continue` need not
    /// be asked for what nobody wants.
    comes: bool,
}

impl ReadOut {
    /// The body of a request with these headers.
    pub fn new(body: Incoming, headers: &HeaderMap) -> Self {
        let rest = (!body.is_end_stream()).then_some(body);
        Self { rest, comes: !headers.contains_key(header::EXPECT) }
    }
}

impl HttpBody for ReadOut {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        waker: &mut task::Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, hyper::Error>>> {
        self.comes = true;
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(rest).poll_frame(waker));
        if !matches!(frame, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for ReadOut {
    fn drop(&mut self) {
        let rest = self.rest.take().filter(|it| self.comes && !it.is_end_stream());
        if let Some((mut rest, runtime)) = rest.zip(Handle::try_current().ok()) {
            let read = async move { while let Some(Ok(_)) = rest.frame().await {} };
            runtime.spawn(tokio::time::timeout(REST_WITHIN, read));
        }
    }
}

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
    let mut upload = Upload::begin(context).await?;
    while let Some(chunk) = chunks.next().await {
        upload.write(&chunk.map_err(broke_off)?).await?;
    }
    upload.finish().await
}

fn broke_off(error: impl std::fmt::Display) -> Error {
    let message = "The request body broke off. / 请求体传输中断。";
    Error::with_cause(Code::InvalidParameter, message, error.to_string())
}
