//! Any text as extended JSON: it is refused or read, never more; what was read can be printed in
//! both forms and is the same when the canonical form is read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use value::{Value, ejson, equals};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = match ejson::parse(text, 1_700_000_000_000) {
        Ok(read) => read,
        Err(error) => {
            assert!(error.to_string().contains(" / "), "both languages: {error}");
            return;
        }
    };
    let _ = ejson::plain_value(&read).to_string();
    if let Value::Document(document) = &read {
        let written = document.to_bytes();
        assert_eq!(
            ejson::canonical_raw(&written).expect("just written"),
            ejson::canonical(document)
        );
    }
    if !fuzz::has_operator_names(&read) {
        let printed = ejson::canonical_value(&read);
        let again = ejson::parse(&printed, 0).expect("what was printed can be read");
        assert!(equals(&again, &read), "{printed}");
        assert_eq!(ejson::canonical_value(&again), printed);
    }
});
