//! Recognises the format of a file, and names the kinds of files that are not read.

use std::borrow::Cow;

use image::ImageFormat;
use inpaint_edge::{Error, Result};

/// The formats that are read, for messages.
const READ: &str = "PNG, JPEG, WebP, TIFF, GIF, BMP, PNM or QOI";

/// The format of a file that begins with `start`; `bytes` is its length, where it is known.
///
/// # Errors
///
/// Input, naming the kind of file, if it is not one that is read.
pub(crate) fn format_of(start: &[u8], bytes: Option<u64>) -> Result<ImageFormat> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Pnm, Qoi, Tiff, WebP};
    match image::guess_format(start) {
        Ok(format @ (Png | Jpeg | WebP | Tiff | Gif | Bmp | Pnm | Qoi)) => Ok(format),
        // BigTIFF, which the `image` crate does not recognise.
        _ if start.starts_with(b"II+\0") || start.starts_with(b"MM\0+") => Ok(Tiff),
        _ => Err(Error::input(format!("expected a picture in {READ}, found {}", found(start, bytes)))),
    }
}

/// Names a kind of file that is not read, and a command that converts it.
fn found(start: &[u8], bytes: Option<u64>) -> Cow<'static, str> {
    const RAW: &str = "a raw camera file; a raw developer makes a picture of it";
    if bytes == Some(0) || start.is_empty() {
        return "an empty file".into();
    }
    if start.starts_with(b"version https://git-lfs") {
        return "a Git LFS pointer; `git lfs pull` fetches the picture it stands for".into();
    }
    if start.starts_with(b"FUJIFILMCCD-RAW") || start.get(4..12) == Some(b"ftypcrx ") {
        return RAW.into();
    }
    if start.get(4..8) == Some(b"ftyp") && matches!(start.get(8..12), Some(b"heix" | b"hevc" | b"hevx" | b"msf1")) {
        return known("heif").expect("it is in the table").into();
    }
    let text = String::from_utf8_lossy(&start[..start.len().min(512)]);
    if text.contains("<svg") {
        return "an SVG drawing; `rsvg-convert IN -o out.png` makes a PNG of it".into();
    }
    if let Some(kind) = infer::get(start) {
        let ending = kind.extension();
        return known(ending).map_or_else(|| format!("a file of type {}", kind.mime_type()).into(), Cow::Borrowed);
    }
    let is_text = start.len() >= 16 && !start[..start.len().min(512)].iter().any(|byte| *byte == 0 || *byte >= 0x80);
    match (is_text, bytes) {
        (true, _) => "text".into(),
        (_, Some(bytes)) => format!("a file of {bytes} bytes of another or no known kind").into(),
        _ => "data of another or no known kind".into(),
    }
}

/// The kind of file that usually has this ending. Every command was tried with a file of its kind.
fn known(ending: &str) -> Option<&'static str> {
    Some(match ending {
        "heif" => "HEIC; `heif-convert IN out.png` makes a PNG of it",
        "avif" => "AVIF; `avifdec IN out.png` makes a PNG of it",
        "jxl" => "JPEG XL; `djxl IN out.png` makes a PNG of it",
        "jp2" => "JPEG 2000; `opj_decompress -i IN -o out.png` makes a PNG of it",
        "psd" => "a Photoshop document; `convert 'IN[0]' out.png` makes a PNG of it",
        "ico" => "an icon; `convert 'IN[0]' out.png` makes a PNG of its first picture",
        "jxr" => "JPEG XR; `JxrDecApp -i IN -o out.tif` makes a TIFF of it",
        "pdf" => "a PDF document; `pdftoppm -r 300 -png IN out` makes a PNG of each page",
        "html" => "a web page",
        "mp4" | "mov" | "mkv" | "webm" | "avi" => {
            "a video; `ffmpeg -i IN -frames:v 1 out.png` makes a PNG of its first picture"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_are_not_read_are_named() {
        let isobmff = |brand: &[u8; 4]| [b"\0\0\0\x18ftyp", &brand[..], b"\0\0\0\0", &brand[..], b"mif1"].concat();
        for (start, name) in [
            (isobmff(b"heic"), "HEIC"),
            (isobmff(b"heix"), "HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic".to_vec(), "HEIC"),
            (isobmff(b"avif"), "AVIF"),
            (isobmff(b"crx "), "raw camera"),
            (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ".to_vec(), "JPEG XL"),
            (b"\xff\x0a\xfa\x1f".to_vec(), "JPEG XL"),
            (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ".to_vec(), "JPEG 2000"),
            (b"8BPS\0\x01\0\0\0\0\0\0\0\x03".to_vec(), "Photoshop"),
            (b"\0\0\x01\0\x01\0".to_vec(), "icon"),
            (b"%PDF-1.7\n".to_vec(), "PDF"),
            (b"<?xml version=\"1.0\"?><svg xmlns=\"\">".to_vec(), "SVG"),
            (b"<!DOCTYPE html><html>".to_vec(), "web page"),
            (b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "Git LFS"),
            (b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), "application/zip"),
            (b"no picture at all, but words".to_vec(), "text"),
            (b"\x01\x02\x03\x04".to_vec(), "4 bytes"),
            (Vec::new(), "an empty file"),
        ] {
            let message = format_of(&start, Some(start.len() as u64)).unwrap_err().to_string();
            assert!(message.contains(name), "{name:?} expected in {message:?}");
        }
    }
}
