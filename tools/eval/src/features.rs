//! How far apart two images are for VGG16, whose features the trainer's perceptual loss compares too.

use inpaint_train::vgg::Vgg;
use std::{fs, path::Path, sync::Mutex};

/// VGG16 up to pool3. It works on all cores for one image at a time.
pub struct Features(Mutex<Vgg<f32>>);

/// pool1, pool2 and pool3 of an image, or the pixels of each that are in its hole.
pub type Pools = [Pool; 3];

/// Features of pixels, one pixel after another.
pub struct Pool {
    /// Features of a pixel.
    pub channels: usize,
    /// `[pixels, channels]`.
    pub values: Vec<f32>,
}

impl Features {
    /// From a weights file as [`Vgg::from_bytes`] reads it.
    ///
    /// # Errors
    /// One line that names the file.
    pub fn open(path: &Path) -> Result<Self, String> {
        let bytes = fs::read(path).map_err(|error| error.to_string());
        let vgg = bytes.and_then(|bytes| Vgg::from_bytes(&bytes));
        vgg.map(|vgg| Self(Mutex::new(vgg))).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Of an image, `[size, size, 3]`, values 0 … 1.
    pub fn of(&self, image: &[f32], size: usize) -> Pools {
        let mut vgg = self.0.lock().expect("VGG does not panic");
        vgg.forward(1, size, image).each_ref().map(|(map, pool)| {
            let values = (0..map.height).flat_map(|y| &pool[map.row(0, y)]).copied().collect();
            Pool { channels: map.channels, values }
        })
    }
}

/// The features of the hole (`known` 0, `[size, size]`): of each pooled pixel that stands for more hole than known pixels.
pub fn in_hole(pools: &Pools, known: &[u8], size: usize) -> Pools {
    let mut side = 1;
    pools.each_ref().map(|pool| {
        side *= 2;
        let hole = |at: usize| {
            let (x, y) = (at % (size / side) * side, at / (size / side) * side);
            let known = (y..y + side).flat_map(|y| &known[y * size + x..][..side]);
            2 * known.filter(|known| **known == 0).count() > side * side
        };
        let pixels = pool.values.chunks_exact(pool.channels).enumerate();
        let values = pixels.filter(|(at, _)| hole(*at)).flat_map(|(_, pixel)| pixel).copied().collect();
        Pool { channels: pool.channels, values }
    })
}

/// Mean over pool1, pool2 and pool3 of Σ|a − b| / Σ|b|: 0 for equal images, without a unit.
pub fn distance(image: &Pools, truth: &Pools) -> f64 {
    let relative = |(a, b): (&Pool, &Pool)| {
        let off: f64 = a.values.iter().zip(&b.values).map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs()).sum();
        let all: f64 = b.values.iter().map(|&b| f64::from(b).abs()).sum();
        if off == 0.0 { 0.0 } else { off / all }
    };
    image.iter().zip(truth).map(relative).sum::<f64>() / 3.0
}

/// Mean over the pools of ‖G(a) − G(b)‖ / ‖G(b)‖ by Frobenius's norm: how far apart textures are, whatever is where in them.
/// G is the Gram matrix of the features (Gatys et al. 2015, arXiv 1505.07376), as a mean over the pixels.
///
/// Pools without a pixel do not count; nothing if none has one.
pub fn gram_error(image: &Pools, truth: &Pools) -> Option<f64> {
    let norm = |matrix: &[f64]| matrix.iter().map(|v| v * v).sum::<f64>().sqrt();
    let errors: Vec<f64> = (image.iter().zip(truth).filter(|(_, truth)| !truth.values.is_empty()))
        .map(|(image, truth)| {
            let (a, b) = (gram(image), gram(truth));
            let off = norm(&a.iter().zip(&b).map(|(a, b)| a - b).collect::<Vec<_>>());
            if off == 0.0 { 0.0 } else { off / norm(&b) }
        })
        .collect();
    (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64)
}

/// Mean over the pixels of the products of their features, `[channels, channels]`.
fn gram(pool: &Pool) -> Vec<f64> {
    let mut sums = vec![0.0; pool.channels * pool.channels];
    let mut pixel = vec![0.0; pool.channels];
    for values in pool.values.chunks_exact(pool.channels) {
        pixel.iter_mut().zip(values).for_each(|(to, &from)| *to = f64::from(from));
        // ReLU leaves many of them 0.
        for (sums, &factor) in sums.chunks_exact_mut(pool.channels).zip(&pixel).filter(|(_, factor)| **factor != 0.0) {
            sums.iter_mut().zip(&pixel).for_each(|(sum, &value)| *sum += factor * value);
        }
    }
    let pixels = (pool.values.len() / pool.channels) as f64;
    sums.iter().map(|sum| sum / pixels).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(channels: usize, values: [&[f32]; 3]) -> Pools {
        values.map(|values| Pool { channels, values: values.into() })
    }

    #[test]
    fn distances_are_relative() {
        let truth = pools(1, [&[1.0, 3.0], &[2.0], &[4.0]]);
        assert_eq!(distance(&truth, &truth), 0.0);
        let other = pools(1, [&[2.0, 3.0], &[1.0], &[4.0]]);
        assert!((distance(&other, &truth) - (0.25 + 0.5) / 3.0).abs() < 1e-12);
    }

    #[test]
    fn gram_errors_do_not_see_places() {
        let truth = pools(2, [&[1.0, 0.0, 0.0, 2.0], &[3.0, 1.0], &[]]);
        let moved = pools(2, [&[0.0, 2.0, 1.0, 0.0], &[3.0, 1.0], &[]]);
        assert_eq!(gram_error(&moved, &truth), Some(0.0));
        // Of the first, the Gram matrix is diag(1, 4) / 2; of the second, [[9, 3], [3, 1]], and four times that.
        let other = pools(2, [&[1.0, 0.0, 0.0, 0.0], &[6.0, 2.0], &[]]);
        let expected = ((4.0 / 17.0_f64.sqrt()) + 3.0) / 2.0;
        assert!((gram_error(&other, &truth).unwrap() - expected).abs() < 1e-12);
        assert_eq!(gram_error(&pools(2, [&[]; 3]), &pools(2, [&[]; 3])), None);
    }

    #[test]
    fn pooled_pixels_are_in_the_hole_if_most_of_them_is() {
        let whole = [4, 2, 1].map(|side| Pool { channels: 1, values: (0..side * side).map(|v| v as f32).collect() });
        let hole = |open: &dyn Fn(usize, usize) -> bool| {
            let known: Vec<u8> = (0..64).map(|at| u8::from(!open(at % 8, at / 8))).collect();
            in_hole(&whole, &known, 8).map(|pool| pool.values)
        };
        // Half a pixel is not most of it.
        assert_eq!(hole(&|x, y| x < 5 && y < 3), [vec![0.0, 1.0], vec![0.0], vec![]]);
        assert_eq!(hole(&|x, y| x > 2 && y > 0), [vec![6.0, 7.0, 10.0, 11.0, 14.0, 15.0], vec![1.0, 3.0], vec![0.0]]);
    }
}
