//! Any bytes as BSON: reading in place never panics; what decodes whole is written back to a
//! document that is equal, and both ways of looking at it agree.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use value::{DocView, Document, RawDoc, Value, View, compare_views, ejson, key};

fuzz_target!(|bytes: &[u8]| {
    let printed = ejson::canonical_raw(bytes);
    let Ok(raw) = RawDoc::new(bytes) else { return };
    let seen = View::Document(DocView::Raw(raw));
    assert!(compare_views(&seen, &seen).is_eq());
    let mut seen_key = Vec::new();
    key::push_view(&seen, &mut seen_key);
    let _ = raw.get("a");
    for (_, value) in raw.iter().map_while(Result::ok) {
        let _ = value.to_value();
    }
    let Ok(document) = Document::from_bytes(bytes) else {
        assert!(printed.is_err(), "printed, yet not decoded");
        return;
    };
    assert_eq!(printed.expect("decoded, yet not printed"), ejson::canonical(&document));
    document.check_limits().expect("what was read is within the limits");
    let written = document.to_bytes();
    let again = Document::from_bytes(&written).expect("what was written can be read");
    assert_eq!(again.to_bytes(), written);
    assert_eq!(seen_key, key::encode(&Value::Document(again)));
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // Half of the changes as a tree, half as bytes: broken lengths matter as well.
    let changed = (seed % 2 == 0).then(|| fuzz::mutated_bson(&data[..size], max_size, seed / 2));
    match changed.flatten() {
        Some(changed) => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});
