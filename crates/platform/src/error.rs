//! The one error of the platform: a stable code for programs, a sentence for people, a cause for
//! the log.
//!
//! It knows no HTTP status and no vendor code; the gateway owns that table.

use std::fmt;

/// What went wrong, in the platform's own words. The gateway maps each code to the vendors' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// A parameter is missing, of the wrong kind or out of range.
    InvalidParameter,
    /// The environment named in the request is not on this server.
    UnknownEnvironment,
    /// The operation exists on the vendor's platform but not here (yet).
    Unsupported,
    /// Nobody is signed in and the operation needs somebody.
    NotSignedIn,
    /// The access token is past its time; the client should refresh it.
    AccessTokenExpired,
    /// The access token was not issued here, or was altered.
    AccessTokenInvalid,
    /// The refresh token is past its time; the client must sign in again.
    RefreshTokenExpired,
    /// The refresh token is unknown, revoked or altered.
    RefreshTokenInvalid,
    /// The signature or key of a server SDK does not fit.
    SignatureInvalid,
    /// A WeChat sign-in code was refused.
    SignInRefused,
    /// A request was sent for an invocation that is not running on that worker.
    InvalidContext,
    /// The request body is over its limit.
    PayloadTooLarge,
    /// The collection does not exist.
    CollectionMissing,
    /// The document does not exist.
    DocumentMissing,
    /// The collection exists already.
    CollectionExists,
    /// The caller may not do this with the collection.
    DatabasePermissionDenied,
    /// A query, update or projection uses an operator that is not known or not used rightly.
    InvalidOperator,
    /// The database refused the operation (duplicate key, immutable field, size).
    DatabaseRefused,
    /// What a transaction has read was changed by others: run it again.
    TransactionConflict,
    /// The store could not do its work (disk full, read-only, damaged).
    StoreFailed,
    /// The caller may not do this with the file.
    StoragePermissionDenied,
    /// The file does not exist.
    FileMissing,
    /// An upload ticket or link signature does not fit or is past its time.
    StorageSignatureInvalid,
    /// The bytes could not be written or read.
    StorageFailed,
    /// The function does not exist.
    FunctionMissing,
    /// The function threw, was ended, or could not start.
    FunctionFailed,
    /// The function was still running at its time limit.
    FunctionTimedOut,
    /// The function used more memory than it has.
    FunctionOutOfMemory,
    /// More calls are waiting than the queue holds.
    Overloaded,
    /// More calls of a function wait than may.
    FunctionOverloaded,
    /// A package cannot be deployed.
    DeployRefused,
    /// WeChat's servers (or the simulator) refused the call.
    WeChatRefused,
    /// The project names no such service, or this caller may not use it.
    ServiceMissing,
    /// The path is not one that may be asked of the service.
    ServicePathRefused,
    /// The service cannot be reached, or is left alone after several failures.
    ServiceUnavailable,
    /// The service did not answer in time.
    ServiceTimedOut,
    /// A defect of the platform or a fault of the machine.
    Internal,
}

impl Code {
    /// Every code, so that the table at the edge can be checked for completeness.
    pub const ALL: &'static [Code] = &[
        Code::InvalidParameter,
        Code::UnknownEnvironment,
        Code::Unsupported,
        Code::NotSignedIn,
        Code::AccessTokenExpired,
        Code::AccessTokenInvalid,
        Code::RefreshTokenExpired,
        Code::RefreshTokenInvalid,
        Code::SignatureInvalid,
        Code::SignInRefused,
        Code::InvalidContext,
        Code::PayloadTooLarge,
        Code::CollectionMissing,
        Code::DocumentMissing,
        Code::CollectionExists,
        Code::DatabasePermissionDenied,
        Code::InvalidOperator,
        Code::DatabaseRefused,
        Code::TransactionConflict,
        Code::StoreFailed,
        Code::StoragePermissionDenied,
        Code::FileMissing,
        Code::StorageSignatureInvalid,
        Code::StorageFailed,
        Code::FunctionMissing,
        Code::FunctionFailed,
        Code::FunctionTimedOut,
        Code::FunctionOutOfMemory,
        Code::Overloaded,
        Code::FunctionOverloaded,
        Code::DeployRefused,
        Code::WeChatRefused,
        Code::ServiceMissing,
        Code::ServicePathRefused,
        Code::ServiceUnavailable,
        Code::ServiceTimedOut,
        Code::Internal,
    ];
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error as the caller of an operation sees it.
#[derive(Debug)]
pub struct Error {
    code: Code,
    message: String,
    number: Option<i64>,
    cause: Option<Cause>,
}

/// What every operation of the platform answers.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a public sentence (English and Chinese) and no hidden cause.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), number: None, cause: None }
    }

    /// An error whose cause is for the log only.
    pub fn with_cause(code: Code, message: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self { code, message: message.into(), number: None, cause: Some(cause.into()) }
    }

    /// Wraps an error of a room below whose own sentence is fit for the caller.
    pub fn from_room(code: Code, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { code, message: cause.to_string(), number: None, cause: Some(Box::new(cause)) }
    }

    /// Keeps the error underneath, for the log.
    #[must_use]
    pub(crate) fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds WeChat's own error number, which SDKs show beside the sentence.
    #[must_use]
    pub fn numbered(mut self, number: i64) -> Self {
        self.number = Some(number);
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The sentence a user may read.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// WeChat's `errcode`, where there is one.
    pub fn number(&self) -> Option<i64> {
        self.number
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}
