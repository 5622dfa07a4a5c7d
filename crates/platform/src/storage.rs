//! Files, as callers may touch them: upload grants, temporary links, deletion, downloads by link.

use bytes::Bytes;
use files::{FileId, FileRecord, LinkError, Upload, UploadTicket};
use futures_util::Stream;
use percent_encoding::percent_decode_str;
use rules::Operation;

use crate::caller::{Caller, Context};
use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::triggers;

pub use files::{Processing, Range, Variant};

/// The largest file, in bytes.
pub const UPLOAD_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// How long an upload grant holds, in seconds.
const UPLOAD_GRANT_S: u64 = 3_600;
const UPLOAD_GRANT_MS: i64 = 3_600_000;
/// How long a deletion may take, in ms.
const DELETION_MS: i64 = 10_000;
/// How long a temporary link holds when the caller names no time, in seconds.
pub const LINK_MAX_AGE_DEFAULT_S: u64 = 7_200;
/// The longest time a temporary link may hold, in seconds.
pub const LINK_MAX_AGE_MAX_S: u64 = 7 * 86_400;
/// The most files one request may name.
pub const FILES_PER_REQUEST_MAX: usize = 50;

/// Leave to upload one file.
#[derive(Debug)]
pub struct UploadGrant {
    /// Where to send the bytes.
    pub url: String,
    /// Proves the leave; echoed by the client.
    pub token: String,
    /// The file's id once uploaded.
    pub file_id: String,
    /// A temporary link to the file once uploaded.
    pub download_url: String,
}

/// Grants the upload of one file to `path`.
pub async fn request_upload(context: &Context, path: &str) -> Result<UploadGrant> {
    files::check_path(path).map_err(|error| Error::from_room(Code::InvalidParameter, error))?;
    let files = context.environment.files();
    if !context.caller.is_privileged() {
        let existing = files.record(path).await?;
        let operation = if existing.is_some() { Operation::Update } else { Operation::Create };
        let owner = existing.as_ref().and_then(|record| record.owner.as_deref());
        require(context, operation, owner)?;
    }
    triggers::note_file(context, path, UPLOAD_GRANT_MS);
    let token = files.sign_upload(&UploadTicket {
        path: path.to_owned(),
        owner: context.caller.owner_id().map(str::to_owned),
        max_bytes: UPLOAD_BYTES_MAX,
        expires_s: now_s(context.now_ms) + UPLOAD_GRANT_S,
    });
    let place = place(&context.environment, path);
    Ok(UploadGrant {
        url: format!("{}{place}", context.upload_url),
        token,
        file_id: files.file_id(path).to_string(),
        download_url: link(context, path, LINK_MAX_AGE_DEFAULT_S),
    })
}

/// Stores the bytes of a granted upload. `path` is what the URL says and must be the granted one.
pub async fn store_upload<S>(
    environment: &Environment,
    path: &str,
    token: &str,
    content_type: Option<String>,
    body: S,
) -> Result<FileRecord>
where
    S: Stream<Item = std::io::Result<Bytes>> + Send,
{
    let files = environment.files();
    let ticket = files.verify_upload(token, now_s(environment.now_ms()))?;
    if ticket.path != path {
        return Err(LinkError::Bad.into());
    }
    let upload = Upload { path: ticket.path, owner: ticket.owner, content_type };
    Ok(files.write(upload, body, ticket.max_bytes).await?)
}

/// The temporary link to one file, or why there is none.
pub type LinkResult = Result<String>;

/// Makes temporary links; each file succeeds or fails for itself.
pub async fn links(context: &Context, requests: &[(String, Option<u64>)]) -> Vec<LinkResult> {
    let mut links = Vec::with_capacity(requests.len());
    for (file_id, max_age_s) in requests {
        links.push(link_of(context, file_id, *max_age_s).await);
    }
    links
}

async fn link_of(context: &Context, file_id: &str, max_age_s: Option<u64>) -> LinkResult {
    let (path, record) = existing(context, file_id).await?;
    require(context, Operation::Read, record.owner.as_deref())?;
    let age_s = max_age_s.unwrap_or(LINK_MAX_AGE_DEFAULT_S).clamp(1, LINK_MAX_AGE_MAX_S);
    Ok(link(context, &path, age_s))
}

/// Deletes files; each succeeds or fails for itself.
pub async fn delete(context: &Context, file_ids: &[String]) -> Vec<Result<()>> {
    let mut outcomes = Vec::with_capacity(file_ids.len());
    for file_id in file_ids {
        outcomes.push(delete_one(context, file_id).await);
    }
    outcomes
}

async fn delete_one(context: &Context, file_id: &str) -> Result<()> {
    let (path, record) = existing(context, file_id).await?;
    require(context, Operation::Delete, record.owner.as_deref())?;
    triggers::note_file(context, &path, DELETION_MS);
    if context.environment.files().delete(&path).await? { Ok(()) } else { Err(missing(file_id)) }
}

/// The file behind a temporary link, when the link holds.
///
/// The vendors' SDKs encode a link that is encoded already, so a path whose signature does not fit
/// is tried once more, decoded once more. Only the signature decides which of the two it is.
pub async fn by_link(environment: &Environment, path: &str, query: &str) -> Result<FileRecord> {
    let files = environment.files();
    let now_s = now_s(environment.now_ms());
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let path = match files.verify_download(path, query, now_s) {
        Ok(()) => path,
        Err(LinkError::Bad) if decoded != path => {
            files.verify_download(&decoded, query, now_s)?;
            &decoded
        }
        Err(error) => return Err(error.into()),
    };
    files.record(path).await?.ok_or_else(|| missing(path))
}

/// The bytes of a file, as a place on the local disk to read from.
pub fn blob(environment: &Environment, record: &FileRecord) -> std::path::PathBuf {
    environment.files().blob_path(record)
}

/// A processed picture, made on first use; none for bytes that are no picture, or one too large to
/// process: then the original is the best there is.
pub async fn variant(
    environment: &Environment,
    record: &FileRecord,
    processing: &Processing,
) -> Result<Option<Variant>> {
    match environment.files().variant(record, processing).await {
        Ok(variant) => Ok(Some(variant)),
        Err(files::Error::NotAPicture(_) | files::Error::PictureTooLarge { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn existing(context: &Context, file_id: &str) -> Result<(String, FileRecord)> {
    let id =
        FileId::parse(file_id).map_err(|error| Error::from_room(Code::InvalidParameter, error))?;
    let record = context.environment.files().record(&id.path).await?;
    Ok((id.path, record.ok_or_else(|| missing(file_id))?))
}

fn require(context: &Context, operation: Operation, owner: Option<&str>) -> Result<()> {
    match &context.caller {
        Caller::Administrator | Caller::Function(_) => return Ok(()),
        Caller::Nobody => return Err(crate::sign_in::not_signed_in()),
        Caller::User(_) => {}
    }
    let acl = context.environment.access().storage();
    if acl.judge_file(operation, &context.caller.identity(), owner) {
        return Ok(());
    }
    Err(Error::new(
        Code::StoragePermissionDenied,
        "Permission denied: the storage's permission mode does not allow this caller to do this \
         with this file. / 没有权限:云存储的权限设置不允许对该文件执行此操作。",
    ))
}

fn missing(name: &str) -> Error {
    let message = format!("The file does not exist: {name}. / 文件不存在:{name}。");
    Error::new(Code::FileMissing, message)
}

fn link(context: &Context, path: &str, age_s: u64) -> String {
    let environment = &context.environment;
    let query = environment.files().sign_download(path, age_s, now_s(context.now_ms));
    format!("{}{}?{query}", context.base_url, place(environment, path))
}

/// `/_files/{env}/{path}`, percent-encoded.
fn place(environment: &Environment, path: &str) -> String {
    format!("/_files/{}/{}", environment.id(), files::encode_path(path))
}

fn now_s(now_ms: i64) -> u64 {
    u64::try_from(now_ms / 1_000).unwrap_or(0)
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        Error::from_room(Code::StorageSignatureInvalid, error)
    }
}

impl From<files::Error> for Error {
    fn from(error: files::Error) -> Self {
        let code = match &error {
            files::Error::InvalidPath { .. } | files::Error::InvalidFileId(_) => {
                Code::InvalidParameter
            }
            files::Error::TooLarge { .. } => Code::PayloadTooLarge,
            files::Error::NotFound(_) => Code::FileMissing,
            _ => Code::StorageFailed,
        };
        Error::from_room(code, error)
    }
}
