//! Looking into the journal: what is asked for, and going through the archive for it, newest
//! first. A search does a bounded amount of work and says where the next one goes on.

use serde_json::value::RawValue;

use super::archive::Archive;
use super::entry::{Entry, Level, Look};
use super::segment;

/// How many bytes of lines one search goes through before it answers with what it has.
const BYTES_LOOKED_AT_MAX: usize = 256 * 1024 * 1024;
/// How many entries a page holds at most.
pub const PAGE_MAX: usize = 5_000;
/// How many bytes a page's entries take at most, its last entry not counted.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Which entries are asked for; what is absent does not matter.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Kinds of entries (`log`, `invocation`, `deployment`, `notice`, `we-chat`, `dropped`); every
    /// one when empty.
    pub kinds: Vec<String>,
    /// The function's name.
    pub function: Option<String>,
    /// The invocation's id, whole.
    pub request_id: Option<String>,
    /// The openid the invocation ran for, also of its lines.
    pub openid: Option<String>,
    /// A text inside the line, the result, the error or its stack; letters A–Z match both cases.
    pub text: Option<String>,
    /// This level or a more serious one. A failed invocation is an error.
    pub level: Option<Level>,
    /// Only cold invocations.
    pub only_cold: bool,
    /// Not before this, ms since 1970.
    pub since_ms: Option<i64>,
    /// Before this, ms since 1970.
    pub until_ms: Option<i64>,
    /// Only entries with a smaller number: the cursor of the page before.
    pub before: Option<u64>,
    /// How many entries to answer, at most [`PAGE_MAX`].
    pub limit: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Page {
    /// JSON texts, newest first.
    pub entries: Vec<Box<RawValue>>,
    /// [`Query::before`] of the next page; none when everything was looked at. A page may be short,
    /// even empty, and still have one.
    pub cursor: Option<u64>,
}

impl Query {
    /// Whether an entry of the live journal is asked for.
    #[must_use]
    pub fn takes(&self, entry: &Entry) -> bool {
        self.matches(&Look::from(entry))
    }

    fn matches(&self, look: &Look<'_>) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        (self.kinds.is_empty() || self.kinds.iter().any(|kind| *kind == look.kind))
            && is(
                &self.function,
                if look.function.is_empty() { &look.subject } else { &look.function },
            )
            && is(&self.request_id, &look.request_id)
            && is(&self.openid, look.openid.as_deref().unwrap_or_default())
            && self.level.is_none_or(|level| look.level() >= level)
            && (!self.only_cold || look.cold)
            && self.since_ms.is_none_or(|since| look.at_ms >= since)
            && self.until_ms.is_none_or(|until| look.at_ms < until)
            && self.before.is_none_or(|before| look.number < before)
            && self.text.as_ref().is_none_or(|text| look.contains(text))
    }

    /// A text that is in every line asked for, as it is written there.
    fn needle(&self) -> Option<&str> {
        let plain = |text: &&str| {
            text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        let needles = [&self.request_id, &self.openid, &self.function];
        needles.into_iter().filter_map(Option::as_deref).find(plain)
    }
}

impl Look<'_> {
    fn contains(&self, text: &str) -> bool {
        let error = self.error.as_ref();
        let texts = [
            Some(&*self.text),
            Some(&*self.title),
            Some(&*self.subject),
            self.result.as_deref(),
            error.map(|error| &*error.message),
            error.map(|error| &*error.stack),
        ];
        texts.into_iter().flatten().any(|it| contains(it, text))
    }
}

/// Whether a text is in another, A–Z and a–z being alike.
fn contains(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    wanted.is_empty() || text.windows(wanted.len()).any(|it| it.eq_ignore_ascii_case(wanted))
}

/// Searches the archive. It reads files: not for a thread that serves others.
pub(super) fn search(archive: &Archive, query: &Query) -> Page {
    let limit = query.limit.clamp(1, PAGE_MAX);
    let mut page = Page::default();
    let (mut looked_at, mut page_bytes) = (0, 0);
    for segment in archive.segments().iter().rev() {
        let Some(span) = segment.span else { continue };
        if query.passes_over(span) {
            continue;
        }
        // One that was removed meanwhile held the oldest: there is nothing behind it either.
        let Ok((bytes, blocks, _)) = segment::read(&segment.path, segment.bytes) else { continue };
        for block in blocks.iter().rev().filter(|block| !query.passes_over(block.span)) {
            if looked_at >= BYTES_LOOKED_AT_MAX {
                page.cursor = Some(block.span.last + 1);
                return page;
            }
            looked_at += block.lines_bytes;
            let Some(lines) = block.lines(&bytes) else { continue };
            let Ok(lines) = std::str::from_utf8(&lines) else { continue };
            for (number, entry) in query.pick(lines) {
                page_bytes += entry.get().len();
                page.entries.push(entry);
                if page.entries.len() == limit || page_bytes >= PAGE_BYTES_MAX {
                    page.cursor = Some(number);
                    return page;
                }
            }
        }
    }
    page
}

impl Query {
    /// Whether nothing in it can be asked for.
    fn passes_over(&self, span: segment::Span) -> bool {
        self.before.is_some_and(|before| span.first >= before)
            || self.since_ms.is_some_and(|since| span.to_ms < since)
            || self.until_ms.is_some_and(|until| span.from_ms >= until)
    }

    /// The lines asked for, newest first, as they are.
    fn pick<'a>(&'a self, lines: &'a str) -> impl Iterator<Item = (u64, Box<RawValue>)> + 'a {
        let needle = self.needle();
        let worth_it = needle.is_none_or(|needle| lines.contains(needle));
        let lines = if worth_it { lines } else { "" };
        lines
            .lines()
            .rev()
            .filter(move |line| needle.is_none_or(|it| line.contains(it)))
            .filter_map(|line| {
                let look: Look<'_> = serde_json::from_str(line).ok()?;
                if !self.matches(&look) {
                    return None;
                }
                Some((look.number, RawValue::from_string(line.to_owned()).ok()?))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::JournalOptions;
    use super::super::entry::Event;
    use super::*;

    fn log(number: u64, function: &str, level: Level, text: &str) -> Entry {
        let at_ms = i64::try_from(number).unwrap() * 10;
        let (function, text) = (function.to_owned(), text.to_owned());
        let request_id = format!("r-{number}");
        let openid = Some(format!("o-{}", number % 2));
        let event = Event::Log { request_id, function, openid, level, text };
        Entry { number, at_ms, environment: "e".into(), event }
    }

    fn numbers(page: &Page) -> Vec<u64> {
        let number = |entry: &RawValue| {
            serde_json::from_str::<Look<'_>>(entry.get()).map(|look| look.number).unwrap()
        };
        page.entries.iter().map(|entry| number(entry)).collect()
    }

    #[test]
    fn every_condition_narrows_and_a_cursor_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path(), JournalOptions::default()).unwrap();
        for block in 0..5 {
            let entries: Vec<_> = (block * 10 + 1..block * 10 + 11)
                .map(|number| match number % 5 {
                    0 => log(number, "pay", Level::Error, "Card refused\n云 \"quoted\""),
                    _ => log(number, "list", Level::Info, "ok"),
                })
                .collect();
            archive.append(entries.iter(), 0).unwrap();
        }
        let ask = |query: Query| search(&archive, &Query { limit: 100, ..query });
        let all = ask(Query::default());
        assert_eq!((all.entries.len(), numbers(&all)[0], all.cursor), (50, 50, None));
        let pay = || Some("pay".to_owned());
        let fives = [50, 45, 40, 35, 30, 25, 20, 15, 10, 5];
        for query in [
            Query { function: pay(), ..Query::default() },
            Query { level: Some(Level::Warn), ..Query::default() },
            Query { text: Some("card REFUSED".into()), ..Query::default() },
            Query { text: Some("云 \"q".into()), ..Query::default() },
        ] {
            assert_eq!(numbers(&ask(query)), fives);
        }
        let span = Query { since_ms: Some(120), until_ms: Some(150), ..Query::default() };
        assert_eq!(numbers(&ask(span)), [14, 13, 12]);
        let one = Query { request_id: Some("r-7".into()), ..Query::default() };
        assert_eq!(numbers(&ask(one)), [7]);
        let even = Query { openid: Some("o-0".into()), function: pay(), ..Query::default() };
        assert_eq!(numbers(&ask(even)), [50, 40, 30, 20, 10]);
        assert!(ask(Query { only_cold: true, ..Query::default() }).entries.is_empty());

        let mut found = Vec::new();
        let mut query = Query { function: pay(), limit: 3, ..Query::default() };
        loop {
            let page = search(&archive, &query);
            found.extend(numbers(&page));
            query.before = page.cursor;
            if page.cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, fives);
    }
}
