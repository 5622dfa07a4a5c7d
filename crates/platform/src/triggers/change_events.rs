//! Changes told as events, purely: of documents (protocol 02 §4.4) and of files (§4.3).

use engine::{ChangeKind, ChangeRecord};
use query::Filter;
use serde_json::{Value as Json, json};
use value::{Document, RawDoc, Value, ejson};

use super::cron::iso;
use super::spec::{ChangeEvent, DatabaseSpec, FileEvent, StorageSpec};

/// The largest event of a change, in bytes; a larger document is left out of it.
pub(super) const CHANGE_EVENT_BYTES_MAX: usize = 256 * 1024;
/// Where the files of an environment are documents.
const FILES: &str = "system.files";
/// Where the vendor's functions think they are.
const REGION: &str = "ap-shanghai";

/// Where files lie, as their events tell it.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The environment's bucket.
    pub(super) bucket: &'a str,
    /// The function that is told.
    pub(super) function: &'a str,
}

/// The event of a change of a document; none when the change does not count.
pub(super) fn of_document(
    spec: &DatabaseSpec,
    filter: Option<&Filter>,
    record: &ChangeRecord,
) -> Option<String> {
    if record.collection != spec.collection {
        return None;
    }
    let (event, image) = match record.kind {
        ChangeKind::Insert => (ChangeEvent::Insert, record.after.as_ref()?),
        ChangeKind::Update | ChangeKind::Replace => (ChangeEvent::Update, record.after.as_ref()?),
        ChangeKind::Remove => (ChangeEvent::Delete, record.before.as_ref()?),
        ChangeKind::DropCollection | ChangeKind::CreateCollection => return None,
    };
    if !spec.events.contains(&event) {
        return None;
    }
    if let Some(filter) = filter
        && !RawDoc::new(image).is_ok_and(|document| filter.matches(&document))
    {
        return None;
    }
    let head = json!({
        "event": event.name(),
        "collection": record.collection,
        "docId": ejson::plain_value(&record.id),
        "triggerName": spec.name,
        "time": iso(record.at_ms),
    });
    let head = head.to_string();
    let head = head.trim_end_matches('}');
    let data = ejson::relaxed_raw(image).ok()?;
    let told = format!("{head},\"data\":{data}}}");
    if told.len() <= CHANGE_EVENT_BYTES_MAX {
        return Some(told);
    }
    Some(format!("{head},\"data\":null,\"truncated\":true}}"))
}

/// The event of a file that came or went; none when the change does not count.
pub(super) fn of_file(
    spec: &StorageSpec,
    place: &Place<'_>,
    record: &ChangeRecord,
) -> Option<String> {
    if record.collection != FILES {
        return None;
    }
    let (event, name, image) = match record.kind {
        ChangeKind::Insert | ChangeKind::Update | ChangeKind::Replace => {
            (FileEvent::Created, "cos:ObjectCreated:Put", record.after.as_ref()?)
        }
        ChangeKind::Remove => {
            (FileEvent::Removed, "cos:ObjectRemove:Delete", record.before.as_ref()?)
        }
        ChangeKind::DropCollection | ChangeKind::CreateCollection => return None,
    };
    let Value::String(path) = &record.id else { return None };
    if !spec.events.contains(&event) || !path.starts_with(&spec.prefix) {
        return None;
    }
    let file = Document::from_bytes(image).ok()?;
    Some(told(place, record, name, path, &file).to_string())
}

/// The vendor's `Records`, member for member.
fn told(place: &Place<'_>, record: &ChangeRecord, name: &str, path: &str, file: &Document) -> Json {
    let (bucket, app_id) = place.bucket.rsplit_once('-').unwrap_or((place.bucket, "0"));
    let size = file.get("size").and_then(Value::as_i64).unwrap_or_default();
    let content_type = match file.get("contentType") {
        Some(Value::String(content_type)) => content_type.as_str(),
        _ => "application/octet-stream",
    };
    // The same when a change is delivered again, so that a function can tell.
    let request = format!("{}-{}", record.position.commit, record.position.index);
    let key = files::encode_path(path);
    json!({ "Records": [{
        "cos": {
            "cosSchemaVersion": "1.0",
            "cosObject": {
                "url": format!("http://{}.cos.{REGION}.myqcloud.com/{key}", place.bucket),
                "meta": { "x-cos-request-id": request, "Content-Type": content_type },
                "vid": "",
                "key": format!("/{app_id}/{bucket}/{path}"),
                "size": size,
            },
            "cosBucket": { "region": REGION, "name": bucket, "appid": app_id },
            "cosNotificationId": "unkown",
        },
        "event": {
            "eventName": name,
            "eventVersion": "1.0",
            "eventTime": record.at_ms.div_euclid(1_000),
            "eventSource": "qcs::cos",
            "requestParameters": {
                "requestSourceIP": "",
                "requestHeaders": { "Authorization": "" },
            },
            "eventQueue": format!("qcs:0:lambda:{REGION}:appid/{app_id}:default.{}.$LATEST",
                place.function),
            "reservedInfo": "",
        },
    }] })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use engine::Position;

    use super::*;

    fn document(json: &Json) -> Document {
        match ejson::from_json(json, 0).unwrap() {
            Value::Document(document) => document,
            other => panic!("{other:?}"),
        }
    }

    fn bytes(json: &Json) -> Option<Bytes> {
        Some(document(json).to_bytes().into())
    }

    fn record(kind: ChangeKind, before: Option<&Json>, after: Option<&Json>) -> ChangeRecord {
        ChangeRecord {
            position: Position { commit: 7, index: 1 },
            at_ms: 1_545_205_770_123,
            collection: "orders".to_owned(),
            kind,
            id: Value::from("a"),
            before: before.and_then(bytes),
            after: after.and_then(bytes),
        }
    }

    fn spec(json: Json) -> DatabaseSpec {
        serde_json::from_value(json).unwrap()
    }

    fn told_of(spec: &DatabaseSpec, record: &ChangeRecord) -> Option<Json> {
        let filter = spec.condition().unwrap();
        of_document(spec, filter.as_ref(), record).map(|it| serde_json::from_str(&it).unwrap())
    }

    #[test]
    fn a_change_is_told_with_the_document_after_it_and_a_removal_with_the_one_before() {
        let spec = spec(json!({ "name": "t", "collection": "orders" }));
        let (old, new) = (json!({ "_id": "a", "n": 1 }), json!({ "_id": "a", "n": 2 }));
        for (kind, event, n) in [
            (ChangeKind::Insert, "insert", 2),
            (ChangeKind::Update, "update", 2),
            (ChangeKind::Replace, "update", 2),
            (ChangeKind::Remove, "delete", 1),
        ] {
            let after = Some(&new).filter(|_| kind != ChangeKind::Remove);
            let told = told_of(&spec, &record(kind, Some(&old), after)).unwrap();
            assert_eq!(
                told,
                json!({
                    "event": event, "collection": "orders", "docId": "a", "triggerName": "t",
                    "time": "2018-12-19T07:49:30Z", "data": { "_id": "a", "n": n },
                })
            );
        }
        assert!(told_of(&spec, &record(ChangeKind::DropCollection, None, None)).is_none());
    }

    #[test]
    fn only_what_was_asked_for_counts() {
        let image = json!({ "_id": "a", "n": 2 });
        let change = record(ChangeKind::Insert, None, Some(&image));
        let gone = record(ChangeKind::Remove, Some(&image), None);
        for (wanted, counts, counts_gone) in [
            (json!({ "collection": "orders", "filter": { "n": { "$gt": 1 } } }), true, true),
            (json!({ "collection": "orders", "filter": { "n": 3 } }), false, false),
            (json!({ "collection": "orders", "events": ["insert"] }), true, false),
            (json!({ "collection": "orders", "events": ["delete"] }), false, true),
            (json!({ "collection": "others" }), false, false),
        ] {
            let mut wanted = wanted;
            wanted["name"] = "t".into();
            let spec = spec(wanted.clone());
            assert_eq!(told_of(&spec, &change).is_some(), counts, "{wanted}");
            assert_eq!(told_of(&spec, &gone).is_some(), counts_gone, "{wanted}");
        }
    }

    #[test]
    fn a_document_that_is_too_large_is_left_out_and_that_is_said() {
        let spec = spec(json!({ "name": "t", "collection": "orders" }));
        let large = json!({ "_id": "a", "text": "x".repeat(CHANGE_EVENT_BYTES_MAX) });
        let told = told_of(&spec, &record(ChangeKind::Insert, None, Some(&large))).unwrap();
        assert_eq!(told["data"], Json::Null);
        assert_eq!((told["truncated"].as_bool(), told["docId"].as_str()), (Some(true), Some("a")));
    }

    #[test]
    fn a_file_is_told_with_every_member_of_the_vendors_record() {
        let file = json!({ "_id": "album/a b.jpg", "size": 1029, "contentType": "image/jpeg" });
        let mut change = record(ChangeKind::Insert, None, Some(&file));
        change.collection = FILES.to_owned();
        change.id = Value::from("album/a b.jpg");
        let place = Place { bucket: "6465-dev-1250000000", function: "f" };
        let spec: StorageSpec =
            serde_json::from_value(json!({ "name": "s", "prefix": "album/" })).unwrap();
        let told = of_file(&spec, &place, &change).unwrap();
        let told: Json = serde_json::from_str(&told).unwrap();
        let one = &told["Records"][0];
        assert_eq!(one["cos"]["cosObject"]["key"], "/1250000000/6465-dev/album/a b.jpg");
        assert_eq!(one["cos"]["cosObject"]["size"], 1029);
        assert_eq!(one["cos"]["cosObject"]["meta"]["Content-Type"], "image/jpeg");
        assert_eq!(one["cos"]["cosBucket"]["appid"], "1250000000");
        assert_eq!(one["event"]["eventName"], "cos:ObjectCreated:Put");
        assert_eq!(one["event"]["eventTime"], 1_545_205_770);
        change.kind = ChangeKind::Remove;
        (change.before, change.after) = (bytes(&file), None);
        let told = of_file(&spec, &place, &change).unwrap();
        assert!(told.contains("cos:ObjectRemove:Delete"), "{told}");
        let created: StorageSpec =
            serde_json::from_value(json!({ "name": "s", "events": ["created"] })).unwrap();
        assert!(of_file(&created, &place, &change).is_none());
        change.id = Value::from("other/a.jpg");
        assert!(of_file(&spec, &place, &change).is_none());
    }
}
