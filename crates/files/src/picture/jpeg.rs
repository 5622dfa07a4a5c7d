//! The header of a JPEG: its size, and how well it was encoded.

use std::io::{self, BufRead, ErrorKind, Seek};

use super::{decode::not_a_picture, geometry::Size};
use crate::Error;

/// The most segments looked at before the picture itself must begin.
const SEGMENTS_MAX: usize = 2_000;

/// The most bytes that belong to nothing between two segments.
const STRAY_BYTES_MAX: u32 = 65_536;

/// The sum of the luminance table of the standard (ITU-T T.81, table K.1), which encoders scale.
const STANDARD_TABLE_SUM: u32 = 3_688;

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) size: Size,
    /// 1 to 100 as libjpeg counts, estimated from the luminance table; `None` without one.
    pub(super) quality: Option<u8>,
}

/// Reads from the first byte up to the first scan; tables may stand on both sides of the frame
/// header. Fails with [`Error::NotAPicture`].
pub(super) fn read_header(reader: &mut (impl BufRead + Seek)) -> Result<Header, Error> {
    match scan(reader) {
        Ok(Some(header)) => Ok(header),
        Ok(None) => Err(not_a_picture("a JPEG without a frame header")),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(not_a_picture("a JPEG that ends in its header"))
        }
        Err(error) => Err(error.into()),
    }
}

fn scan(reader: &mut (impl BufRead + Seek)) -> io::Result<Option<Header>> {
    let (mut size, mut quality) = (None, None);
    let [_, _] = read(reader)?; // FF D8, seen before
    for _ in 0..SEGMENTS_MAX {
        let marker = next_marker(reader)?;
        match marker {
            // Markers without a body: fill, restart, start.
            0x01 | 0xD0..=0xD8 => continue,
            // The pixels, or the end.
            0xD9 | 0xDA => return Ok(size.map(|size| Header { size, quality })),
            _ => {}
        }
        let length = i64::from(u16::from_be_bytes(read(reader)?)) - 2;
        if length < 0 {
            return Ok(None);
        }
        match marker {
            0xDB => {
                let mut body = vec![0; usize::try_from(length).unwrap_or_default()];
                reader.read_exact(&mut body)?;
                quality = quality.or_else(|| luminance_quality(&body));
            }
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                let mut body = vec![0; usize::try_from(length).unwrap_or_default()];
                reader.read_exact(&mut body)?;
                let [_precision, h1, h0, w1, w0, ..] = body[..] else { return Ok(None) };
                let height = u32::from(u16::from_be_bytes([h1, h0]));
                let width = u32::from(u16::from_be_bytes([w1, w0]));
                size = size.or(Some(Size { width, height }));
            }
            _ => reader.seek_relative(length)?,
        }
    }
    Ok(None)
}

/// Skips to the byte after `FF`, past padding and, as decoders do, past stray bytes.
fn next_marker(reader: &mut impl BufRead) -> io::Result<u8> {
    for _ in 0..STRAY_BYTES_MAX {
        let mut byte = read::<1>(reader)?[0];
        if byte == 0xFF {
            while byte == 0xFF {
                byte = read::<1>(reader)?[0];
            }
            if byte != 0 {
                return Ok(byte);
            }
        }
    }
    Err(ErrorKind::UnexpectedEof.into())
}

fn read<const N: usize>(reader: &mut impl BufRead) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Finds table 0 in the body of a DQT segment and inverts libjpeg's scaling of it.
fn luminance_quality(mut body: &[u8]) -> Option<u8> {
    loop {
        let (head, rest) = body.split_first()?;
        let wide = head >> 4 != 0;
        let length = if wide { 128 } else { 64 };
        let (table, rest) = rest.split_at_checked(length)?;
        if head & 0x0F != 0 {
            body = rest;
            continue;
        }
        let sum: u32 = if wide {
            table
                .chunks_exact(2)
                .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
                .sum()
        } else {
            table.iter().map(|entry| u32::from(*entry)).sum()
        };
        let scale = (sum * 100 / STANDARD_TABLE_SUM).max(1);
        let quality = if scale <= 100 { (200 - scale) / 2 } else { 5_000 / scale };
        return u8::try_from(quality.clamp(1, 100)).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{RgbImage, codecs::jpeg::JpegEncoder};

    use super::*;

    #[test]
    fn the_quality_an_encoder_used_is_found_again() {
        for quality in [25, 50, 60, 75, 80, 85, 90, 95, 100] {
            let mut jpeg = Vec::new();
            let encoder = JpegEncoder::new_with_quality(&mut jpeg, quality);
            RgbImage::new(30, 20).write_with_encoder(encoder).unwrap();
            let header = read_header(&mut Cursor::new(jpeg)).unwrap();
            assert_eq!(header.size, Size { width: 30, height: 20 });
            let found = header.quality.unwrap();
            assert!(found.abs_diff(quality) <= 1, "{quality} read as {found}");
        }
    }
}
