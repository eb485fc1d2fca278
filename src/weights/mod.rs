//! Reads weights files: checks the schema before any number, then reads one layer at a time as f32. Makes the header for
//! programs that write such files.
//!
//! A [safetensors](https://github.com/huggingface/safetensors) file with batch norm folded in. Tensors of a network of floats
//! (`format` = `inpaint-edge/1`), f32 or f16, for i = 1 … L:
//!
//! | name | shape |
//! |---|---|
//! | `enc{i}.weight` | `[C_out, C_in, k, k]`, k odd |
//! | `dec{i}.weight` | `[C_out, C_up + C_skip, 3, 3]`, input channels in the order up, skip |
//! | `enc{i}.bias`, `dec{i}.bias` | `[C_out]` |
//! | optional `head.weight`, `head.bias` | `[3, 3, 1, 1]`, `[3]`: after the leaky ReLU, which dec1 then has too |
//!
//! Tensors of a network of integers (`format` = `inpaint-edge/2`):
//!
//! | name | type | shape |
//! |---|---|---|
//! | `enc{i}.weight` | I8 or I16 | `[P, k·R, 16, G]`, P = ⌈C_out / 16⌉, R = ⌈k·C_in / G⌉ |
//! | `dec{i}.up` | I8 or I16 | `[P, 3·R, 16, G]`, R = 3·C_up / G |
//! | `dec{i}.skip` | I8 or I16 | `[P, 3·R, 16, G]`, R = ⌈3·C_skip / G⌉ |
//! | `enc{i}.scale`, `dec{i}.scale` | F32 | `[C_out]` |
//! | `enc{i}.bias`, `dec{i}.bias` | F32 | `[C_out]` |
//!
//! Weights lie as the kernels read them: panels of 16 output channels, of each the k of a window, G at a time. A window is rows
//! of k pixels, channels last; a row and the last panel are filled up with zeros. Layers enc1 … encW and decW … dec1 read maps of
//! 16 bits: their weights are I16, and G is 2. The others read maps of 8 bits, their weights are I8, and G is 4. Where an output
//! reads a pixel of the upsampled map twice or four times, these weights add up to one of the same type. No weight nor such a sum
//! is the least number of its type, and the sizes of a channel's weights, times the largest integer of the map, add up to an i32.
//! A sum of products times its `scale`, and `bias` added, is a value.
//!
//! Metadata: `wide_levels` = W, at least 1; `steps` and `zeros`, 2·L numbers each with commas between them, of the input, enc1 …
//! encL, decL … dec2: an integer q of that map is the value (q − zero)·step. Integers of 8 bits are 0 … 255, those of 16 bits
//! −8191 … 8191 with zero 0. Scales, steps and the sizes of biases are of 2^−60 to 2^60, so that no value on the way is subnormal.
//!
//! Metadata of both: `arch` = `pconv-unet`, `levels` = L, `color` = `rgb`, `input_mean` and `input_std`
//! (three numbers, on values in 0 … 1; the output is de-normalised with the same), `encoder_activation` = `relu`,
//! `decoder_slope`, optional `prior` = `none` or `harmonic`, optional `prior_input` = `false` or `true`: enc1's input and
//! dec1's skip then have six channels, the image's three and the prior's three; optional `context`, how many pixels around a
//! hole the network sees, all where it is absent; optional `output` = `linear`, `tanh` or
//! `sigmoid`, the function after the last layer. Keys that start with `provenance.` are free text. Anything else is an error
//! that names the tensor or the key.

mod config;
mod header;
mod integer;
mod layer;
mod schema;
mod source;
mod write;

pub use config::{Config, Output, Prior};
pub(crate) use integer::group;
pub use integer::{Integers, MapScale, Operand};
pub use layer::LayerShape;
pub(crate) use layer::MAX_LEVELS;
pub use write::{Dtype, header};

use crate::alloc::try_reserve_exact;
use crate::error::{Error, Result};
use crate::simd::control;
use half::f16;
use half::slice::HalfFloatSliceExt;
use header::{Header, Tensor, position};
use source::Source;

/// The weights built into the library.
#[cfg(feature = "embedded-weights")]
pub static EMBEDDED: &[u8] = inpaint_edge_weights::EDGE;

/// A weights file whose header has been checked.
#[derive(Debug)]
pub struct Weights<'a> {
    config: Config,
    tensors: Vec<(String, Tensor)>,
    source: Source<'a>,
}

impl<'a> Weights<'a> {
    /// Reads the header of a file in memory, and borrows the file.
    ///
    /// # Errors
    ///
    /// Weights, naming the tensor or key that departs from the schema; limits, where memory cannot be had.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self> {
        Self::new(Source::Memory(bytes))
    }

    /// Opens a file on disk. No more than one tensor of it is in memory at a time.
    ///
    /// # Errors
    ///
    /// As [`Weights::from_bytes`], naming the file too.
    #[cfg(feature = "fs")]
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<Weights<'static>> {
        let path = path.as_ref();
        let source = Source::open(path);
        source.and_then(Weights::new).map_err(|e| e.of(path.display()))
    }

    /// As [`Weights::open`], from a file that is already open. It is read from its first byte.
    ///
    /// # Errors
    ///
    /// As [`Weights::from_bytes`].
    #[cfg(feature = "fs")]
    pub fn from_file(file: source::File) -> Result<Weights<'static>> {
        Source::from_file(file).and_then(Weights::new)
    }

    fn new(mut source: Source<'a>) -> Result<Self> {
        let Header { metadata, tensors, .. } = source.header()?;
        let config = control::with_defaults(|| schema::check(metadata, &tensors))?;
        Ok(Self { config, tensors, source })
    }

    /// What the file describes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Reads layer `index` of [`Config::layers`]: `weight` `[c_out, c_in + c_skip, k, k]` and `bias` `[c_out]`.
    ///
    /// # Errors
    ///
    /// Weights, naming the tensor, where the file cannot be read or a value is not finite; limits, where memory cannot be
    /// had.
    pub fn read_layer(&mut self, index: usize, weight: &mut Vec<f32>, bias: &mut Vec<f32>) -> Result<()> {
        let name = &self.config.layers[index].name;
        read(&mut self.source, &self.tensors, &format!("{name}.weight"), weight)?;
        read(&mut self.source, &self.tensors, &format!("{name}.bias"), bias)
    }

    /// Reads layer `index` of a network of integers: `scale` and `bias` `[c_out]`.
    ///
    /// # Errors
    ///
    /// As [`Weights::read_layer`], and weights where a scale is beyond its bounds.
    ///
    /// # Panics
    ///
    /// If the network is one of floats.
    pub fn read_scales(&mut self, index: usize, scale: &mut Vec<f32>, bias: &mut Vec<f32>) -> Result<()> {
        let name = &self.config.layers[index].name;
        read(&mut self.source, &self.tensors, &format!("{name}.scale"), scale)?;
        read(&mut self.source, &self.tensors, &format!("{name}.bias"), bias)?;
        let beyond = |what: &str, found: &f32| {
            Error::weights(format!("{name}.{what}: expected numbers of 2^-60 to 2^60, found {found:?}"))
        };
        if let Some(found) = scale.iter().find(|v| !integer::is_scale(**v)) {
            return Err(beyond("scale", found));
        }
        match bias.iter().find(|v| !integer::is_scale_or_zero(**v)) {
            Some(found) => Err(beyond("bias", found)),
            None => Ok(()),
        }
    }

    /// The panels of one of a layer's operands: of an encoder layer its `weight`, of a decoder layer `up` or `skip`. Values are
    /// signed, of a byte or two, the low one first.
    ///
    /// # Errors
    ///
    /// As [`Weights::read_layer`], and weights where a value is −128 or −32768, or not 0 where panels are filled up.
    ///
    /// # Panics
    ///
    /// If the network is one of floats, or there is no such operand.
    pub fn panels(&mut self, index: usize, operand: &str) -> Result<std::borrow::Cow<'_, [u8]>> {
        let shape = &self.config.layers[index];
        let integers = self.config.integers.as_ref().expect("a network of integers");
        let found = shape.operands().find(|found| found.name == operand).expect("an operand of the layer");
        let name = format!("{}.{operand}", shape.name);
        let (_, tensor) = &self.tensors[position(&self.tensors, &name).expect("the schema has found every tensor")];
        let panels = self.source.bytes(tensor.start..tensor.end).map_err(|e| e.of(&name))?;
        integer::check(&panels, found, integers.is_wide(index)).map_err(|e| e.of(&name))?;
        Ok(panels)
    }

    /// Reads the head: `weight` `[3, 3]`, a row per output channel, and `bias` `[3]`. Both are empty where
    /// [`Config::head`] says there is none.
    ///
    /// # Errors
    ///
    /// As [`Weights::read_layer`].
    pub fn read_head(&mut self, weight: &mut Vec<f32>, bias: &mut Vec<f32>) -> Result<()> {
        weight.clear();
        bias.clear();
        if self.config.head {
            read(&mut self.source, &self.tensors, "head.weight", weight)?;
            read(&mut self.source, &self.tensors, "head.bias", bias)?;
        }
        Ok(())
    }
}

fn read(source: &mut Source, tensors: &[(String, Tensor)], name: &str, out: &mut Vec<f32>) -> Result<()> {
    let (_, tensor) = &tensors[position(tensors, name).expect("the schema has found every tensor")];
    let size = tensor.number_bytes().expect("the schema has seen the type");
    let bytes = source.bytes(tensor.start..tensor.end).map_err(|e| e.of(name))?;
    let count = bytes.len() / size as usize;
    out.clear();
    try_reserve_exact(out, count).map_err(|e| e.of(name))?;
    if size == 2 {
        let mut halves = [f16::ZERO; 256];
        for chunk in bytes.chunks(2 * halves.len()) {
            let halves = &mut halves[..chunk.len() / 2];
            for (half, bytes) in halves.iter_mut().zip(chunk.chunks_exact(2)) {
                *half = f16::from_le_bytes([bytes[0], bytes[1]]);
            }
            let start = out.len();
            out.resize(start + halves.len(), 0.0);
            halves.convert_to_f32_slice(&mut out[start..]);
        }
    } else {
        out.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    }
    match out.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(Error::weights(format!("{name}: expected finite numbers, found {} at index {i}", out[i]))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_word_changes_no_number() {
        let mut config = Config::new(Prior::None, false, &[(1, 1)], &[3]).unwrap();
        config.set_normalisation([0.45, 0.2, 0.406], [1e-40, 0.229, 0.25]).unwrap();
        config.set_slope(-0.485).unwrap();
        let mut file = header(&config, Dtype::F16, &Default::default());
        file.resize(file.len() + 2 * config.parameters(), 0);
        let read = control::as_a_host(|| Weights::from_bytes(&file).map(|weights| weights.config().clone())).unwrap();
        let bits = |config: &Config| [config.mean, config.std, [config.slope; 3]].map(|v| v.map(f32::to_bits));
        assert_eq!(bits(&read), bits(&config));
    }
}
