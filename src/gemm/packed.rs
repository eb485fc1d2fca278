//! Weights in the order in which a microkernel reads them.

use std::marker::PhantomData;

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
    values: PhantomData<W>,
}

impl<W: Plain> Packed<W> {
    /// No weights, until [`Gemm::repack`](super::Gemm::repack) makes some.
    ///
    /// # Errors
    ///
    /// Limits, where no memory at all can be had.
    pub fn empty() -> Result<Self> {
        let shape = Shape { variants: 0, k: 0, n: 0, nr: 1, group: 1 };
        Ok(Self { data: Buffer::zeroed(0)?, shape, values: PhantomData })
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.data[..])
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
        let (len, panels) = (self.shape.panel_len(), self.shape.panels());
        &values(&self.data)[(variant * panels + panel) * len..][..len]
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
        Ok(&mut values_mut(&mut self.data)[..shape.len()])
    }
}

/// Packed weights of `shape`: `fill(variant, column, out)` writes a column of B, `out` `[k]`.
///
/// # Errors
///
/// Limits, where the memory cannot be had.
pub(super) fn pack<W: Plain>(shape: Shape, fill: impl Fn(usize, usize, &mut [W])) -> Result<Packed<W>> {
    let Shape { k, n, nr, group, .. } = shape;
    let mut packed = Packed::empty()?;
    let data = packed.reshape(shape)?;
    if data.is_empty() {
        return Ok(packed);
    }
    let panels = shape.panels();
    let mut column = Buffer::zeroed(floats_for::<W>(shape.panel_len() / nr))?;
    let column = values_mut::<W>(&mut column);
    for (i, panel) in data.chunks_exact_mut(shape.panel_len()).enumerate() {
        let (variant, first) = (i / panels, i % panels * nr);
        for j in 0..nr.min(n - first) {
            fill(variant, first + j, &mut column[..k]);
            let rows = panel.chunks_exact_mut(nr * group);
            // Loading weights spends much of its time here: a plain store where there is one value.
            if group == 1 {
                rows.zip(&*column).for_each(|(row, &w)| row[j] = w);
            } else {
                rows.zip(column.chunks_exact(group)).for_each(|(row, w)| row[j * group..][..group].copy_from_slice(w));
            }
        }
    }
    Ok(packed)
}
