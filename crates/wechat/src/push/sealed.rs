//! Encrypted messages: AES-256-CBC, padded to 32 bytes, over 16 random bytes, the length, the text
//! and the AppID. It refuses texts of another AppID.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use crate::cipher;

/// WeChat pads to multiples of this, not of the cipher's own 16.
const PADDED_TO: usize = 32;
/// Random bytes and the length before the text.
const HEADER: usize = 20;
/// The 43rd letter carries two bits more than 32 bytes need; real keys set them at will.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The key of an EncodingAESKey.
#[derive(Clone)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// From the 43 letters and digits of the console.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = LENIENT.decode(format!("{}=", text.trim())).ok()?;
        (text.trim().len() == 43).then(|| bytes.try_into().ok().map(Self))?
    }

    /// The text inside, when it opens and is of `app_id`.
    pub(super) fn open(&self, sealed: &str, app_id: &str) -> Option<String> {
        let sealed = STANDARD.decode(sealed.trim()).ok()?;
        let plain = cipher::open_256(&self.0, &self.0[..16], &sealed, PADDED_TO)?;
        let length = u32::from_be_bytes(plain.get(16..HEADER)?.try_into().ok()?);
        let end = HEADER.checked_add(usize::try_from(length).ok()?)?;
        let (text, of) = (plain.get(HEADER..end)?, plain.get(end..)?);
        (of == app_id.as_bytes()).then(|| String::from_utf8(text.to_vec()).ok())?
    }

    /// Seals a text for `app_id`.
    pub(super) fn seal(&self, text: &str, app_id: &str) -> String {
        let mut plain = rand::random::<[u8; 16]>().to_vec();
        plain.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        plain.extend(text.as_bytes());
        plain.extend(app_id.as_bytes());
        let sealed = cipher::seal_256(&self.0, &self.0[..16], plain, PADDED_TO)
            .expect("a key of 32 bytes and an IV of 16");
        STANDARD.encode(sealed)
    }
}
