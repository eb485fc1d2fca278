//! Reads within a budget: decodes of the image no more than finding the hole takes, until the budget has memory for all
//! that follows.

use inpaint_edge::{Inpainter, Result};
use inpaint_edge_image::{Header, OutputFormat};

use crate::budget::{Budget, Share};
use crate::engine::Engine;
use crate::inputs::{Found, Inputs, Ready, Sources};
use crate::memory;
use crate::source::Source;

/// Finds the hole of a job to fill. On return, the budget has memory to decode the image and for all that follows.
pub fn find_to_fill<'b, 's>(
    inputs: Inputs<'_>,
    sources: Sources<'s>,
    budget: &'b Budget,
    engine: &mut Engine,
    format: OutputFormat,
) -> Result<(Inpainter, Found<'s>, Share<'b>)> {
    let image = || inputs.files.image.display();
    let mut share = budget.enter();
    // A weights error does not wait for the end of stdin.
    let known = engine.known()?.clone();
    let loading = memory::loading_peak_bytes(&known.config, known.bytes);
    // Unless the user limits memory, loading the weights does not wait for it either.
    let waits = budget.is_strict() || !inputs.files.has_piped_input();
    let loaded = match waits {
        true => None,
        false => {
            share.take(loading).map_err(|e| e.of(image()))?;
            Some(engine.take()?)
        }
    };
    let seen = Seen::new(inputs, sources, &mut share)?;
    let header = seen.header;
    // Memory for regions is known only once the hole is.
    let least = memory::job_peak_bytes(known.bytes, 0, &seen.header, format);
    let loading = loading.saturating_add(seen.held);
    let finding = known.bytes.saturating_add(seen.hole_bytes);
    let blame = if finding > least { inputs.files.hole_name() } else { image() };
    share.take_first(loading.max(finding), least).map_err(|e| e.of(blame))?;
    let inpainter = loaded.map_or_else(|| engine.take(), Ok)?;
    let found = seen.find_hole(inputs)?;
    let plan = inpainter.plan(&found.hole.mask, header.channels);
    let plan = plan.map_err(|e| inputs.named(found.hole.explained(e)))?;
    let needed = memory::job_peak_bytes(inpainter.weights_bytes(), plan.plan_bytes, &header, format);
    share.take(needed).map_err(|e| e.of(image()))?;
    share.done_entering();
    Ok((inpainter, found, share))
}

/// Reads a job to preview.
pub fn read_to_show(
    inputs: Inputs<'_>,
    sources: Sources<'_>,
    share: &mut Share,
    format: OutputFormat,
) -> Result<Ready> {
    let seen = Seen::new(inputs, sources, share)?;
    let needed = memory::preview_peak_bytes(&seen.header, format);
    let blame = if seen.hole_bytes > needed { inputs.files.hole_name() } else { inputs.files.image.display() };
    share.take(needed.max(seen.hole_bytes)).map_err(|e| e.of(blame))?;
    seen.find_hole(inputs)?.ready()
}

/// The files of a job, whose headers are read.
struct Seen<'a> {
    image: Source<'a>,
    mask: Option<Source<'a>>,
    header: Header,
    /// Bytes of the files that are held.
    held: usize,
    /// Bytes that finding the hole takes, `held` included.
    hole_bytes: usize,
}

impl<'a> Seen<'a> {
    fn new(inputs: Inputs<'_>, mut sources: Sources<'a>, share: &mut Share) -> Result<Self> {
        sources.iter_mut().try_for_each(|source| source.read_stdin(share.limit() as u64))?;
        sources.iter_mut().for_each(Source::release);
        let Sources { mut image, mut mask } = sources;
        // A file from stdin stays in memory until it is decoded.
        let piped = image.held_bytes() + mask.as_ref().map_or(0, Source::held_bytes);
        let mut header_of = |source: &mut Source| {
            let bytes = piped.saturating_add(source.file_bytes()?);
            if bytes > 0 {
                share.take_first(bytes, 0).map_err(|e| e.of(source.name()))?;
            }
            let header = source.header();
            source.release();
            header
        };
        let header = header_of(&mut image)?;
        let mask_header = mask.as_mut().map(header_of).transpose()?;
        let in_pixels = inputs.spec.is_in_pixels();
        let hole_bytes = memory::hole_peak_bytes(&header, mask_header.as_ref(), in_pixels, image.held_bytes());
        let held = image.held_bytes() + mask.as_ref().map_or(0, Source::held_bytes);
        Ok(Self { image, mask, header, held, hole_bytes })
    }

    fn find_hole(self, inputs: Inputs<'_>) -> Result<Found<'a>> {
        inputs.find_in(&self.header, Sources { image: self.image, mask: self.mask })
    }
}
