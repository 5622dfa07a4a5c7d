//! Indexes: what one is, which keys a document has in it, how the keys are kept in step with the
//! documents. Which index a query uses is `plan`'s business.
//!
//! - `spec`: what may be asked for
//! - `extract`: the keys of a document
//! - `entry`: keys and values in the store
//! - `known`: all indexes, as of one commit
//! - `maintain`: what writes mean for entries
//! - `build`: creating and filling

mod api;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod entry;
pub(crate) mod extract;
pub(crate) mod geo;
pub(crate) mod known;
pub(crate) mod maintain;
mod spec;

use std::sync::Arc;

use value::{Value, parse_index};

pub use spec::{INDEXES_MAX, INDEXES_PLAN_MAX, IndexKind, IndexSpec};

/// What is known of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexInfo {
    /// As it was asked for, the name filled in.
    pub spec: IndexSpec,
    /// Whether queries use it already.
    pub state: IndexState,
    /// Whether some document has, or had, an array on one of its paths.
    pub is_multikey: bool,
}

/// How far an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// Being filled while writes go on; queries do not use it yet.
    Building,
    /// In use.
    Ready,
}

/// Name of the index every collection has.
pub(crate) const PRIMARY_NAME: &str = "_id_";

/// An index as readers and the committer know it. Never changed in place: another state or flag
/// is another value in the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Index {
    /// Number of its collection.
    pub(crate) collection: u32,
    /// Never used twice, also not for collections. For the primary index, the collection's.
    pub(crate) number: u32,
    pub(crate) spec: IndexSpec,
    pub(crate) fields: Vec<IndexField>,
    /// The documents themselves, ordered by `_id`.
    pub(crate) is_primary: bool,
    pub(crate) flags: Flags,
    /// Commit since which it is complete; `None` while it is being filled.
    pub(crate) ready_at: Option<u64>,
}

/// One field of an index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndexField {
    pub(crate) path: String,
    pub(crate) segments: Vec<Segment>,
    pub(crate) kind: IndexKind,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) index: Option<usize>,
}

/// What the documents so far have shown. Flags are set in the commit that first needs them and
/// never taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// Bit per field: an array was met on its path.
    pub(crate) multikey: u32,
    /// A key was too long and was cut: the keys no longer tell the whole order.
    pub(crate) is_cut: bool,
}

impl Index {
    pub(crate) fn new(collection: u32, number: u32, spec: IndexSpec) -> Index {
        let field = |(path, kind): &(String, IndexKind)| IndexField::new(path, *kind);
        let fields = spec.keys.iter().map(field).collect();
        let flags = Flags::default();
        Index { collection, number, spec, fields, is_primary: false, flags, ready_at: None }
    }

    /// The documents of a collection as an index over `_id`.
    pub(crate) fn primary(collection: u32) -> Arc<Index> {
        let spec = IndexSpec {
            name: PRIMARY_NAME.to_owned(),
            keys: vec![("_id".to_owned(), IndexKind::Ascending)],
            unique: true,
            expire_after_seconds: None,
        };
        let index = Index::new(collection, collection, spec);
        Arc::new(Index { is_primary: true, ready_at: Some(0), ..index })
    }

    pub(crate) fn info(&self) -> IndexInfo {
        let state = if self.ready_at.is_some() { IndexState::Ready } else { IndexState::Building };
        let is_multikey = self.flags.multikey != 0;
        IndexInfo { spec: self.spec.clone(), state, is_multikey }
    }

    /// Whether an array was met on the path of a field.
    pub(crate) fn is_multikey(&self, field: usize) -> bool {
        self.flags.multikey & (1 << field) != 0
    }

    /// Whether a reader of this commit may use it.
    pub(crate) fn is_ready(&self, commit: u64) -> bool {
        self.ready_at.is_some_and(|ready_at| ready_at <= commit)
    }

    /// `{ a: 1, b: "x" }`, as error messages print a key.
    pub(crate) fn printed_key(&self, values: &[Value]) -> String {
        let fields = self.fields.iter().zip(values);
        let fields: Vec<String> = fields
            .map(|(field, value)| {
                format!("{}: {}", field.path, value::ejson::canonical_value(value))
            })
            .collect();
        format!("{{ {} }}", fields.join(", "))
    }
}

impl IndexField {
    fn new(path: &str, kind: IndexKind) -> IndexField {
        let segment = |name: &str| Segment { name: name.to_owned(), index: parse_index(name) };
        let segments = path.split('.').map(segment).collect();
        IndexField { path: path.to_owned(), segments, kind }
    }

    pub(crate) fn is_descending(&self) -> bool {
        self.kind == IndexKind::Descending
    }
}

impl Flags {
    /// Both together.
    pub(crate) fn with(self, more: Flags) -> Flags {
        Flags { multikey: self.multikey | more.multikey, is_cut: self.is_cut || more.is_cut }
    }
}
