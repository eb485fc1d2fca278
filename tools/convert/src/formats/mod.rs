//! The kinds of files checkpoints come in, told by content.

mod foreign;
mod keras;
mod numpy;
pub mod pickle;
mod safetensors;
mod torch;

use inpaint_edge::Result;
use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config};

use crate::checkpoint::Checkpoint;
use crate::fault::{damaged, refused};
use crate::input::Input;

const EXPECTED: &str = "expected a PyTorch, safetensors, Keras (.h5, .keras) or NumPy .npz file";

/// Finds the tensors of a checkpoint.
///
/// # Errors
///
/// Weights, where the file is of no known kind, which is then named, or damaged.
pub fn open(mut input: Input<'_>) -> Result<Checkpoint<'_>> {
    let head = input.bytes(0, foreign::HEAD)?;
    match &head[..] {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => zip(input),
        [0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', ..] => keras::open(input),
        [0x80, 2..=5, ..] => torch::legacy(input),
        [_, _, _, _, _, _, _, _, b'{', ..] => safetensors::open(input),
        [] => Err(refused(format!("{EXPECTED}, found an empty file"))),
        head => {
            let found = foreign::kind(head).unwrap_or_else(|| "none of them".to_owned());
            Err(refused(format!("{EXPECTED}, found {found}")))
        }
    }
}

/// An archive: PyTorch's, NumPy's or Keras 3's.
fn zip(input: Input<'_>) -> Result<Checkpoint<'_>> {
    let len = input.len();
    let archive = whole(input)?;
    // The crate keeps the last of entries of one name.
    let (start, count) = (archive.central_directory_start(), archive.len());
    let mut input = archive.into_inner();
    if entries(&mut input, start)? != count {
        return Err(refused("the archive has an entry twice"));
    }
    let archive = whole(input)?;
    let names = archive.file_names().map(|name| name.map(|name| name.into_owned()));
    let names = names.collect::<std::result::Result<Vec<String>, _>>().map_err(damaged)?;
    if let Some(weights) = names.iter().position(|name| name == "model.weights.h5") {
        return keras::archive(archive, weights);
    }
    if let Some(found) = foreign::archive(&names) {
        return Err(refused(format!("{EXPECTED}, found {found}")));
    }
    let pickle = names.iter().position(|name| name == "data.pkl" || name.ends_with("/data.pkl"));
    match pickle {
        Some(pickle) => torch::archive(archive, &names, len, pickle),
        None if names.iter().any(|name| name.ends_with(".npy")) => numpy::open(archive, &names, len),
        None => Err(refused(format!("{EXPECTED}, found another archive"))),
    }
}

/// An archive that begins with the file. Where the crate looks for the beginning itself, it takes PyTorch's 76 bytes of
/// ZIP64 records for the directory's first entry, if that has a name of 30 bytes.
fn whole(mut input: Input<'_>) -> Result<ZipArchive<Input<'_>>> {
    // The directory comes last, and a comment of up to 64 KiB behind it.
    let (end, most) = (input.len(), 22 + u64::from(u16::MAX));
    let last = input.bytes(end.saturating_sub(most), most)?;
    if !last.windows(4).any(|bytes| bytes == b"PK\x05\x06") {
        return Err(refused("the archive is cut short: its directory, which comes last, is missing"));
    }
    ZipArchive::with_config(Config { archive_offset: ArchiveOffset::Known(0) }, input).map_err(damaged)
}

/// Records of an archive's directory.
fn entries(input: &mut Input, mut at: u64) -> Result<usize> {
    const FIXED: u64 = 46;
    let mut count = 0;
    loop {
        let record = input.bytes(at, FIXED)?;
        if record.len() < FIXED as usize || record[..4] != *b"PK\x01\x02" {
            return Ok(count);
        }
        // Of the name, the extra field and the comment.
        let lengths = [28, 30, 32].map(|i| u64::from(u16::from_le_bytes([record[i], record[i + 1]])));
        at += FIXED + lengths.iter().sum::<u64>();
        count += 1;
    }
}
