//! From weights of floats to weights of integers.

use crate::statistics::Statistics;
use inpaint_edge::weights::{Config, Dtype, Integers, LayerShape, MapScale, Operand, Weights, header};
use std::collections::BTreeMap;

/// The largest weight, and the largest integer of 16 bits that a map is scaled to.
const MOST_WEIGHT: f64 = 127.0;
const MOST_WIDE: f64 = 32000.0;

/// How to scale maps.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Levels whose maps have 16 bits.
    pub wide: usize,
    /// The share of a map's values that its integers of 8 bits hold; the others are clipped.
    pub share: f64,
}

/// How a layer's weights were rounded.
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// Signal to noise of its weights, decibels.
    pub decibels: f64,
}

/// The scales of the maps: of the input, enc1 … encL, decL … dec2.
fn scales(statistics: &[Statistics], levels: usize, rule: Rule) -> Result<Integers, String> {
    let widths = Integers::new(rule.wide, vec![scale(1.0, 0); 2 * levels]).map_err(|error| error.to_string())?;
    let maps = statistics.iter().take(2 * levels).enumerate().map(|(i, of)| {
        let (least, most) = (f64::from(of.quantile(0.0)), f64::from(of.quantile(1.0)));
        if widths.is_wide(i) {
            return scale(least.abs().max(most).max(1e-6) / MOST_WIDE, 0);
        }
        let clipped = (1.0 - rule.share) / if least < 0.0 { 2.0 } else { 1.0 };
        let low = f64::from(of.quantile(clipped)).min(0.0);
        let high = f64::from(of.quantile(1.0 - clipped)).max(0.0);
        let step = ((high - low) / 255.0).max(1e-9);
        scale(step, (-low / step).round().clamp(0.0, 255.0) as u8)
    });
    Integers::new(rule.wide, maps.collect()).map_err(|error| error.to_string())
}

fn scale(step: f64, zero: u8) -> MapScale {
    MapScale::new(step as f32, zero)
}

/// The weights of each operand of a layer, `[variants, c_out, runs, run]`, folded over the upsampling.
fn folded(shape: &LayerShape, weight: &[f32]) -> Vec<Vec<f64>> {
    let LayerShape { c_in, c_skip, c_out, kernel, .. } = *shape;
    let at = |o: usize, c: usize, y: usize, x: usize| {
        f64::from(weight[((o * (c_in + c_skip) + c) * kernel + y) * kernel + x])
    };
    let window = |channels: usize, first: usize| {
        let places = (0..c_out).flat_map(move |o| (0..kernel).flat_map(move |y| (0..kernel).map(move |x| (o, y, x))));
        places.flat_map(move |(o, y, x)| (0..channels).map(move |c| at(o, first + c, y, x))).collect::<Vec<f64>>()
    };
    if c_skip == 0 {
        return vec![window(c_in, 0)];
    }
    let mut up = Vec::with_capacity(4 * c_out * 4 * c_in);
    for parity in 0..4 {
        // Rows and columns of the 3×3 window that fall on the first and on the second of the map that is upsampled.
        let taps = |odd: usize| if odd == 0 { [0..1, 1..3] } else { [0..2, 2..3] };
        for o in 0..c_out {
            for rows in taps(parity / 2) {
                for columns in taps(parity % 2) {
                    for c in 0..c_in {
                        let tap = |y: usize| columns.clone().map(|x| at(o, c, y, x)).sum::<f64>();
                        up.push(rows.clone().map(tap).sum());
                    }
                }
            }
        }
    }
    vec![up, window(c_skip, c_in)]
}

/// Makes a weights file of integers of one of floats, whose maps take values as `statistics` tell.
///
/// # Errors
/// If the weights cannot be read or scaled.
pub fn quantise(
    mut weights: Weights<'_>,
    statistics: &[Statistics],
    rule: Rule,
    provenance: &BTreeMap<String, String>,
) -> Result<(Vec<u8>, Vec<LayerReport>), String> {
    let text = |error: inpaint_edge::Error| error.to_string();
    let mut config: Config = weights.config().clone();
    let levels = config.levels();
    let integers = scales(statistics, levels, rule)?;
    let mut tensors = BTreeMap::<String, Vec<u8>>::new();
    let mut reports = Vec::new();
    let (mut weight, mut bias) = (Vec::new(), Vec::new());
    for (index, shape) in config.layers().to_vec().iter().enumerate() {
        weights.read_layer(index, &mut weight, &mut bias).map_err(text)?;
        let LayerShape { ref name, c_out, .. } = *shape;
        let is_wide = integers.is_wide(index);
        // Each operand, the step of the map it reads, and its weights.
        let steps = (0..).map(|i| f64::from(integers.maps()[integers.source(index, i)].step));
        let operands: Vec<(Operand, f64, Vec<f64>)> = (shape.operands().zip(steps).zip(folded(shape, &weight)))
            .map(|((operand, step), weights)| (operand, step, weights))
            .collect();
        // A scale per output channel, for all its operands: of the largest weight times the step.
        let mut largest = vec![0.0f64; c_out];
        for (of, step, weights) in &operands {
            for (i, weights) in weights.chunks_exact(of.runs * of.run).enumerate() {
                let most = weights.iter().fold(0.0f64, |most, w| most.max(w.abs()));
                largest[i % c_out] = largest[i % c_out].max(most * step);
            }
        }
        let scale: Vec<f32> = largest.iter().map(|most| (most / MOST_WEIGHT).max(1e-15) as f32).collect();
        let (mut signal, mut noise) = (0.0, 0.0);
        for (of, step, weights) in &operands {
            let mut data = vec![0u8; of.tensor_shape(c_out, is_wide).iter().product()];
            for (at, w) in weights.iter().enumerate() {
                let (k, run, column) = (at % of.run, at / of.run % of.runs, at / (of.run * of.runs));
                let (variant, column) = (column / c_out, column % c_out);
                let unit = f64::from(scale[column]) / step;
                let q = (w / unit).round_ties_even().clamp(-MOST_WEIGHT, MOST_WEIGHT);
                let error = q * unit - w;
                (signal, noise) = (signal + w * w, noise + error * error);
                data[of.index(c_out, is_wide, [variant, column, run, k])] = (q as i8).cast_unsigned();
            }
            tensors.insert(format!("{name}.{}", of.name), data);
        }
        let bytes = |v: &[f32]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        tensors.insert(format!("{name}.scale"), bytes(&scale));
        tensors.insert(format!("{name}.bias"), bytes(&bias));
        reports.push(LayerReport { name: name.clone(), decibels: 10.0 * (signal / noise.max(1e-300)).log10() });
    }
    weights.read_head(&mut weight, &mut bias).map_err(text)?;
    for (name, values) in [("head.weight", &weight), ("head.bias", &bias)] {
        if !values.is_empty() {
            tensors.insert(name.to_owned(), values.iter().flat_map(|v| v.to_le_bytes()).collect());
        }
    }
    config.set_integers(Some(integers)).map_err(text)?;
    let mut file = header(&config, Dtype::F32, provenance);
    config.tensors().keys().for_each(|name| file.extend(&tensors[name]));
    Ok((file, reports))
}
