//! The whole truth table of the permission modes, row by row.

use query::Filter;
use rules::{Acl, CallerIdentity, Decision, Error, Operation};
use value::{Document, Value};

use Acl::{AdminOnly, AdminWrite, Private, ReadOnly};
use Decision::{Allow, AllowOwn, Deny};
use Operation::{Create, Delete, Read, Update};

fn caller(openid: Option<&str>, uid: Option<&str>) -> CallerIdentity {
    CallerIdentity { openid: openid.map(str::to_owned), uid: uid.map(str::to_owned) }
}

/// mode, operation, answer for somebody signed in, answer for a stranger
const TABLE: &[(Acl, Operation, Decision, Decision)] = &[
    (ReadOnly, Read, Allow, Allow),
    (ReadOnly, Create, Allow, Deny),
    (ReadOnly, Update, AllowOwn, Deny),
    (ReadOnly, Delete, AllowOwn, Deny),
    (Private, Read, AllowOwn, Deny),
    (Private, Create, Allow, Deny),
    (Private, Update, AllowOwn, Deny),
    (Private, Delete, AllowOwn, Deny),
    (AdminWrite, Read, Allow, Allow),
    (AdminWrite, Create, Deny, Deny),
    (AdminWrite, Update, Deny, Deny),
    (AdminWrite, Delete, Deny, Deny),
    (AdminOnly, Read, Deny, Deny),
    (AdminOnly, Create, Deny, Deny),
    (AdminOnly, Update, Deny, Deny),
    (AdminOnly, Delete, Deny, Deny),
];

#[test]
fn documents_are_judged_by_the_table() {
    let strangers = [caller(None, None), caller(Some(""), None), caller(None, Some(""))];
    for (mode, operation, signed_in, stranger) in TABLE {
        for who in
            [caller(Some("o1"), None), caller(None, Some("u1")), caller(Some("o1"), Some("u1"))]
        {
            assert_eq!(mode.judge(*operation, &who), *signed_in, "{mode} {operation:?} {who:?}");
        }
        for who in &strangers {
            assert_eq!(mode.judge(*operation, who), *stranger, "{mode} {operation:?} {who:?}");
        }
    }
    assert_eq!(TABLE.len(), Acl::ALL.len() * 4, "every mode with every operation, once");
}

#[test]
fn files_are_judged_by_their_owner() {
    let who = caller(Some("o1"), Some("u1"));
    for (mode, operation, decision, _) in TABLE {
        for (owner, own) in [
            (Some("o1"), true),
            (Some("u1"), true),
            (Some("o2"), false),
            (Some(""), false),
            (None, false),
        ] {
            let expected = *decision == Allow || (*decision == AllowOwn && own);
            let got = mode.judge_file(*operation, &who, owner);
            assert_eq!(got, expected, "{mode} {operation:?} owner {owner:?}");
        }
    }
    let stranger = caller(None, None);
    assert!(ReadOnly.judge_file(Read, &stranger, Some("o1")));
    assert!(!Private.judge_file(Read, &stranger, None));
    assert!(!Private.judge_file(Read, &caller(Some(""), None), Some("")));
}

#[test]
fn the_owner_is_the_openid_before_the_uid() {
    for (who, owner) in [
        (caller(Some("o1"), Some("u1")), Some("o1")),
        (caller(None, Some("u1")), Some("u1")),
        (caller(None, None), None),
        (caller(Some(""), None), None),
    ] {
        assert_eq!(who.owner_id(), owner, "{who:?}");
    }
}

#[test]
fn names_are_read_back() {
    for mode in Acl::ALL {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    for name in ["CUSTOM", "readonly", "", " PRIVATE"] {
        assert_eq!(name.parse::<Acl>(), Err(Error::UnknownMode(name.to_owned())));
    }
    assert_eq!(Acl::default(), Private, "a collection nobody configured is private");
}

#[test]
fn own_means_that_others_are_not_seen() {
    let document = |id: &str, openid: &str| {
        let mut document = Document::new();
        document.insert("_id", Value::String(id.to_owned()));
        document.insert("_openid", Value::String(openid.to_owned()));
        document
    };
    let documents =
        [document("1", "o1"), document("2", "o1"), document("1", "o2"), document("1", "")];
    let first = || Filter::parse(&Document::from_iter([("_id", Value::from("1"))])).unwrap();
    let foreign = || Filter::parse(&Document::from_iter([("_openid", Value::from("o2"))])).unwrap();
    let who = caller(Some("o1"), Some("u1"));
    let stranger = caller(Some(""), None);
    for (decision, who, filter, seen) in [
        (Allow, &who, first(), Some(vec![0, 2, 3])),
        (AllowOwn, &who, first(), Some(vec![0])),
        (AllowOwn, &who, Filter::all(), Some(vec![0, 1])),
        (AllowOwn, &who, foreign(), Some(vec![])),
        (AllowOwn, &stranger, Filter::all(), None),
        (Deny, &who, Filter::all(), None),
    ] {
        let found = decision.narrow(filter, who).map(|filter| {
            let matching = documents.iter().enumerate().filter(|(_, d)| filter.matches_document(d));
            matching.map(|(index, _)| index).collect::<Vec<_>>()
        });
        assert_eq!(found, seen, "{decision:?}");
    }
}
