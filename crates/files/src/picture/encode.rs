//! Encoding results, and describing them.

use image::{
    DynamicImage, ImageEncoder, ImageError, Pixel as _, Rgb, RgbImage,
    codecs::{
        bmp::BmpEncoder, gif::GifEncoder, jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder,
    },
};
use md5::{Digest, Md5};

use super::geometry::Size;
use crate::{
    Error,
    processing::{Format, Quality},
};

/// The quality of a JPEG whose original was none.
const JPEG_QUALITY: u8 = 85;

/// What "as the original" means at most: beyond it files grow and nobody sees why.
const JPEG_QUALITY_SAME_MAX: u8 = 90;

/// The quality to encode with; `original` is that of the original when it is a JPEG.
pub(super) fn jpeg_quality(wanted: Quality, original: Option<u8>) -> u8 {
    let known = original.unwrap_or(JPEG_QUALITY);
    match wanted {
        Quality::Same => known.min(JPEG_QUALITY_SAME_MAX),
        Quality::AtMost(quality) => original.map_or(quality, |original| original.min(quality)),
        Quality::Exactly(quality) => quality,
        Quality::AtLeast(quality) => known.max(quality),
        Quality::Percent(percent) => {
            let quality = u16::from(known) * u16::from(percent) / 100;
            u8::try_from(quality.clamp(1, 100)).unwrap_or(JPEG_QUALITY)
        }
    }
}

/// Encodes pixels (RGB or RGBA). Nothing but the colour profile is written beside them.
pub(super) fn write(
    pixels: DynamicImage,
    format: Format,
    jpeg_quality: u8,
    color_profile: Option<Vec<u8>>,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let written = match format {
        Format::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, jpeg_quality);
            with_profile(&on_white(pixels), encoder, color_profile)
        }
        Format::Png => with_profile(&pixels, PngEncoder::new(&mut bytes), color_profile),
        Format::WebP => with_profile(&pixels, WebPEncoder::new_lossless(&mut bytes), color_profile),
        Format::Bmp => with_profile(&pixels, BmpEncoder::new(&mut bytes), None),
        Format::Gif => {
            let frame = image::Frame::new(pixels.into_rgba8());
            GifEncoder::new_with_speed(&mut bytes, 10).encode_frame(frame)
        }
    };
    written.map_err(|error| Error::NotAPicture(error.to_string()))?;
    Ok(bytes)
}

fn with_profile(
    pixels: &DynamicImage,
    mut encoder: impl ImageEncoder,
    color_profile: Option<Vec<u8>>,
) -> Result<(), ImageError> {
    if let Some(profile) = color_profile {
        // An encoder that cannot hold a profile writes the same pixels without.
        let _ = encoder.set_icc_profile(profile);
    }
    pixels.write_with_encoder(encoder)
}

/// JPEG has no transparency; what was see-through becomes white, as pages are.
fn on_white(pixels: DynamicImage) -> DynamicImage {
    let DynamicImage::ImageRgba8(pixels) = pixels else { return pixels };
    let mut flat = RgbImage::new(pixels.width(), pixels.height());
    for (target, source) in flat.pixels_mut().zip(pixels.pixels()) {
        let alpha = u16::from(source[3]);
        let blend = |channel: u8| (u16::from(channel) * alpha + 255 * (255 - alpha)) / 255;
        *target = source.to_rgb();
        target.apply(|channel| u8::try_from(blend(channel)).unwrap_or(u8::MAX));
    }
    DynamicImage::ImageRgb8(flat)
}

/// The mean colour as the description shows it: `0x` and six hex digits.
pub(super) fn mean_color(pixels: &DynamicImage) -> String {
    let bytes = pixels.as_bytes();
    let channels = usize::from(pixels.color().channel_count());
    let mut sums = [0_u64; 3];
    for pixel in bytes.chunks_exact(channels) {
        for (sum, channel) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(*channel);
        }
    }
    let count = (bytes.len() / channels).max(1) as u64;
    let Rgb([red, green, blue]) = Rgb(sums.map(|sum| u8::try_from(sum / count).unwrap_or(u8::MAX)));
    format!("0x{red:02x}{green:02x}{blue:02x}")
}

pub(super) fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// The answer to `imageInfo`, whose numbers are strings on the platform (protocol 04 §4).
pub(super) fn describe(
    format: Format,
    size: Size,
    bytes: u64,
    md5: &str,
    mean_color: &str,
) -> Vec<u8> {
    let format = match format {
        Format::Jpeg => "jpeg",
        Format::Png => "png",
        Format::WebP => "webp",
        Format::Gif => "gif",
        Format::Bmp => "bmp",
    };
    let description = serde_json::json!({
        "format": format,
        "width": size.width.to_string(),
        "height": size.height.to_string(),
        "size": bytes.to_string(),
        "md5": md5,
        "photo_rgb": mean_color,
    });
    description.to_string().into_bytes()
}
