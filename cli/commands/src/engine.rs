//! Opens inpainters from a file or the built-in weights, and keeps them from one photograph to the next.

use std::io::Read;
use std::path::Path;

use inpaint_edge::selftest::hex;
use inpaint_edge::weights::{Config, Weights};
use inpaint_edge::{Error, ErrorKind, Inpainter, Options, Result};
use sha2::{Digest, Sha256};

use crate::budget::{Budget, Held};
use crate::memory::{self, Known};
use crate::names;
use crate::spec::JobSpec;

/// Where a photograph's inpainter comes from.
pub struct Engine<'a> {
    spec: &'a JobSpec,
    threads: usize,
    kept: Option<Inpainter>,
    /// Budget that is held for what is kept, and for the job that keeps it.
    held: Option<Held<'a>>,
    /// Whether an inpainter is kept for the next photograph.
    keeps: bool,
    known: Option<Known>,
}

impl<'a> Engine<'a> {
    /// Inpainters of `threads` threads; 0: all cores.
    pub fn new(spec: &'a JobSpec, threads: usize) -> Self {
        Self { spec, threads, kept: None, held: None, keeps: spec.max_memory.is_none(), known: None }
    }

    /// Opens the weights before they are needed, within `budget`, and keeps the inpainter where memory is not limited.
    pub fn warm_up(&mut self, budget: Option<&Budget>) -> Result<()> {
        let mut share = budget.map(Budget::enter);
        if let Some(share) = &mut share {
            let Known { config, bytes } = self.known()?;
            let loading = memory::loading_peak_bytes(config, *bytes);
            share.take(loading).map_err(|e| named(self.spec.weights.as_deref(), e))?;
        }
        let inpainter = self.take()?;
        self.keep(inpainter);
        Ok(())
    }

    /// Whether `budget` has `bytes` left right now for a job, which may then keep all it has. If not, what the last job
    /// kept is released.
    pub fn has_room(&mut self, budget: &'a Budget, bytes: usize) -> bool {
        let bytes = self.held.take().map_or(bytes, |held| held.bytes().max(bytes));
        self.held = budget.at_once(bytes);
        self.keeps = self.held.is_some();
        if !self.keeps {
            self.kept = None;
        }
        self.keeps
    }

    /// Another engine that knows what this one knows.
    pub fn another(&self) -> Self {
        Self { known: self.known.clone(), ..Self::new(self.spec, self.threads) }
    }

    pub fn is_ready(&self) -> bool {
        self.kept.is_some()
    }

    /// Known from the header of the weights; no more of them is read.
    pub fn known(&mut self) -> Result<&Known> {
        if self.known.is_none() {
            let mut config = config(self.spec.weights.as_deref())?;
            if let Some(context) = self.spec.context {
                config.set_context(Some(context).filter(|pixels| *pixels < usize::MAX))?;
            }
            let bytes = config.packed_bytes(self.spec.isa)?;
            self.known = Some(Known { config, bytes });
        }
        Ok(self.known.as_ref().expect("it was just set"))
    }

    pub fn take(&mut self) -> Result<Inpainter> {
        if let Some(inpainter) = self.kept.take() {
            return Ok(inpainter);
        }
        open(self.spec.weights.as_deref(), self.options())
    }

    /// Keeps `inpainter` with the memory of its run for the next photograph, unless memory is scarce.
    pub fn keep(&mut self, inpainter: Inpainter) {
        self.kept = self.keeps.then_some(inpainter);
    }

    fn options(&self) -> Options {
        let JobSpec { isa, context, texture, grain, .. } = *self.spec;
        Options::default().threads(self.threads).isa(isa).context(context).texture(texture).grain(grain)
    }
}

/// An inpainter from a file or the built-in weights.
pub fn open(weights: Option<&Path>, options: Options) -> Result<Inpainter> {
    match weights {
        Some(path) => Inpainter::from_path(path, options),
        None => Inpainter::from_bytes(built_in()?, options),
    }
}

/// The network that a file or the built-in weights describe.
fn config(weights: Option<&Path>) -> Result<Config> {
    match weights {
        Some(path) => Weights::open(path),
        None => Weights::from_bytes(built_in()?),
    }
    .map(|weights| weights.config().clone())
}

#[cfg(feature = "embedded-weights")]
fn built_in() -> Result<&'static [u8]> {
    Ok(inpaint_edge::weights::EMBEDDED)
}

#[cfg(not(feature = "embedded-weights"))]
fn built_in() -> Result<&'static [u8]> {
    Err(Error::usage("expected --weights FILE, since this build has no weights of its own"))
}

/// The error with the name of the weights file it is about.
pub fn named(weights: Option<&Path>, e: Error) -> Error {
    match weights {
        Some(path) => e.of(path.display()),
        None => e.of("the built-in weights"),
    }
}

/// SHA-256 of a weights file or of the built-in weights; empty in a build without weights.
pub fn weights_sha256(weights: Option<&Path>) -> Result<String> {
    let Some(path) = weights else {
        #[cfg(feature = "embedded-weights")]
        return Ok(inpaint_edge::selftest::sha256(inpaint_edge::weights::EMBEDDED));
        #[cfg(not(feature = "embedded-weights"))]
        return Ok(String::new());
    };
    // What is no weights file may have no end.
    Weights::open(path)?;
    let cannot = |e: std::io::Error| names::unreadable(ErrorKind::Weights, e).of(path.display());
    let mut file = std::fs::File::open(path).map_err(cannot)?;
    let (mut digest, mut block) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut block).map_err(cannot)? {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(&block[..count]),
        }
    }
}
