//! Extended JSON in every dialect the SDKs send, as rows: text, what it means, what is printed.

use serde_json::{Value as Json, json};
use value::{DEPTH_MAX, Document, Error, Value, ejson};

const NOW_MS: i64 = 1_700_000_000_000;

fn binary(subtype: u8, bytes: &[u8]) -> Value {
    Value::Binary { subtype, bytes: bytes.to_vec() }
}

fn regex(pattern: &str, options: &str) -> Value {
    Value::Regex { pattern: pattern.to_owned(), options: options.to_owned() }
}

#[test]
fn reads_every_dialect() {
    let oid = [0x5f, 0x3e, 0x2d, 0x1c, 0x0b, 0x0a, 0x09, 0x08, 0x07, 0x06, 0x05, 0xff];
    for (text, expected) in [
        ("1", Value::Int32(1)),
        ("2147483647", Value::Int32(i32::MAX)),
        ("2147483648", Value::Int64(2_147_483_648)),
        ("-9223372036854775808", Value::Int64(i64::MIN)),
        ("9223372036854775808", Value::Double(9_223_372_036_854_775_808.0)),
        ("1.5", Value::Double(1.5)),
        ("1e21", Value::Double(1e21)),
        ("null", Value::Null),
        ("\"中\\u0000文\"", Value::from("中\0文")),
        (r#"{"$numberInt":"1"}"#, Value::Int32(1)),
        (r#"{"$numberInt":1}"#, Value::Int32(1)),
        (r#"{"$numberInt":"3000000000"}"#, Value::Int64(3_000_000_000)),
        (r#"{"$numberLong":"1"}"#, Value::Int64(1)),
        (r#"{"$numberDouble":"1.5"}"#, Value::Double(1.5)),
        (r#"{"$numberDouble":"1e+21"}"#, Value::Double(1e21)),
        (r#"{"$numberDouble":"-0.0"}"#, Value::Double(-0.0)),
        (r#"{"$numberDouble":"NaN"}"#, Value::Double(f64::NAN)),
        (r#"{"$numberDouble":"-Infinity"}"#, Value::Double(f64::NEG_INFINITY)),
        (r#"{"$date":1700000000000}"#, Value::Date(1_700_000_000_000)),
        (r#"{"$date":-1.9}"#, Value::Date(-1)),
        (r#"{"$date":{"$numberLong":"-5"}}"#, Value::Date(-5)),
        (r#"{"$date":{"$numberDouble":"5.0"}}"#, Value::Date(5)),
        (r#"{"$date":"1970-01-01T00:00:01Z"}"#, Value::Date(1000)),
        (r#"{"$date":null}"#, Value::Null),
        (r#"{"$date":{"offset":0}}"#, Value::Date(NOW_MS)),
        (r#"{"$date":{"offset":{"$numberInt":"-1000"}}}"#, Value::Date(NOW_MS - 1000)),
        (r#"{"$tcb_server_date":{"offset":{"$numberInt":"60000"}}}"#, Value::Date(NOW_MS + 60000)),
        (r#"{"$tcb_server_date":{}}"#, Value::Date(NOW_MS)),
        (r#"{"$oid":"5f3e2d1c0b0a0908070605ff"}"#, Value::ObjectId(oid)),
        (r#"{"$regularExpression":{"pattern":"^x","options":"mi"}}"#, regex("^x", "im")),
        (r#"{"$regex":"^x","$options":"i"}"#, regex("^x", "i")),
        (r#"{"$options":"i","$regex":"^x"}"#, regex("^x", "i")),
        (r#"{"$regex":"^x"}"#, regex("^x", "")),
        (r#"{"$binary":{"base64":"AQI=","subType":"80"}}"#, binary(0x80, &[1, 2])),
        (r#"{"$binary":"AQI","$type":"00"}"#, binary(0, &[1, 2])),
        (
            r#"{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}"#,
            binary(
                4,
                &[
                    0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
                    0xdd, 0xee, 0xff,
                ],
            ),
        ),
        (r#"{"$timestamp":{"t":1,"i":2}}"#, Value::Timestamp(1 << 32 | 2)),
        (r#"{"$minKey":1}"#, Value::MinKey),
        (r#"{"$maxKey":1}"#, Value::MaxKey),
        (r#"{"$undefined":true}"#, Value::Null),
        (r#"{"$symbol":"s"}"#, Value::from("s")),
        (r#"{"$gt":{"$numberInt":"1"}}"#, Document::from_iter([("$gt", 1)]).into()),
        (r#"{"$date":1,"other":2}"#, Document::from_iter([("$date", 1), ("other", 2)]).into()),
        (r#"{"a":1,"a":2}"#, Document::from_iter([("a", 2)]).into()),
        ("[]", Value::Array(vec![])),
    ] {
        assert_eq!(ejson::parse(text, NOW_MS).as_ref(), Ok(&expected), "{text}");
    }
}

#[test]
fn refuses_what_it_cannot_read() {
    for text in [
        "",
        "{",
        "{\"a\":1}x",
        "undefined",
        "NaN",
        r#"{"$numberInt":"1.5"}"#,
        r#"{"$numberInt":"x"}"#,
        r#"{"$numberLong":"9223372036854775808"}"#,
        r#"{"$numberDouble":"inf"}"#,
        r#"{"$numberDouble":"nan"}"#,
        r#"{"$numberDouble":""}"#,
        r#"{"$numberDecimal":"1.2.3"}"#,
        r#"{"$oid":"5f3e"}"#,
        r#"{"$oid":"5f3e2d1c0b0a0908070605fé"}"#,
        r#"{"$date":"yesterday"}"#,
        r#"{"$date":{}}"#,
        r#"{"$tcb_server_date":1}"#,
        r#"{"$tcb_server_date":{"offset":"1"}}"#,
        r#"{"$binary":{"base64":"*"}}"#,
        r#"{"$binary":{"base64":"AQI=","subType":"100"}}"#,
        r#"{"$uuid":"0011"}"#,
        r#"{"$timestamp":{"t":-1,"i":0}}"#,
        r#"{"$regularExpression":{"pattern":1}}"#,
        r#"{"$regex":"a\u0000b"}"#,
        r#"{"$code":"x"}"#,
        r#"{"$code":"x","$scope":{}}"#,
        r#"{"a\u0000b":1}"#,
    ] {
        let error = ejson::parse(text, NOW_MS).expect_err(text);
        assert!(error.to_string().contains(" / "), "both languages: {error}");
    }
}

#[test]
fn prints_both_forms() {
    let long = json!({"$numberLong": "5"});
    for (value, canonical, plain) in [
        (Value::Int32(1), json!({"$numberInt": "1"}), json!(1)),
        (Value::Int64(5), long, json!(5)),
        (Value::Double(1.0), json!({"$numberDouble": "1.0"}), json!(1)),
        (Value::Double(-0.0), json!({"$numberDouble": "-0.0"}), json!(0)),
        (Value::Double(0.1), json!({"$numberDouble": "0.1"}), json!(0.1)),
        (Value::Double(1e21), json!({"$numberDouble": "1e21"}), json!(1e21)),
        (Value::Double(f64::NAN), json!({"$numberDouble": "NaN"}), Json::Null),
        (Value::Double(f64::INFINITY), json!({"$numberDouble": "Infinity"}), Json::Null),
        (Value::Bool(true), json!(true), json!(true)),
        (Value::Null, Json::Null, Json::Null),
        (Value::from("\"\\\n\u{1}中"), json!("\"\\\n\u{1}中"), json!("\"\\\n\u{1}中")),
        (Value::Date(7), json!({"$date": {"$numberLong": "7"}}), json!({"$date": 7})),
        (
            Value::ObjectId([0xab; 12]),
            json!({"$oid": "abababababababababababab"}),
            json!("abababababababababababab"),
        ),
        (
            regex("x", "i"),
            json!({"$regularExpression": {"pattern": "x", "options": "i"}}),
            json!({"$regex": "x", "$options": "i"}),
        ),
        (
            binary(0, &[1]),
            json!({"$binary": {"base64": "AQ==", "subType": "00"}}),
            json!({"$binary": {"base64": "AQ==", "subType": "00"}}),
        ),
        (
            Value::Timestamp(1 << 32 | 2),
            json!({"$timestamp": {"t": 1, "i": 2}}),
            json!({"$timestamp": {"t": 1, "i": 2}}),
        ),
        (Value::MinKey, json!({"$minKey": 1}), json!({"$minKey": 1})),
        (Value::from(vec![1, 2]), json!([{"$numberInt": "1"}, {"$numberInt": "2"}]), json!([1, 2])),
        (Document::from_iter([("a", true)]).into(), json!({"a": true}), json!({"a": true})),
    ] {
        let text = ejson::canonical_value(&value);
        assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), canonical, "{value:?}");
        assert_eq!(ejson::plain_value(&value), plain, "{value:?}");
    }
}

#[test]
fn depth_is_limited_everywhere() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(ejson::parse(&nested(DEPTH_MAX), 0).is_ok());
    assert_eq!(ejson::parse(&nested(DEPTH_MAX + 1), 0), Err(Error::TooDeep));
    assert!(ejson::parse(&nested(100_000), 0).is_err());

    let deep = |levels: usize| {
        (1..levels).fold(Document::new(), |inner, _| Document::from_iter([("a", inner)]))
    };
    let allowed = deep(DEPTH_MAX);
    assert_eq!(allowed.check_limits(), Ok(()));
    assert_eq!(Document::from_bytes(&allowed.to_bytes()), Ok(allowed));
    let refused = deep(DEPTH_MAX + 1);
    assert_eq!(refused.check_limits(), Err(Error::TooDeep));
    assert_eq!(Document::from_bytes(&refused.to_bytes()), Err(Error::TooDeep));
    assert_eq!(ejson::canonical_raw(&refused.to_bytes()), Err(Error::TooDeep));
}

#[test]
fn size_is_limited() {
    let document = Document::from_iter([("a", "x".repeat(value::DOCUMENT_BYTES_MAX))]);
    assert!(matches!(document.check_limits(), Err(Error::TooLarge { .. })));
    assert!(matches!(Document::from_bytes(&document.to_bytes()), Err(Error::TooLarge { .. })));
    let text = ejson::canonical(&document);
    assert!(matches!(ejson::parse(&text, 0), Err(Error::TooLarge { .. })));
}

#[test]
fn measured_size_is_written_size() {
    let text = r#"{"a":[1,{"b":{"$numberLong":"5"}},"中",null,{"$date":1},1.5,{"$minKey":1},
        {"$oid":"5f3e2d1c0b0a0908070605ff"},{"$binary":{"base64":"AQI=","subType":"02"}},
        {"$regex":"x","$options":"i"},0,1,2,3,4,5,6,7,8,9,{"$numberDecimal":"1.5"}]}"#;
    let Value::Document(document) = ejson::parse(text, 0).unwrap() else { panic!("a document") };
    let bytes = document.to_bytes();
    assert_eq!(Document::from_bytes(&bytes), Ok(document.clone()));
    // The limit is checked against the measured size; grow the document to exactly the limit.
    let room = value::DOCUMENT_BYTES_MAX - bytes.len() - "pad".len() - 2 - 5;
    let mut full = document;
    full.insert("pad", "x".repeat(room));
    assert_eq!(full.to_bytes().len(), value::DOCUMENT_BYTES_MAX);
    assert_eq!(full.check_limits(), Ok(()));
    full.insert("pad", "x".repeat(room + 1));
    assert!(full.check_limits().is_err());
}
