//! The memory of a run. It is the engine's own, or a caller lends it.

use crate::alloc::{self, Buffer};
use crate::error::{Error, Result};
use crate::mask::{Groups, Mask, MaskView};

/// Memory for the groups of a hole, and for the feature maps and plans of a region.
pub(crate) struct Memory<'s> {
    pub groups: Store<'s>,
    pub arena: Store<'s>,
}

/// Floats, zeroed or of any content.
pub(crate) enum Store<'s> {
    Own(Buffer),
    Lent(&'s mut [f32]),
}

impl Memory<'_> {
    /// No memory yet.
    pub fn empty() -> Result<Self> {
        Ok(Self { groups: Store::Own(Buffer::zeroed(0)?), arena: Store::Own(Buffer::zeroed(0)?) })
    }
}

impl<'s> Memory<'s> {
    /// A caller's memory, the first `groups` floats of it for groups.
    pub fn lent(bytes: &'s mut [u8], groups: usize) -> Self {
        let floats = alloc::lines(bytes);
        let (groups, arena) = floats.split_at_mut(groups.min(floats.len()));
        Self { groups: Store::Lent(groups), arena: Store::Lent(arena) }
    }
}

impl Store<'_> {
    /// The first `floats` of it. Its own memory grows for that, and what it held is lost.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had. Usage, where a caller has lent too little.
    pub fn room(&mut self, floats: usize) -> Result<&mut [f32]> {
        match self {
            Store::Own(buffer) => {
                if buffer.len() < floats {
                    // The old goes before the new is asked for.
                    *buffer = Buffer::zeroed(0)?;
                    *buffer = Buffer::zeroed(floats)?;
                }
                Ok(&mut buffer[..floats])
            }
            Store::Lent(memory) => {
                let found = memory.len();
                let short = || Error::usage(format!("expected {floats} floats of scratch memory, found {found}"));
                memory.get_mut(..floats).ok_or_else(short)
            }
        }
    }

    /// Finds the groups of a hole, and the floats that takes.
    pub fn groups<'m>(&'m mut self, mask: &MaskView<'m>, context: Option<usize>) -> Result<(Groups<'m>, usize)> {
        let (columns, _) = self.columns(mask.width(), 0)?;
        let runs = Groups::floats(mask, context, columns);
        let (columns, memory) = self.columns(mask.width(), runs)?;
        Ok((Groups::find(mask, context, columns, memory), group_columns(mask.width()) + runs))
    }

    /// Side of the largest square of hole.
    pub fn largest_square(&mut self, mask: &MaskView<'_>) -> Result<usize> {
        let (columns, _) = self.columns(mask.width(), 0)?;
        Ok(mask.largest_square_in(mask.whole(), columns))
    }

    /// Adds to `core` the pixels around which a square of `margin` on every side is all hole.
    pub fn core(&mut self, mask: &MaskView<'_>, core: &mut Mask<&mut [u64]>, margin: usize) -> Result<()> {
        let (columns, _) = self.columns(mask.width(), 0)?;
        mask.core_into(core, margin, columns);
        Ok(())
    }

    /// Numbers for the columns of a mask, and so many floats more.
    fn columns(&mut self, width: usize, more: usize) -> Result<(&mut [u32], &mut [f32])> {
        let columns = group_columns(width);
        Ok(alloc::split(self.room(columns + more)?, columns))
    }
}

/// Numbers that are kept while a mask of this width is looked through.
fn group_columns(width: usize) -> usize {
    width + 1
}

/// Floats of [`Memory::groups`] that are enough for any hole in an image of this size, with groups of each of `contexts`.
pub(super) fn group_floats(width: usize, height: usize, contexts: [Option<usize>; 3]) -> usize {
    let runs = contexts.map(|context| Groups::most_floats(width, height, context));
    // The arena follows on a cache line.
    (group_columns(width) + runs[0].max(runs[1]).max(runs[2])).next_multiple_of(Buffer::LINE)
}
