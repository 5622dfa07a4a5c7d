//! What can go wrong when somebody says who they are, named by what the caller should do.

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was good once: refresh it, or sign in again when it is a refresh token.
    #[error("The token has expired: refresh it or sign in again. / 令牌已过期，请刷新或重新登录。")]
    Expired,
    /// It was never good, or was revoked: sign in again.
    #[error("The token is not valid: sign in again. / 令牌无效，请重新登录。")]
    Invalid,
}

/// An error of this room.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The refresh token does not work (any longer): the user has to sign in again.
    #[error(transparent)]
    SignInAgain(#[from] TokenError),
    /// What was offered as an identity is none; the message names the part.
    #[error(
        "{0} is empty or too long: sign in with a real one. / {0} 为空或过长，请使用真实的值登录。"
    )]
    InvalidIdentity(&'static str),
    /// A stored account or token cannot be read: restore the data from a backup.
    #[error(
        "A document of {collection} is damaged: restore the data directory from a backup. \
         / {collection} 中的文档已损坏，请从备份恢复数据目录。"
    )]
    Damaged {
        /// The collection that holds it.
        collection: &'static str,
    },
    /// The engine refused; its message says what to do.
    #[error(transparent)]
    Engine(#[from] engine::Error),
}
