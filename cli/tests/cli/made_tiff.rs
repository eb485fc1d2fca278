//! TIFFs of any fields, made by hand.

/// Values of a tag.
#[derive(Clone)]
pub enum Values {
    Shorts(Vec<u16>),
    Longs(Vec<u32>),
    /// Of a kind of single bytes, or of RATIONAL.
    Bytes(u16, Vec<u8>),
    /// A directory.
    Below(Fields),
}
pub use Values::{Below, Bytes, Longs, Shorts};

pub const ASCII: u16 = 2;
pub const RATIONAL: u16 = 5;
pub const UNDEFINED: u16 = 7;

pub type Fields = Vec<(u16, Values)>;

/// A TIFF that begins with these four bytes, of one picture: a strip a slice of pixels, and its fields.
pub fn tiff(start: &[u8; 4], strips: &[&[u8]], fields: Fields) -> Vec<u8> {
    pages(start, vec![(strips, fields)])
}

pub fn pages(start: &[u8; 4], pictures: Vec<(&[&[u8]], Fields)>) -> Vec<u8> {
    let number = Number { is_big_endian: start[0] == b'M', wide: start.contains(&b'+') };
    let mut file = start.to_vec();
    if number.wide {
        file.extend([number.bytes(8, 2), number.bytes(0, 2)].concat());
    }
    let mut link = file.len();
    file.extend(number.word(0));
    for (strips, mut fields) in pictures {
        let mut offsets = Vec::new();
        for strip in strips {
            offsets.push(file.len() as u32);
            file.extend_from_slice(strip);
        }
        if !fields.iter().any(|(tag, _)| *tag == 279) {
            fields.push((279, Longs(strips.iter().map(|strip| strip.len() as u32).collect())));
        }
        fields.push((273, Longs(offsets)));
        let word = number.word(number.directory(&mut file, fields));
        file[link..link + word.len()].copy_from_slice(&word);
        link = file.len() - word.len();
    }
    file
}

struct Number {
    is_big_endian: bool,
    wide: bool,
}

impl Number {
    fn bytes(&self, value: u64, len: usize) -> Vec<u8> {
        let mut bytes = value.to_le_bytes()[..len].to_vec();
        if self.is_big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn word(&self, value: usize) -> Vec<u8> {
        self.bytes(value as u64, if self.wide { 8 } else { 4 })
    }

    /// Appends a directory, behind what it leads to; where it begins.
    fn directory(&self, file: &mut Vec<u8>, mut fields: Fields) -> usize {
        fields.sort_by_key(|(tag, _)| *tag);
        let mut entries = Vec::new();
        for (tag, values) in fields {
            let (kind, count, mut data) = match values {
                Shorts(values) => {
                    (3, values.len(), values.iter().flat_map(|v| self.bytes((*v).into(), 2)).collect::<Vec<_>>())
                }
                Longs(values) => (4, values.len(), values.iter().flat_map(|v| self.bytes((*v).into(), 4)).collect()),
                Bytes(kind, values) => (kind, values.len() / if kind == RATIONAL { 8 } else { 1 }, values),
                // LONG, and in BigTIFF IFD8.
                Below(fields) => {
                    let at = self.directory(file, fields);
                    (if self.wide { 18 } else { 4 }, 1, self.word(at))
                }
            };
            let word = self.word(0).len();
            if data.len() > word {
                file.extend(vec![0; file.len() % 2]);
                let at = file.len();
                file.extend(data);
                data = self.word(at);
            }
            data.resize(word, 0);
            entries.push([self.bytes(tag.into(), 2), self.bytes(kind.into(), 2), self.word(count), data].concat());
        }
        file.extend(vec![0; file.len() % 2]);
        let at = file.len();
        file.extend(self.bytes(entries.len() as u64, if self.wide { 8 } else { 2 }));
        file.extend(entries.concat());
        file.extend(self.word(0));
        at
    }
}

/// Fields of 4 by 2 pixels in one strip: bits, PhotometricInterpretation, samples a pixel.
pub fn four_by_two(bits: u16, photometric: u16, samples: u16) -> Fields {
    vec![
        (256, Shorts(vec![4])),
        (257, Shorts(vec![2])),
        (258, Shorts(vec![bits; samples.into()])),
        (259, Shorts(vec![1])),
        (262, Shorts(vec![photometric])),
        (277, Shorts(vec![samples])),
        (278, Longs(vec![2])),
    ]
}

/// The same fields with one in another way, or without it.
pub fn with(mut fields: Fields, tag: u16, values: Option<Values>) -> Fields {
    fields.retain(|(t, _)| *t != tag);
    fields.extend(values.map(|values| (tag, values)));
    fields
}

/// The ExtraSamples of an encoded TIFF, which is little-endian.
pub fn extra_samples(tiff: &[u8]) -> Option<u16> {
    let ifd0 = u32::from_le_bytes(*tiff[4..].first_chunk().unwrap()) as usize;
    let entries = tiff[ifd0 + 2..].chunks(12);
    let entry = entries.take(usize::from(tiff[ifd0])).find(|entry| entry[..2] == 338u16.to_le_bytes())?;
    Some(u16::from_le_bytes(*entry[8..].first_chunk().unwrap()))
}
