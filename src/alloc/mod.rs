//! Fallible `Vec` helpers: where memory cannot be had, the answer is a [`Limits`](crate::ErrorKind::Limits) error instead of
//! an abort.
//!
//! Code uses these wherever an input decides how much is allocated. Before a library allocates, it calls [`try_alloc`].

mod arena;
mod buffer;
mod lent;

pub(crate) use arena::{Lifetime, place};
pub(crate) use buffer::Buffer;
#[cfg(feature = "parallel")]
pub(crate) use buffer::system_has;
pub use buffer::try_zeroed;
pub(crate) use lent::{
    List, Plain, floats_for, lines, lines_bytes, mask_floats, split, split_mask, values, values_mut,
};
#[cfg(feature = "capi")]
pub(crate) use lent::{split_words, words_bytes};

use crate::error::{Error, Result};

/// An empty list with capacity for `len` values.
///
/// # Errors
///
/// Limits, where memory cannot be had, as for every function of this module.
pub fn try_with_capacity<T>(len: usize) -> Result<Vec<T>> {
    let mut list = Vec::new();
    try_reserve_exact(&mut list, len)?;
    Ok(list)
}

/// Reserves capacity for exactly `more` values.
pub fn try_reserve_exact<T>(list: &mut Vec<T>, more: usize) -> Result<()> {
    list.try_reserve_exact(more).map_err(|_| none::<T>(more))
}

/// Reserves capacity for `more` values, and for others to come.
fn try_reserve<T>(list: &mut Vec<T>, more: usize) -> Result<()> {
    list.try_reserve(more).map_err(|_| none::<T>(more))
}

/// Allocates `bytes` and frees them: a check before a library that aborts without memory allocates as much.
pub fn try_alloc(bytes: usize) -> Result<()> {
    try_with_capacity::<u8>(bytes).map(drop)
}

/// `len` times `value`.
pub fn try_filled<T: Clone>(value: T, len: usize) -> Result<Vec<T>> {
    let mut list = try_with_capacity(len)?;
    list.resize(len, value);
    Ok(list)
}

/// A copy of `values`.
pub fn try_to_vec<T: Copy>(values: &[T]) -> Result<Vec<T>> {
    let mut list = try_with_capacity(values.len())?;
    list.extend_from_slice(values);
    Ok(list)
}

/// Makes `list` `len` values long, with copies of `value` at the end.
pub fn try_resize<T: Clone>(list: &mut Vec<T>, len: usize, value: T) -> Result<()> {
    try_reserve(list, len.saturating_sub(list.len()))?;
    list.resize(len, value);
    Ok(())
}

/// Appends a value.
pub fn try_push<T>(list: &mut Vec<T>, value: T) -> Result<()> {
    try_reserve(list, 1)?;
    list.push(value);
    Ok(())
}

/// Appends `values`.
pub fn try_extend<T: Copy>(list: &mut Vec<T>, values: &[T]) -> Result<()> {
    try_reserve(list, values.len())?;
    list.extend_from_slice(values);
    Ok(())
}

fn none<T>(values: usize) -> Error {
    Error::limits(format!("no memory for {} bytes", values.saturating_mul(size_of::<T>())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_allocation_that_fails_is_an_error_of_limits() {
        let refused = [
            try_alloc(usize::MAX),
            try_with_capacity::<u64>(usize::MAX).map(drop),
            try_filled(0u16, usize::MAX).map(drop),
            try_zeroed(usize::MAX).map(drop),
            try_resize(&mut vec![1u32], usize::MAX, 0),
        ];
        for refused in refused {
            let e = refused.unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Limits);
            assert!(e.to_string().starts_with("no memory for "), "{e}");
        }
    }

    #[test]
    fn lists_hold_what_they_are_given() {
        let mut list = try_filled(1u8, 2).unwrap();
        try_push(&mut list, 2).unwrap();
        try_extend(&mut list, &[3, 4]).unwrap();
        assert_eq!(list, [1, 1, 2, 3, 4]);
        try_resize(&mut list, 6, 9).unwrap();
        assert_eq!(try_zeroed(3).unwrap(), [0; 3]);
        assert_eq!(try_to_vec(&list).unwrap(), [1, 1, 2, 3, 4, 9]);
    }
}
