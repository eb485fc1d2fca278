//! Products of integers, exact in i32, and f32 from there to the result.
//!
//! Panels are the same on every instruction set: [variant, panel, k / GROUP, 16, GROUP]. A kernel of fewer columns takes a
//! panel in parts.

mod call;
mod direct;
mod epilogue;
mod kernel;
mod pairs;
mod shells;
#[cfg(test)]
mod tests;
mod value;
mod widened;

use std::marker::PhantomData;

use super::packed::Packed;
use super::product::{Kernels, Number, Product};
use crate::error::Result;
use call::Call;
pub use epilogue::IntegerEpilogue;
use kernel::{Kernel, Way};
use value::Grouped;

/// Maps of `L`, u8 or i16, times weights, i8 or i16, into maps of `O`, u8, i16 or, from i16, f32.
///
/// No weight is the least number of its type, and no sum of products leaves an i32: the caller sees to it. Runs of windows are whole groups, of
/// 4 values of u8 and 2 of i16; the caller fills up both runs and weights, the latter with zeros.
#[derive(Clone, Copy)]
pub struct Integer<L, O>(PhantomData<fn() -> (L, O)>);

/// Makes pairs of left and output number types.
macro_rules! number {
    ($($left:ty, $output:ty;)*) => {$(
        impl Number for Integer<$left, $output> {
            type Left = $left;
            type Weight = <$left as Grouped>::Weight;
            type Output = $output;
            type Epilogue = IntegerEpilogue;
        }

        impl Kernels for Integer<$left, $output> {
            type Kernel = Kernel<$left, $output>;

            const GROUP: usize = <$left as Grouped>::GROUP;

            fn finish(kernel: &Self::Kernel, packed: &mut Packed<<$left as Grouped>::Weight>) -> Result<()> {
                match kernel.set.way {
                    Way::Pairs => {
                        let (shape, panels, rest) = packed.parts_mut();
                        *rest = pairs::take_out(shape, panels)?;
                        Ok(())
                    }
                    Way::Direct | Way::Widened => Ok(()),
                }
            }

            unsafe fn multiply(kernel: &Self::Kernel, product: &Product<'_, Self>, epilogue: &IntegerEpilogue) {
                // SAFETY: passed on to the caller.
                unsafe {
                    let call = Call::new(product, epilogue);
                    match kernel.set.way {
                        Way::Direct => direct::multiply(&kernel.set, &call),
                        Way::Widened => widened::multiply(&kernel.set, &call),
                        Way::Pairs => pairs::multiply(&kernel.set, &call),
                    }
                }
            }
        }
    )*};
}

number! {
    u8, u8;
    u8, i16;
    i16, u8;
    i16, i16;
    i16, f32;
}
