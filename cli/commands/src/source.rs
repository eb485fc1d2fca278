//! Where a picture comes from: a file, or stdin for -.

use std::path::Path;

use inpaint_edge::{Error, Inpainter, Mask, Result};
use inpaint_edge_image::{Encoded, Header, Opened, OutputFormat, Photo, read_within};

use crate::names::{self, is_pipe};

/// A picture that is not decoded yet. Bytes that were read for its header are not read again.
pub struct Source<'a> {
    path: &'a Path,
    state: State,
}

enum State {
    Unread,
    Piped(Vec<u8>),
    Opened(Opened),
    Encoded { picture: Encoded<'static>, is_piped: bool },
}

impl<'a> Source<'a> {
    pub fn new(path: &'a Path) -> Self {
        Self { path, state: State::Unread }
    }

    pub fn name(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// Reads stdin, at most `limit` bytes; does nothing for a file.
    pub fn read_stdin(&mut self, limit: u64) -> Result<()> {
        if is_pipe(self.path) && matches!(self.state, State::Unread) {
            self.state = State::Piped(read_within(std::io::stdin().lock(), limit).map_err(|e| e.of("-"))?);
        }
        Ok(())
    }

    /// Bytes of the file that reading the header takes; 0 for stdin, which is held.
    pub fn file_bytes(&mut self) -> Result<usize> {
        if is_pipe(self.path) {
            return Ok(0);
        }
        if let State::Unread = self.state {
            self.state = State::Opened(Opened::new(self.path).map_err(|e| self.named(e))?);
        }
        let State::Opened(opened) = &self.state else { return Ok(0) };
        opened.held_bytes().ok_or_else(|| {
            let detail = "expected a file whose length is known, or -, under a limit of memory, found another kind";
            self.named(Error::input(detail))
        })
    }

    /// Bytes held until the picture is decoded.
    pub fn held_bytes(&self) -> usize {
        match &self.state {
            State::Piped(bytes) => bytes.len(),
            State::Encoded { picture, .. } => picture.held_bytes(),
            State::Unread | State::Opened(_) => 0,
        }
    }

    pub fn header(&mut self) -> Result<Header> {
        let (picture, is_piped) = self.take()?;
        let header = picture.header().map_err(|e| self.named(e));
        self.state = State::Encoded { picture, is_piped };
        header
    }

    /// Drops what can be read again.
    pub fn release(&mut self) {
        if let State::Encoded { picture, is_piped: false } = &self.state
            && picture.is_held()
        {
            self.state = State::Unread;
        }
    }

    pub fn decode(self) -> Result<Photo> {
        self.decoded(Encoded::decode)
    }

    /// Decodes the picture as far as `inpainter` looks at it, or all of it where the file or `format` asks for it.
    pub fn decode_to_fill(self, inpainter: &Inpainter, hole: &Mask, format: OutputFormat) -> Result<Photo> {
        self.decoded(|picture| picture.decode_to_fill(inpainter, hole, format))
    }

    fn decoded(mut self, decode: impl FnOnce(Encoded<'static>) -> Result<Photo>) -> Result<Photo> {
        let (picture, _) = self.take()?;
        decode(picture).map_err(|e| self.named(e))
    }

    /// The picture, and whether it came through stdin.
    fn take(&mut self) -> Result<(Encoded<'static>, bool)> {
        let picture = match std::mem::replace(&mut self.state, State::Unread) {
            State::Encoded { picture, is_piped } => return Ok((picture, is_piped)),
            State::Piped(bytes) => return Encoded::held(bytes).map(|picture| (picture, true)).map_err(|e| e.of("-")),
            State::Opened(opened) => opened.encoded(),
            State::Unread => Encoded::open(self.path),
        };
        picture.map(|picture| (picture, false)).map_err(|e| self.named(e))
    }

    fn named(&self, e: Error) -> Error {
        if is_pipe(self.path) { e.of("-") } else { names::of_file(e, self.path) }
    }
}
