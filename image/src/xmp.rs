//! XMP packets: reads the orientation, and takes out what announces parts that a result does not have.
//!
//! What is taken out of a packet becomes spaces, so that all the rest stays where it is, byte for byte.

use std::ops::Range;

use image::metadata::Orientation;
use inpaint_edge::{Result, alloc};
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceResolver, PrefixDeclaration, QName, ResolveResult};

const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";
/// Gain maps: of Ultra HDR and of Apple.
const GAIN_MAPS: [&str; 2] = ["http://ns.adobe.com/hdr-gain-map/1.0/", "http://ns.apple.com/HDRGainMap/1.0/"];
/// Lists the pictures and videos behind the main picture, with their lengths.
const CONTAINER: [&str; 2] =
    ["http://ns.google.com/photos/1.0/container/", "http://ns.google.com/photos/1.0/container/item/"];
/// Of this namespace, only properties of a video are taken out: those whose names begin like these.
const CAMERA: &str = "http://ns.google.com/photos/1.0/camera/";
const VIDEO: [&str; 2] = ["MotionPhoto", "MicroVideo"];

/// What a packet announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    pub gain_map: bool,
    pub video: bool,
}

impl Announced {
    /// Whether a property of this name announces something behind the picture; records what.
    fn holds(&mut self, namespace: &str, name: &str) -> bool {
        let gain_map = GAIN_MAPS.contains(&namespace);
        let video = namespace == CAMERA && VIDEO.iter().any(|start| name.starts_with(start));
        self.gain_map |= gain_map;
        self.video |= video;
        gain_map || video || CONTAINER.contains(&namespace)
    }
}

/// Takes out what a packet says about a gain map, a video and further pictures. Returns what that was.
///
/// # Errors
///
/// Limits, where memory cannot be had.
pub(crate) fn quiet(packet: &mut [u8]) -> Result<Announced> {
    alloc::try_alloc(2 * packet.len())?;
    let mut announced = Announced::default();
    let mut silent = Vec::new();
    // Depth inside an element that is taken out, and where that element begins.
    let (mut depth, mut start) = (0, 0);
    walk(packet, |event, resolver, at| {
        match event {
            Event::Start(_) if depth > 0 => depth += 1,
            Event::End(_) if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return alloc::try_push(&mut silent, start..at.end);
                }
            }
            Event::Start(tag) | Event::Empty(tag) if depth == 0 => {
                let (namespace, name) = resolver.resolve_element(tag.name());
                if is_bound(&namespace, |namespace| announced.holds(namespace, name.as_ref())) {
                    match event {
                        Event::Start(_) => (depth, start) = (1, at.start),
                        _ => alloc::try_push(&mut silent, at)?,
                    }
                    return Ok(());
                }
                for (key, value, place) in attributes(tag, at.start) {
                    let is_silent = match key.as_namespace_binding() {
                        Some(PrefixDeclaration::Named(_)) => GAIN_MAPS.iter().chain(&CONTAINER).any(|ns| *ns == value),
                        Some(PrefixDeclaration::Default) => false,
                        None => {
                            let (namespace, name) = resolver.resolve_attribute(key);
                            is_bound(&namespace, |namespace| announced.holds(namespace, name.as_ref()))
                        }
                    };
                    if is_silent {
                        alloc::try_push(&mut silent, place)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    // An element that does not end.
    if depth > 0 {
        alloc::try_push(&mut silent, start..packet.len())?;
    }
    silent.into_iter().for_each(|part| packet[part].fill(b' '));
    Ok(announced)
}

/// The value of `tiff:Orientation`, as an attribute or as an element.
pub(crate) fn orientation(packet: &[u8]) -> Option<Orientation> {
    alloc::try_alloc(2 * packet.len()).ok()?;
    let is_orientation = |(namespace, name): (ResolveResult, quick_xml::name::LocalName)| {
        is_bound(&namespace, |namespace| namespace == TIFF) && name.as_ref() == "Orientation"
    };
    let (mut found, mut is_inside) = (None, false);
    let mut set = |text: &str| found = found.or_else(|| Orientation::from_exif(text.trim().parse().ok()?));
    let done = walk(packet, |event, resolver, at| {
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                is_inside = is_orientation(resolver.resolve_element(tag.name()));
                for (key, value, _) in attributes(tag, at.start) {
                    if key.as_namespace_binding().is_none() && is_orientation(resolver.resolve_attribute(key)) {
                        set(value);
                    }
                }
            }
            Event::Text(text) if is_inside => set(text),
            _ => is_inside = false,
        }
        Ok(())
    });
    done.ok()?;
    found
}

fn is_bound(namespace: &ResolveResult, holds: impl FnOnce(&str) -> bool) -> bool {
    match namespace {
        ResolveResult::Bound(Namespace(namespace)) => holds(namespace),
        _ => false,
    }
}

/// Calls `look` with each event of a packet and its place, as far as the packet is XML in UTF-8.
fn walk(packet: &[u8], mut look: impl FnMut(&Event, &NamespaceResolver, Range<usize>) -> Result<()>) -> Result<()> {
    let valid = str::from_utf8(packet).map_or_else(|e| e.valid_up_to(), str::len);
    let Ok(text) = str::from_utf8(&packet[..valid]) else { return Ok(()) };
    let mut reader = NsReader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut start = 0;
    loop {
        match reader.read_event() {
            Ok(Event::Eof) | Err(_) => return Ok(()),
            Ok(event) => {
                let end = reader.buffer_position() as usize;
                look(&event, reader.resolver(), start..end)?;
                start = end;
            }
        }
    }
}

/// The attributes of a tag that begins at `start`: name, value and place.
fn attributes<'t>(tag: &'t BytesStart, start: usize) -> impl Iterator<Item = (QName<'t>, &'t str, Range<usize>)> {
    let raw = tag.attributes_raw();
    let place = move |part: &str| part.as_ptr() as usize - raw.as_ptr() as usize;
    // Behind the angle bracket and the name.
    let first = start + 1 + tag.name().as_ref().len();
    let mut attributes = tag.attributes();
    attributes.with_checks(false);
    attributes.map_while(std::result::Result::ok).filter_map(move |attribute| {
        let std::borrow::Cow::Borrowed(value) = attribute.value else { return None };
        // The quote that ends it included.
        let (from, to) = (place(attribute.key.as_ref()), place(value) + value.len() + 1);
        Some((attribute.key, value, first + from..first + to))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: &str = r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:g="http://ns.adobe.com/hdr-gain-map/1.0/" g:Version='1.0' xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="a>b"
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" GCamera:Other="2"
 xmlns:C="http://ns.google.com/photos/1.0/container/" xmlns:I="http://ns.google.com/photos/1.0/container/item/">
<C:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><C:Item I:Semantic="GainMap"/></rdf:li></rdf:Seq></C:Directory>
<GCamera:MicroVideoOffset>12</GCamera:MicroVideoOffset><dc:title>ä</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"#;

    #[test]
    fn announcements_become_spaces_and_the_rest_stays() {
        let mut packet = PACKET.as_bytes().to_vec();
        assert_eq!(quiet(&mut packet).unwrap(), Announced { gain_map: true, video: true });
        let gone = [
            r#"xmlns:g="http://ns.adobe.com/hdr-gain-map/1.0/""#,
            "g:Version='1.0'",
            r#"GCamera:MotionPhoto="1""#,
            r#"xmlns:C="http://ns.google.com/photos/1.0/container/""#,
            r#"xmlns:I="http://ns.google.com/photos/1.0/container/item/""#,
            &PACKET[PACKET.find("<C:Dir").unwrap()..PACKET.find("\n<GCamera").unwrap()],
            "<GCamera:MicroVideoOffset>12</GCamera:MicroVideoOffset>",
        ];
        let expected = gone.iter().fold(PACKET.to_owned(), |text, part| text.replace(part, &" ".repeat(part.len())));
        assert_eq!(String::from_utf8(packet.clone()).unwrap(), expected);
        assert_eq!(quiet(&mut packet).unwrap(), Announced::default());
        assert_eq!(String::from_utf8(packet).unwrap(), expected);
    }

    #[test]
    fn damaged_packets_are_read_as_far_as_they_go() {
        for end in 0..PACKET.len() {
            let mut packet = PACKET.as_bytes()[..end].to_vec();
            quiet(&mut packet).unwrap();
            assert_eq!(packet.len(), end);
            assert_eq!(orientation(&packet), None);
        }
        assert_eq!(quiet(&mut [0xFF, b'<', b'a']).unwrap(), Announced::default());
    }

    #[test]
    fn orientation_is_an_attribute_or_an_element() {
        let of =
            |body: &str| orientation(format!(r#"<r xmlns:t="http://ns.adobe.com/tiff/1.0/" {body}</r>"#).as_bytes());
        assert_eq!(of(r#"t:Orientation="6">"#), Some(Orientation::Rotate90));
        assert_eq!(of("><t:Orientation>3</t:Orientation>"), Some(Orientation::Rotate180));
        assert_eq!(of("><t:Orientation> </t:Orientation>8"), None);
        assert_eq!(of(r#"u:Orientation="6">"#), None);
        assert_eq!(of(r#"t:Orientation="9">"#), None);
    }
}
