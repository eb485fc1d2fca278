//! The regions in which the network runs: every group of the hole, tile by tile.
//!
//! A tile is what one run of the network fills; its region is what that depends on. No tile depends on another, so that
//! tiles join: where they meet, both regions hold the same. Tiles follow from the hole alone, whatever memory there is.

use crate::error::Result;
use crate::mask::{Group, Groups, Rect};

/// Side of the widest group that is one tile, pixels.
pub(super) const WHOLE: usize = 512;

/// Side of the widest tile of wider groups: smaller tiles compute more twice, larger ones take more memory.
const TILE: usize = 384;

/// Side of the tiles that divide `len` pixels evenly: one up to `whole`, else of `widest` at the most.
pub(super) fn tile_side(len: usize, whole: usize, widest: usize) -> usize {
    if len <= whole { len } else { len.div_ceil(len.div_ceil(widest)) }
}

/// What one run of the network fills.
pub(super) struct Tile<'g> {
    /// The group that it is of.
    pub group: &'g Group<'g>,
    /// The smallest rectangle that holds it.
    pub target: Rect,
    /// Width and height of the image.
    pub image: (usize, usize),
}

/// Calls `each` with every tile of the hole in `target`, in an image of this size.
pub(super) fn for_each_tile(
    groups: &Groups<'_>,
    image: (usize, usize),
    target: Rect,
    each: &mut dyn FnMut(&Tile<'_>) -> Result<()>,
) -> Result<()> {
    for group in groups.iter() {
        let Some(bounds) = group.bounds(group.seen.common(target)) else { continue };
        let (width, height) = (tile_side(bounds.width, WHOLE, TILE), tile_side(bounds.height, WHOLE, TILE));
        for y in bounds.rows().step_by(height) {
            for x in bounds.columns().step_by(width) {
                let tile = Rect { x, y, width, height }.common(bounds);
                if let Some(target) = group.bounds(tile) {
                    each(&Tile { group: &group, target, image })?;
                }
            }
        }
    }
    Ok(())
}
