//! Parsers of option values.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use inpaint_edge::{Isa, MAX_THREADS, MaskChannel, MaskWhite, Paint, Texture};

use crate::spec::Area;

/// An instruction set; `None`: the best of this CPU. The alias keeps clap from reading `Option` as an optional
/// argument.
pub type IsaChoice = Option<Isa>;

/// A value, its name, and its help, which is empty where the name says it.
type Choice<T> = (T, &'static str, &'static str);

pub const ISAS: &[Choice<IsaChoice>] = &[
    (None, "auto", ""),
    (Some(Isa::Avx512), "avx512", ""),
    (Some(Isa::Avx2), "avx2", ""),
    (Some(Isa::Neon), "neon", ""),
    (Some(Isa::Scalar), "scalar", ""),
];

pub const TEXTURES: &[Choice<Texture>] = &[
    (Texture::Auto, "auto", "Where a square of more than 32 pixels fits into the hole"),
    (Texture::Off, "off", "Nowhere: wide holes stay smooth"),
    (Texture::On, "on", "In every hole"),
];

pub const GRAIN: &[Choice<bool>] =
    &[(true, "on", "Where the photograph around the hole is noisy"), (false, "off", "Nowhere")];

pub const SEALS: &[Choice<bool>] =
    &[(true, "on", "Leave what its seal says is filled"), (false, "off", "Overlook seals, and leave none")];

pub const CHANNELS: &[Choice<MaskChannel>] = &[
    (MaskChannel::Auto, "auto", "Alpha if colour cannot be meant, else luma; refused if either may be meant"),
    (MaskChannel::Luma, "luma", "Grey, or the luma of colour"),
    (MaskChannel::Alpha, "alpha", "Opaque is white"),
    (MaskChannel::Red, "red", ""),
    (MaskChannel::Green, "green", ""),
    (MaskChannel::Blue, "blue", ""),
];

pub const WHITES: &[Choice<MaskWhite>] =
    &[(MaskWhite::Hole, "hole", "White is filled"), (MaskWhite::Keep, "keep", "White is kept")];

/// Parses the name of one of `choices`.
pub fn one_of<T: Copy + Send + Sync + 'static>(choices: &'static [Choice<T>]) -> impl TypedValueParser<Value = T> {
    let names = choices.iter().map(|(_, name, help)| match *help {
        "" => PossibleValue::new(*name),
        help => PossibleValue::new(*name).help(help),
    });
    PossibleValuesParser::new(names).map(|found| {
        let choice = choices.iter().find(|(_, name, _)| *name == found);
        choice.expect("the parser lets no other name through").0
    })
}

pub fn size(text: &str) -> Result<(usize, usize), String> {
    let sides =
        text.split_once(['x', 'X', '×']).and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    sides
        .filter(|(width, height)| *width > 0 && *height > 0)
        .ok_or_else(|| "expected a size such as 640x480".to_owned())
}

/// Bytes; K, M and G are powers of 1024.
pub fn memory(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let bytes = digits.parse::<usize>().ok().and_then(|n| n.checked_mul(1 << shift)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "expected a size such as 256M".to_owned())
}

/// Pixels around a hole, or all of them.
pub fn context(text: &str) -> Result<usize, String> {
    let context = if text == "all" { Some(usize::MAX) } else { text.parse().ok().filter(|n| *n > 0) };
    context.ok_or_else(|| "expected a number of pixels, or all".to_owned())
}

pub fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|n| *n <= MAX_THREADS);
    threads.ok_or_else(|| format!("expected 0 to {MAX_THREADS}"))
}

pub fn jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse().ok().filter(|n| (1..=MAX_THREADS).contains(n));
    jobs.ok_or_else(|| format!("expected 1 to {MAX_THREADS}"))
}

pub fn quality(text: &str) -> Result<u8, String> {
    let quality = text.parse().ok().filter(|n| (1..=100).contains(n));
    quality.ok_or_else(|| "expected 1 to 100".to_owned())
}

pub fn threshold(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| "expected 0 to 255".to_owned())
}

pub fn grow(text: &str) -> Result<i64, String> {
    let radius = text.parse::<i64>().ok().filter(|radius| radius.unsigned_abs() <= u32::MAX.into());
    radius.ok_or_else(|| "expected a whole number of pixels, such as 2, or -2 to shrink".to_owned())
}

/// A colour that marks the hole, with a tolerance or without.
pub fn paint(text: &str) -> Result<Paint, String> {
    let (colour, tolerance) = match text.rsplit_once(['±', '+']) {
        Some((colour, tolerance)) => (colour, Some(tolerance)),
        None => (text, None),
    };
    let colour = csscolorparser::parse(colour.trim()).ok().filter(|colour| colour.a == 1.0);
    let tolerance = tolerance.map(|n| n.trim().parse().ok());
    match (colour, tolerance) {
        (Some(colour), None | Some(Some(_))) => {
            let [rgb @ .., _] = colour.to_rgba8();
            Ok(Paint { rgb, tolerance: tolerance.flatten() })
        }
        (Some(_), Some(None)) => Err("expected a number from 0 to 255 after ± or +".to_owned()),
        (None, _) => {
            Err("expected an opaque colour such as ff00ff, '#f0f' or magenta, with ±8 or +8 behind it or not"
                .to_owned())
        }
    }
}

/// A box of the hole.
pub fn area(text: &str) -> Result<Area, String> {
    let parts: Vec<_> = text.split(',').map(str::trim).collect();
    let number = |part: &&str| part.parse::<i64>().ok().filter(|n| n.unsigned_abs() <= u32::MAX.into());
    match parts.iter().map(number).collect::<Option<Vec<_>>>().as_deref() {
        Some(&[x, y, width, height]) if width > 0 && height > 0 => Ok(Area { x, y, width, height }),
        Some(&[_, _, _, _]) => Err("expected a width and a height above 0, such as in 10,20,64,48".to_owned()),
        _ if parts.len() < 4 || parts.contains(&"") => {
            Err("expected column, row, width and height without spaces between them, such as 10,20,64,48".to_owned())
        }
        _ => Err("expected column, row, width and height in whole pixels, such as 10,20,64,48".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that are parsed are those that reports print.
    #[test]
    fn names_of_choices_are_those_of_the_engine() {
        assert!(CHANNELS.iter().all(|(channel, name, _)| channel.name() == *name));
        assert!(ISAS.iter().all(|(isa, name, _)| isa.map_or("auto", Isa::name) == *name));
        assert!(Isa::available().all(|isa| ISAS.iter().any(|(choice, ..)| *choice == Some(isa))));
    }
}
