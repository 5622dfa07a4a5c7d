//! Which index a query uses, as explain tells it: rows of indexes, query and plan.

use engine::{Engine, Explanation, Find, IndexKind};
use store::Store;
use value::Document;

use crate::{THINGS, engine_with_things, find, index, unique};

/// 400 documents: `n` counts, `g` has 4 values, `h` has 40, `tags` are arrays of two of ten,
/// `u` is unique, `o.p` is nested.
async fn world(indexes: &[&str]) -> Engine {
    let engine = engine_with_things(Store::memory()).await;
    let documents = (0..400).map(|n: i32| {
        let mut document = Document::new();
        document.insert("_id", format!("{n:04}"));
        document.insert("n", n);
        document.insert("g", n % 4);
        document.insert("h", n % 40);
        document.insert("u", 1_000 - n);
        document.insert("tags", vec![n % 10, (n + 3) % 10]);
        let mut inner = Document::new();
        inner.insert("p", n / 2);
        document.insert("o", inner);
        document
    });
    engine.insert(THINGS, documents.collect()).await.unwrap();
    for keys in indexes {
        let spec = match keys.strip_prefix('!') {
            Some(keys) => unique(keys),
            None => index(keys),
        };
        engine.create_index(THINGS, spec).await.unwrap();
    }
    engine
}

/// `index [field intervals; …]`, `<` when read backwards, `+sort` when sorted in memory.
fn shown(explanation: &Explanation) -> String {
    let uses = explanation.used.iter().map(|used| {
        let bounds = used.bounds.iter().map(|bound| {
            let intervals = bound.intervals.join(" ");
            let plain = intervals.replace("{\"$numberInt\":\"", "").replace("\"}", "");
            format!("{} {plain}", bound.path)
        });
        let bounds: Vec<String> = bounds.collect();
        let reverse = if used.is_reverse { "<" } else { "" };
        format!("{}{reverse} {{{}}}", used.index, bounds.join("; "))
    });
    let uses: Vec<String> = uses.collect();
    let sort = if explanation.sorted_in_memory { " +sort" } else { "" };
    format!("{}{sort}", uses.join(" | "))
}

struct Row {
    indexes: &'static [&'static str],
    filter: &'static str,
    sort: &'static str,
    limit: Option<u64>,
    plan: &'static str,
}

const fn row(
    indexes: &'static [&'static str],
    filter: &'static str,
    sort: &'static str,
    limit: Option<u64>,
    plan: &'static str,
) -> Row {
    Row { indexes, filter, sort, limit, plan }
}

const ROWS: &[Row] = &[
    // The documents themselves.
    row(&[], "{}", "{}", None, "_id_ {}"),
    row(&[], r#"{"g":1}"#, "{}", Some(5), "_id_ {}"),
    row(&[], r#"{"_id":"0007"}"#, "{}", None, "_id_ {_id 1 ids}"),
    row(&[], r#"{"_id":{"$gt":"0397"}}"#, "{}", None, r#"_id_ {_id ("0397", last string]}"#),
    row(&[], "{}", r#"{"_id":1}"#, Some(3), "_id_ {}"),
    row(&[], "{}", r#"{"_id":-1}"#, Some(3), "_id_< {}"),
    row(&[], "{}", r#"{"n":1}"#, Some(3), "_id_ {} +sort"),
    row(
        &[],
        r#"{"_id":{"$lt":"0100"}}"#,
        r#"{"_id":-1}"#,
        Some(3),
        r#"_id_< {_id [first string, "0100")}"#,
    ),
    // One index.
    row(&[r#"{"n":1}"#], r#"{"n":7}"#, "{}", None, "n_1 {n [7, 7]}"),
    row(&[r#"{"n":1}"#], r#"{"n":{"$gte":7,"$lt":9}}"#, "{}", None, "n_1 {n [7, 9)}"),
    row(&[r#"{"n":1}"#], r#"{"n":{"$in":[3,1]}}"#, "{}", None, "n_1 {n [1, 1] [3, 3]}"),
    row(&[r#"{"n":1}"#], r#"{"n":{"$gt":5,"$lt":5}}"#, "{}", None, ""),
    row(&[r#"{"o.p":1}"#], r#"{"o.p":7}"#, "{}", None, "o.p_1 {o.p [7, 7]}"),
    // Order from an index.
    row(&[r#"{"n":1}"#], "{}", r#"{"n":1}"#, Some(3), "n_1 {}"),
    row(&[r#"{"n":1}"#], "{}", r#"{"n":-1}"#, Some(3), "n_1< {}"),
    row(&[r#"{"n":-1}"#], "{}", r#"{"n":1}"#, Some(3), "n_-1< {}"),
    row(&[r#"{"g":1,"n":-1}"#], r#"{"g":2}"#, r#"{"n":-1}"#, Some(3), "g_1_n_-1 {g [2, 2]}"),
    row(&[r#"{"g":1,"n":-1}"#], r#"{"g":2}"#, r#"{"n":1}"#, Some(3), "g_1_n_-1< {g [2, 2]}"),
    row(&[r#"{"g":1,"n":-1}"#], "{}", r#"{"g":-1,"n":1}"#, Some(3), "g_1_n_-1< {}"),
    row(&[r#"{"g":1,"n":-1}"#], "{}", r#"{"g":1,"n":1}"#, Some(3), "_id_ {} +sort"),
    row(&[r#"{"g":1,"n":1}"#], r#"{"g":2}"#, r#"{"g":1,"n":1}"#, Some(3), "g_1_n_1 {g [2, 2]}"),
    row(
        &[r#"{"g":1,"n":1}"#],
        r#"{"g":{"$in":[0,2]}}"#,
        r#"{"n":-1}"#,
        Some(3),
        "g_1_n_1< {g [0, 0] [2, 2]}",
    ),
    row(
        &[r#"{"g":1,"n":1}"#],
        r#"{"g":{"$gt":1}}"#,
        r#"{"n":1}"#,
        None,
        "g_1_n_1 {g (1, {\"$numberDouble\":\"Infinity]} +sort",
    ),
    // Arrays: their elements pin, their order is not that of the documents.
    row(&[r#"{"tags":1}"#], r#"{"tags":3}"#, "{}", None, "tags_1 {tags [3, 3]}"),
    row(&[r#"{"tags":1}"#], "{}", r#"{"tags":1}"#, Some(3), "_id_ {} +sort"),
    row(
        &[r#"{"tags":1,"n":1}"#],
        r#"{"tags":3}"#,
        r#"{"n":-1}"#,
        Some(3),
        "tags_1_n_1< {tags [3, 3]}",
    ),
    row(
        &[r#"{"tags":1}"#],
        r#"{"tags":{"$elemMatch":{"$gt":3,"$lt":5}}}"#,
        "{}",
        None,
        "tags_1 {tags (3, 5)}",
    ),
    // Several indexes: what narrows more, what is unique, what keys tell.
    row(
        &[r#"{"g":1}"#, r#"{"g":1,"h":1}"#],
        r#"{"g":1,"h":5}"#,
        "{}",
        None,
        "g_1_h_1 {g [1, 1]; h [5, 5]}",
    ),
    row(&[r#"{"g":1}"#, r#"!{"u":1}"#], r#"{"g":1,"u":900}"#, "{}", None, "u_1 {u [900, 900]}"),
    row(&[r#"{"g":1}"#, r#"{"h":1}"#], r#"{"g":1,"h":5}"#, "{}", None, "h_1 {h [5, 5]}"),
    row(&[r#"{"h":1}"#, r#"{"n":1}"#], r#"{"h":5}"#, r#"{"n":1}"#, Some(2), "h_1 {h [5, 5]} +sort"),
    row(&[r#"{"g":1}"#, r#"{"n":1}"#], r#"{"g":{"$gte":1}}"#, r#"{"n":1}"#, Some(5), "n_1 {}"),
    // `$or`.
    row(
        &[r#"{"g":1}"#, r#"{"n":1}"#],
        r#"{"$or":[{"n":1},{"g":2,"h":2}]}"#,
        "{}",
        None,
        "n_1 {n [1, 1]} | g_1 {g [2, 2]}",
    ),
    row(&[r#"{"n":1}"#], r#"{"$or":[{"n":1},{"h":2}]}"#, "{}", None, "_id_ {}"),
];

#[tokio::test]
async fn queries_use_the_index_that_serves_them() {
    for Row { indexes, filter, sort, limit, plan } in ROWS {
        let engine = world(indexes).await;
        let query = Find { limit: *limit, ..find(filter, sort) };
        let explanation = engine.explain(&query).await.unwrap();
        assert_eq!(shown(&explanation), *plan, "{indexes:?} {filter} {sort} {explanation:?}");
    }
}

#[tokio::test]
async fn explain_counts_what_was_looked_at() {
    let engine = world(&[r#"{"g":1,"n":-1}"#]).await;
    let query = Find { limit: Some(20), ..find(r#"{"g":1}"#, r#"{"n":-1}"#) };
    let explanation = engine.explain(&query).await.unwrap();
    assert_eq!(
        (explanation.keys_examined, explanation.documents_examined, explanation.returned),
        (20, 20, 20)
    );
    assert_eq!(explanation.suggestion, None);
    assert_eq!(explanation.milliseconds, 0);
}

#[tokio::test]
async fn explain_suggests_equalities_then_the_order_then_ranges() {
    let engine = world(&[]).await;
    let query = Find { limit: Some(5), ..find(r#"{"h":3,"n":{"$gt":10},"g":3}"#, r#"{"u":-1}"#) };
    let suggestion = engine.explain(&query).await.unwrap().suggestion.unwrap();
    let keys: Vec<(&str, IndexKind)> =
        suggestion.iter().map(|(path, kind)| (path.as_str(), *kind)).collect();
    use IndexKind::{Ascending, Descending};
    assert_eq!(keys, [("h", Ascending), ("g", Ascending), ("u", Descending), ("n", Ascending)]);
    let spec = engine::IndexSpec { keys: suggestion, ..index(r#"{"x":1}"#) };
    engine.create_index(THINGS, spec).await.unwrap();
    let explanation = engine.explain(&query).await.unwrap();
    assert_eq!(explanation.used[0].index, "h_1_g_1_u_-1_n_1");
    assert_eq!(explanation.suggestion, None);
    assert!(!explanation.sorted_in_memory);
}

#[tokio::test]
async fn counts_come_from_keys_where_they_tell() {
    let engine = world(&[r#"{"g":1,"n":1}"#]).await;
    let rows = [(r#"{"g":1}"#, 100), (r#"{"g":1,"n":{"$lt":41}}"#, 10), (r#"{"g":1,"h":1}"#, 10)];
    for (filter, expected) in rows {
        assert_eq!(engine.count(THINGS, &crate::filter(filter)).await.unwrap(), expected);
    }
}
