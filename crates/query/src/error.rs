//! Why a filter, an update, a projection or a sort was refused. Messages say what to do, in two
//! languages.

/// What went wrong, named by what the caller should do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operator this platform does not have: use another one.
    #[error(
        "Unknown operator {operator}{place}; use one of the documented operators. / \
         不支持操作符 {operator}{place},请改用文档列出的操作符。",
        place = place(path)
    )]
    UnknownOperator {
        /// The operator as written, with its `$`.
        operator: String,
        /// Dotted path of the field it was applied to; empty at top level.
        path: String,
    },
    /// The request itself is wrong whatever is stored: correct it.
    #[error("{0}")]
    Malformed(String),
    /// The request is fine but a stored document does not allow it: look at the document.
    #[error("{0}")]
    Conflict(String),
    /// The result would be beyond the limits of a document.
    #[error(transparent)]
    Value(#[from] value::Error),
}

impl Error {
    /// A wrong request, said in both languages.
    pub(crate) fn malformed(
        english: impl std::fmt::Display,
        chinese: impl std::fmt::Display,
    ) -> Error {
        Error::Malformed(format!("{english} / {chinese}"))
    }

    /// A stored document in the way, said in both languages.
    pub(crate) fn conflict(
        english: impl std::fmt::Display,
        chinese: impl std::fmt::Display,
    ) -> Error {
        Error::Conflict(format!("{english} / {chinese}"))
    }

    /// The same error with the stage of a pipeline it happened in.
    pub(crate) fn in_stage(self, position: usize, name: &str) -> Error {
        let place = format!("pipeline[{position}] {name}");
        match self {
            Error::UnknownOperator { operator, .. } => {
                Error::UnknownOperator { operator, path: place }
            }
            Error::Malformed(text) => Error::Malformed(format!("{place}: {text}")),
            Error::Conflict(text) => Error::Conflict(format!("{place}: {text}")),
            other => other,
        }
    }

    pub(crate) fn unknown_operator(operator: &str, path: &str) -> Error {
        Error::UnknownOperator { operator: operator.to_owned(), path: path.to_owned() }
    }
}

/// ` at 'a.b'`, or nothing at top level.
pub(crate) fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" at '{path}'") }
}
