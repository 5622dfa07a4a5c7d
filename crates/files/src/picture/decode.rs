//! Decoding within limits: the header is looked at before any pixel is, and again by the decoder.

use std::{
    fs::File,
    io::{BufReader, Seek as _, SeekFrom},
};

use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits,
    metadata::Orientation,
};

use super::{geometry::Size, jpeg};
use crate::{Error, processing::Format};

/// The most pixels of an original, 64 million: photographs, not posters.
const PIXELS_MAX: u64 = 64_000_000;

/// The most memory a decoder may ask for, in bytes, where it keeps to a limit: 16 bits in each of
/// four channels of [`PIXELS_MAX`].
const DECODER_BYTES_MAX: u64 = PIXELS_MAX * 8;

/// Colour profiles beyond this are dropped; real ones have a few kilobytes.
const PROFILE_BYTES_MAX: usize = 256 * 1024;

/// An original whose header was read and found acceptable.
pub(crate) struct Source {
    reader: BufReader<File>,
    image_format: ImageFormat,
    format: Format,
    size: Size,
    jpeg_quality: Option<u8>,
}

/// The pixels of an original, 8 bits per channel, RGB or RGBA, and how to present them.
pub(super) struct Decoded {
    pub(super) pixels: DynamicImage,
    pub(super) orientation: Orientation,
    pub(super) format: Format,
    pub(super) jpeg_quality: Option<u8>,
    /// An ICC profile for RGB; without it the colours of phones look washed out.
    pub(super) color_profile: Option<Vec<u8>>,
}

impl Source {
    /// Reads the header. Fails with [`Error::NotAPicture`] or [`Error::PictureTooLarge`].
    pub(crate) fn open(reader: BufReader<File>) -> Result<Self, Error> {
        let mut guessed = ImageReader::new(reader).with_guessed_format()?;
        guessed.limits(limits());
        let image_format = guessed.format().ok_or_else(|| not_a_picture("unknown format"))?;
        let format = match image_format {
            ImageFormat::Jpeg => Format::Jpeg,
            ImageFormat::Png => Format::Png,
            ImageFormat::WebP => Format::WebP,
            ImageFormat::Gif => Format::Gif,
            ImageFormat::Bmp => Format::Bmp,
            other => return Err(not_a_picture(&format!("{other:?} is not supported"))),
        };
        let mut reader = guessed.into_inner();
        reader.rewind()?;
        let (size, jpeg_quality) = if format == Format::Jpeg {
            // The decoder would read the whole file into memory to tell its size.
            let header = jpeg::read_header(&mut reader)?;
            (header.size, header.quality)
        } else {
            let mut probe = ImageReader::with_format(&mut reader, image_format);
            probe.limits(limits());
            let (width, height) = probe.into_dimensions().map_err(sort_error)?;
            (Size { width, height }, None)
        };
        check(size)?;
        reader.seek(SeekFrom::Start(0))?;
        Ok(Self { reader, image_format, format, size, jpeg_quality })
    }

    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.size.width) * u64::from(self.size.height)
    }

    /// The size as stored, before any orientation.
    pub(super) fn size(&self) -> Size {
        self.size
    }

    pub(super) fn format(&self) -> Format {
        self.format
    }

    pub(super) fn bytes(&self) -> Result<u64, Error> {
        Ok(self.reader.get_ref().metadata()?.len())
    }

    /// Decodes the pixels: the first frame of an animation.
    pub(super) fn decode(self) -> Result<Decoded, Error> {
        let mut reader = ImageReader::with_format(self.reader, self.image_format);
        reader.limits(limits());
        let mut decoder = reader.into_decoder().map_err(sort_error)?;
        let (width, height) = decoder.dimensions();
        check(Size { width, height })?;
        // A damaged EXIF block is no reason to refuse the picture.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let color_profile = decoder.icc_profile().ok().flatten().filter(|profile| {
            profile.len() <= PROFILE_BYTES_MAX && profile.get(16..20) == Some(b"RGB ")
        });
        let pixels = DynamicImage::from_decoder(decoder).map_err(sort_error)?;
        let pixels = if pixels.color().has_alpha() {
            DynamicImage::ImageRgba8(pixels.into_rgba8())
        } else {
            DynamicImage::ImageRgb8(pixels.into_rgb8())
        };
        let (format, jpeg_quality) = (self.format, self.jpeg_quality);
        Ok(Decoded { pixels, orientation, format, jpeg_quality, color_profile })
    }
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    limits
}

fn check(size: Size) -> Result<(), Error> {
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    if width == 0 || height == 0 {
        return Err(not_a_picture("it has no pixels"));
    }
    if width * height > PIXELS_MAX {
        return Err(Error::PictureTooLarge { width, height });
    }
    Ok(())
}

pub(super) fn not_a_picture(reason: &str) -> Error {
    Error::NotAPicture(reason.to_owned())
}

fn sort_error(error: ImageError) -> Error {
    match error {
        ImageError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            error.into()
        }
        other => Error::NotAPicture(other.to_string()),
    }
}
