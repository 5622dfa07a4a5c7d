//! Laws that hold for every value: keys order as values do, and nothing is lost in BSON or
//! canonical extended JSON. Foreign bytes and text never panic.

use std::cmp::Ordering;

use proptest::collection::vec;
use proptest::prelude::*;
use value::{DocView, Document, RawDoc, Value, View, compare, compare_views, ejson, equals, key};

/// Numbers around every edge where kinds meet.
fn number() -> impl Strategy<Value = Value> {
    let edges = prop::sample::select(vec![
        0,
        1,
        i64::from(i32::MAX),
        i64::from(i32::MIN),
        1 << 53,
        (1 << 53) + 1,
        -(1 << 53) - 1,
        i64::MAX,
        i64::MIN,
    ]);
    let near = (edges, -3_i64..=3).prop_map(|(edge, step)| edge.wrapping_add(step));
    let doubles = prop::sample::select(vec![
        0.0,
        -0.0,
        0.1,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
        9_223_372_036_854_775_808.0,
    ]);
    let decimals = prop::sample::select(vec![
        "0",
        "-0",
        "0.1",
        "0.1000000000000000055511151231257827",
        "9007199254740993",
        "9007199254740992.5",
        "1E-6176",
        "-1E-6176",
        "9E+6144",
        "NaN",
        "Infinity",
        "-Infinity",
        "9223372036854775807.1",
    ]);
    prop_oneof![
        near.clone().prop_map(Value::Int64),
        near.clone().prop_map(|whole| Value::Int32(whole as i32)),
        near.prop_map(|whole| Value::Double(whole as f64)),
        any::<i64>().prop_map(Value::Int64),
        any::<f64>().prop_map(Value::Double),
        doubles.prop_map(Value::Double),
        decimals.prop_map(|text| {
            let wrapped = format!(r#"{{"$numberDecimal":"{text}"}}"#);
            ejson::parse(&wrapped, 0).expect("every row is a decimal")
        }),
    ]
}

/// Short texts, often equal or prefixes of each other, with the NUL that keys must escape.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a\u{0}\u{1}b中]{0,4}", "\\PC{0,8}"]
}

/// Names hold no NUL, and no `$` that could turn a document into a wrapper.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[ab中]{0,2}", "[^\u{0}$]{0,6}"]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => number(),
        3 => text().prop_map(Value::String),
        1 => prop::sample::select(vec![Value::MinKey, Value::Null, Value::MaxKey]),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => (any::<u8>(), vec(any::<u8>(), 0..4))
            .prop_map(|(subtype, bytes)| Value::Binary { subtype, bytes }),
        1 => any::<[u8; 12]>().prop_map(Value::ObjectId),
        1 => any::<i64>().prop_map(Value::Date),
        1 => ("[^\u{0}]{0,4}", "(i|im|s|)")
            .prop_map(|(pattern, options)| Value::Regex { pattern, options }),
        1 => any::<u64>().prop_map(Value::Timestamp),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((name(), inner), 0..4)
                .prop_map(|fields| Value::Document(fields.into_iter().collect())),
        ]
    })
}

fn document() -> impl Strategy<Value = Document> {
    vec((name(), any_value()), 0..5).prop_map(|fields| fields.into_iter().collect())
}

fn is_prefix(short: &[u8], long: &[u8]) -> bool {
    short != long && long.starts_with(short)
}

const WRAPPERS: [&str; 12] = [
    "$date",
    "$oid",
    "$numberInt",
    "$numberLong",
    "$numberDouble",
    "$numberDecimal",
    "$binary",
    "$uuid",
    "$timestamp",
    "$regex",
    "$regularExpression",
    "$tcb_server_date",
];

fn many() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn keys_order_as_values(a in any_value(), b in any_value()) {
        let (a_key, b_key) = (key::encode(&a), key::encode(&b));
        prop_assert_eq!(a_key.cmp(&b_key), compare(&a, &b));
        prop_assert!(!is_prefix(&a_key, &b_key) && !is_prefix(&b_key, &a_key));
    }

    #[test]
    fn keys_order_as_numbers(a in number(), b in number()) {
        prop_assert_eq!(key::encode(&a).cmp(&key::encode(&b)), compare(&a, &b));
    }

    #[test]
    fn keys_order_as_texts(a in text(), b in text()) {
        let (a, b) = (Value::String(a), Value::String(b));
        prop_assert_eq!(key::encode(&a).cmp(&key::encode(&b)), compare(&a, &b));
    }

    /// One key after another orders as pairs do: what indexes and sorts rely on.
    #[test]
    fn keys_in_a_row_order_as_pairs(
        a in (text(), any_value()), b in (text(), any_value()),
    ) {
        let row = |(text, value): &(String, Value)| {
            let mut row = key::encode(&Value::String(text.clone()));
            key::push(value, &mut row);
            row
        };
        let expected = a.0.as_bytes().cmp(b.0.as_bytes()).then_with(|| compare(&a.1, &b.1));
        prop_assert_eq!(row(&a).cmp(&row(&b)), expected);
    }

    #[test]
    fn order_is_total(a in any_value(), b in any_value(), c in any_value()) {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        prop_assert_eq!(compare(&a, &a), Ordering::Equal);
        if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
            prop_assert!(compare(&a, &c).is_le());
        }
        if a == b {
            prop_assert!(equals(&a, &b));
        }
    }

    #[test]
    fn bson_keeps_everything(document in document()) {
        let bytes = document.to_bytes();
        prop_assert_eq!(&Document::from_bytes(&bytes).unwrap(), &document);
        document.check_limits().unwrap();
        let raw = RawDoc::new(&bytes).unwrap();
        for (name, value) in document.iter() {
            prop_assert_eq!(&raw.get(name).unwrap().to_value().unwrap(), value);
        }
        prop_assert!(raw.get("no such name").is_none());
    }

    #[test]
    fn views_of_bytes_and_memory_agree(a in document(), b in document()) {
        let (a_bytes, b_bytes) = (a.to_bytes(), b.to_bytes());
        let a_raw = View::Document(DocView::Raw(RawDoc::new(&a_bytes).unwrap()));
        let b_raw = View::Document(DocView::Raw(RawDoc::new(&b_bytes).unwrap()));
        let order = compare(&Value::Document(a.clone()), &Value::Document(b.clone()));
        prop_assert_eq!(compare_views(&a_raw, &b_raw), order);
        prop_assert_eq!(compare_views(&a_raw, &View::Document(DocView::Owned(&b))), order);
        let mut raw_key = Vec::new();
        key::push_view(&a_raw, &mut raw_key);
        prop_assert_eq!(raw_key, key::encode(&Value::Document(a)));
    }

    #[test]
    fn canonical_text_keeps_everything(document in document()) {
        // One NaN is enough for text.
        let document = Document::from_bytes(&document.to_bytes()).unwrap();
        let text = ejson::canonical(&document);
        prop_assert_eq!(&ejson::canonical_raw(&document.to_bytes()).unwrap(), &text);
        let back = ejson::parse(&text, 0).unwrap();
        prop_assert_eq!(ejson::canonical_value(&back), text);
        prop_assert!(equals(&back, &Value::Document(document)));
    }

    #[test]
    fn relaxed_text_keeps_everything(document in document()) {
        let text = ejson::relaxed_raw(&document.to_bytes()).unwrap();
        let back = ejson::parse(&text, 0).unwrap();
        prop_assert_eq!(&back, &Value::Document(document), "{}", text);
        prop_assert_eq!(ejson::relaxed_value(&back), text);
    }

    #[test]
    fn plain_text_is_json(document in document()) {
        let text = ejson::plain(&document).to_string();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn foreign_bytes_never_panic(bytes in vec(any::<u8>(), 0..64)) {
        read_everything(&bytes);
    }

    /// A flipped byte in a good document gets further into the reader than noise does.
    #[test]
    fn damaged_documents_never_panic(
        document in document(), at in any::<usize>(), byte in any::<u8>(),
    ) {
        let mut bytes = document.to_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        read_everything(&bytes);
    }

    #[test]
    fn foreign_text_never_panics(text in "\\PC{0,64}") {
        let _ = ejson::parse(&text, 0);
    }

    #[test]
    fn foreign_wrappers_never_panic(
        name in prop::sample::select(WRAPPERS.to_vec()),
        content in prop_oneof![
            "-?[0-9]{1,25}(\\.[0-9]{1,3})?",
            "\"[-+:TZ0-9a-fEx.]{0,30}\"",
            Just("null".to_owned()),
            Just(r#"{"offset":{"$numberInt":"5"}}"#.to_owned()),
            Just("[]".to_owned()),
        ],
    ) {
        let _ = ejson::parse(&format!(r#"{{"{name}":{content}}}"#), i64::MAX);
    }
}

fn read_everything(bytes: &[u8]) {
    let _ = Document::from_bytes(bytes);
    let _ = ejson::canonical_raw(bytes);
    if let Ok(raw) = RawDoc::new(bytes) {
        let _ = raw.get("a");
        let view = View::Document(DocView::Raw(raw));
        let _ = compare_views(&view, &view);
        key::push_view(&view, &mut Vec::new());
    }
}
