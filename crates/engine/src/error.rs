//! What can go wrong between a caller and its documents, named by what the caller should do.
//! It knows no wire codes: the gateway gives these their numbers.

use std::sync::Arc;

/// Why the engine could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The collection does not exist. Reading a missing collection is an error, never an empty
    /// answer: applications test for it (protocol 03 §11).
    #[error(
        "Db or Table not exist: {name}. Create the collection first. / 集合 {name} 不存在，请先创建。"
    )]
    CollectionMissing {
        /// Name of the collection.
        name: String,
    },

    /// A collection of this name exists already.
    #[error("Table exist: the collection {name} exists already. / 集合 {name} 已存在。")]
    CollectionExists {
        /// Name of the collection.
        name: String,
    },

    /// The name breaks the rules: 1 to 128 characters, no NUL, no `$`.
    #[error(
        "The collection name {name:?} is refused: use 1 to 128 characters without `$` and NUL. / \
         集合名 {name:?} 无效：长度须为 1 到 128 个字符，且不含 `$` 与空字符。"
    )]
    CollectionNameRefused {
        /// The name as given.
        name: String,
    },

    /// Another document has this key in a unique index, that of `_id` included; nothing of the
    /// write was kept. When an index is created, two documents have it.
    #[error(
        "E11000 duplicate key error collection: {collection} index: {index} dup key: {key}. Use \
         another value, or update the existing document. / \
         集合 {collection} 的唯一索引 {index} 中已存在键 {key}；请换一个值，或更新已有文档。"
    )]
    DuplicateKey {
        /// Name of the collection.
        collection: String,
        /// Name of the index; `_id_` is the one every collection has.
        index: String,
        /// The fields of the index with their values, printed: `{ a: 1 }`.
        key: String,
    },

    /// The index cannot be created or dropped as asked.
    #[error("The index is refused: {reason}. / 索引无效：{reason_zh}。")]
    IndexRefused {
        /// Why, in English.
        reason: String,
        /// Why, in Chinese.
        reason_zh: String,
    },

    /// An index of this name, or with these keys, exists with other options.
    #[error(
        "The index {name} exists already with the same name or keys but other options; drop it \
         first. / 已存在同名或同字段但选项不同的索引 {name}，请先删除。"
    )]
    IndexExists {
        /// Name of the index that is there.
        name: String,
    },

    /// There is no index of this name.
    #[error("The index {name} does not exist. / 索引 {name} 不存在。")]
    IndexMissing {
        /// The name as given.
        name: String,
    },

    /// The collection has as many indexes as it can.
    #[error(
        "A collection can have 64 indexes; drop one that is not needed. / \
         一个集合最多 64 个索引；请先删除不需要的索引。"
    )]
    TooManyIndexes,

    /// Two fields of an index lead through different arrays of one document.
    #[error(
        "The index {index} cannot hold a document with arrays at both '{first}' and '{second}'; \
         keep one of them out of arrays, or index them apart. / 索引 {index} 无法收录在“{first}”与\
         “{second}”处同时为数组的文档；请只保留一个数组，或分别建立索引。"
    )]
    ParallelArrays {
        /// Name of the index.
        index: String,
        /// Dotted path of the one.
        first: String,
        /// Dotted path of the other.
        second: String,
    },

    /// A geo index does not take what a document holds in its place.
    #[error(
        "The index {index} takes places on the earth at '{path}': GeoJSON, or longitude and \
         latitude within their ranges; correct the document. / 索引 {index} 的字段“{path}”只能存放\
         地理位置：GeoJSON，或范围内的经纬度；请修改文档。"
    )]
    PlaceRefused {
        /// Name of the index.
        index: String,
        /// Dotted path of the place.
        path: String,
    },

    /// The result would have to be sorted in memory and is too large for that.
    #[error(
        "Sorting this result needs more than 100 MB of memory; create an index in this order, or \
         ask for fewer documents. / 对该结果排序需要超过 100 MB 内存；请按此顺序建立索引，或减少返回的文档。"
    )]
    SortTooLarge,

    /// `_id` is of a kind that cannot be an id, too long, or would be changed.
    #[error("The _id is refused: {reason}. / _id 无效：{reason_zh}。")]
    IdRefused {
        /// Why, in English.
        reason: &'static str,
        /// Why, in Chinese.
        reason_zh: &'static str,
    },

    /// The document would be larger than 16 MiB.
    #[error(
        "The document would be {bytes} bytes; at most 16777216 are allowed. Keep large content in \
         files. / 文档大小将达到 {bytes} 字节，超过 16777216 字节的上限；请将大内容存为文件。"
    )]
    DocumentTooLarge {
        /// Size after the change, in bytes of BSON.
        bytes: usize,
    },

    /// One call carries more than can be committed at once.
    #[error(
        "This call writes {bytes} bytes at once; at most 67108864 are allowed. Split it. / \
         本次调用一次写入 {bytes} 字节，超过 67108864 字节的上限；请分批写入。"
    )]
    WriteTooLarge {
        /// Size of all documents of the call, in bytes of BSON.
        bytes: usize,
    },

    /// So many others changed the same documents that this call found no quiet moment.
    #[error(
        "Too many concurrent changes of the same documents; try again. / 相同文档的并发修改过多，请重试。"
    )]
    Contended,

    /// Somebody changed what this transaction has read; nothing of it was written.
    #[error(
        "Transaction conflict: something this transaction read was changed by others; run it \
         again. / 事务冲突：本事务读取的数据已被他人修改，请重新执行该事务。"
    )]
    Conflict,

    /// The transaction was open for too long; nothing of it was written.
    #[error(
        "The transaction was open for more than {limit_ms} ms and is void; run it again, and do \
         slow work outside of it. / 事务开启已超过 {limit_ms} 毫秒而失效；请重新执行，并将耗时操作\
         移到事务之外。"
    )]
    TransactionExpired {
        /// How long a transaction may be open, in milliseconds.
        limit_ms: i64,
    },

    /// The transaction reads or writes more than one may.
    #[error("The transaction has too many {what}; split it. / 事务的{what_zh}过多，请拆分。")]
    TransactionTooLarge {
        /// Of what, in English.
        what: &'static str,
        /// Of what, in Chinese.
        what_zh: &'static str,
    },

    /// The changes asked for are no longer kept.
    #[error(
        "The change log no longer reaches back so far; it begins after commit {}, record {}. Start \
         again from a snapshot. / 变更日志已不再保留如此早的记录，现存最早位置在提交 {} 的第 {} 条\
         之后；请从快照重新开始。",
        .oldest.commit, .oldest.index, .oldest.commit, .oldest.index
    )]
    ChangesTooOld {
        /// The oldest position that can be read from.
        oldest: crate::Position,
    },

    /// The update, filter or projection does not fit the document.
    #[error(transparent)]
    Query(query::Error),

    /// A value does not fit; stored bytes that do not read as a document show up here, too.
    #[error(transparent)]
    Value(value::Error),

    /// The store below refused; its message says what to do.
    #[error(transparent)]
    Store(Arc<store::Error>),

    /// The engine met a case it was not built for; the log says more. Nothing was changed.
    #[error(
        "This operation failed because of a defect of the platform; please report it with the \
         log. Nothing was changed. / 平台自身缺陷导致本次操作失败，请附日志反馈。数据未被修改。"
    )]
    Defect,

    /// The engine was closed.
    #[error("The database is closed. / 数据库已关闭。")]
    Closed,
}

impl From<query::Error> for Error {
    fn from(error: query::Error) -> Error {
        match error {
            query::Error::Value(error) => error.into(),
            other => Error::Query(other),
        }
    }
}

impl From<value::Error> for Error {
    fn from(error: value::Error) -> Error {
        match error {
            value::Error::TooLarge { bytes } => Error::DocumentTooLarge { bytes },
            other => Error::Value(other),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        match error {
            store::Error::Closed => Error::Closed,
            other => Error::Store(Arc::new(other)),
        }
    }
}
