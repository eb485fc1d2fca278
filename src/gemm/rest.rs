//! Weights that a kernel has taken out of its panels, to multiply them by themselves.

use crate::alloc::{try_push, try_with_capacity};
use crate::error::Result;

/// Bytes of weights in a row: a group of each of some columns.
pub(super) const ROW: usize = 32;

/// Rows of weights that were taken out of lists of rows, in their order.
#[derive(Default)]
pub(super) struct Rest {
    rows: Vec<[u8; ROW]>,
    /// Where each row was in its list.
    groups: Vec<u32>,
    /// Rows up to the end of each list.
    ends: Vec<usize>,
}

impl Rest {
    /// None yet, of so many lists.
    pub fn of_lists(count: usize) -> Result<Self> {
        Ok(Self { ends: try_with_capacity(count)?, ..Self::default() })
    }

    /// Takes a row out of the list at hand, from place `group`.
    pub fn push(&mut self, row: [u8; ROW], group: u32) -> Result<()> {
        try_push(&mut self.rows, row)?;
        try_push(&mut self.groups, group)
    }

    /// Ends a list.
    pub fn end(&mut self) {
        self.ends.push(self.rows.len());
    }

    /// What was taken out of a list, and from where.
    pub fn list(&self, index: usize) -> (&[[u8; ROW]], &[u32]) {
        let rows = index.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[index];
        (&self.rows[rows.clone()], &self.groups[rows])
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.rows[..]) + size_of_val(&self.groups[..]) + size_of_val(&self.ends[..])
    }
}
