//! The order of values across kinds, as one ascending list.

use std::cmp::Ordering;

use value::{Value, compare, ejson, equals, key};

/// Each line is greater than the one before; values on one line are equal.
const ASCENDING: &str = r#"
{"$minKey":1}
null | {"$undefined":true}
{"$numberDouble":"NaN"} | {"$numberDecimal":"NaN"}
{"$numberDouble":"-Infinity"} | {"$numberDecimal":"-Infinity"}
{"$numberDecimal":"-9E+6144"}
{"$numberLong":"-9223372036854775808"} | {"$numberDouble":"-9223372036854775808"}
{"$numberLong":"-9007199254740993"}
{"$numberLong":"-9007199254740992"} | {"$numberDouble":"-9007199254740992"}
-1 | {"$numberLong":"-1"} | -1.0 | {"$numberDecimal":"-1.0"}
-5e-324
{"$numberDecimal":"-1E-6176"}
0 | -0.0 | 0.0 | {"$numberDecimal":"0E+3"}
{"$numberDecimal":"1E-6176"}
5e-324
{"$numberDecimal":"0.1"}
0.1
{"$numberDecimal":"0.1000000000000000055511151231257828"}
1 | 1.0 | {"$numberLong":"1"} | {"$numberDecimal":"1.000"}
1.5 | {"$numberDecimal":"1.5"}
{"$numberLong":"9007199254740991"}
{"$numberLong":"9007199254740992"} | {"$numberDouble":"9007199254740992"}
{"$numberDecimal":"9007199254740992.5"}
{"$numberLong":"9007199254740993"} | {"$numberDecimal":"9007199254740993"}
{"$numberLong":"9007199254740994"} | {"$numberDouble":"9007199254740994"}
{"$numberLong":"9223372036854775807"}
{"$numberDouble":"9223372036854775808"} | {"$numberDecimal":"9223372036854775808"}
1e308
{"$numberDecimal":"9E+6144"}
{"$numberDouble":"Infinity"} | {"$numberDecimal":"Infinity"}
""
"\u0000"
"A"
"a"
"a\u0000"
"aa"
"b"
"中"
{}
{"b":1}
{"b":2}
{"b":2,"a":1}
{"c":0}
{"a":"x"}
{"a":{}}
[]
[1]
[1,2]
[1,"a"]
[2]
["a"]
[[]]
{"$binary":{"base64":"","subType":"00"}}
{"$binary":{"base64":"/w==","subType":"00"}}
{"$binary":{"base64":"AA==","subType":"01"}}
{"$binary":{"base64":"AAA=","subType":"00"}}
{"$oid":"000000000000000000000000"}
{"$oid":"00000000000000000000ff00"}
false
true
{"$date":-1}
{"$date":0}
{"$date":1}
{"$timestamp":{"t":0,"i":1}}
{"$timestamp":{"t":1,"i":0}}
{"$regex":"a","$options":""}
{"$regex":"a","$options":"i"}
{"$regex":"b","$options":""}
{"$maxKey":1}
"#;

#[test]
fn values_ascend() {
    let rows: Vec<(usize, Value)> = ASCENDING
        .trim()
        .lines()
        .enumerate()
        .flat_map(|(rank, line)| line.split(" | ").map(move |text| (rank, text)))
        .map(|(rank, text)| (rank, ejson::parse(text, 0).expect(text)))
        .collect();
    for (a_rank, a) in &rows {
        for (b_rank, b) in &rows {
            let expected = a_rank.cmp(b_rank);
            assert_eq!(compare(a, b), expected, "{a:?} against {b:?}");
            let (a_key, b_key) = (key::encode(a), key::encode(b));
            assert_eq!(a_key.cmp(&b_key), expected, "keys: {a:?} against {b:?}");
            assert!(a_key == b_key || !b_key.starts_with(&a_key), "{a:?} begins {b:?}");
            assert_eq!(equals(a, b), expected == Ordering::Equal);
        }
    }
}

#[test]
fn undefined_lies_between_min_key_and_null() {
    let undefined = vec![key::UNDEFINED];
    assert!(key::encode(&Value::MinKey) < undefined);
    assert!(undefined < key::encode(&Value::Null));
}

#[test]
fn strict_equality_tells_kinds_apart() {
    assert_ne!(Value::Int32(1), Value::Double(1.0));
    assert_ne!(Value::Double(0.0), Value::Double(-0.0));
    assert_eq!(Value::Double(f64::NAN), Value::Double(f64::NAN));
}
