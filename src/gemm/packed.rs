//! Weights in the order in which a microkernel reads them.

use std::marker::PhantomData;
use std::ops::Range;

use super::rest::Rest;
use crate::alloc::{Buffer, Plain, floats_for, values, values_mut};
use crate::error::Result;

/// The shape of packed weights: `variants` matrices of `k` rows and `n` columns, in panels of `nr` columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub variants: usize,
    pub k: usize,
    pub n: usize,
    pub nr: usize,
    /// Consecutive k of a column that lie side by side.
    pub group: usize,
}

impl Shape {
    /// Panels of a matrix.
    pub fn panels(&self) -> usize {
        self.n.div_ceil(self.nr)
    }

    /// Values of a panel; `usize::MAX`, which no memory holds, where a `usize` overflows.
    pub fn panel_len(&self) -> usize {
        let k = self.k.checked_next_multiple_of(self.group).unwrap_or(usize::MAX);
        k.saturating_mul(self.nr)
    }

    /// Values of all variants; `usize::MAX` where a `usize` overflows.
    pub fn len(&self) -> usize {
        self.variants.saturating_mul(self.panels()).saturating_mul(self.panel_len())
    }

    /// Bytes of all variants, each value a `W`, in whole floats; `usize::MAX` where a `usize` overflows.
    pub fn bytes<W: Plain>(&self) -> usize {
        floats_for::<W>(self.len()).saturating_mul(size_of::<f32>())
    }
}

/// Weights packed into panels of `NR` columns: [variant, panel, k, NR], the last panel filled up with zeros. Where an
/// instruction takes several k at once, they lie side by side: [variant, panel, k / group, NR, group].
pub struct Packed<W = f32> {
    data: Buffer,
    shape: Shape,
    /// What the kernel took out of them.
    rest: Rest,
    values: PhantomData<W>,
}

const NOTHING: Shape = Shape { variants: 0, k: 0, n: 0, nr: 1, group: 1 };

impl<W: Plain> Packed<W> {
    /// No weights, until [`Gemm::repack`](super::Gemm::repack) makes some.
    ///
    /// # Errors
    ///
    /// Limits, where no memory at all can be had.
    pub fn empty() -> Result<Self> {
        Ok(Self::in_buffer(Buffer::zeroed(0)?))
    }

    /// No weights yet, in memory for those to come.
    pub(crate) fn in_buffer(data: Buffer) -> Self {
        Self { data, shape: NOTHING, rest: Rest::default(), values: PhantomData }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.data[..]) + self.rest_bytes()
    }

    /// Those of them that are not in panels.
    pub(crate) fn rest_bytes(&self) -> usize {
        self.rest.bytes()
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The values of one panel.
    ///
    /// # Panics
    ///
    /// If there is no such variant or panel.
    pub(super) fn panel(&self, variant: usize, panel: usize) -> &[W] {
        self.some_panels(variant, panel..panel + 1)
    }

    /// The values of some panels of a variant.
    ///
    /// # Panics
    ///
    /// If there are no such variant or panels.
    pub(super) fn some_panels(&self, variant: usize, panels: Range<usize>) -> &[W] {
        let (len, first) = (self.shape.panel_len(), variant * self.shape.panels());
        &values(&self.data)[(first + panels.start) * len..(first + panels.end) * len]
    }

    /// The panels of all variants, one after the other, as bytes; and what is taken out of them.
    pub(super) fn parts_mut(&mut self) -> (&Shape, &mut [u8], &mut Rest) {
        let bytes = self.shape.len() * size_of::<W>();
        (&self.shape, &mut values_mut(&mut self.data)[..bytes], &mut self.rest)
    }

    /// What the kernel took out of the panels.
    pub(super) fn rest(&self) -> &Rest {
        &self.rest
    }

    /// Takes on `shape`, in the memory at hand where that suffices, and returns the values, of any content.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    pub(super) fn reshape(&mut self, shape: Shape) -> Result<&mut [W]> {
        let words = floats_for::<W>(shape.len());
        if self.data.len() < words {
            self.data = Buffer::zeroed(words)?;
        }
        self.shape = shape;
        self.rest = Rest::default();
        Ok(&mut values_mut(&mut self.data)[..shape.len()])
    }
}

/// Rows of a panel that are written together: a cache line of each column.
const BLOCK: usize = 16;

/// Writes panel `index` of all variants of `shape`: `fill(variant, column, out)` writes a column of B, `out` `[k]`. `columns`
/// has [`Shape::panel_len`] values of any content.
pub(super) fn pack_panel<W: Plain>(
    shape: Shape,
    index: usize,
    fill: impl Fn(usize, usize, &mut [W]),
    columns: &mut [W],
    panel: &mut [W],
) {
    let Shape { k, n, nr, group, .. } = shape;
    let (variant, first) = (index / shape.panels(), index % shape.panels() * nr);
    let used = nr.min(n - first);
    let padded = shape.panel_len() / nr;
    for (j, column) in columns.chunks_exact_mut(padded).enumerate().take(used) {
        fill(variant, first + j, &mut column[..k]);
    }
    // Loading weights spends much of its time here.
    let block = BLOCK.next_multiple_of(group);
    for (i, rows) in panel.chunks_mut(block * nr).enumerate() {
        for (j, column) in columns.chunks_exact(padded).enumerate().take(used) {
            let column = &column[i * block..][..rows.len() / nr];
            let rows = rows.chunks_exact_mut(nr * group);
            if group == 1 {
                rows.zip(column).for_each(|(row, &w)| row[j] = w);
            } else {
                rows.zip(column.chunks_exact(group)).for_each(|(row, w)| row[j * group..][..group].copy_from_slice(w));
            }
        }
    }
}
