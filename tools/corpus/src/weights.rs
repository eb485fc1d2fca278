//! Random weights in the file format of the engine.

use safetensors::tensor::{Dtype, TensorView};

/// A file of `levels` encoder and decoder layers with `width` channels in the first, f16, with the harmonic prior.
pub fn random(levels: usize, width: usize) -> Vec<u8> {
    let channels = |level: usize| width << level.min(4).saturating_sub(1);
    let mut shapes = Vec::new();
    for level in 1..=levels {
        let c_in = if level == 1 { 3 } else { channels(level - 1) };
        let kernel = match level {
            1 => 7,
            2 | 3 => 5,
            _ => 3,
        };
        shapes.push((format!("enc{level}"), [channels(level), c_in, kernel, kernel]));
    }
    for level in 1..=levels {
        let skip = if level == 1 { 3 } else { channels(level - 1) };
        shapes.push((format!("dec{level}"), [skip, channels(level) + skip, 3, 3]));
    }
    let mut state = 1u32;
    let mut data = Vec::new();
    for (name, shape) in &shapes {
        let weights = shape.iter().product();
        data.push((format!("{name}.weight"), shape.to_vec(), halves(weights, &mut state)));
        data.push((format!("{name}.bias"), vec![shape[0]], halves(shape[0], &mut state)));
    }
    let views = data.iter().map(|(name, shape, bytes)| {
        (name.clone(), TensorView::new(Dtype::F16, shape.clone(), bytes).expect("two bytes a number"))
    });
    let levels = levels.to_string();
    let metadata = [
        ("format", "inpaint-edge/1"),
        ("arch", "pconv-unet"),
        ("levels", &levels),
        ("color", "rgb"),
        ("input_mean", "0.5,0.5,0.5"),
        ("input_std", "0.25,0.25,0.25"),
        ("encoder_activation", "relu"),
        ("decoder_slope", "0.2"),
        ("prior", "harmonic"),
    ];
    let metadata = metadata.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    safetensors::serialize(views, Some(metadata)).expect("names and shapes of this format")
}

/// f16 of magnitude 2^-5 … 2^-4 and either sign.
fn halves(count: usize, state: &mut u32) -> Vec<u8> {
    let mut next = || {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let random = (*state >> 16) as u16;
        (random & 0x83ff | 0x2800).to_le_bytes()
    };
    (0..count).flat_map(|_| next()).collect()
}
