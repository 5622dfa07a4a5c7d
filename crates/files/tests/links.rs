//! Temporary links, upload tickets and ranges.

#![allow(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

mod support;

use files::{LinkError, Range, UploadTicket};
use support::Room;

const NOW_S: u64 = 1_700_000_000;

#[tokio::test]
async fn links_open_one_file_until_they_expire() {
    let room = Room::open().await;
    let files = &room.files;
    let query = files.sign_download("相册/雪山.jpg", 60, NOW_S);
    let signature = query.split_once('&').unwrap().0;
    let flipped = query.replacen("sign=", "sign=0", 1);
    for (path, query, now_s, expected) in [
        ("相册/雪山.jpg", query.clone(), NOW_S, Ok(())),
        ("相册/雪山.jpg", query.clone(), NOW_S + 60, Ok(())),
        ("相册/雪山.jpg", query.clone(), NOW_S + 61, Err(LinkError::Expired)),
        ("相册/雪山.jpg", format!("{query}&imageMogr2/thumbnail/9x"), NOW_S, Ok(())),
        ("相册/雪山.jpg", format!("x=1&{query}"), NOW_S, Ok(())),
        ("相册/雪山2.jpg", query.clone(), NOW_S, Err(LinkError::Bad)),
        ("相册/雪山.jpg", format!("{signature}&t={}", NOW_S + 999), NOW_S, Err(LinkError::Bad)),
        ("相册/雪山.jpg", format!("{signature}&t=+{}", NOW_S + 60), NOW_S, Err(LinkError::Bad)),
        ("相册/雪山.jpg", flipped, NOW_S, Err(LinkError::Bad)),
        ("相册/雪山.jpg", format!("sign=&t={NOW_S}"), NOW_S, Err(LinkError::Bad)),
        ("相册/雪山.jpg", signature.to_owned(), NOW_S, Err(LinkError::Missing)),
        ("相册/雪山.jpg", String::new(), NOW_S, Err(LinkError::Missing)),
        ("相册/雪山.jpg", format!("sign&t={NOW_S}"), NOW_S, Err(LinkError::Missing)),
    ] {
        assert_eq!(files.verify_download(path, &query, now_s), expected, "{path} {query} {now_s}");
    }
    let forever = files.sign_download("a", u64::MAX, NOW_S);
    assert_eq!(files.verify_download("a", &forever, NOW_S), Ok(()));
}

#[tokio::test]
async fn another_key_or_environment_signs_for_nobody_else() {
    let room = Room::open().await;
    let query = room.files.sign_download("a", 60, NOW_S);
    for (key, env_id, expected) in [
        ([7; 32], "env-1", Ok(())),
        ([8; 32], "env-1", Err(LinkError::Bad)),
        ([7; 32], "env-2", Err(LinkError::Bad)),
    ] {
        let dir = tempfile::TempDir::new().unwrap();
        let engine = room.engine.clone();
        let other =
            files::Files::open(dir.path().to_owned(), engine, key, env_id, "b").await.unwrap();
        assert_eq!(other.verify_download("a", &query, NOW_S), expected, "{env_id}");
    }
}

#[tokio::test]
async fn upload_tickets_carry_what_they_allow() {
    let room = Room::open().await;
    for owner in [None, Some("o1".to_owned())] {
        let ticket =
            UploadTicket { path: "相册/a.jpg".to_owned(), owner, max_bytes: 9, expires_s: NOW_S };
        let token = room.files.sign_upload(&ticket);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{token}");
        assert_eq!(room.files.verify_upload(&token, NOW_S), Ok(ticket.clone()));
        assert_eq!(room.files.verify_upload(&token, NOW_S + 1), Err(LinkError::Expired));
        let larger = UploadTicket { max_bytes: 10, ..ticket };
        let (body, _) = token.split_once('.').unwrap();
        let (_, other_signature) = room
            .files
            .sign_upload(&larger)
            .split_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        for (token, expected) in [
            (format!("{body}.{other_signature}"), LinkError::Bad),
            (body.to_owned(), LinkError::Bad),
            (format!("{body}."), LinkError::Bad),
            ("....".to_owned(), LinkError::Bad),
            (room.files.sign_download("相册/a.jpg", 60, NOW_S), LinkError::Bad),
            (String::new(), LinkError::Missing),
        ] {
            assert_eq!(room.files.verify_upload(&token, NOW_S), Err(expected), "{token}");
        }
    }
}

#[test]
fn ranges_are_read_against_the_size() {
    let partial = |start, end| Range::Partial { start, end };
    for (header, size, expected) in [
        (None, 10, Range::Full),
        (Some("bytes=0-0"), 10, partial(0, 0)),
        (Some("bytes=0-9"), 10, partial(0, 9)),
        (Some("bytes=2-"), 10, partial(2, 9)),
        (Some("bytes=-3"), 10, partial(7, 9)),
        (Some("bytes=-30"), 10, partial(0, 9)),
        (Some("bytes=5-500"), 10, partial(5, 9)),
        (Some(" bytes=5-6 "), 10, partial(5, 6)),
        (Some("bytes=9-99999999999999999999999"), 10, partial(9, 9)),
        (Some("bytes=10-"), 10, Range::Unsatisfiable),
        (Some("bytes=99999999999999999999999-"), 10, Range::Unsatisfiable),
        (Some("bytes=-0"), 10, Range::Unsatisfiable),
        (Some("bytes=0-"), 0, Range::Unsatisfiable),
        (Some("bytes=-1"), 0, Range::Unsatisfiable),
        (Some("bytes=6-5"), 10, Range::Full),
        (Some("bytes=-"), 10, Range::Full),
        (Some("bytes="), 10, Range::Full),
        (Some("bytes=a-b"), 10, Range::Full),
        (Some("bytes=+1-2"), 10, Range::Full),
        (Some("bytes=1-2,4-5"), 10, Range::Full),
        (Some("items=0-1"), 10, Range::Full),
        (Some(""), 10, Range::Full),
    ] {
        let range = Range::parse(header, size);
        assert_eq!(range, expected, "{header:?} of {size}");
        let length = match expected {
            Range::Full => size,
            Range::Partial { start, end } => end - start + 1,
            Range::Unsatisfiable => 0,
        };
        assert_eq!(range.length(size), length);
    }
}
