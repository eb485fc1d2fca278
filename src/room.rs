//! Lists that say so where memory cannot be had; the ones of the standard library end the process.

use crate::error::{Error, Result};

/// An empty list with room for `len` values.
pub fn room_for<T>(len: usize) -> Result<Vec<T>> {
    let mut list = Vec::new();
    reserve(&mut list, len)?;
    Ok(list)
}

/// Room for `more` values at the end, and not for others.
pub fn reserve<T>(list: &mut Vec<T>, more: usize) -> Result<()> {
    list.try_reserve_exact(more).map_err(|_| none::<T>(more))
}

/// Room for `more` values at the end, and for others to come.
fn grow<T>(list: &mut Vec<T>, more: usize) -> Result<()> {
    list.try_reserve(more).map_err(|_| none::<T>(more))
}

/// Refuses what memory cannot be had for, before a library asks for it that takes no refusal.
pub fn check(bytes: usize) -> Result<()> {
    room_for::<u8>(bytes).map(drop)
}

/// `len` times `value`.
pub fn filled<T: Clone>(value: T, len: usize) -> Result<Vec<T>> {
    let mut list = room_for(len)?;
    list.resize(len, value);
    Ok(list)
}

/// The same values once more.
pub fn copied<T: Copy>(values: &[T]) -> Result<Vec<T>> {
    let mut list = room_for(values.len())?;
    list.extend_from_slice(values);
    Ok(list)
}

/// Adds values at the end until there are `len`.
pub fn resize<T: Clone>(list: &mut Vec<T>, len: usize, value: T) -> Result<()> {
    grow(list, len.saturating_sub(list.len()))?;
    list.resize(len, value);
    Ok(())
}

/// Adds a value at the end.
pub fn push<T>(list: &mut Vec<T>, value: T) -> Result<()> {
    grow(list, 1)?;
    list.push(value);
    Ok(())
}

/// Adds values at the end.
pub fn append<T: Copy>(list: &mut Vec<T>, values: &[T]) -> Result<()> {
    grow(list, values.len())?;
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
    fn what_cannot_be_had_is_an_error_of_limits() {
        let refused = [check(usize::MAX), room_for::<u64>(usize::MAX).map(drop), filled(0u16, usize::MAX).map(drop)];
        for refused in refused {
            let e = refused.unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Limits);
            assert!(e.to_string().starts_with("no memory for "), "{e}");
        }
    }

    #[test]
    fn lists_hold_what_they_are_given() {
        let mut list = filled(1u8, 2).unwrap();
        push(&mut list, 2).unwrap();
        append(&mut list, &[3, 4]).unwrap();
        assert_eq!(list, [1, 1, 2, 3, 4]);
    }
}
