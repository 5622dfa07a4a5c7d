//! The four permission modes and their truth table.

use std::{fmt, str::FromStr};

use crate::{CallerIdentity, Decision};

/// What a caller wants to do with documents of a collection, or with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Find, count, download, ask for a temporary link.
    Read,
    /// Add a document, upload to a path that is free.
    Create,
    /// Change documents, overwrite a file.
    Update,
    /// Remove documents or a file.
    Delete,
}

/// A permission mode ("AclTag" on the wire), per collection and one for the files of an
/// environment.
///
/// | mode | client reads | client writes |
/// |---|---|---|
/// | `READONLY` | everything | own |
/// | `PRIVATE` | own | own |
/// | `ADMINWRITE` | everything | nothing |
/// | `ADMINONLY` | nothing | nothing |
///
/// "Own" is what carries the caller's id in `_openid` (documents) or as owner (files). A collection
/// for which nobody chose a mode is `PRIVATE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Acl {
    /// Everybody reads, the creator writes.
    ReadOnly,
    /// The creator reads and writes, nobody else does anything.
    #[default]
    Private,
    /// Everybody reads, only the administrator writes.
    AdminWrite,
    /// Only the administrator reads and writes.
    AdminOnly,
}

/// Why a permission mode could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Ask the operator to write one of the four names.
    #[error(
        "Unknown permission mode {0:?}: write READONLY, PRIVATE, ADMINWRITE or ADMINONLY. / \
         未知的权限模式 {0:?}，请使用 READONLY、PRIVATE、ADMINWRITE 或 ADMINONLY。"
    )]
    UnknownMode(String),
}

impl Acl {
    /// Every mode, in the order of the table above.
    pub const ALL: [Self; 4] = [Self::ReadOnly, Self::Private, Self::AdminWrite, Self::AdminOnly];

    /// The name used on the wire and in `yunkai.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "READONLY",
            Self::Private => "PRIVATE",
            Self::AdminWrite => "ADMINWRITE",
            Self::AdminOnly => "ADMINONLY",
        }
    }

    /// Judges an operation on the documents of a collection.
    ///
    /// A caller without any id owns nothing, so what would be [`Decision::AllowOwn`] is
    /// [`Decision::Deny`] for them. Creating is never "own": the document does not exist yet, the
    /// platform writes its `_openid`; it is [`Decision::Allow`] for whoever is signed in.
    pub fn judge(self, operation: Operation, caller: &CallerIdentity) -> Decision {
        let signed_in = caller.owner_id().is_some();
        match (self, operation) {
            (Self::ReadOnly | Self::AdminWrite, Operation::Read) => Decision::Allow,
            (Self::AdminWrite | Self::AdminOnly, _) => Decision::Deny,
            (Self::ReadOnly | Self::Private, _) if !signed_in => Decision::Deny,
            (Self::ReadOnly | Self::Private, Operation::Create) => Decision::Allow,
            (Self::Private, Operation::Read) => Decision::AllowOwn,
            (Self::ReadOnly | Self::Private, Operation::Update | Operation::Delete) => {
                Decision::AllowOwn
            }
        }
    }

    /// Judges an operation on one file whose owner is known; the answer is final.
    ///
    /// `owner` is the id of who uploaded the file, `None` for one that an administrator uploaded:
    /// nobody's file is nobody's own. Overwriting an existing file is [`Operation::Update`] and
    /// needs its owner; for [`Operation::Create`] the owner does not matter.
    pub fn judge_file(
        self,
        operation: Operation,
        caller: &CallerIdentity,
        owner: Option<&str>,
    ) -> bool {
        match self.judge(operation, caller) {
            Decision::Allow => true,
            Decision::AllowOwn => owner.is_some_and(|owner| caller.is(owner)),
            Decision::Deny => false,
        }
    }
}

impl FromStr for Acl {
    type Err = Error;

    /// Reads a mode by its exact name. `CUSTOM` is not one of the four.
    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|mode| mode.name() == text);
        found.ok_or_else(|| Error::UnknownMode(text.to_owned()))
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
