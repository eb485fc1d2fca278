//! Inpainters: from a file or the built-in weights, and kept from one photograph to the next.

use std::io::Read;
use std::path::Path;

use inpaint_edge::selftest::hex;
use inpaint_edge::{Error, ErrorKind, Inpainter, Options, Result};
use sha2::{Digest, Sha256};

use crate::args::JobArgs;

/// Where a photograph's inpainter comes from.
pub struct Engine<'a> {
    args: &'a JobArgs,
    threads: usize,
    kept: Option<Inpainter>,
    /// Of an inpainter, once one was opened.
    weights_bytes: usize,
}

impl<'a> Engine<'a> {
    pub fn new(args: &'a JobArgs, threads: usize) -> Self {
        Self { args, threads, kept: None, weights_bytes: 0 }
    }

    /// Opens the weights before they are needed, and keeps the inpainter where memory is not limited.
    pub fn warm_up(&mut self) -> Result<()> {
        let inpainter = self.take()?;
        self.give_back(inpainter);
        Ok(())
    }

    /// Another, knowing what this one knows.
    pub fn another(&self) -> Self {
        Self { args: self.args, threads: self.threads, kept: None, weights_bytes: self.weights_bytes }
    }

    pub fn is_ready(&self) -> bool {
        self.kept.is_some()
    }

    pub fn weights_bytes(&self) -> usize {
        self.weights_bytes
    }

    pub fn take(&mut self) -> Result<Inpainter> {
        if let Some(inpainter) = self.kept.take() {
            return Ok(inpainter);
        }
        let inpainter = open(self.args.weights.as_deref(), self.options())?;
        self.weights_bytes = inpainter.weights_bytes();
        Ok(inpainter)
    }

    /// Keeps `inpainter` with the memory of its run for the next photograph; where memory is limited, nothing is kept.
    pub fn give_back(&mut self, inpainter: Inpainter) {
        self.kept = self.args.max_memory.is_none().then_some(inpainter);
    }

    fn options(&self) -> Options {
        Options {
            threads: self.threads,
            isa: self.args.isa.choice(),
            strategy: self.args.strategy.into(),
            ..Options::default()
        }
    }
}

/// An inpainter from a file or the built-in weights.
pub fn open(weights: Option<&Path>, options: Options) -> Result<Inpainter> {
    match weights {
        Some(path) => Inpainter::from_path(path, options),
        None => built_in(options),
    }
}

#[cfg(feature = "embedded-weights")]
fn built_in(options: Options) -> Result<Inpainter> {
    Inpainter::embedded(options)
}

#[cfg(not(feature = "embedded-weights"))]
fn built_in(_: Options) -> Result<Inpainter> {
    Err(Error::new(ErrorKind::Usage, "this build has no weights of its own: --weights FILE expected"))
}

/// SHA-256 of a weights file or of the built-in weights; nothing in a build without any.
pub fn weights_sha256(weights: Option<&Path>) -> Result<String> {
    let Some(path) = weights else {
        #[cfg(feature = "embedded-weights")]
        return Ok(hex(&Sha256::digest(inpaint_edge::weights::EMBEDDED)));
        #[cfg(not(feature = "embedded-weights"))]
        return Ok(String::new());
    };
    let cannot = |e: std::io::Error| Error::new(ErrorKind::Weights, format!("{}: cannot be read: {e}", path.display()));
    let mut file = std::fs::File::open(path).map_err(cannot)?;
    let (mut digest, mut block) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut block).map_err(cannot)? {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(&block[..count]),
        }
    }
}
