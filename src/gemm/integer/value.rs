//! The values of integer maps, and what sums become.

use crate::alloc::Plain;
use crate::numerics::{WIDE_LIMIT, round};

/// A value of a map on the left.
pub trait Grouped: Plain + Send + Sync + 'static {
    /// Its weights.
    type Weight: Plain + Send + Sync;
    /// Values in four bytes, which a step of the kernels takes.
    const GROUP: usize;
}

impl Grouped for u8 {
    type Weight = i8;
    const GROUP: usize = 4;
}

/// Its weights are kept as wide as it is, since instructions take them so.
impl Grouped for i16 {
    type Weight = i16;
    const GROUP: usize = 2;
}

/// A value of the map of the results.
pub trait Stored: Plain + Default + Send + Sync + 'static {
    /// The least and the greatest value, for a number type that rounds.
    const LIMITS: [i32; 2];

    /// The value of `v`, of which 0 is `zero`. `limits` are [`Stored::LIMITS`] less `zero`.
    fn of(v: f32, limits: [f32; 2], zero: i32) -> Self;
}

impl Stored for u8 {
    const LIMITS: [i32; 2] = [0, 255];

    #[inline(always)]
    fn of(v: f32, limits: [f32; 2], zero: i32) -> u8 {
        (round(v, limits) + zero) as u8
    }
}

impl Stored for i16 {
    const LIMITS: [i32; 2] = [-WIDE_LIMIT, WIDE_LIMIT];

    #[inline(always)]
    fn of(v: f32, limits: [f32; 2], zero: i32) -> i16 {
        (round(v, limits) + zero) as i16
    }
}

impl Stored for f32 {
    const LIMITS: [i32; 2] = [0, 0];

    #[inline(always)]
    fn of(v: f32, _: [f32; 2], _: i32) -> f32 {
        v
    }
}
