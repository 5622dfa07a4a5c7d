//! What can be wrong with a value that comes from outside. Messages say what to do, in two
//! languages.

/// Why a value, a document or a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text or the bytes are not well formed: correct them and send them again.
    #[error("{0}")]
    Malformed(String),
    /// The value is well formed but of a kind that cannot be stored: use another kind.
    #[error("{0}")]
    Unsupported(String),
    /// The document is larger than [`crate::DOCUMENT_BYTES_MAX`]: split it.
    #[error(
        "The document takes {bytes} bytes, the limit is {limit}; split it or move large data into \
         a file. / 文档大小 {bytes} 字节,超过上限 {limit},请拆分文档或改存为文件。",
        limit = crate::DOCUMENT_BYTES_MAX
    )]
    TooLarge {
        /// Size of the refused document.
        bytes: usize,
    },
    /// Objects and arrays are nested deeper than [`crate::DEPTH_MAX`]: flatten them.
    #[error(
        "The value is nested deeper than {limit} levels; flatten it. / \
         数据嵌套超过 {limit} 层,请减少嵌套。",
        limit = crate::DEPTH_MAX
    )]
    TooDeep,
}

impl Error {
    /// Says in both languages what is not well formed.
    pub(crate) fn malformed(english: &str, chinese: &str) -> Error {
        Error::Malformed(format!("{english} / {chinese}"))
    }

    /// BSON bytes that end too early or contradict themselves; `what` names the broken part.
    pub(crate) fn broken_bson(what: &str) -> Error {
        Error::Malformed(format!(
            "These bytes are not a BSON document ({what}); write it again from the original. / \
             数据不是有效的 BSON 文档({what}),请重新写入。"
        ))
    }

    /// An extended JSON wrapper whose content does not fit its name.
    pub(crate) fn broken_wrapper(name: &str, expected: &str) -> Error {
        Error::Malformed(format!(
            "{name} must hold {expected}; correct the value. / {name} 的内容应为 {expected},\
             请修改。"
        ))
    }
}
