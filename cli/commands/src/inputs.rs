//! Reads what a job needs: image and mask, and from them the hole.

use std::time::{Duration, Instant};

use inpaint_edge::{Error, ErrorKind, Inpainter, Mask, Result};
use inpaint_edge_image::{Header, OutputFormat, Photo};

use crate::files::Files;
use crate::hole::{self, Hole, Marked};
use crate::source::Source;
use crate::spec::HoleSpec;

/// Files, and where the hole is in them.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub files: &'a Files,
    pub spec: &'a HoleSpec,
}

/// A photograph and its hole, ready to be filled.
pub struct Ready {
    pub photo: Photo,
    pub hole: Hole,
    /// Time that reading and decoding took.
    pub decode: Duration,
}

/// A hole, and the image it is in.
pub struct Found<'a> {
    image: Image<'a>,
    /// Whether the image need not be decoded as a whole.
    pub in_part: bool,
    pub hole: Hole,
    decode: Duration,
}

/// An image, decoded or not yet.
enum Image<'a> {
    Source(Source<'a>),
    Decoded(Photo),
}

impl Found<'_> {
    /// The same with its image decoded.
    pub fn decoded(self) -> Result<Self> {
        let in_part = self.in_part;
        let Ready { photo, hole, decode } = self.ready()?;
        Ok(Self { image: Image::Decoded(photo), in_part, hole, decode })
    }

    /// Decodes the image if it is not yet.
    pub fn ready(self) -> Result<Ready> {
        self.ready_by(|source, _| source.decode())
    }

    /// Decodes what `inpainter` looks at, or all where the file or `format` asks for it, if the image is not decoded yet.
    pub fn ready_to_fill(self, inpainter: &Inpainter, format: OutputFormat) -> Result<Ready> {
        self.ready_by(|source, hole| source.decode_to_fill(inpainter, hole, format))
    }

    fn ready_by(self, decode: impl FnOnce(Source<'_>, &Mask) -> Result<Photo>) -> Result<Ready> {
        let start = Instant::now();
        let photo = match self.image {
            Image::Source(source) => decode(source, &self.hole.mask)?,
            Image::Decoded(photo) => photo,
        };
        Ok(Ready { photo, hole: self.hole, decode: self.decode + start.elapsed() })
    }
}

/// Size of an upright image, pixels, and whether its EXIF orientation has turned it.
#[derive(Clone, Copy)]
struct Size {
    width: u32,
    height: u32,
    turned: bool,
}

/// Where image and mask come from.
pub struct Sources<'a> {
    pub image: Source<'a>,
    pub mask: Option<Source<'a>>,
}

impl<'a> Sources<'a> {
    pub fn new(files: &'a Files) -> Self {
        Self { image: Source::new(&files.image), mask: files.mask.as_deref().map(Source::new) }
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Source<'a>> {
        std::iter::once(&mut self.image).chain(self.mask.as_mut())
    }
}

impl Inputs<'_> {
    /// Finds the hole, however much memory it takes.
    pub fn find<'s>(&self, mut sources: Sources<'s>) -> Result<Found<'s>> {
        let start = Instant::now();
        sources.iter_mut().try_for_each(|source| source.read_stdin(u64::MAX))?;
        let header = sources.image.header()?;
        let found = self.find_in(&header, sources)?;
        Ok(Found { decode: start.elapsed(), ..found })
    }

    /// Finds the hole in the image of `header`, which is decoded if its pixels tell the hole.
    pub fn find_in<'s>(&self, header: &Header, sources: Sources<'s>) -> Result<Found<'s>> {
        let start = Instant::now();
        let Sources { image, mask } = sources;
        let size = Size { width: header.width, height: header.height, turned: header.turned };
        // The mask comes first, so that only one of the two is in memory as a whole.
        let marked = self.marked(mask)?;
        let image = if self.spec.is_in_pixels() { Image::Decoded(image.decode()?) } else { Image::Source(image) };
        let photo = match &image {
            Image::Decoded(photo) => Some(photo),
            Image::Source(_) => None,
        };
        let hole = self.hole(size, marked, photo)?;
        Ok(Found { image, in_part: header.in_part, hole, decode: start.elapsed() })
    }

    /// Reads the mask, if there is one.
    fn marked(&self, mask: Option<Source>) -> Result<Option<Marked>> {
        let read = |mask: Source| {
            let name = mask.name().to_string();
            hole::of_mask(mask.decode()?, self.spec).map_err(|e| e.of(name))
        };
        mask.map(read).transpose()
    }

    fn hole(&self, size: Size, marked: Option<Marked>, photo: Option<&Photo>) -> Result<Hole> {
        if let Some(marked) = &marked {
            self.check_size(size, marked)?;
        }
        let size = (size.width as usize, size.height as usize);
        hole::find(size, marked, photo, self.spec).map_err(|e| e.of(self.files.image.display()))
    }

    /// Refuses a mask that is not of the image's size.
    fn check_size(&self, size: Size, marked: &Marked) -> Result<()> {
        let (width, height) = (size.width as usize, size.height as usize);
        let (w, h) = (marked.mask.width(), marked.mask.height());
        if (w, h) == (width, height) {
            return Ok(());
        }
        let help = if (w, h) == (height, width) {
            why_across(size.turned, marked.is_turned)
        } else if w.abs_diff(width * h / height) <= 1 {
            "; it has the same shape: scale it to that size"
        } else {
            ""
        };
        let image = self.files.image.display();
        let detail = format!("expected a mask of {width}×{height}, as {image}, found {w}×{h}{help}");
        Err(Error::input(detail).of(self.files.hole_name()))
    }

    /// The error of a run with the name of the file it is about.
    pub fn named(&self, e: Error) -> Error {
        match e.kind() {
            ErrorKind::Input => e.of(self.files.hole_name()),
            _ => e.of(self.files.image.display()),
        }
    }
}

/// Why a mask may lie across its image, by their EXIF orientations.
fn why_across(image_turned: bool, mask_turned: bool) -> &'static str {
    match (image_turned, mask_turned) {
        (true, false) => "; the image is turned by its EXIF orientation, the mask is not: turn the mask too",
        (false, true) => {
            "; the mask is turned by its EXIF orientation, the image is not: take the orientation out of the mask"
        }
        (true, true) => "; the two have different EXIF orientations: give the mask that of the image",
        (false, false) => "; one lies across the other: turn the mask by a quarter",
    }
}
