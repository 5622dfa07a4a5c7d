//! The fields of a document as keys: their bytes order as the values do, none begins with another,
//! and bytes and memory give the same key.

#![no_main]

use std::cmp::Ordering;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use value::{Document, RawDoc, Value, View, compare, key};

/// So that the pairs stay few.
const VALUES_MAX: usize = 12;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = Document::from_bytes(bytes) else { return };
    let raw = RawDoc::new(bytes).expect("decoded");
    let values: Vec<&Value> = document.iter().map(|(_, value)| value).take(VALUES_MAX).collect();
    let keys: Vec<Vec<u8>> = values.iter().map(|value| key::encode(value)).collect();
    for ((_, seen), expected) in raw.iter().map_while(Result::ok).zip(&keys) {
        let mut found = Vec::new();
        key::push_view(&View::from(seen), &mut found);
        assert_eq!(&found, expected);
    }
    for (a, a_key) in values.iter().zip(&keys) {
        for (b, b_key) in values.iter().zip(&keys) {
            let order = compare(a, b);
            assert_eq!(a_key.cmp(b_key), order, "{a:?} {b:?}");
            let begins = a_key.len() < b_key.len() && b_key.starts_with(a_key);
            assert!(!begins, "{a:?} begins {b:?}");
            for (c, c_key) in values.iter().zip(&keys) {
                // Two keys in a row, as in a compound index.
                let rows = ([a_key.as_slice(), c_key].concat(), [b_key.as_slice(), a_key].concat());
                assert_eq!(rows.0.cmp(&rows.1), order.then(compare(c, a)), "{a:?} {b:?} {c:?}");
                if order != Ordering::Greater && compare(b, c) != Ordering::Greater {
                    assert_ne!(compare(a, c), Ordering::Greater, "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match fuzz::mutated_bson(&data[..size], max_size, seed) {
        Some(changed) => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});
