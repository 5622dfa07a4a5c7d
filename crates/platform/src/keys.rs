//! Server SDKs prove that they hold the keys of an environment.

use identity::signature::{self, SignatureError};

use crate::environment::Environment;
use crate::error::{Code, Error, Result};

pub use identity::signature::{Body, Part, SignedRequest};

/// What a request of a server SDK carries as proof.
#[derive(Debug)]
pub enum Proof<'a> {
    /// `Authorization: Bearer KEY`.
    Bearer(&'a str),
    /// A TC3 signature over the request (protocol 01 §4.1, §4.2).
    Tc3(SignedRequest<'a>),
    /// A q-sign signature inside the body (protocol 01 §4.3).
    QSign(SignedRequest<'a>),
}

/// Checks the proof against the environment's keys.
pub fn verify(environment: &Environment, proof: &Proof<'_>) -> Result<()> {
    let keys = environment.keys();
    let now_s = environment.now_ms() / 1_000;
    let secret_of = |id: &str| keys.secret_of(id);
    match proof {
        Proof::Bearer(key) if keys.is_api_key(key) => Ok(()),
        Proof::Bearer(_) => Err(refused(None)),
        Proof::Tc3(request) => signature::verify_tc3(request, secret_of, now_s)
            .map(drop)
            .map_err(Some)
            .map_err(refused),
        Proof::QSign(request) => signature::verify_q_sign(request, secret_of, now_s)
            .map(drop)
            .map_err(Some)
            .map_err(refused),
    }
}

fn refused(cause: Option<SignatureError>) -> Error {
    let message = "The key or signature does not fit: take secretId and secretKey, or apiKey, from \
                   credentials.json in the data directory, and check this machine's clock. / 密钥或\
                   签名不正确:请使用数据目录中 credentials.json 的 secretId、secretKey 或 apiKey,\
                   并检查本机时间。";
    match cause {
        Some(cause) => Error::with_cause(Code::SignatureInvalid, message, cause),
        None => Error::new(Code::SignatureInvalid, message),
    }
}
