//! Profiles in PNG text chunks, in hexadecimal digits, as ImageMagick writes them. EXIF is read, others may be carried.

use fdeflate::Decompressor;
use inpaint_edge::{Result, alloc};

use crate::limits::{MAX_METADATA, check_metadata};

/// The start of the keywords of such chunks.
const KEYWORD: &[u8] = b"Raw profile type ";

/// The EXIF block of a tEXt or zTXt chunk, if it has a sound one.
///
/// # Errors
///
/// Limits, where memory cannot be had.
pub(crate) fn exif(kind: &[u8; 4], chunk: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(profile) = chunk.strip_prefix(KEYWORD) else { return Ok(None) };
    let names: [&[u8]; 2] = [b"exif\0", b"APP1\0"];
    let Some(text) = names.iter().find_map(|name| profile.strip_prefix(*name)) else { return Ok(None) };
    let exif = match (kind, text) {
        (b"tEXt", text) => decoded(text)?,
        // Behind the method of compression.
        (b"zTXt", [_, folded @ ..]) => {
            alloc::try_alloc(MAX_METADATA)?;
            match fdeflate::decompress_to_vec_bounded(folded, MAX_METADATA) {
                Ok(text) => decoded(&text)?,
                Err(_) => None,
            }
        }
        _ => None,
    };
    // An APP1 segment may hold XMP as well.
    Ok(exif.filter(|exif| exif.starts_with(b"Exif\0\0") || exif.starts_with(b"II*\0") || exif.starts_with(b"MM\0*")))
}

/// Whether a text chunk is a profile that may hold a thumbnail, which still shows what was removed from the photograph.
pub(crate) fn may_hold_thumbnail(kind: &[u8; 4], chunk: &[u8]) -> bool {
    let profile = chunk.strip_prefix(KEYWORD).unwrap_or_default();
    match profile.strip_prefix(b"iptc\0") {
        Some(text) => !is_iptc_alone(kind, text),
        None => [&b"8bim\0"[..], b"exif\0", b"APP1\0"].iter().any(|name| profile.starts_with(name)),
    }
}

/// Whether a profile named IPTC holds IPTC alone: GraphicsMagick puts all of Photoshop's resources under that name.
fn is_iptc_alone(kind: &[u8; 4], text: &[u8]) -> bool {
    let mut start = [0; 64];
    let text = match (kind, text) {
        (b"tEXt", text) => text,
        // Behind the method of compression.
        (b"zTXt", [_, folded @ ..]) if Decompressor::new().read(folded, &mut start, 0, true).is_ok() => &start,
        _ => return false,
    };
    // Lines: none, the name, the length, digits.
    text.split(|byte| *byte == b'\n').nth(3).is_some_and(|digits| digits.starts_with(b"1c"))
}

/// Decodes a profile: a name, the number of bytes, then two digits for each, in lines.
fn decoded(text: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let length = words.nth(1).and_then(|word| str::from_utf8(word).ok()?.parse().ok());
    let Some(length) = length else { return Ok(None) };
    check_metadata(length)?;
    let mut bytes = alloc::try_with_capacity(length)?;
    let mut digits = words.flatten().map(|digit| char::from(*digit).to_digit(16));
    while let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) {
        if bytes.len() == length {
            return Ok(None);
        }
        bytes.push((16 * high + low) as u8);
    }
    Ok((bytes.len() == length).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exif_in_digits_is_read_only_if_complete() {
        let of = |text: &str| exif(b"tEXt", format!("Raw profile type exif\0{text}").as_bytes()).unwrap();
        assert_eq!(of("\nexif\n       8\n49492a00\n08000000\n"), Some(b"II*\0\x08\0\0\0".to_vec()));
        assert_eq!(of("\nexif\n 14\n45786966000049492a0008000000"), Some(b"Exif\0\0II*\0\x08\0\0\0".to_vec()));
        for damaged in [
            "",
            "\nexif\n",
            "\nexif\n8\n49492a00",
            "\nexif\n4\n49492a0008",
            "\nexif\n4\n4949zz00",
            "\nexif\n4\nffd8ffe0",
        ] {
            assert_eq!(of(damaged), None, "{damaged:?}");
        }
    }
}
