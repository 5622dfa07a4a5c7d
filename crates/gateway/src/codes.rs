//! The one table from the platform's codes to the vendors' (protocol 01 §7).

use platform::Code;

/// The vendor's string code, as server SDKs and client SDKs expect it on the wire.
pub fn vendor_code(code: Code) -> &'static str {
    match code {
        Code::InvalidParameter => "INVALID_PARAM",
        Code::UnknownEnvironment => "INVALID_ENV",
        Code::Unsupported => "INVALID_ACTION",
        Code::NotSignedIn => "CHECK_LOGIN_FAILED",
        Code::AccessTokenExpired => "ACCESS_TOKEN_EXPIRED",
        Code::AccessTokenInvalid => "CHECK_LOGIN_FAILED",
        Code::RefreshTokenExpired => "REFRESH_TOKEN_EXPIRED",
        Code::RefreshTokenInvalid => "INVALID_REFRESH_TOKEN",
        Code::SignatureInvalid => "SIGN_PARAM_INVALID",
        Code::SignInRefused => "AUTH_WX_OAUTH_FAILED",
        Code::InvalidContext => "INVALID_CONTEXT",
        Code::PayloadTooLarge => "EXCEED_MAX_PAYLOAD_SIZE",
        Code::CollectionMissing => "DATABASE_COLLECTION_NOT_EXIST",
        Code::DocumentMissing => "DOCUMENT_NOT_FOUND",
        Code::CollectionExists => "DATABASE_COLLECTION_ALREADY_EXIST",
        Code::DatabasePermissionDenied => "DATABASE_PERMISSION_DENIED",
        Code::InvalidOperator => "DATABASE_INVALID_OPERRATOR",
        Code::DatabaseRefused | Code::StoreFailed => "DATABASE_REQUEST_FAILED",
        Code::TransactionConflict => "DATABASE_TRANSACTION_CONFLICT",
        Code::StoragePermissionDenied => "STORAGE_EXCEED_AUTHORITY",
        Code::FileMissing => "STORAGE_FILE_NONEXIST",
        Code::StorageSignatureInvalid => "STORAGE_SIGN_PARAM_INVALID",
        Code::StorageFailed => "STORAGE_REQUEST_FAIL",
        Code::FunctionMissing => "FUNCTION_NOT_FOUND",
        Code::FunctionFailed | Code::FunctionTimedOut | Code::FunctionOutOfMemory => {
            "FUNCTIONS_EXECUTE_FAIL"
        }
        Code::Overloaded => "EXCEED_CONCURRENT_REQUEST_LIMIT",
        Code::FunctionOverloaded => "EXCEED_REQUEST_LIMIT",
        Code::DeployRefused => "FUNCTIONS_REQUEST_FAIL",
        Code::WeChatRefused => "FUNCTIONS_REQUEST_FAIL",
        Code::ServiceMissing => "SERVICE_NOT_FOUND",
        Code::ServicePathRefused => "SERVICE_PATH_FORBIDDEN",
        Code::ServiceUnavailable => "SERVICE_UNAVAILABLE",
        Code::ServiceTimedOut => "SERVICE_TIMEOUT",
        Code::Internal => "SYS_ERR",
    }
}

/// The HTTP status and the names of the sign-in protocol (protocol 04 §6.2): `error`, `error_code`.
pub fn auth_error(code: Code) -> (u16, &'static str, u32) {
    match code {
        Code::InvalidParameter | Code::UnknownEnvironment => (400, "invalid_argument", 3),
        Code::NotSignedIn
        | Code::AccessTokenExpired
        | Code::AccessTokenInvalid
        | Code::SignatureInvalid => (401, "unauthenticated", 16),
        Code::RefreshTokenExpired | Code::RefreshTokenInvalid => (400, "invalid_grant", 16),
        Code::SignInRefused | Code::WeChatRefused => (400, "provider_error", 4019),
        Code::Unsupported => (404, "unimplemented", 12),
        Code::PayloadTooLarge | Code::Overloaded | Code::FunctionOverloaded => {
            (429, "resource_exhausted", 8)
        }
        Code::StoreFailed => (503, "unavailable", 14),
        _ => (500, "internal", 13),
    }
}

/// The HTTP status where a plain HTTP client asks (files, console).
pub fn http_status(code: Code) -> u16 {
    match code {
        Code::InvalidParameter
        | Code::UnknownEnvironment
        | Code::InvalidOperator
        | Code::DeployRefused => 400,
        Code::NotSignedIn
        | Code::AccessTokenExpired
        | Code::AccessTokenInvalid
        | Code::SignatureInvalid => 401,
        Code::StoragePermissionDenied
        | Code::StorageSignatureInvalid
        | Code::ServicePathRefused
        | Code::DatabasePermissionDenied => 403,
        Code::FileMissing
        | Code::FunctionMissing
        | Code::CollectionMissing
        | Code::DocumentMissing
        | Code::ServiceMissing
        | Code::Unsupported => 404,
        // What the documents refuse is the caller's to correct.
        Code::TransactionConflict | Code::CollectionExists | Code::DatabaseRefused => 409,
        Code::PayloadTooLarge => 413,
        Code::Overloaded | Code::FunctionOverloaded => 429,
        Code::StoreFailed | Code::StorageFailed | Code::ServiceUnavailable => 503,
        Code::ServiceTimedOut => 504,
        _ => 500,
    }
}

/// The names of the gateway generation (protocol 02 §2): HTTP routes and `/v1/functions`.
pub fn gateway_code(code: Code) -> &'static str {
    match code {
        Code::FunctionFailed => "FUNCTION_INVOCATION_FAILED",
        Code::FunctionTimedOut => "FUNCTION_TIME_LIMIT_EXCEEDED",
        Code::FunctionOutOfMemory => "FUNCTION_MEMORY_LIMIT_EXCEEDED",
        Code::DeployRefused => "FUNCTION_STATUS_ABNORMAL",
        Code::Overloaded | Code::FunctionOverloaded => "FUNCTION_EXCEED_RESOURCE_LIMIT",
        code => vendor_code(code),
    }
}

/// The HTTP status that goes with [`gateway_code`].
pub fn gateway_status(code: Code) -> u16 {
    match code {
        // What was refused at its deployment is not the caller's to correct.
        Code::DeployRefused => 500,
        Code::FunctionTimedOut => 504,
        Code::InvalidContext => 403,
        code => http_status(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_vendor_name_and_an_error_status() {
        for &code in Code::ALL {
            let name = vendor_code(code);
            assert!(name.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{code:?}: {name}");
            assert!((400..600).contains(&http_status(code)), "{code:?}");
            let (status, error, number) = auth_error(code);
            assert!((400..600).contains(&status) && !error.is_empty() && number != 0, "{code:?}");
        }
    }

    #[test]
    fn codes_that_real_apps_test_for_keep_their_names() {
        let rows = [
            (Code::CollectionMissing, "DATABASE_COLLECTION_NOT_EXIST"),
            (Code::DatabasePermissionDenied, "DATABASE_PERMISSION_DENIED"),
            (Code::TransactionConflict, "DATABASE_TRANSACTION_CONFLICT"),
            (Code::FileMissing, "STORAGE_FILE_NONEXIST"),
            (Code::FunctionFailed, "FUNCTIONS_EXECUTE_FAIL"),
            (Code::FunctionOverloaded, "EXCEED_REQUEST_LIMIT"),
            (Code::AccessTokenExpired, "ACCESS_TOKEN_EXPIRED"),
        ];
        for (code, name) in rows {
            assert_eq!(vendor_code(code), name);
        }
        let rows = [
            (Code::FunctionTimedOut, "FUNCTION_TIME_LIMIT_EXCEEDED"),
            (Code::FunctionOutOfMemory, "FUNCTION_MEMORY_LIMIT_EXCEEDED"),
        ];
        for (code, name) in rows {
            assert_eq!((gateway_code(code), vendor_code(code)), (name, "FUNCTIONS_EXECUTE_FAIL"));
        }
    }
}
