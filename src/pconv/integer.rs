//! Layers of integers, and the integers of the network's input.

use arrayvec::ArrayVec;

use super::layer::{Layer, PartialConvolution};
use super::map::Values;
use crate::alloc::{Buffer, Plain, try_filled};
use crate::error::{Error, Result};
use crate::gemm::{Gemm, Integer, IntegerEpilogue, Number, Packed};
use crate::numerics::{Activation, WIDE_LIMIT};
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
    /// Its weights.
    type Weight: Plain + Into<i32>;
    /// The largest size of a value, and of a weight.
    const MOST: i64;
    const MOST_WEIGHT: i32;

    /// Writes weights, of each the low byte first.
    fn read(bytes: &[u8], weights: &mut [Self::Weight]);

    /// A weight that is within the type.
    fn weight(v: i32) -> Self::Weight;
}

impl Left for u8 {
    type Weight = i8;
    const MOST: i64 = 255;
    const MOST_WEIGHT: i32 = i8::MAX as i32;

    fn read(bytes: &[u8], weights: &mut [i8]) {
        weights.iter_mut().zip(bytes).for_each(|(weight, byte)| *weight = byte.cast_signed());
    }

    fn weight(v: i32) -> i8 {
        v as i8
    }
}

impl Left for i16 {
    type Weight = i16;
    const MOST: i64 = WIDE_LIMIT as i64;
    const MOST_WEIGHT: i32 = i16::MAX as i32;

    fn read(bytes: &[u8], weights: &mut [i16]) {
        weights.iter_mut().zip(bytes.as_chunks().0).for_each(|(weight, bytes)| *weight = i16::from_le_bytes(*bytes));
    }

    fn weight(v: i32) -> i16 {
        v as i16
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
            (false, Values::F32) => unreachable!("dec1 reads maps of 16 bits"),
        })
    }

    /// Bytes of packed weights that it will have, in whole cache lines.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks the instruction set.
    pub fn bytes(&self) -> Result<usize> {
        match self.integers.is_wide(self.index) {
            true => Layer::<Integer<i16, u8>>::bytes_for(self.isa, self.shape),
            false => Layer::<Integer<u8, u8>>::bytes_for(self.isa, self.shape),
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
        Integer<L, u8>: Number<Weight = L::Weight>,
    {
        let (packed, epilogue) = self.operands::<L>(weights, memory)?;
        Ok(Layer::of(Gemm::new(self.isa, self.shape.c_out)?, packed, epilogue, zero, self.shape.kernel))
    }

    /// The weights of the layer, and what makes results of sums; neither depends on the type of the results.
    fn operands<L: Left>(
        &self,
        weights: &mut Weights<'_>,
        memory: &mut Buffer,
    ) -> Result<(ArrayVec<Packed<L::Weight>, 2>, IntegerEpilogue)>
    where
        Integer<L, u8>: Number<Weight = L::Weight>,
    {
        let Self { isa, index, shape, integers, activation } = *self;
        let LayerShape { c_out, ref name, .. } = *shape;
        let gemm = Gemm::<Integer<L, u8>>::new(isa, c_out)?;
        let mut packed = ArrayVec::new();
        let mut columns = try_filled(Column::default(), gemm.panels() * gemm.nr())?;
        let group = weights::group(integers.is_wide(index));
        for (i, of) in shape.operands().enumerate() {
            let panels = weights.panels(index, of.name)?;
            let k = of.k(group);
            let bytes = gemm.packed_bytes(of.variants(), k);
            let mut of_operand = Packed::in_buffer(memory.split_front(bytes / size_of::<f32>()));
            let values = gemm.repack(&mut of_operand, of.variants(), k)?;
            match of.is_upsampled {
                true => fold::<L>(&panels, of.channels * gemm.nr(), values)
                    .map_err(|e| e.of(format!("{name}.{}", of.name)))?,
                false => L::read(&panels, values),
            }
            // An output reads every weight of its column, those that are added up together.
            let zero = i64::from(integers.maps()[integers.source(index, i)].zero);
            let len = panels.len() / gemm.panels();
            for (panel, columns) in panels.chunks_exact(len).zip(columns.chunks_exact_mut(gemm.nr())) {
                Column::add::<L>(columns, panel, group, zero);
            }
            gemm.finish(&mut of_operand)?;
            packed.push(of_operand);
        }
        if let Some(size) = columns.iter().map(|column| column.size).find(|size| i32::try_from(*size).is_err()) {
            let expected = i32::MAX;
            return Err(Error::weights(format!("{name}: expected sums of at most {expected}, found one of {size}")));
        }
        let mut offset = try_filled(0, c_out)?;
        offset.iter_mut().zip(&columns).for_each(|(offset, column)| *offset = column.offset as i32);
        let (mut scale, mut bias) = (Vec::new(), Vec::new());
        weights.read_scales(index, &mut scale, &mut bias)?;
        let mut of_zero = 0;
        if let Some(MapScale { step, zero }) = integers.maps().get(index + 1) {
            // From values to integers of the map of the results.
            scale.iter_mut().chain(&mut bias).for_each(|v| *v /= step);
            of_zero = i32::from(*zero);
        }
        Ok((packed, IntegerEpilogue::new(&offset, &scale, &bias, activation, of_zero)?))
    }
}

/// Bytes of a row of panels, which has a group for each column.
const ROW: usize = 64;

/// What the weights of an output channel add up to.
#[derive(Clone, Copy, Default)]
struct Column {
    /// The sum of products with the integers that stand for 0.
    offset: i64,
    /// No sum of products is larger, nor one of some of them.
    size: i64,
}

impl Column {
    /// Adds a panel, [k / group, column, group], of an operand whose map has `zero` for 0.
    fn add<L: Left>(columns: &mut [Column], panel: &[u8], group: usize, zero: i64) {
        // So many rows that sums of sizes are in an i32.
        for rows in panel.chunks(ROW << 15) {
            let (mut sums, mut sizes) = ([0i32; ROW], [0i32; ROW]);
            for row in rows.chunks_exact(ROW) {
                let mut weights = [L::weight(0); ROW];
                L::read(row, &mut weights);
                for ((sum, size), weight) in sums.iter_mut().zip(&mut sizes).zip(weights) {
                    let weight: i32 = weight.into();
                    *sum += weight;
                    *size += weight.abs();
                }
            }
            let total = |lanes: &[i32]| lanes.iter().map(|v| i64::from(*v)).sum::<i64>();
            for (i, column) in columns.iter_mut().enumerate() {
                let lanes = i * group..(i + 1) * group;
                column.offset += total(&sums[lanes.clone()]) * zero;
                column.size += total(&sizes[lanes]) * L::MOST;
            }
        }
    }
}

/// Adds up weights for the same pixel of a map that is upsampled: those of 3×3 pixels, [panel, 3, 3, `pixel`], give those of 2×2 for
/// each parity of an output, [parity, panel, 2, 2, `pixel`].
///
/// # Errors
///
/// Weights, where a sum is beyond the type.
fn fold<L: Left>(panels: &[u8], pixel: usize, out: &mut [L::Weight]) -> Result<()> {
    let size = size_of::<L::Weight>();
    let count = panels.len() / (9 * pixel * size);
    let mut largest = [0i32; ROW];
    for (i, out) in out.chunks_exact_mut(pixel).enumerate() {
        let (parity, panel, y, x) = (i / (4 * count), i / 4 % count, i / 2 % 2, i % 2);
        // Even outputs read pixels −1 | 0, 0 of the map, odd ones 0, 0 | 1.
        let taps = |odd: usize, i: usize| [[0..1, 1..3], [0..2, 2..3]][odd][i].clone();
        for (j, out) in out.chunks_mut(ROW / size).enumerate() {
            let mut sums = [0i32; ROW];
            for y in taps(parity / 2, y) {
                for x in taps(parity % 2, x) {
                    let mut weights = [L::weight(0); ROW];
                    L::read(&panels[((panel * 3 + y) * 3 + x) * pixel * size + j * ROW..][..ROW], &mut weights);
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight.into());
                }
            }
            largest.iter_mut().zip(&sums).for_each(|(largest, sum)| *largest = sum.abs().max(*largest));
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = L::weight(sum));
        }
    }
    let (most, found) = (L::MOST_WEIGHT, largest.into_iter().max().unwrap_or(0));
    match found <= most {
        true => Ok(()),
        false => Err(Error::weights(format!("expected weights that add up to -{most} to {most}, found ±{found}"))),
    }
}

/// The number type of map `index`: of the input, enc1 … encL, decL … dec1.
pub(crate) fn map_values(integers: &Integers, index: usize) -> Values {
    match integers.maps().get(index) {
        None => Values::F32,
        Some(_) if integers.is_wide(index) => Values::I16,
        Some(map) => Values::U8 { zero: map.zero },
    }
}
