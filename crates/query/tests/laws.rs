//! Laws of the document language over generated documents: filters and their contraries divide,
//! what is pinned is found, updates repeated change nothing more, and nothing foreign panics.

use proptest::collection::vec;
use proptest::prelude::*;
use query::{Filter, Projection, Sort, Update};
use value::{Document, RawDoc, Value, compare};

/// Few values and few names, so that filters and documents meet.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-2_i32..3).prop_map(Value::Int32),
        (-2_i64..3).prop_map(Value::Int64),
        prop::sample::select(vec![-1.0, 0.5, 1.0, f64::NAN]).prop_map(Value::Double),
        "[ab]{0,2}".prop_map(Value::String),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (0_i64..3).prop_map(Value::Date),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec(("[abc]", inner), 0..3)
                .prop_map(|fields| Value::Document(fields.into_iter().collect())),
        ]
    })
}

fn document() -> impl Strategy<Value = Document> {
    vec(("[abc]", any_value()), 0..4).prop_map(|fields| fields.into_iter().collect())
}

fn path() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "a.b", "a.0", "b.a", "a.0.b", "c.a.b"])
        .prop_map(str::to_owned)
}

fn one(name: impl Into<String>, value: impl Into<Value>) -> Document {
    Document::from_iter([(name.into(), value.into())])
}

/// `{path: {operator: operand}}`
fn ask(path: &str, operator: &str, operand: &Value) -> Filter {
    Filter::parse(&one(path, one(operator, operand.clone()))).expect("the operator takes this")
}

fn change(operator: &str, path: &str, operand: &Value) -> Update {
    Update::parse(&one(operator, one(path, operand.clone()))).expect("the operator takes this")
}

fn matches(filter: &Filter, document: &Document) -> bool {
    let bytes = document.to_bytes();
    let found = filter.matches(&RawDoc::new(&bytes).expect("just written"));
    assert_eq!(found, filter.matches_document(document), "bytes and memory disagree");
    found
}

const QUERY_OPERATORS: [&str; 10] =
    ["$and", "$or", "$nor", "$not", "$in", "$all", "$mod", "$size", "$regex", "$elemMatch"];
const UPDATE_OPERATORS: [&str; 9] =
    ["$set", "$inc", "$mul", "$rename", "$push", "$pop", "$pull", "$pullAll", "$addToSet"];

fn many() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn contraries_divide(document in document(), path in path(), operand in scalar()) {
        let list = Value::Array(vec![operand.clone(), Value::Int32(7)]);
        for (is, is_not, operand) in [("$eq", "$ne", &operand), ("$in", "$nin", &list)] {
            prop_assert_ne!(
                matches(&ask(&path, is, operand), &document),
                matches(&ask(&path, is_not, operand), &document)
            );
        }
        prop_assert_ne!(
            matches(&ask(&path, "$exists", &Value::Bool(true)), &document),
            matches(&ask(&path, "$exists", &Value::Bool(false)), &document)
        );
    }

    #[test]
    fn implicit_equality_is_eq_and_in(
        document in document(), path in path(), operand in any_value(),
    ) {
        let list = Value::Array(vec![operand.clone()]);
        let eq = matches(&ask(&path, "$eq", &operand), &document);
        prop_assert_eq!(matches(&ask(&path, "$in", &list), &document), eq);
        prop_assert_eq!(matches(&Filter::parse(&one(path, operand)).unwrap(), &document), eq);
    }

    #[test]
    fn gte_is_gt_or_eq(document in document(), path in path(), operand in scalar()) {
        for (wide, narrow) in [("$gte", "$gt"), ("$lte", "$lt")] {
            let narrow_or_equal = matches(&ask(&path, narrow, &operand), &document)
                || matches(&ask(&path, "$eq", &operand), &document);
            prop_assert_eq!(matches(&ask(&path, wide, &operand), &document), narrow_or_equal);
        }
    }

    #[test]
    fn and_is_both(document in document(), a in scalar(), b in scalar(), path in path()) {
        let (a, b) = (ask(&path, "$gte", &a), ask("b", "$lte", &b));
        let both = matches(&a, &document) && matches(&b, &document);
        prop_assert_eq!(matches(&a.clone().and(b), &document), both);
        prop_assert_eq!(matches(&Filter::all().and(a.clone()), &document), matches(&a, &document));
    }

    #[test]
    fn a_seed_passes_its_filter(a in scalar(), b in scalar()) {
        let filter = one("a.b", a);
        let filter = Filter::parse(&Document::from_iter([
            ("$and".to_owned(), Value::from(vec![filter])),
            ("c".to_owned(), b),
        ])).unwrap();
        prop_assert!(matches(&filter, &filter.seed()));
    }

    #[test]
    fn setting_twice_changes_once(document in document(), path in path(), operand in any_value()) {
        let update = change("$set", &path, &operand);
        let mut changed = document.clone();
        match update.apply(&mut changed) {
            Ok(really) => {
                prop_assert_eq!(really, changed != document);
                prop_assert_eq!(changed.get_path(&path), Some(&operand));
                prop_assert_eq!(update.apply(&mut changed), Ok(false));
            }
            Err(_) => prop_assert_eq!(changed, document),
        }
    }

    #[test]
    fn repeating_changes_nothing_more(
        document in document(), path in path(), operand in any_value(),
    ) {
        for operator in ["$addToSet", "$unset", "$min", "$max", "$pull"] {
            let fields = one(path.as_str(), operand.clone());
            let Ok(update) = Update::parse(&one(operator, fields)) else {
                continue;
            };
            let mut changed = document.clone();
            if update.apply(&mut changed).is_ok() {
                prop_assert_eq!(update.apply(&mut changed), Ok(false), "{}", operator);
            } else {
                prop_assert_eq!(&changed, &document);
            }
        }
    }

    #[test]
    fn added_is_found_and_pulled_is_not(document in document(), operand in scalar()) {
        let mut changed = document;
        if change("$addToSet", "a", &operand).apply(&mut changed).is_ok() {
            prop_assert!(matches(&ask("a", "$eq", &operand), &changed));
            change("$pull", "a", &operand).apply(&mut changed).unwrap();
            let elements = changed.get("a").unwrap().as_array().unwrap();
            prop_assert!(!elements.iter().any(|element| value::equals(element, &operand)));
        }
    }

    #[test]
    fn inc_and_back_is_the_same_number(document in document(), amount in -5_i32..5) {
        let mut changed = document.clone();
        let there = change("$inc", "a", &Value::Int32(amount)).apply(&mut changed);
        if there.is_ok() && document.contains_key("a") {
            change("$inc", "a", &Value::Int32(-amount)).apply(&mut changed).unwrap();
            prop_assert!(value::equals(changed.get("a").unwrap(), document.get("a").unwrap()));
        }
    }

    #[test]
    fn sorts_order_scalars_as_compare_does(a in scalar(), b in scalar()) {
        let key = |direction: i32, value: &Value| {
            let sort = Sort::parse(&one("a", direction)).unwrap();
            sort.key(&RawDoc::new(&one("a", value.clone()).to_bytes()).unwrap())
        };
        prop_assert_eq!(key(1, &a).cmp(&key(1, &b)), compare(&a, &b));
        prop_assert_eq!(key(-1, &a).cmp(&key(-1, &b)), compare(&b, &a));
    }

    #[test]
    fn inclusion_and_exclusion_share_out_the_fields(document in document()) {
        let bytes = document.to_bytes();
        let raw = RawDoc::new(&bytes).unwrap();
        let named = Document::from_iter([("a", 1), ("b", 1)]);
        let others = Document::from_iter([("a", 0), ("b", 0)]);
        let kept = Projection::parse(&named).unwrap().apply(&raw).unwrap();
        let left = Projection::parse(&others).unwrap().apply(&raw).unwrap();
        prop_assert_eq!(kept.len() + left.len(), document.len());
        for (name, value) in kept.iter().chain(left.iter()) {
            prop_assert_eq!(document.get(name), Some(value));
        }
    }

    /// A filter and its `$nor` share out the documents.
    #[test]
    fn a_filter_and_its_nor_divide(
        document in document(), path in path(), operand in scalar(), other in any_value(),
    ) {
        for filter in [
            one(path.as_str(), one("$gte", operand.clone())),
            one(path.as_str(), one("$elemMatch", one("$lt", operand))),
            one(path.as_str(), other.clone()),
            one(path.as_str(), one("$not", one("$in", Value::Array(vec![other])))),
            one("$jsonSchema", one("required", Value::from(vec![path.as_str()]))),
            one(path.as_str(), one("$type", Value::from(vec!["number", "array"]))),
        ] {
            let nor = one("$nor", Value::from(vec![filter.clone()]));
            let (filter, nor) = (Filter::parse(&filter).unwrap(), Filter::parse(&nor).unwrap());
            prop_assert_ne!(matches(&filter, &document), matches(&nor, &document));
        }
    }

    /// What is set is there, what is unset is not.
    #[test]
    fn unset_removes_what_was_set(document in document(), path in path(), value in any_value()) {
        let mut changed = document;
        if change("$set", &path, &value).apply(&mut changed).is_ok() {
            prop_assert_eq!(changed.get_path(&path), Some(&value));
            prop_assert!(change("$unset", &path, &Value::Null).apply(&mut changed).is_ok());
            prop_assert!(changed.get_path(&path).is_none_or(|left| *left == Value::Null));
        }
    }

    /// Several small steps are one large step as long as no double is involved.
    #[test]
    fn increments_of_whole_numbers_add_up(start in any::<i32>(), steps in vec(any::<i32>(), 0..6)) {
        let inc = |document: &mut Document, by: Value| {
            change("$inc", "a", &by).apply(document).unwrap();
        };
        let mut one_by_one = one("a", i64::from(start));
        steps.iter().for_each(|step| inc(&mut one_by_one, Value::Int32(*step)));
        let mut at_once = one("a", i64::from(start));
        inc(&mut at_once, Value::Int64(steps.iter().map(|step| i64::from(*step)).sum()));
        prop_assert_eq!(one_by_one, at_once);
    }

    /// The positional operator changes exactly the element that the filter says it matched.
    #[test]
    fn the_matched_element_is_the_one_that_changes(
        elements in vec(-2_i32..3, 0..6), wanted in -2_i32..3,
    ) {
        let filter = ask("a", "$eq", &Value::Int32(wanted));
        let update = change("$set", "a.$", &Value::from("here"));
        let mut after = one("a", elements.iter().copied().map(Value::Int32).collect::<Vec<_>>());
        match elements.iter().position(|element| *element == wanted) {
            None => prop_assert!(update.apply_matching(&mut after, &filter).is_err()),
            Some(first) => {
                prop_assert_eq!(update.apply_matching(&mut after, &filter), Ok(true));
                let mut expected: Vec<Value> = elements.into_iter().map(Value::Int32).collect();
                expected[first] = Value::from("here");
                prop_assert_eq!(after.get("a").unwrap(), &Value::Array(expected));
            }
        }
    }

    /// Whatever is parsed may be refused or applied, never more than that.
    #[test]
    fn foreign_operations_never_panic(document in document(), operand in any_value()) {
        let bytes = document.to_bytes();
        let raw = RawDoc::new(&bytes).unwrap();
        for operator in QUERY_OPERATORS {
            let top = one(operator, operand.clone());
            for filter in [one("a", top.clone()), top] {
                if let Ok(filter) = Filter::parse(&filter) {
                    filter.matches(&raw);
                    filter.seed();
                    filter.id_points();
                }
            }
        }
        for operator in UPDATE_OPERATORS {
            for fields in [one("a.1", operand.clone()), one("a", one("$each", operand.clone()))] {
                if let Ok(update) = Update::parse(&one(operator, fields)) {
                    let _ = update.apply(&mut document.clone());
                }
            }
        }
        let slice = Value::Document(one("$slice", operand.clone()));
        let element = Value::Document(one("$elemMatch", operand.clone()));
        for rule in [operand, slice, element] {
            if let Ok(projection) = Projection::parse(&one("a", rule)) {
                let _ = projection.apply(&raw);
            }
        }
    }

    #[test]
    fn foreign_patterns_never_panic(
        pattern in "[a-c\\\\\\[\\](){}^$.*+?|:!<=QEwdbZ#&~, -]{0,12}",
        options in "[imsx]{0,2}",
        text in "[a-c\\n]{0,6}",
    ) {
        let regex = Value::Regex { pattern, options };
        if let Ok(filter) = Filter::parse(&one("a", regex)) {
            matches(&filter, &one("a", text));
        }
    }
}
