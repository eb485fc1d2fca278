//! Opens picture files by their content, holds them no longer than memory allows, and replaces files in one step.

use std::fs::File;
use std::io::{BufRead, BufReader, Error as IoError, Read, Seek, Write};
use std::path::{Path, PathBuf};

use inpaint_edge::{Error, Result};

use crate::encoded::Encoded;
use crate::fault::{unreadable, unwritable};
use crate::kind::format_of;
use crate::limits::MAX_BYTES;
use crate::photo::Photo;
use crate::structure;

impl Encoded<'_> {
    /// Opens a file; a PNG is never held as a whole.
    ///
    /// # Errors
    ///
    /// As [`Encoded::new`]; input, where the file cannot be read; limits, where it is too long.
    pub fn open(path: &Path) -> Result<Encoded<'static>> {
        Opened::new(path)?.encoded()
    }
}

impl Photo {
    /// As [`Photo::decode`], from a file; a PNG is never held as a whole.
    ///
    /// # Errors
    ///
    /// As [`Photo::decode`]; input, where the file cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Encoded::open(path)?.decode()
    }
}

/// An open file whose first bytes have been read.
pub struct Opened {
    reader: BufReader<File>,
    /// Its length; `None` for a PNG, which is read from the file piece by piece.
    held: Option<u64>,
}

impl Opened {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Input, where it cannot be read or is no picture.
    pub fn new(path: &Path) -> Result<Self> {
        let mut reader = BufReader::with_capacity(BUFFERED, File::open(path).map_err(unreadable)?);
        // A pipe cannot be rewound, and is held.
        let is_png = reader.fill_buf().map_err(unreadable)?.starts_with(b"\x89PNG\r\n\x1a\n");
        if is_png && reader.stream_position().is_ok() {
            return Ok(Self { reader, held: None });
        }
        let (is_file, len) = reader.get_ref().metadata().map(|of| (of.is_file(), of.len())).map_err(unreadable)?;
        // Refuses early, since a device may have no end. The first bytes from a pipe may be too few to tell the format,
        // unless there are none.
        if reader.buffer().is_empty() || reader.buffer().len() >= 64 {
            format_of(reader.buffer(), is_file.then_some(len))?;
        }
        Ok(Self { reader, held: Some(len) })
    }

    /// Bytes of the file that [`Opened::encoded`] holds: all of them, or 0 for a PNG. `None` if the length is unknown,
    /// as for a pipe.
    pub fn held_bytes(&self) -> Option<usize> {
        let is_file = self.reader.get_ref().metadata().is_ok_and(|of| of.is_file());
        is_file.then(|| usize::try_from(self.held.unwrap_or(0)).unwrap_or(usize::MAX))
    }

    /// Reads the file into memory, except a PNG, which is read piece by piece.
    ///
    /// # Errors
    ///
    /// As [`Encoded::open`].
    pub fn encoded(self) -> Result<Encoded<'static>> {
        match self.held {
            None => png_of(self.reader.into_inner()),
            Some(len) if len > MAX_BYTES => Err(too_long(MAX_BYTES)),
            Some(_) => Encoded::held(read_within(self.reader, MAX_BYTES)?),
        }
    }
}

/// Bytes of the buffer that pixels are read through.
const BUFFERED: usize = 1 << 16;
/// Bytes of the buffer for chunk headers; small, since the bytes after a header are read in vain.
const WALKED: usize = 512;

/// Opens a PNG that stays in its file: walks its chunks before its pixels are read.
fn png_of(mut file: impl Read + Seek + Send + 'static) -> Result<Encoded<'static>> {
    let whole = structure::png(&mut BufReader::with_capacity(WALKED, &mut file))?;
    Encoded::png(BufReader::with_capacity(BUFFERED, file), whole, 0)
}

/// Reads all of `reader`: at most `limit` bytes, and at most as many as pixels may take.
///
/// # Errors
///
/// Input, if it cannot be read; limits, if it is longer or memory runs out.
pub fn read_within(reader: impl Read, limit: u64) -> Result<Vec<u8>> {
    let limit = limit.min(MAX_BYTES);
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_long(limit));
    }
    Ok(bytes)
}

fn too_long(limit: u64) -> Error {
    Error::limits(format!("expected at most {limit} bytes, found more"))
}

/// Replaces the file at `path` by `bytes` in one step, as [`inpaint_edge_atomic::write`] does.
///
/// # Errors
///
/// Output, naming the file; `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically_with(path, |out| out.write_all(bytes).map_err(unwritable))
}

/// As [`write_atomically`], with content that `write` writes.
///
/// # Errors
///
/// As [`write_atomically`], and those of `write`, which name the file.
pub fn write_atomically_with(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    struct Failed(Error);
    impl From<IoError> for Failed {
        fn from(e: IoError) -> Self {
            Self(unwritable(e))
        }
    }
    let written = inpaint_edge_atomic::write_with(path, |out| write(out).map_err(Failed));
    written.map_err(|Failed(e)| e.of(path.display()))
}

/// The file that writing to `path` makes or replaces: the target of a symbolic link, or `path` itself.
///
/// # Errors
///
/// Output, naming `path`, if it is a dangling link or anything but a regular file.
pub fn target_of(path: &Path) -> Result<PathBuf> {
    inpaint_edge_atomic::target_of(path).map_err(|e| unwritable(e).of(path.display()))
}

/// Checks, ahead of the work, that [`write_atomically`] can write to `path`, as far as that can be known. Changes
/// nothing.
///
/// # Errors
///
/// Output, naming `path`.
pub fn check_writable(path: &Path) -> Result<()> {
    inpaint_edge_atomic::check_writable(path).map_err(|e| unwritable(e).of(path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Result as IoResult, SeekFrom};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Counts of bytes, reads and seeks.
    #[derive(Clone, Copy, Default)]
    struct Asked {
        bytes: usize,
        reads: usize,
        seeks: usize,
    }

    /// A file that counts what is read of it.
    struct Counting {
        file: Cursor<Vec<u8>>,
        asked: Arc<Mutex<Asked>>,
    }

    impl Read for Counting {
        fn read(&mut self, out: &mut [u8]) -> IoResult<usize> {
            let read = self.file.read(out)?;
            let mut asked = self.asked.lock().unwrap();
            asked.bytes += read;
            asked.reads += 1;
            Ok(read)
        }
    }

    impl Seek for Counting {
        fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
            self.asked.lock().unwrap().seeks += 1;
            self.file.seek(to)
        }
    }

    /// A PNG of 512×512 pixels that do not compress, in IDAT chunks of `idat` bytes, behind `texts` short texts.
    fn noise(idat: usize, texts: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 512, 512);
        encoder.set_color(png::ColorType::Rgb);
        (0..texts).for_each(|i| encoder.add_text_chunk("Comment".to_owned(), format!("text {i}")).unwrap());
        let mut writer = encoder.write_header().unwrap();
        let mut pixels = writer.stream_writer_with_size(idat).unwrap();
        let mut state = 1u32;
        for _ in 0..512 * 512 * 3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            pixels.write_all(&[(state >> 24) as u8]).unwrap();
        }
        pixels.finish().unwrap();
        writer.finish().unwrap();
        bytes
    }

    /// What is read of a PNG until its header is known, and until it is decoded.
    fn asked(bytes: Vec<u8>) -> [Asked; 2] {
        let asked = Arc::<Mutex<Asked>>::default();
        let encoded = png_of(Counting { file: Cursor::new(bytes), asked: Arc::clone(&asked) }).unwrap();
        assert!(encoded.header().unwrap().decode_bytes() >= 512 * 512 * 3);
        let header = *asked.lock().unwrap();
        encoded.decode().unwrap();
        let decoded = *asked.lock().unwrap();
        [header, decoded]
    }

    #[test]
    fn pixels_of_a_png_are_read_once_and_its_header_before_them() {
        for idat in [8 << 10, 64 << 10, 1 << 20] {
            let bytes = noise(idat, 0);
            let (len, chunks) = (bytes.len(), bytes.len().div_ceil(idat) + 2);
            let [header, decoded] = asked(bytes);
            // A kilobyte for each chunk, and what the decoder reads ahead.
            let walk = chunks * 1024 + (128 << 10);
            assert!(
                header.bytes <= walk,
                "IDAT of {idat}: expected at most {walk} bytes read for the header, found {}",
                header.bytes
            );
            let all = walk + len;
            assert!(decoded.bytes <= all, "IDAT of {idat}: expected at most {all} bytes read, found {}", decoded.bytes);
            // To the end and back, and over the pixels of each chunk.
            assert!(decoded.seeks <= chunks + 4, "IDAT of {idat}: {} seeks for {chunks} chunks", decoded.seeks);
        }
    }

    #[test]
    fn chunks_that_lie_in_the_buffer_are_not_read_again() {
        let [without, _] = asked(noise(64 << 10, 0));
        let [with, _] = asked(noise(64 << 10, 2000));
        let texts = 2000 * (12 + 8 + 9);
        let (bytes, reads) = (with.bytes - without.bytes, with.reads - without.reads);
        assert!(bytes <= 2 * texts, "{bytes} bytes read for {texts}");
        assert!(reads <= texts / 256, "{reads} reads for {texts} bytes");
        assert_eq!(with.seeks, without.seeks);
    }
}
