//! How much structure a hole has.

/// Red, green and blue in a grey level, of 2¹⁵ (ITU-R BT.601).
const GREY: [u32; 3] = [9798, 19235, 3735];

/// Mean over the hole (`mask` 0) of the squared differences of a pixel's grey level to the next in its row and to the next in
/// its column, in levels of 8 bits. Pixels of the last row and column, which lack one, do not count; 0 where no others are.
///
/// # Panics
/// If the image does not have three values for each of the mask's pixels, or these are no whole rows of `width`.
pub fn gradient_energy(image: &[f32], mask: &[u8], width: usize) -> f64 {
    assert!(image.len() == 3 * mask.len() && mask.len().is_multiple_of(width), "an image and a mask of one size");
    let level = |v: f32| (v * 255.0).round() as u32;
    let grey = |rgb: &[f32]| ((0..3).map(|c| GREY[c] * level(rgb[c])).sum::<u32>() + (1 << 14)) >> 15;
    let levels: Vec<f64> = image.chunks_exact(3).map(|rgb| f64::from(grey(rgb))).collect();
    let (mut sum, mut count) = (0.0, 0);
    let inner = |at: &usize| at % width + 1 < width && at + width < levels.len() && mask[*at] == 0;
    for at in (0..mask.len()).filter(inner) {
        sum += (levels[at + 1] - levels[at]).powi(2) + (levels[at + width] - levels[at]).powi(2);
        count += 1;
    }
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}
