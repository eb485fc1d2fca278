//! The traits that the kernels are written over, one per number type.

/// A vector of f32 lanes of one instruction set. Lanes never interact: lane i of a result depends on lane i of the operands
/// alone, and equals what [`crate::numerics`] computes for it.
///
/// # Safety
///
/// Every method requires a CPU with the instruction set of the implementor, and is to be inlined into a function that
/// enables it; `load` and `store` require `LANES` readable or writable floats at `p`, in no particular alignment.
pub(crate) unsafe trait F32Lanes {
    /// Floats in a vector.
    const LANES: usize;
    /// The vector.
    type Vector: Copy;

    unsafe fn splat(v: f32) -> Self::Vector;
    unsafe fn load(p: *const f32) -> Self::Vector;
    unsafe fn store(p: *mut f32, v: Self::Vector);
    /// `a·b + c` with one rounding.
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `v` where `v > 0`, else `other`.
    unsafe fn positive_or(v: Self::Vector, other: Self::Vector) -> Self::Vector;
    /// Asks for the cache line at `p` to be brought into the L2 cache; any address will do.
    unsafe fn prefetch(p: *const f32);
}

/// Sums of products of integers, a vector of columns at a time. `T` is the value of the map, u8 or i16. Four bytes of the map
/// are a group, four u8 or two i16, and so are the weights of a column that they meet, four i8 or two i16. Sums are of 32
/// bits, wrap and never saturate, and so are the same on every instruction set.
///
/// # Safety
///
/// Every method requires a CPU with the instruction set of the implementor, and is to be inlined into a function that
/// enables it; `group` requires 4 readable bytes at `p` and `columns` `LANES` groups, in no particular alignment.
pub(crate) unsafe trait IntegerLanes<T> {
    /// Columns of a vector, a divisor of 16.
    const LANES: usize;
    /// Whether a u8 counts as 128 less than it is, for an instruction whose factors are both signed.
    const LESS_128: bool = false;
    /// `LANES` i32, in memory one after the other.
    type Sums: Copy;
    /// A group of the map, for all columns.
    type Group: Copy;
    /// A group of weights of each column.
    type Columns: Copy;

    unsafe fn zero() -> Self::Sums;
    unsafe fn group(p: *const u8) -> Self::Group;
    unsafe fn columns(p: *const u8) -> Self::Columns;
    /// Adds to the sum of each column the products of `group` with its weights, which are within ±127.
    unsafe fn dot(sums: Self::Sums, group: Self::Group, columns: Self::Columns) -> Self::Sums;
    /// Asks for the cache line at `p` to be brought into the L2 cache; any address will do.
    unsafe fn prefetch(p: *const u8);
}

/// Rows of 28 bytes compared: sums of squared differences, exact in 32 bits and so the same on every instruction set.
///
/// # Safety
///
/// Every method requires a CPU with the instruction set of the implementor, and is to be inlined into a function that
/// enables it; `add` requires 32 readable bytes at `a` and `b`.
pub(crate) unsafe trait PatchRow {
    /// Partial sums.
    type Sum: Copy;

    unsafe fn zero() -> Self::Sum;
    /// Adds the squared differences of the first 28 bytes at `a` and `b`.
    unsafe fn add(sum: Self::Sum, a: *const u8, b: *const u8) -> Self::Sum;
    unsafe fn total(sum: Self::Sum) -> u32;
}
