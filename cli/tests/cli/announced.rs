//! What a result has not that its file announced: gain maps, videos, further pictures, credentials.

use image::ImageFormat;
use inpaint_edge_image::{OutputFormat, Photo};

use crate::codecs::contents;
use crate::metadata::with_xmp;
use crate::support::*;

/// What a phone writes: a gain map and a video behind the picture, and XMP that says so.
const ANNOUNCING: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:Item="http://ns.google.com/photos/1.0/container/item/" xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="kept"><Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" Item:Length="99"/></rdf:li></rdf:Seq></Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"#;

#[test]
fn xmp_of_a_result_announces_only_what_is_there() {
    let folder = Folder::new();
    let mask = folder.mask(16, 24);
    let words = ["hdrgm", "Container", "MotionPhoto", "GainMap"];
    // A packet that is compressed in the PNG, too.
    let mut folded = encoded(&picture(16, 24, image::ColorType::Rgb8), ImageFormat::Png);
    let text = fdeflate::compress_to_vec(ANNOUNCING.as_bytes());
    folded.splice(33..33, chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\x01\0\0\0", &text[..]].concat()));
    let inputs = ["png", "jpg", "webp"].map(|from| (from, with_xmp(from, ANNOUNCING.as_bytes())));
    for (from, bytes) in inputs.into_iter().chain([("folded png", folded)]) {
        for to in ["png", "jpg", "webp", "tif"] {
            let (input, out) = (folder.put("in", &bytes), folder.path(&format!("out.{to}")));
            let output = run(&[&input, &mask, &out]);
            succeeds(&output);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("in: the gain map (Ultra HDR) is not kept\n"), "{said}");
            assert!(said.contains("in: the video of the motion photo is not kept\n"), "{said}");
            let xmp = contents(&out).xmp.unwrap();
            let xmp = String::from_utf8(xmp).unwrap();
            assert_eq!((xmp.len(), xmp.contains("dc:source=\"kept\"")), (ANNOUNCING.len(), true), "{from} to {to}");
            let result = std::fs::read(&out).unwrap();
            for word in words {
                assert!(!result.windows(word.len()).any(|w| w == word.as_bytes()), "{word}, {from} to {to}");
            }
        }
    }
}

/// The packet over two segments says it where the second begins.
#[test]
fn extended_xmp_of_a_result_announces_only_what_is_there() {
    let plain = std::fs::read(kind("grey.jpg")).unwrap();
    let (first, second) = ANNOUNCING.as_bytes().split_at(200);
    let part = |offset: usize, part: &[u8]| {
        let sizes = [ANNOUNCING.len() as u32, offset as u32].map(u32::to_be_bytes).concat();
        segment(0xE1, &[b"http://ns.adobe.com/xmp/extension/\0", &[b'0'; 32], &sizes, part])
    };
    let parts = [part(200, second), part(0, first)].concat();
    let photo = Photo::decode(&[&plain[..2], &parts, &plain[2..]].concat()).unwrap();
    assert_eq!(photo.notes().len(), 2);
    let result = photo.encode(OutputFormat::Jpeg(None)).unwrap();
    let holds = |part: &[u8]| result.windows(part.len()).any(|w| w == part);
    assert!(holds(b"dc:source=\"kept\"") && !holds(b"GainMap") && !holds(b"hdrgm") && !holds(b"MotionPhoto"));
}

#[test]
fn parts_that_are_not_kept_are_noted() {
    let plain = std::fs::read(kind("grey.jpg")).unwrap();
    let notes = |part: &[u8]| {
        let photo = Photo::decode(&[&plain[..2], part, &plain[2..]].concat()).unwrap();
        for format in [OutputFormat::Jpeg(None), OutputFormat::Png, OutputFormat::Tiff, OutputFormat::WebP] {
            let result = photo.encode(format).unwrap();
            assert!(!result.windows(4).any(|w| w == b"c2pa" || w == b"MPF\0"), "{format:?}");
        }
        photo.notes()
    };
    assert_eq!(notes(&segment(0xE2, &[b"MPF\0II*\0"])), ["the pictures behind the first one (MPO) are not kept"]);
    let gain_map = segment(0xE2, &[b"urn:iso:std:iso:ts:21496:-1\0", &[0; 4]]);
    assert_eq!(notes(&[gain_map, segment(0xE2, &[b"MPF\0II*\0"])].concat()), ["the gain map (Ultra HDR) is not kept"]);
    let behind = |what: &[u8]| Photo::decode(&[&plain[..], what].concat()).unwrap().notes();
    let video = ["the video of the motion photo is not kept"];
    let mp4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x0cmdatabcd";
    assert_eq!(behind(mp4), video);
    assert_eq!(behind(&[&b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data"[..], mp4, b"SEFHSEFT"].concat()), video);
    assert!(behind(b"words with ftyp in them").is_empty() && behind(b"ftyp").is_empty());
    let credentials = ["the content credentials (C2PA) no longer hold and are not kept"];
    assert_eq!(notes(&segment(0xEB, &[b"JP\0\x01\0\0\0\x01\0\0\0\x30jumb\0\0\0\x1Ejumdc2pa"])), credentials);
    assert!(notes(&[]).is_empty());
    let png = std::fs::read(kind("plain.png")).unwrap();
    let photo = Photo::decode(&[&png[..33], &chunk(b"caBX", b"jumb c2pa"), &png[33..]].concat()).unwrap();
    assert_eq!(photo.notes(), credentials);
    assert!(!photo.encode(OutputFormat::Png).unwrap().windows(4).any(|w| w == b"c2pa" || w == b"caBX"));
    let mut webp = std::fs::read(kind("lossy.webp")).unwrap();
    webp.extend(b"C2PA\x04\0\0\0c2pa");
    let length = (webp.len() as u32 - 8).to_le_bytes();
    webp[4..8].copy_from_slice(&length);
    assert_eq!(Photo::decode(&webp).unwrap().notes(), credentials);
}
