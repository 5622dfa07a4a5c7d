//! One file of the archive: blocks of entries, appended and never changed. A block carries its
//! length and a checksum, so the end that a crash tore off is found and cut; nothing is synced.
//! It knows nothing of what entries mean.
//!
//! ```text
//! file   "YKJOURN1" block*
//! block  u64 checksum of all that follows · u32 bytes of the payload · u32 bytes before
//!        compression · u64 first number · u64 last number · i64 first ms · i64 last ms · payload
//! payload  LZ4; lines of JSON, oldest first
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"YKJOURN1";
const HEAD_BYTES: usize = 48;
/// More than any block is: whatever claims more is damage.
const BLOCK_BYTES_MAX: usize = 256 * 1024 * 1024;
const SKIM_BYTES: usize = 16 * 1024;

/// What a run of entries spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub first: u64,
    pub last: u64,
    /// The lowest and the highest time in it.
    pub from_ms: i64,
    pub to_ms: i64,
}

impl Span {
    /// The span of one entry.
    pub fn of(number: u64, at_ms: i64) -> Self {
        Self { first: number, last: number, from_ms: at_ms, to_ms: at_ms }
    }

    /// With what comes behind it.
    pub fn with(self, later: Span) -> Span {
        Span {
            first: self.first,
            last: later.last,
            from_ms: self.from_ms.min(later.from_ms),
            to_ms: self.to_ms.max(later.to_ms),
        }
    }
}

/// A file and what is in it.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub path: PathBuf,
    /// Its valid length, in bytes.
    pub bytes: u64,
    /// What its blocks span; none when it has none.
    pub span: Option<Span>,
}

/// A block inside a segment that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub span: Span,
    /// Length of its lines, in bytes.
    pub lines_bytes: usize,
    payload: (usize, usize),
}

impl Segment {
    /// Makes an empty one.
    pub fn create(folder: &Path, first: u64) -> io::Result<Self> {
        let path = folder.join(format!("{first:016x}.journal"));
        let mut file = File::create(&path)?;
        file.write_all(MAGIC)?;
        Ok(Self { path, bytes: MAGIC.len() as u64, span: None })
    }

    /// Looks at a file of an earlier process; what is not whole at its end does not count.
    pub fn open(path: &Path) -> io::Result<Self> {
        let (_, blocks, bytes) = read(path, u64::MAX)?;
        let spans = blocks.iter().map(|block| block.span);
        let span = spans.reduce(Span::with);
        Ok(Self { path: path.to_owned(), bytes, span })
    }

    /// Looks at a file that another follows: only the heads of its blocks are read, since it was
    /// whole when that one was begun. Whatever reads the blocks checks them.
    pub fn skim(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut reader = io::BufReader::with_capacity(SKIM_BYTES, file);
        let mut head = [0; HEAD_BYTES];
        reader.read_exact(&mut head[..MAGIC.len()])?;
        let (mut bytes, mut span) = (MAGIC.len() as u64, None::<Span>);
        while bytes + HEAD_BYTES as u64 <= length {
            reader.read_exact(&mut head)?;
            let Some(read) = Head::read(&head) else { break };
            let end = bytes + (HEAD_BYTES + read.length) as u64;
            if end > length {
                break;
            }
            reader.seek_relative(i64::try_from(read.length).map_err(io::Error::other)?)?;
            span = Some(span.map_or(read.span, |before| before.with(read.span)));
            bytes = end;
        }
        Ok(Self { path: path.to_owned(), bytes, span })
    }

    /// Appends lines as one block and returns its length in the file.
    ///
    /// # Errors
    /// What the disk says; the segment counts as it was.
    pub fn append(&mut self, lines: &[u8], span: Span) -> io::Result<u64> {
        let payload = lz4_flex::block::compress(lines);
        let mut block = Vec::with_capacity(HEAD_BYTES + payload.len());
        let length = |bytes: usize| u32::try_from(bytes).map_err(io::Error::other);
        block.extend_from_slice(&[0; 8]);
        block.extend_from_slice(&length(payload.len())?.to_le_bytes());
        block.extend_from_slice(&length(lines.len())?.to_le_bytes());
        for number in [span.first, span.last] {
            block.extend_from_slice(&number.to_le_bytes());
        }
        for ms in [span.from_ms, span.to_ms] {
            block.extend_from_slice(&ms.to_le_bytes());
        }
        block.extend_from_slice(&payload);
        let sum = checksum(&block[8..]);
        block[..8].copy_from_slice(&sum.to_le_bytes());
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        // What an earlier write tore, or a crash, must not stand in the way of the readers.
        if file.metadata()?.len() != self.bytes {
            file.set_len(self.bytes)?;
        }
        file.write_all(&block)?;
        self.bytes += block.len() as u64;
        self.span = Some(self.span.map_or(span, |before| before.with(span)));
        Ok(block.len() as u64)
    }
}

/// The bytes of a segment up to `bytes_max`, its whole blocks, and where these end.
pub(super) fn read(path: &Path, bytes_max: u64) -> io::Result<(Vec<u8>, Vec<Block>, u64)> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
    let mut blocks = Vec::new();
    let mut at = MAGIC.len();
    if !bytes.starts_with(MAGIC) {
        return Err(io::Error::other(format!("{} is no journal", path.display())));
    }
    while let Some((block, end)) = block_at(&bytes, at) {
        blocks.push(block);
        at = end;
    }
    Ok((bytes, blocks, at as u64))
}

/// What a block says of itself.
struct Head {
    sum: u64,
    length: usize,
    lines_bytes: usize,
    span: Span,
}

impl Head {
    fn read(head: &[u8]) -> Option<Self> {
        let eight = |place: usize| <[u8; 8]>::try_from(head.get(place..place + 8)?).ok();
        let four = |place: usize| <[u8; 4]>::try_from(head.get(place..place + 4)?).ok();
        let length = u32::from_le_bytes(four(8)?) as usize;
        let lines_bytes = u32::from_le_bytes(four(12)?) as usize;
        let span = Span {
            first: u64::from_le_bytes(eight(16)?),
            last: u64::from_le_bytes(eight(24)?),
            from_ms: i64::from_le_bytes(eight(32)?),
            to_ms: i64::from_le_bytes(eight(40)?),
        };
        let fits = length.max(lines_bytes) <= BLOCK_BYTES_MAX && span.first <= span.last;
        fits.then_some(Self { sum: u64::from_le_bytes(eight(0)?), length, lines_bytes, span })
    }
}

fn block_at(bytes: &[u8], at: usize) -> Option<(Block, usize)> {
    let head = Head::read(bytes.get(at..at + HEAD_BYTES)?)?;
    let payload = (at + HEAD_BYTES, at + HEAD_BYTES + head.length);
    if checksum(bytes.get(at + 8..payload.1)?) != head.sum {
        return None;
    }
    Some((Block { span: head.span, lines_bytes: head.lines_bytes, payload }, payload.1))
}

impl Block {
    /// Its lines, from the bytes of its segment.
    pub fn lines(&self, segment: &[u8]) -> Option<Vec<u8>> {
        let payload = segment.get(self.payload.0..self.payload.1)?;
        lz4_flex::block::decompress(payload, self.lines_bytes).ok()
    }
}

/// FNV-1a over words: it tells torn ends, not attackers.
fn checksum(bytes: &[u8]) -> u64 {
    let mix =
        |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    let words = bytes.chunks_exact(8);
    let rest = words.remainder();
    let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let sum = words.fold(0xcbf2_9ce4_8422_2325, |sum, chunk| mix(sum, word(chunk)));
    mix(sum, word(rest) ^ (bytes.len() as u64) << 56)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_end_is_cut_and_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut segment = Segment::create(folder.path(), 1).unwrap();
        segment.append(b"{\"a\":1}\n", Span::of(1, 10)).unwrap();
        let whole = segment.bytes;
        segment.append(b"{\"a\":2}\n", Span::of(2, 20)).unwrap();
        let bytes = std::fs::read(&segment.path).unwrap();
        for cut in usize::try_from(whole).unwrap()..bytes.len() {
            std::fs::write(&segment.path, &bytes[..cut]).unwrap();
            let found = Segment::open(&segment.path).unwrap();
            assert_eq!((found.bytes, found.span), (whole, Some(Span::of(1, 10))), "{cut}");
        }
        let mut found = Segment::open(&segment.path).unwrap();
        found.append(b"{\"a\":3}\n", Span::of(3, 5)).unwrap();
        let (bytes, blocks, _) = read(&found.path, u64::MAX).unwrap();
        let lines: Vec<_> = blocks.iter().map(|block| block.lines(&bytes).unwrap()).collect();
        assert_eq!(lines, [b"{\"a\":1}\n", b"{\"a\":3}\n"]);
        assert_eq!(found.span, Some(Span { first: 1, last: 3, from_ms: 5, to_ms: 10 }));
        let skimmed = Segment::skim(&found.path).unwrap();
        assert_eq!((skimmed.bytes, skimmed.span), (found.bytes, found.span));
    }

    #[test]
    fn a_flipped_bit_ends_the_segment_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut segment = Segment::create(folder.path(), 1).unwrap();
        segment.append(&b"{\"text\":\"aaaaaaaaaaaaaaaa\"}\n".repeat(9), Span::of(1, 1)).unwrap();
        let bytes = std::fs::read(&segment.path).unwrap();
        for at in MAGIC.len()..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            std::fs::write(&segment.path, &damaged).unwrap();
            assert_eq!(Segment::open(&segment.path).unwrap().span, None, "{at}");
        }
    }
}
