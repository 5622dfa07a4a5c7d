//! How errors of the rooms below become errors of the platform.

use crate::error::{Code, Error};

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        use engine::Error as E;
        let code = match &error {
            E::CollectionMissing { .. } => Code::CollectionMissing,
            E::CollectionExists { .. } => Code::CollectionExists,
            E::Conflict => Code::TransactionConflict,
            E::CollectionNameRefused { .. } => Code::InvalidParameter,
            E::Query(cause) => return query_error(cause).caused_by(error),
            E::DuplicateKey { .. }
            | E::IdRefused { .. }
            | E::DocumentTooLarge { .. }
            | E::WriteTooLarge { .. }
            | E::Contended
            | E::TransactionExpired { .. }
            | E::TransactionTooLarge { .. }
            | E::IndexRefused { .. }
            | E::IndexExists { .. }
            | E::IndexMissing { .. }
            | E::TooManyIndexes
            | E::ParallelArrays { .. }
            | E::PlaceRefused { .. }
            | E::SortTooLarge
            | E::Value(_) => Code::DatabaseRefused,
            _ => Code::StoreFailed,
        };
        Error::from_room(code, error)
    }
}

impl From<query::Error> for Error {
    fn from(error: query::Error) -> Self {
        query_error(&error).caused_by(error)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Error::from_room(Code::StoreFailed, error)
    }
}

/// What is wrong with the operators of a request is told apart from what the documents refuse.
fn query_error(error: &query::Error) -> Error {
    let code = match error {
        query::Error::UnknownOperator { .. } | query::Error::Malformed(_) => Code::InvalidOperator,
        _ => Code::DatabaseRefused,
    };
    Error::new(code, error.to_string())
}
