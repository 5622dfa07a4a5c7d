//! The ciphers WeChat uses: AES in CBC mode, for open data (128 bits) and pushed messages (256
//! bits), and in ECB mode for refund notifications. It refuses to say why a text did not open: that
//! would help whoever tries.

use aes::cipher::{
    Array, BlockCipherDecrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit,
};
use cbc::cipher::block_padding::NoPadding;

/// One AES block, in bytes.
const BLOCK: usize = 16;

/// Opens AES-128-CBC with PKCS#7 padding.
pub(crate) fn open_128(key: &[u8], iv: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let cipher = cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv).ok()?;
    let padded = cipher.decrypt_padded_vec::<NoPadding>(sealed).ok()?;
    without_padding(padded, BLOCK)
}

/// Opens AES-256-CBC with PKCS#7 padding in blocks of `block` bytes.
pub(crate) fn open_256(key: &[u8], iv: &[u8], sealed: &[u8], block: usize) -> Option<Vec<u8>> {
    let cipher = cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv).ok()?;
    let padded = cipher.decrypt_padded_vec::<NoPadding>(sealed).ok()?;
    without_padding(padded, block)
}

/// Seals with AES-256-CBC and PKCS#7 padding in blocks of `block` bytes; `None` when the key does
/// not have 32 bytes or the IV 16.
pub(crate) fn seal_256(key: &[u8], iv: &[u8], mut text: Vec<u8>, block: usize) -> Option<Vec<u8>> {
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(key, iv).ok()?;
    let missing = block - text.len() % block;
    text.extend(std::iter::repeat_n(u8::try_from(missing).ok()?, missing));
    Some(cipher.encrypt_padded_vec::<NoPadding>(&text))
}

/// Opens AES-256-ECB with PKCS#7 padding.
pub(crate) fn open_256_ecb(key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let cipher = aes::Aes256::new_from_slice(key).ok()?;
    let (blocks, rest) = sealed.as_chunks::<BLOCK>();
    if !rest.is_empty() {
        return None;
    }
    let mut text = Vec::with_capacity(sealed.len());
    for block in blocks {
        let mut block = Array::from(*block);
        cipher.decrypt_block(&mut block);
        text.extend_from_slice(&block);
    }
    without_padding(text, BLOCK)
}

/// Seals for the test of the above.
#[cfg(test)]
pub(crate) fn seal_256_ecb(key: &[u8], text: &[u8]) -> Vec<u8> {
    use aes::cipher::BlockCipherEncrypt;
    let cipher = aes::Aes256::new_from_slice(key).unwrap();
    let missing = BLOCK - text.len() % BLOCK;
    let mut padded = text.to_vec();
    padded.extend(std::iter::repeat_n(u8::try_from(missing).unwrap(), missing));
    let (blocks, _) = padded.as_chunks::<BLOCK>();
    let mut sealed = Vec::new();
    for block in blocks {
        let mut block = Array::from(*block);
        cipher.encrypt_block(&mut block);
        sealed.extend_from_slice(&block);
    }
    sealed
}

fn without_padding(mut text: Vec<u8>, block: usize) -> Option<Vec<u8>> {
    let count = usize::from(*text.last()?);
    let rest = text.len().checked_sub(count)?;
    let fits =
        (1..=block).contains(&count) && text[rest..].iter().all(|b| usize::from(*b) == count);
    fits.then(|| {
        text.truncate(rest);
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_a_changed_byte_does_not() {
        let (key, iv) = ([7_u8; 32], [9_u8; 16]);
        for length in [0, 1, 15, 16, 31, 32, 33, 500] {
            let text = vec![b'x'; length];
            let sealed = seal_256(&key, &iv, text.clone(), 32).unwrap();
            assert_eq!(sealed.len() % 32, 0);
            assert_eq!(open_256(&key, &iv, &sealed, 32), Some(text));
            assert_eq!(open_256(&[8; 32], &iv, &sealed, 32), None, "{length}");
        }
        assert_eq!(open_256(&key, &iv, b"short", 32), None);
        assert_eq!(open_256(&key, &iv, b"", 32), None);
        assert_eq!(open_128(b"too short", &iv, &[0; 16]), None);
    }
}
