//! Who asks, and what the answer means for their query.

use query::Filter;
use value::{Document, Value};

/// What a rule may know about the caller. An administrator is never judged and has none of this.
///
/// Mini programs have an `openid`; web, anonymous and custom sign-in have a `uid`; neither is set
/// for somebody who has not signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The WeChat openid.
    pub openid: Option<String>,
    /// The account id.
    pub uid: Option<String>,
}

impl CallerIdentity {
    /// The id written into `_openid` of what this caller creates: the openid, else the uid.
    pub fn owner_id(&self) -> Option<&str> {
        self.openid.as_deref().or(self.uid.as_deref()).filter(|id| !id.is_empty())
    }

    /// Whether `id` is this caller's openid or uid. An empty id is nobody's.
    pub fn is(&self, id: &str) -> bool {
        let same = |mine: &Option<String>| mine.as_deref() == Some(id);
        !id.is_empty() && (same(&self.openid) || same(&self.uid))
    }
}

/// The answer of a permission mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead with the query as it is.
    Allow,
    /// Go ahead with the query AND `_openid == caller.owner_id()`.
    AllowOwn,
    /// Refuse: the caller has no permission at all (`DATABASE_PERMISSION_DENIED` on the wire).
    Deny,
}

impl Decision {
    /// The query as the caller may ask it: as it is, narrowed to what is their own, or `None`
    /// when they may not ask at all.
    ///
    /// Narrowing compares `_openid` with [`CallerIdentity::owner_id`], always as a plain string,
    /// whatever the caller's own filter says about the field.
    pub fn narrow(self, filter: Filter, caller: &CallerIdentity) -> Option<Filter> {
        match self {
            Self::Allow => Some(filter),
            Self::Deny => None,
            Self::AllowOwn => {
                let mut own = Document::new();
                own.insert("_openid", Value::String(caller.owner_id()?.to_owned()));
                let own = Filter::parse(&own).expect("comparing a field with a string is a filter");
                Some(filter.and(own))
            }
        }
    }
}
