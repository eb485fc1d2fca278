//! How far apart two images are for VGG16, whose features the trainer's perceptual loss compares too.

use inpaint_train::vgg::Vgg;
use std::{fs, path::Path, sync::Mutex};

/// VGG16 up to pool3. It works on all cores for one image at a time.
pub struct Features(Mutex<Vgg<f32>>);

/// pool1, pool2 and pool3 of an image.
pub type Pools = [Vec<f32>; 3];

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
        vgg.forward(1, size, image).each_ref().map(|(map, pool)| pool[..map.len()].to_vec())
    }
}

/// Mean over pool1, pool2 and pool3 of Σ|a − b| / Σ|b|: 0 for equal images, without a unit.
pub fn distance(image: &Pools, truth: &Pools) -> f64 {
    let relative = |(a, b): (&Vec<f32>, &Vec<f32>)| {
        let off: f64 = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs()).sum();
        let all: f64 = b.iter().map(|&b| f64::from(b).abs()).sum();
        if off == 0.0 { 0.0 } else { off / all }
    };
    image.iter().zip(truth).map(relative).sum::<f64>() / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_relative() {
        let truth = [vec![1.0, 3.0], vec![2.0], vec![4.0]];
        assert_eq!(distance(&truth, &truth), 0.0);
        let other = [vec![2.0, 3.0], vec![1.0], vec![4.0]];
        assert!((distance(&other, &truth) - (0.25 + 0.5) / 3.0).abs() < 1e-12);
    }
}
