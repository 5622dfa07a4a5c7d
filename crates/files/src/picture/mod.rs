//! Pixels: from the bytes of an original to the bytes of a variant. Blocking, CPU-bound.
//!
//! `decode` reads within limits, `geometry` computes sizes, this module applies the steps,
//! `encode` writes. A result carries no EXIF, so no place and no camera; its orientation has been
//! applied to the pixels. Of an animation the first frame is used.

mod decode;
mod encode;
mod geometry;
mod jpeg;

use fast_image_resize::{ResizeOptions, Resizer};
use image::{DynamicImage, metadata::Orientation};

pub(crate) use decode::Source;

use crate::{Error, Processing, processing::Step};
use geometry::{Area, Plan, Size};

/// The most pixels a step may produce, 32 million; enlarging must not cost what decoding may not.
const RESULT_PIXELS_MAX: u64 = 32_000_000;

/// Applies a processing to an original and returns the bytes of the variant.
///
/// `md5` is that of the original; a description without steps repeats it.
pub(crate) fn process(
    source: Source,
    processing: &Processing,
    md5: &str,
) -> Result<Vec<u8>, Error> {
    let untouched = processing.info && processing.steps.is_empty() && processing.format.is_none();
    if untouched {
        let (format, size, bytes) = (source.format(), source.size(), source.bytes()?);
        let color = encode::mean_color(&source.decode()?.pixels);
        return Ok(encode::describe(format, size, bytes, md5, &color));
    }
    let decoded = source.decode()?;
    let (mut pixels, mut orientation) = (decoded.pixels, decoded.orientation);
    for step in &processing.steps {
        pixels = apply(pixels, orientation, step)?;
        orientation = Orientation::NoTransforms;
    }
    pixels.apply_orientation(orientation);
    let format = processing.format.unwrap_or(decoded.format);
    let quality = encode::jpeg_quality(processing.quality, decoded.jpeg_quality);
    let profile = decoded.color_profile.filter(|_| !processing.strip);
    if !processing.info {
        return encode::write(pixels, format, quality, profile);
    }
    let (size, color) = (Size::of(&pixels), encode::mean_color(&pixels));
    let bytes = encode::write(pixels, format, quality, profile)?;
    Ok(encode::describe(format, size, bytes.len() as u64, &encode::md5_hex(&bytes), &color))
}

/// Applies one step to a picture that still lies as `orientation` says. Scaling comes first, in
/// the coordinates of the stored pixels, because turning the small result is cheaper.
fn apply(
    mut pixels: DynamicImage,
    orientation: Orientation,
    step: &Step,
) -> Result<DynamicImage, Error> {
    if let Step::Turn(quarters) = step {
        pixels.apply_orientation(orientation);
        return Ok(match quarters {
            1 => pixels.rotate90(),
            2 => pixels.rotate180(),
            _ => pixels.rotate270(),
        });
    }
    let seen = Size::of(&pixels).turned(orientation);
    let Plan { keep, size } = geometry::plan(step, seen)?;
    if keep == Area::whole(seen) {
        let stored = size.turned(orientation);
        pixels = resize(pixels, stored, None)?;
        pixels.apply_orientation(orientation);
        return Ok(pixels);
    }
    pixels.apply_orientation(orientation);
    resize(pixels, size, Some(keep))
}

fn resize(pixels: DynamicImage, size: Size, keep: Option<Area>) -> Result<DynamicImage, Error> {
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    let present = Size::of(&pixels);
    if width * height > RESULT_PIXELS_MAX && size != present {
        return Err(Error::PictureTooLarge { width, height });
    }
    let area = keep.unwrap_or_else(|| Area::whole(present));
    if area.is_exact(size) {
        // Nothing is scaled: copy, which keeps every pixel as it was.
        if area == Area::whole(present) {
            return Ok(pixels);
        }
        let (x, y) = area.corner();
        return Ok(pixels.crop_imm(x, y, size.width, size.height));
    }
    let mut target = DynamicImage::new(size.width, size.height, pixels.color());
    let options = ResizeOptions::new().crop(area.left, area.top, area.width, area.height);
    let resized = Resizer::new().resize(&pixels, &mut target, &options);
    resized.map_err(|error| Error::NotAPicture(error.to_string()))?;
    Ok(target)
}
