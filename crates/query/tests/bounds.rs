//! Bounds of filters: rows of what they are, and the law they must keep: a document that passes
//! has a key inside.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use query::Filter;
use query::bounds::{Bounds, intersection};
use value::{Document, Value};

fn filter(json: &str) -> Filter {
    match value::ejson::parse(json, 0).unwrap() {
        Value::Document(document) => Filter::parse(&document).unwrap(),
        other => panic!("{other:?} is no document"),
    }
}

/// `path: intervals` of every clause, `!` for exact ones, `#n` for `$elemMatch`; unions in braces.
fn shown(bounds: &Bounds) -> String {
    let clauses = bounds.clauses.iter().map(|clause| {
        let intervals: Vec<String> =
            clause.intervals.iter().map(|interval| interval.to_string()).collect();
        let exact = if clause.is_exact { "!" } else { "" };
        let element = clause.element.map_or(String::new(), |number| format!("#{number}"));
        format!("{}{element}{exact} {}", clause.path, intervals.join(" "))
    });
    let unions = bounds.unions.iter().map(|branches| {
        let branches: Vec<String> = branches.iter().map(shown).collect();
        format!("{{{}}}", branches.join(" | "))
    });
    let mut parts: Vec<String> = clauses.chain(unions).collect();
    if !bounds.is_whole {
        parts.push("…".to_owned());
    }
    parts.join("; ")
}

/// Filter, its bounds.
const ROWS: &[(&str, &str)] = &[
    (r#"{}"#, ""),
    (r#"{"a":1}"#, "a! [1, 1]"),
    (r#"{"a":"x","b":2}"#, r#"a! ["x", "x"]; b! [2, 2]"#),
    (r#"{"a":null}"#, "a! [null, null]"),
    (r#"{"a":{"$in":[3,1,1.0]}}"#, "a! [1, 1] [3, 3]"),
    (r#"{"a":{"$in":[]}}"#, "a! "),
    (r#"{"a":{"$gt":1,"$lte":5}}"#, "a! (1, Infinity]; a! [-Infinity, 5]"),
    (r#"{"a":{"$lt":"m"}}"#, r#"a! [first string, "m")"#),
    (r#"{"a":{"$gte":"m"}}"#, r#"a! ["m", last string]"#),
    (r#"{"a":{"$gt":null}}"#, "a! "),
    (r#"{"a":{"$gte":null}}"#, "a! [null, null]"),
    (r#"{"a":{"$gt":true}}"#, "a! (true, last bool]"),
    (r#"{"a":{"$gt":[1]}}"#, "…"),
    (r#"{"a":{"$gt":{"$minKey":1}}}"#, "…"),
    (r#"{"a":{"$ne":1}}"#, "…"),
    (r#"{"a":{"$exists":true}}"#, "…"),
    (r#"{"a":{"$exists":false}}"#, "a [null, null]"),
    (r#"{"a":[]}"#, "a [[], []] [[], []]"),
    (r#"{"a":[7,8]}"#, "a [7, 7] [[7,8], [7,8]]"),
    (r#"{"a":{"$mod":[2,0]}}"#, "a [-Infinity, Infinity]"),
    (r#"{"a":{"$all":[1,2]}}"#, "a! [1, 1]; a! [2, 2]"),
    (r#"{"a":{"$size":1}}"#, "…"),
    (r#"{"a":{"$elemMatch":{"$gt":1,"$lt":5}}}"#, "a#1! (1, Infinity]; a#1! [-Infinity, 5); …"),
    (r#"{"a":{"$elemMatch":{"b":1,"c":null,"0":2}}}"#, "a.b#1 [1, 1]; …"),
    (r#"{"$or":[{"a":1}]}"#, "a! [1, 1]"),
    (r#"{"$or":[{"a":1},{"b":2,"c":3}]}"#, "{a! [1, 1] | b! [2, 2]; c! [3, 3]}"),
    (r#"{"$nor":[{"a":1}]}"#, "…"),
    (r#"{"$and":[{"a":1},{"a":2}]}"#, "a! [1, 1]; a! [2, 2]"),
];

#[test]
fn filters_have_these_bounds() {
    for (text, expected) in ROWS {
        let mut found = shown(&filter(text).bounds());
        // Numbers print as they were typed; infinities in extended JSON's words.
        for (from, to) in [
            (r#"{"$numberDouble":"Infinity"}"#, "Infinity"),
            (r#"{"$numberDouble":"-Infinity"}"#, "-Infinity"),
        ] {
            found = found.replace(from, to);
        }
        let numbers = regexless(&found);
        assert_eq!(numbers, *expected, "{text}");
    }
}

/// `{"$numberInt":"1"}` as `1`.
fn regexless(text: &str) -> String {
    let mut out = text.to_owned();
    for kind in ["Int", "Double", "Long"] {
        let open = format!("{{\"$number{kind}\":\"");
        while let Some(at) = out.find(&open) {
            let rest = out[at + open.len()..].to_owned();
            let (number, tail) = rest.split_once("\"}").unwrap();
            let number = number.strip_suffix(".0").unwrap_or(number);
            out = format!("{}{number}{tail}", &out[..at]);
        }
    }
    out
}

/// Pattern, options, what the strings must begin with (`None`: any string), whether that is all.
const PATTERNS: &[(&str, &str, Option<&str>, bool)] = &[
    ("^abc", "", Some("abc"), true),
    ("^ab.c", "", Some("ab"), false),
    ("^abc*", "", Some("ab"), false),
    ("^abc+d", "", Some("ab"), false),
    ("^abc?", "", Some("ab"), false),
    ("^a{0}", "", None, false),
    ("^a\\.b", "", Some("a.b"), true),
    ("^a\\d", "", Some("a"), false),
    ("^a|b", "", None, false),
    ("^abc", "i", None, false),
    ("^abc", "m", None, false),
    ("abc", "", None, false),
    ("^云开", "s", Some("云开"), true),
    ("^a$", "", Some("a"), false),
    ("^", "", None, false),
];

#[test]
fn anchored_patterns_bound_strings_by_their_beginning() {
    for (pattern, options, prefix, is_exact) in PATTERNS {
        let mut condition = Document::new();
        condition.insert("$regex", *pattern);
        condition.insert("$options", *options);
        let mut document = Document::new();
        document.insert("a", condition);
        let bounds = Filter::parse(&document).unwrap().bounds();
        let clause = &bounds.clauses[0];
        assert_eq!(clause.is_exact, *is_exact, "{pattern}");
        let mut from = value::key::encode(&Value::from(prefix.unwrap_or_default()));
        from.truncate(from.len() - 2);
        assert_eq!(clause.intervals[0].from(), from, "{pattern}");
        assert!(!clause.intervals[0].is_point(), "{pattern}");
        assert!(clause.intervals[1].is_point(), "{pattern}");
    }
}

#[test]
fn intervals_intersect_to_what_both_hold() {
    let intervals = |json: &str| filter(json).bounds().clauses.remove(0).intervals;
    let rows = [
        (r#"{"a":{"$gt":1}}"#, r#"{"a":{"$lt":5}}"#, "(1, 5)"),
        (r#"{"a":{"$gt":5}}"#, r#"{"a":{"$lt":5}}"#, ""),
        (r#"{"a":{"$gte":5}}"#, r#"{"a":{"$lte":5}}"#, "[5, 5]"),
        (r#"{"a":{"$in":[1,3,7]}}"#, r#"{"a":{"$gt":2}}"#, "[3, 3] [7, 7]"),
        (r#"{"a":{"$gt":1}}"#, r#"{"a":{"$lt":"b"}}"#, ""),
    ];
    for (a, b, expected) in rows {
        for both in
            [intersection(&intervals(a), &intervals(b)), intersection(&intervals(b), &intervals(a))]
        {
            let texts: Vec<String> = both.iter().map(|interval| interval.to_string()).collect();
            assert_eq!(regexless(&texts.join(" ")), expected, "{a} {b}");
        }
    }
}
