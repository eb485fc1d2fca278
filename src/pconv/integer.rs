//! Layers of integers, and the integers of the network's input.

use arrayvec::ArrayVec;

use super::layer::{Layer, PartialConvolution};
use super::map::{Map, Values};
use crate::alloc::{Buffer, Plain, try_filled, values_mut};
use crate::error::{Error, Result};
use crate::gemm::{Gemm, Integer, IntegerEpilogue, Number, Packed};
use crate::numerics::{Activation, WIDE_LIMIT, round};
use crate::simd::Isa;
use crate::weights::{self, Integers, LayerShape, MapScale, Weights};

/// A layer of a network of integers, before it is read.
pub(crate) struct IntegerLayer<'a> {
    pub isa: Isa,
    /// Which layer of the network, in the order they run.
    pub index: usize,
    pub shape: &'a LayerShape,
    pub integers: &'a Integers,
    pub activation: Activation,
}

/// A map of integers on the left.
trait Left: Plain {
    /// Its weights, a byte or two.
    type Weight: Plain + Into<i16>;
    /// The largest size of a value.
    const MOST: i64;

    /// The weight of as many bytes as it has, the low one first.
    fn weight(bytes: &[u8]) -> Self::Weight;
}

impl Left for u8 {
    type Weight = i8;
    const MOST: i64 = 255;

    fn weight(bytes: &[u8]) -> i8 {
        bytes[0].cast_signed()
    }
}

impl Left for i16 {
    type Weight = i16;
    const MOST: i64 = WIDE_LIMIT as i64;

    fn weight(bytes: &[u8]) -> i16 {
        i16::from_le_bytes([bytes[0], bytes[1]])
    }
}

impl IntegerLayer<'_> {
    /// Reads the layer's weights into the front of `memory`, which has [`IntegerLayer::bytes`] or more.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks the instruction set; weights, naming the tensor that breaks a rule of the format; limits, where
    /// the memory cannot be had.
    pub fn read(&self, weights: &mut Weights<'_>, memory: &mut Buffer) -> Result<Box<dyn PartialConvolution>> {
        Ok(match (self.integers.is_wide(self.index), self.output()) {
            (true, Values::I16) => Box::new(self.layer::<i16, i16>(weights, memory, 0)?),
            (true, Values::U8 { zero }) => Box::new(self.layer::<i16, u8>(weights, memory, zero)?),
            (true, Values::F32) => Box::new(self.layer::<i16, f32>(weights, memory, 0.0)?),
            (false, Values::I16) => Box::new(self.layer::<u8, i16>(weights, memory, 0)?),
            (false, Values::U8 { zero }) => Box::new(self.layer::<u8, u8>(weights, memory, zero)?),
            (false, Values::F32) => Box::new(self.layer::<u8, f32>(weights, memory, 0.0)?),
        })
    }

    /// Bytes of packed weights that it will have, in whole cache lines.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks the instruction set.
    pub fn bytes(&self) -> Result<usize> {
        match self.integers.is_wide(self.index) {
            true => Layer::<Integer<i16, f32>>::bytes_for(self.isa, self.shape),
            false => Layer::<Integer<u8, f32>>::bytes_for(self.isa, self.shape),
        }
    }

    /// The number type of the layer's results.
    fn output(&self) -> Values {
        map_values(self.integers, self.index + 1)
    }

    fn layer<L: Left, O: Plain>(
        &self,
        weights: &mut Weights<'_>,
        memory: &mut Buffer,
        zero: O,
    ) -> Result<Layer<Integer<L, O>>>
    where
        Integer<L, O>: Number<Left = L, Weight = L::Weight, Output = O, Epilogue = IntegerEpilogue>,
    {
        let Self { isa, index, shape, integers, activation } = *self;
        let c_out = shape.c_out;
        let gemm = Gemm::<Integer<L, O>>::new(isa, c_out)?;
        let mut packed = ArrayVec::new();
        // By output parity and column: what the integers that stand for 0 add to a sum, and the largest size of a sum.
        let mut offsets = try_filled(0i64, 4 * c_out)?;
        let mut sizes = try_filled(0i64, 4 * c_out)?;
        let group = weights::group(integers.is_wide(index));
        for (i, of) in shape.operands().enumerate() {
            let of_hole = i64::from(integers.maps()[integers.source(index, i)].zero);
            let (variants, side) = (of.variants(), of.side());
            let k = side * (side * of.channels).next_multiple_of(group);
            let mut of_operand =
                Packed::in_buffer(memory.split_front(gemm.packed_bytes(variants, k) / size_of::<f32>()));
            let panels = weights.panels(index, of.name)?;
            let values = gemm.repack(&mut of_operand, variants, k)?;
            if of.is_upsampled {
                let pixel = of.channels * gemm.nr() * size_of::<L::Weight>();
                let name = format!("{}.{}", shape.name, of.name);
                fold::<L>(&panels, pixel, values).map_err(|e| e.of(name))?;
            } else {
                let bytes = panels.chunks_exact(size_of::<L::Weight>());
                values.iter_mut().zip(bytes).for_each(|(value, bytes)| *value = L::weight(bytes));
            }
            let row = gemm.nr() * group;
            let rows = gemm.panels() * k / group;
            for (i, values) in values.chunks_exact(row).enumerate() {
                let (variant, panel) = (i / rows, i % rows * group / k);
                for (column, values) in (panel * gemm.nr()..c_out).zip(values.chunks_exact(group)) {
                    let (mut sum, mut size) = (0, 0);
                    for weight in values {
                        let weight: i16 = (*weight).into();
                        (sum, size) = (sum + i64::from(weight), size + i64::from(weight.unsigned_abs()));
                    }
                    let parities = if variants == 1 { 0..4 } else { variant..variant + 1 };
                    for parity in parities {
                        offsets[parity * c_out + column] += sum * of_hole;
                        sizes[parity * c_out + column] += size * L::MOST;
                    }
                }
            }
            packed.push(of_operand);
        }
        let LayerShape { name, .. } = shape;
        if let Some(size) = sizes.iter().find(|size| i32::try_from(**size).is_err()) {
            let expected = i32::MAX;
            return Err(Error::weights(format!("{name}: expected sums of at most {expected}, found one of {size}")));
        }
        let (mut scale, mut bias) = (Vec::new(), Vec::new());
        weights.read_scales(index, &mut scale, &mut bias)?;
        let mut of_zero = 0;
        if let Some(MapScale { step, zero }) = integers.maps().get(index + 1) {
            // From values to integers of the map of the results.
            scale.iter_mut().chain(&mut bias).for_each(|v| *v /= step);
            of_zero = i32::from(*zero);
        }
        let parities = if shape.c_skip == 0 { 1 } else { 4 };
        let epilogues: Result<ArrayVec<_, 4>> = offsets
            .chunks_exact(c_out)
            .take(parities)
            .map(|offset| {
                let mut of_parity = try_filled(0, c_out)?;
                of_parity.iter_mut().zip(offset).for_each(|(out, v)| *out = *v as i32);
                IntegerEpilogue::new(&of_parity, &scale, &bias, activation, of_zero)
            })
            .collect();
        Ok(Layer::of(gemm, packed, epilogues?, zero, shape.kernel))
    }
}

/// Adds up weights for the same pixel of a map that is upsampled: those of 3×3 pixels, [panel, 3, 3, `pixel` bytes], give those of
/// 2×2 for each parity of an output, [parity, panel, 2, 2, values].
///
/// # Errors
///
/// Weights, where a sum is beyond the type.
fn fold<L: Left>(weights: &[u8], pixel: usize, out: &mut [L::Weight]) -> Result<()> {
    const STRIP: usize = 64;
    let size = size_of::<L::Weight>();
    let panels = weights.len() / (9 * pixel);
    for (i, out) in out.chunks_exact_mut(pixel / size).enumerate() {
        let (parity, panel, y, x) = (i / (4 * panels), i / 4 % panels, i / 2 % 2, i % 2);
        let taps = |odd: usize, i: usize| [[0..1, 1..3], [0..2, 2..3]][odd][i].clone();
        for (j, out) in out.chunks_mut(STRIP).enumerate() {
            let mut sums = [0i32; STRIP];
            for y in taps(parity / 2, y) {
                for x in taps(parity % 2, x) {
                    let tap = &weights[((panel * 3 + y) * 3 + x) * pixel + j * STRIP * size..];
                    let values = sums.iter_mut().zip(tap[..out.len() * size].chunks_exact(size));
                    values.for_each(|(sum, bytes)| *sum += i32::from(L::weight(bytes).into()));
                }
            }
            let most = (1 << (8 * size - 1)) - 1;
            if let Some(sum) = sums.iter().find(|sum| sum.abs() > most) {
                return Err(Error::weights(format!("expected weights that add up to -{most} to {most}, found {sum}")));
            }
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = L::weight(&sum.to_le_bytes()));
        }
    }
    Ok(())
}

/// The number type of map `index`: of the input, enc1 … encL, decL … dec1.
pub(crate) fn map_values(integers: &Integers, index: usize) -> Values {
    match integers.maps().get(index) {
        None => Values::F32,
        Some(_) if integers.is_wide(index) => Values::I16,
        Some(map) => Values::U8 { zero: map.zero },
    }
}

/// Writes the integers of a map of f32 of the same frame to the map `to`. Both lie in `arena`.
///
/// # Panics
///
/// If the maps overlap, or `to` is not of 16 bits.
pub(crate) fn quantise(from: Map, to: Map, step: f32, arena: &mut [f32]) {
    assert!(to.values == Values::I16, "the input of integers has 16 bits");
    let limit = WIDE_LIMIT as f32;
    let spans = [from, to].map(|map| map.offset..map.offset + map.floats());
    let [from, out] = arena.get_disjoint_mut(spans).expect("maps do not overlap");
    let scale = 1.0 / step;
    for (out, v) in values_mut::<i16>(out).iter_mut().zip(&*from) {
        *out = round(v * scale, [-limit, limit]) as i16;
    }
}
