//! From weights of floats to weights of integers.

use crate::statistics::Statistics;
use inpaint_edge::weights::{Config, Dtype, Integers, LayerShape, MapScale, Operand, Weights, header};
use std::collections::BTreeMap;

/// The largest integer of 16 bits in a map.
const MOST_WIDE: f64 = inpaint_edge::numerics::WIDE_LIMIT as f64;

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

/// The weights of an operand, `[c_out, kernel, kernel, channels]`, from those of its layer, of which its channels are some.
fn channels_last(shape: &LayerShape, weight: &[f32], first: usize, channels: usize) -> Vec<f64> {
    let LayerShape { c_in, c_skip, c_out, kernel, .. } = *shape;
    let taps = kernel * kernel;
    let at = |o: usize, tap: usize, c: usize| f64::from(weight[(o * (c_in + c_skip) + first + c) * taps + tap]);
    let places = (0..c_out).flat_map(|o| (0..taps).map(move |tap| (o, tap)));
    places.flat_map(|(o, tap)| (0..channels).map(move |c| at(o, tap, c))).collect()
}

/// The weights of one output channel over the map itself, of each parity of an output, from those of 3×3 pixels of the upsampled
/// map.
fn folded(filter: &[f64], channels: usize) -> [Vec<f64>; 4] {
    std::array::from_fn(|parity| {
        let mut sums = vec![0.0; 4 * channels];
        for (i, w) in filter.iter().enumerate() {
            let (y, x, c) = (i / channels / 3, i / channels % 3, i % channels);
            // Even outputs read pixels −1 | 0, 0 of the map, odd ones 0, 0 | 1.
            let half = |tap: usize, odd: usize| (tap + 1 - odd) / 2;
            let (y, x) = (half(y, parity / 2), half(x, parity % 2));
            sums[(2 * y + x) * channels + c] += w;
        }
        sums
    })
}

/// Rounds the weights of one output channel, those of each operand, and tells what 1 stands for: the least with which they and
/// their sums are within the format's bounds.
fn round(filters: &[(Operand, &[f64])], is_wide: bool) -> (f32, Vec<Vec<f64>>) {
    let (most, most_value) = if is_wide { (32767.0, MOST_WIDE) } else { (127.0, 255.0) };
    // How many times larger a unit has to be.
    let excess = |filters: &mut dyn Iterator<Item = (Operand, &[f64])>| {
        let (mut largest, mut size) = (0.0f64, 0.0);
        for (of, filter) in filters {
            let upsampled = of.is_upsampled.then(|| folded(filter, of.channels));
            let weights = upsampled.iter().flatten().flatten().chain(filter);
            largest = weights.fold(largest, |largest, w| largest.max(w.abs()));
            size += filter.iter().map(|w| w.abs()).sum::<f64>();
        }
        (largest / most).max(size / (f64::from(i32::MAX) / most_value))
    };
    let mut unit = excess(&mut filters.iter().copied()).max(1e-15) as f32;
    loop {
        let of_unit = |w: &f64| (w / f64::from(unit)).round_ties_even();
        let rounded: Vec<Vec<f64>> = filters.iter().map(|(_, filter)| filter.iter().map(of_unit).collect()).collect();
        // Weights that are added up may all have been rounded away from 0.
        if excess(&mut filters.iter().zip(&rounded).map(|((of, _), rounded)| (*of, &rounded[..]))) <= 1.0 {
            return (unit, rounded);
        }
        unit *= 1.0 + 1.0 / 512.0;
    }
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
        let firsts = [0, shape.c_in];
        // Each operand, and its weights times the step of the map it reads.
        let operands: Vec<(Operand, Vec<f64>)> = shape
            .operands()
            .enumerate()
            .map(|(i, of)| {
                let step = f64::from(integers.maps()[integers.source(index, i)].step);
                let mut weights = channels_last(shape, &weight, firsts[i], of.channels);
                weights.iter_mut().for_each(|w| *w *= step);
                (of, weights)
            })
            .collect();
        let mut data: Vec<Vec<i16>> =
            operands.iter().map(|(of, _)| vec![0; of.tensor_shape(c_out, is_wide).iter().product()]).collect();
        let mut scale = Vec::with_capacity(c_out);
        let (mut signal, mut noise) = (0.0, 0.0);
        for o in 0..c_out {
            let filters: Vec<(Operand, &[f64])> = operands
                .iter()
                .map(|(of, weights)| {
                    let len = weights.len() / c_out;
                    (*of, &weights[o * len..][..len])
                })
                .collect();
            let (unit, rounded) = round(&filters, is_wide);
            for (((of, filter), rounded), data) in filters.iter().zip(&rounded).zip(&mut data) {
                for (i, (w, q)) in filter.iter().zip(rounded).enumerate() {
                    let place = [i / of.channels / of.kernel, i / of.channels % of.kernel, i % of.channels];
                    data[of.index(is_wide, o, place)] = *q as i16;
                    let error = q * f64::from(unit) - w;
                    (signal, noise) = (signal + w * w, noise + error * error);
                }
            }
            scale.push(unit);
        }
        for ((of, _), data) in operands.iter().zip(data) {
            let bytes = if is_wide { 2 } else { 1 };
            let data = data.iter().flat_map(|q| q.to_le_bytes()[..bytes].to_vec()).collect();
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
