//! Documents, as callers may touch them: permissions and ownership first, then the engine.
//!
//! Arguments are decoded documents; how a wire spells them is the gateway's business.

mod aggregation;
mod ground;
mod ownership;

use bytes::Bytes;
use engine::{Change, Modify, Remove};
use query::{Filter, Projection, Sort, Update};
use rules::{Decision, Operation};
use value::{Document, Value};

use crate::caller::{Caller, Context};
use crate::error::{Code, Error, Result};
use crate::triggers::{self, Target};
pub use aggregation::{Aggregate, aggregate, aggregate_all};
use ground::Ground;
use ownership::{OWNER_FIELD, fill_openid, refuse_owner_change, refuse_owner_field};

/// How many documents `get` answers when the caller names no limit.
pub const LIMIT_DEFAULT: u64 = 100;
/// The most documents one `get` answers.
pub const LIMIT_MAX: u64 = 1_000;
/// The most documents one `add` takes.
pub const INSERT_MAX: usize = 1_000;
/// Names that begin so belong to the platform itself.
pub(crate) const RESERVED_PREFIX: &str = "system.";

/// Which documents to answer.
#[derive(Debug, Default)]
pub struct Find {
    /// The collection's name.
    pub collection: String,
    /// The query; empty for all.
    pub filter: Document,
    /// `{field: 1 | -1}`, in the order of precedence.
    pub order: Document,
    /// `{field: 1 | 0 | {$slice…}}`; empty for whole documents.
    pub projection: Document,
    /// How many to leave out first.
    pub skip: u64,
    /// How many to answer; [`LIMIT_DEFAULT`] when absent, at most [`LIMIT_MAX`].
    pub limit: Option<u64>,
    /// The transaction to read in.
    pub transaction: Option<String>,
}

/// Which documents to change, and how.
#[derive(Debug, Default)]
pub struct Write {
    /// The collection's name.
    pub collection: String,
    /// The query; absent means that the caller named none.
    pub filter: Option<Document>,
    /// Operators (`$set` …) when `merge`, else the document that takes the place of the old one.
    pub data: Document,
    /// Conditions on array elements that `$[name]` in paths refers to.
    pub array_filters: Vec<Document>,
    /// Whether every matching document changes, or only the first.
    pub multi: bool,
    /// True to change fields, false to replace the document.
    pub merge: bool,
    /// Whether a document is made when none matches.
    pub upsert: bool,
    /// The transaction to write in.
    pub transaction: Option<String>,
}

/// What a write has done.
#[derive(Debug, Default)]
pub struct Written {
    /// How many documents matched.
    pub matched: u64,
    /// How many really changed.
    pub updated: u64,
    /// The id of the document that was made, if one was.
    pub upserted_id: Option<Value>,
    /// The document after the change, for a single one.
    pub document: Option<Bytes>,
}

/// Answers documents as BSON bytes.
pub async fn find(context: &Context, find: Find) -> Result<Vec<Bytes>> {
    let filter = read_filter(context, &find.collection, find.filter)?;
    let limit = find.limit.unwrap_or(LIMIT_DEFAULT).min(LIMIT_MAX);
    let ground = Ground::of(context, find.transaction.as_deref()).await?;
    ground
        .find(engine::Find {
            collection: find.collection,
            filter,
            sort: Sort::parse(&find.order)?,
            projection: Projection::parse(&find.projection)?,
            skip: find.skip,
            limit: Some(limit),
        })
        .await
}

/// Counts documents.
pub async fn count(
    context: &Context,
    collection: &str,
    filter: Document,
    transaction: Option<&str>,
) -> Result<u64> {
    let filter = read_filter(context, collection, filter)?;
    Ground::of(context, transaction).await?.count(collection, &filter).await
}

/// Adds documents, all or none, and answers their ids in order.
pub async fn insert(
    context: &Context,
    collection: &str,
    mut documents: Vec<Document>,
    transaction: Option<&str>,
) -> Result<Vec<Value>> {
    check_name(collection)?;
    if documents.is_empty() || documents.len() > INSERT_MAX {
        return Err(Error::new(
            Code::InvalidParameter,
            format!(
                "add takes 1 to {INSERT_MAX} documents at once. / add 一次可写入 1 到 {INSERT_MAX} 个文档。"
            ),
        ));
    }
    judge(context, collection, Operation::Create)?;
    if let Caller::User(user) = &context.caller {
        for document in &mut documents {
            refuse_owner_field(document)?;
            fill_openid(document, user.owner_id());
            document.insert(OWNER_FIELD, Value::String(user.owner_id().to_owned()));
        }
    }
    let mut target = Target::Nothing;
    if triggers::is_noted(context, collection) {
        let mut ids = Vec::new();
        // The note needs the ids before the change is made.
        for document in &mut documents {
            let id = document.get("_id").cloned();
            let id = id.unwrap_or_else(|| Value::from(engine::new_id(context.now_ms)));
            document.insert("_id", id.clone());
            ids.push(id);
        }
        target = Target::Documents(ids);
    }
    let _writing = triggers::note(context, collection, &target, transaction.is_some());
    Ground::of(context, transaction).await?.insert(collection, documents).await
}

/// Changes or replaces documents.
pub async fn write(context: &Context, write: Write) -> Result<Written> {
    check_name(&write.collection)?;
    let decision = judge(context, &write.collection, Operation::Update)?;
    let mut data = write.data;
    if let Caller::User(user) = &context.caller {
        require_filter(write.filter.as_ref())?;
        refuse_owner_change(&data, write.merge)?;
        fill_openid(&mut data, user.owner_id());
        if !write.merge {
            data.insert(OWNER_FIELD, Value::String(user.owner_id().to_owned()));
        }
    }
    let filter = owned_filter(context, decision, write.filter.unwrap_or_default())?;
    let change = if write.merge {
        Change::Operators(Update::parse_at(
            &as_operators(data),
            &write.array_filters,
            context.now_ms,
        )?)
    } else {
        refuse_operators(&data)?;
        Change::Replace(data)
    };
    let (multi, upsert) = (write.multi, write.upsert);
    let target = target(context, &write.collection, &filter);
    let _writing = triggers::note(context, &write.collection, &target, write.transaction.is_some());
    let modify = Modify { collection: write.collection, filter, change, multi, upsert };
    let ground = Ground::of(context, write.transaction.as_deref()).await?;
    let modified = ground.modify(modify).await.map_err(|error| {
        // An upsert that collides has met a document of somebody else, hidden by ownership.
        match (&context.caller, error) {
            (Caller::User(_), engine::Error::DuplicateKey { .. }) if upsert => permission_denied(),
            (_, error) => error.into(),
        }
    })?;
    Ok(Written {
        matched: modified.matched,
        updated: modified.modified,
        upserted_id: modified.upserted_id,
        document: modified.document,
    })
}

/// Removes documents and answers how many.
pub async fn remove(
    context: &Context,
    collection: &str,
    filter: Option<Document>,
    multi: bool,
    transaction: Option<&str>,
) -> Result<u64> {
    check_name(collection)?;
    let decision = judge(context, collection, Operation::Delete)?;
    if !context.caller.is_privileged() {
        require_filter(filter.as_ref())?;
    }
    let filter = owned_filter(context, decision, filter.unwrap_or_default())?;
    let target = target(context, collection, &filter);
    let _writing = triggers::note(context, collection, &target, transaction.is_some());
    let remove = Remove { collection: collection.to_owned(), filter, multi };
    Ground::of(context, transaction).await?.remove(remove).await
}

/// What a write with this filter changes, where a trigger wants to know who does.
fn target(context: &Context, collection: &str, filter: &Filter) -> Target {
    if !triggers::is_noted(context, collection) {
        return Target::Nothing;
    }
    filter.id_points().map_or(Target::Anything, Target::Documents)
}

/// Makes a collection; only for privileged callers.
pub async fn create_collection(context: &Context, name: &str) -> Result<()> {
    check_name(name)?;
    check_privileged(context)?;
    Ok(context.environment.engine().create_collection(name).await?)
}

/// Refuses everybody to whom permissions apply.
pub(crate) fn check_privileged(context: &Context) -> Result<()> {
    if context.caller.is_privileged() { Ok(()) } else { Err(permission_denied()) }
}

fn read_filter(context: &Context, collection: &str, filter: Document) -> Result<Filter> {
    check_name(collection)?;
    let decision = judge(context, collection, Operation::Read)?;
    owned_filter(context, decision, filter)
}

/// Parses the query, fills in `{openid}` and narrows it to the caller's own documents if need be.
fn owned_filter(context: &Context, decision: Decision, mut filter: Document) -> Result<Filter> {
    if let Some(owner) = context.caller.owner_id() {
        fill_openid(&mut filter, owner);
    }
    let filter = Filter::parse(&filter)?;
    decision.narrow(filter, &context.caller.identity()).ok_or_else(permission_denied)
}

fn judge(context: &Context, collection: &str, operation: Operation) -> Result<Decision> {
    match operation {
        Operation::Read => context.environment.usage().read(),
        _ => context.environment.usage().write(),
    }
    match &context.caller {
        Caller::Administrator | Caller::Function(_) => return Ok(Decision::Allow),
        // "All users" are those who signed in, anonymous ones included.
        Caller::Nobody => return Err(crate::sign_in::not_signed_in()),
        Caller::User(_) => {}
    }
    // A missing collection is told apart from a forbidden one, as real apps test for it.
    if !context.environment.engine().has_collection(collection) {
        return Err(engine::Error::CollectionMissing { name: collection.to_owned() }.into());
    }
    let acl = context.environment.access().collection(collection);
    match acl.judge(operation, &context.caller.identity()) {
        Decision::Deny => Err(permission_denied()),
        decision => Ok(decision),
    }
}

fn permission_denied() -> Error {
    Error::new(
        Code::DatabasePermissionDenied,
        "Permission denied: the collection's permission mode does not allow this caller to do \
         this. Change the mode in yunkai.json, or do it in a cloud function. / 没有权限:该集合的\
         权限设置不允许此操作。请在 yunkai.json 中调整权限,或改在云函数中执行。",
    )
}

pub(crate) fn check_name(collection: &str) -> Result<()> {
    if collection.is_empty() || collection.starts_with(RESERVED_PREFIX) {
        return Err(Error::new(
            Code::InvalidParameter,
            format!(
                "The collection name '{collection}' cannot be used: it is empty or reserved. / \
                 集合名「{collection}」为空或为系统保留,请换一个名称。"
            ),
        ));
    }
    Ok(())
}

fn require_filter(filter: Option<&Document>) -> Result<()> {
    if filter.is_some_and(|filter| !filter.is_empty()) {
        return Ok(());
    }
    Err(Error::new(
        Code::InvalidParameter,
        "A client must say which documents to change: add a where() condition. / 客户端批量更新或\
         删除必须带 where 条件。",
    ))
}

fn refuse_operators(data: &Document) -> Result<()> {
    match data.keys().find(|key| key.starts_with('$')) {
        None => Ok(()),
        Some(key) => Err(Error::new(
            Code::InvalidOperator,
            format!(
                "set replaces the whole document and takes no operator ({key}): use update. / \
                 set 会替换整个文档,不接受操作符({key}),请改用 update。"
            ),
        )),
    }
}

/// Plain fields mean `$set`; operators pass as they are.
fn as_operators(data: Document) -> Document {
    if data.is_empty() || data.keys().any(|key| key.starts_with('$')) {
        return data;
    }
    [("$set".to_owned(), Value::Document(data))].into_iter().collect()
}
