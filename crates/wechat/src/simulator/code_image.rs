//! The picture of a mini-program code: a scannable QR code as JPEG, as WeChat sends its codes.
//! What the code says is decided by the platform through [`CodeText`].

use std::sync::Arc;

use bytes::Bytes;
use fast_qr::{ECL, QRBuilder};
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, code};

/// Width of the picture when none is asked, in pixels.
pub(super) const WIDTH_DEFAULT_PX: u32 = 430;
/// The narrowest picture; less is widened, as WeChat does.
pub(super) const WIDTH_MIN_PX: u32 = 280;
/// The widest picture; more is narrowed.
pub(super) const WIDTH_MAX_PX: u32 = 1280;
/// The white margin that scanners need, in modules.
const QUIET_ZONE_MODULES: u32 = 4;
/// JPEG quality; sharp edges need a high one.
const JPEG_QUALITY: u8 = 92;

/// What has to be escaped inside a value of a query string.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Turns what a mini-program code means into the text that its picture holds.
pub type CodeText = Arc<dyn Fn(&CodeContent) -> String + Send + Sync>;

/// What a mini-program code means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeContent {
    /// The mini program.
    pub app_id: String,
    /// The page it opens, without leading `/` and query; empty means the first page.
    pub page: String,
    /// The page's query string, without `?` (`wxacode.get`, `wxacode.createQRCode`).
    pub query: String,
    /// The scene (`wxacode.getUnlimited`); empty otherwise.
    pub scene: String,
    /// `release`, `trial` or `develop`.
    pub env_version: String,
}

/// `yunkai-sim://wxacode?appid=…&page=…&scene=…`, values percent-encoded.
pub fn default_code_text(content: &CodeContent) -> String {
    let mut text = String::from("yunkai-sim://wxacode?appid=");
    text.extend(utf8_percent_encode(&content.app_id, COMPONENT));
    for (name, value) in
        [("page", &content.page), ("query", &content.query), ("scene", &content.scene)]
    {
        if name != "query" || !value.is_empty() {
            text.push('&');
            text.push_str(name);
            text.push('=');
            text.extend(utf8_percent_encode(value, COMPONENT));
        }
    }
    text
}

/// A square JPEG of about `width_px` pixels whose QR code says `text`.
///
/// # Errors
/// [`code::INVALID_PATH`] when the text is longer than a QR code holds.
pub(super) fn draw(text: &str, width_px: u32) -> Result<Bytes, Error> {
    let too_long = |_| {
        Error::new(
            code::INVALID_PATH,
            "the text is too long for a code; shorten the page or its query. \
             / 内容过长，无法生成码，请缩短页面路径或参数。",
        )
    };
    let qr = QRBuilder::new(text).ecl(ECL::M).build().map_err(too_long)?;
    let modules = u32::try_from(qr.size).unwrap_or(u32::MAX);
    let width_px = width_px.clamp(WIDTH_MIN_PX, WIDTH_MAX_PX);
    let module_px = (width_px / (modules + 2 * QUIET_ZONE_MODULES)).max(1);
    let margin_px = (width_px - modules * module_px) / 2;
    let side = width_px as usize;
    let mut pixels = vec![255_u8; side * side];
    for (number, line) in pixels.chunks_exact_mut(side).enumerate() {
        let Some(row) = module_at(number, margin_px, module_px, qr.size) else { continue };
        for (x, pixel) in line.iter_mut().enumerate() {
            if let Some(column) = module_at(x, margin_px, module_px, qr.size)
                && qr[row][column].value()
            {
                *pixel = 0;
            }
        }
    }
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .encode(&pixels, width_px, width_px, ExtendedColorType::L8)
        .map_err(|error| Error::new(code::BUSY, error.to_string()))?;
    Ok(jpeg.into())
}

/// The module that covers this pixel of a row or column; none in the margin.
fn module_at(pixel: usize, margin_px: u32, module_px: u32, modules: usize) -> Option<usize> {
    let module = pixel.checked_sub(margin_px as usize)? / module_px as usize;
    (module < modules).then_some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_of_the_code_can_be_read_back_from_the_jpeg() {
        let long = "https://album.example/?scene=".to_owned() + &"x".repeat(900);
        for (text, width_px) in [("yunkai-sim://wxacode?scene=a", 280), ("b", 430), (&long, 1280)] {
            let jpeg = draw(text, width_px).unwrap();
            let picture = image::load_from_memory(&jpeg).unwrap().to_luma8();
            assert_eq!(picture.dimensions(), (width_px, width_px));
            let qr = QRBuilder::new(text).ecl(ECL::M).build().unwrap();
            let modules = u32::try_from(qr.size).unwrap();
            let module_px = width_px / (modules + 8);
            let margin_px = (width_px - modules * module_px) / 2;
            assert!(margin_px >= 4 * module_px, "the quiet zone is too narrow");
            for row in 0..modules {
                for column in 0..modules {
                    let x = margin_px + column * module_px + module_px / 2;
                    let y = margin_px + row * module_px + module_px / 2;
                    let dark = picture.get_pixel(x, y).0[0] < 128;
                    assert_eq!(dark, qr[row as usize][column as usize].value(), "{row} {column}");
                }
            }
        }
    }

    #[test]
    fn the_default_text_escapes_what_would_end_a_value() {
        let content = CodeContent {
            app_id: "wx1".into(),
            page: "pages/a&b".into(),
            query: String::new(),
            scene: "id=1&云".into(),
            env_version: "release".into(),
        };
        assert_eq!(
            default_code_text(&content),
            "yunkai-sim://wxacode?appid=wx1&page=pages%2Fa%26b&scene=id%3D1%26%E4%BA%91"
        );
    }

    #[test]
    fn a_text_that_no_code_can_hold_is_refused() {
        assert_eq!(draw(&"x".repeat(5000), 430).unwrap_err().errcode, code::INVALID_PATH);
    }
}
