//! Features of VGG16 up to pool3 (Simonyan and Zisserman 2014), and how far two images are apart in them.

use half::f16;
use inpaint_edge::{
    Isa,
    gemm::{Finish, Gemm, MAX_ROWS, Operand, Output, Packed, Row, Window},
    numerics::Activation,
};
use safetensors::{Dtype, SafeTensors};

/// Name, input and output channels of the convolutions, each 3×3 with padding 1 and ReLU; and whether a 2×2 max pooling
/// follows.
const CONVS: [(&str, usize, usize, bool); 7] = [
    ("conv1_1", 3, 64, false),
    ("conv1_2", 64, 64, true),
    ("conv2_1", 64, 128, false),
    ("conv2_2", 128, 128, true),
    ("conv3_1", 128, 256, false),
    ("conv3_2", 256, 256, false),
    ("conv3_3", 256, 256, true),
];

/// Subtracted from red, green and blue, values 0 … 255.
const MEAN: [f32; 3] = [123.68, 116.779, 103.939];

/// Sides of the images are multiples of this.
pub const MULTIPLE: usize = 8;

/// pool1, pool2 and pool3 of an image: `[height / 2ⁿ, width / 2ⁿ, channels]`, 64, 128 and 256 channels.
pub type Features = [Vec<f32>; 3];

/// The network up to pool3.
pub struct Vgg(Vec<Conv>);

struct Conv {
    gemm: Gemm,
    weights: Packed,
    finish: Finish,
    c_in: usize,
    c_out: usize,
    pooled: bool,
}

impl Vgg {
    /// From a safetensors file, f32 or f16: `convB_L.weight` `[c_out, c_in, 3, 3]` for images in BGR, 0 … 255 minus mean,
    /// and `convB_L.bias`.
    ///
    /// # Errors
    /// One line that names the tensor.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| format!("a safetensors file expected: {error}"))?;
        let convs = CONVS.map(|(name, c_in, c_out, pooled)| {
            let weight = read(&file, &format!("{name}.weight"), &[c_out, c_in, 3, 3])?;
            let bias = read(&file, &format!("{name}.bias"), &[c_out])?;
            let gemm = Gemm::new(Isa::best(), c_out).map_err(|error| error.to_string())?;
            let weights = gemm.pack(1, 9 * c_in, |_, column, out| {
                let filter = &weight[column * 9 * c_in..][..9 * c_in];
                for (tap, out) in out.chunks_exact_mut(c_in).enumerate() {
                    for (c, w) in out.iter_mut().enumerate() {
                        // The first layer's channels are blue, green, red; images here are red, green, blue.
                        let c = if c_in == 3 { 2 - c } else { c };
                        *w = filter[c * 9 + tap];
                    }
                }
            });
            let weights = weights.map_err(|error| error.to_string())?;
            let finish = gemm.finish(&bias, Activation::Relu);
            Ok(Conv { gemm, weights, finish, c_in, c_out, pooled })
        });
        Ok(Self(convs.into_iter().collect::<Result<_, String>>()?))
    }

    /// The features of an image `[height, width, 3]`, values 0 … 1, RGB.
    ///
    /// # Panics
    /// If the sides are not multiples of [`MULTIPLE`] or the length does not fit them.
    pub fn features(&self, image: &[f32], width: usize, height: usize) -> Features {
        assert!(width.is_multiple_of(MULTIPLE) && height.is_multiple_of(MULTIPLE), "sides of multiples of {MULTIPLE}");
        assert_eq!(image.len(), width * height * 3);
        let (mut width, mut height) = (width, height);
        let mut map: Vec<f32> = image.iter().enumerate().map(|(i, v)| 255.0 * v - MEAN[i % 3]).collect();
        let mut pools = Vec::new();
        for conv in &self.0 {
            map = conv.run(&map, width, height);
            if conv.pooled {
                map = pool(&map, width, conv.c_out);
                (width, height) = (width / 2, height / 2);
                pools.push(map.clone());
            }
        }
        pools.try_into().expect("three convolutions are pooled")
    }
}

impl Conv {
    fn run(&self, map: &[f32], width: usize, height: usize) -> Vec<f32> {
        let stride = (width + 2) * self.c_in;
        let mut padded = vec![0.0; (height + 2) * stride];
        for (y, row) in map.chunks_exact(width * self.c_in).enumerate() {
            padded[(y + 1) * stride + self.c_in..][..row.len()].copy_from_slice(row);
        }
        let mut result = vec![0.0; width * height * self.c_out];
        let out = Output::new(&mut result);
        let window = Window { runs: 3, run_len: 3 * self.c_in, run_stride: stride };
        let operands = [Operand { map: &padded, window, weights: &self.weights, variant: 0 }];
        let rows: Vec<Row> = (0..width * height)
            .map(|i| Row { a: [i / width * stride + i % width * self.c_in, 0], c: i * self.c_out, ratio: 1.0 })
            .collect();
        for rows in rows.chunks(MAX_ROWS / self.gemm.mr() * self.gemm.mr()) {
            // SAFETY: one thread, and every row has its own place in `out`.
            #[allow(unsafe_code)]
            unsafe {
                self.gemm.rows(&operands, &self.finish, rows, 0..self.gemm.panels(), &out)
            };
        }
        result
    }
}

/// Maxima of 2×2 pixels.
fn pool(map: &[f32], width: usize, channels: usize) -> Vec<f32> {
    let row = width * channels;
    let mut out = Vec::with_capacity(map.len() / 4);
    for rows in map.chunks_exact(2 * row) {
        for x in 0..width / 2 {
            let at = 2 * x * channels;
            out.extend((at..at + channels).map(|i| {
                let max = |a: f32, b: f32| if a > b { a } else { b };
                max(max(rows[i], rows[i + channels]), max(rows[row + i], rows[row + i + channels]))
            }));
        }
    }
    out
}

/// Mean over pool1, pool2 and pool3 of Σ|a − b| / Σ|b|: 0 for equal images, without a unit.
///
/// # Panics
/// If the features are of images of different sizes.
pub fn feature_distance(image: &Features, truth: &Features) -> f64 {
    let relative = |(a, b): (&Vec<f32>, &Vec<f32>)| {
        assert_eq!(a.len(), b.len());
        let off: f64 = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs()).sum();
        let all: f64 = b.iter().map(|&b| f64::from(b).abs()).sum();
        if off == 0.0 { 0.0 } else { off / all }
    };
    image.iter().zip(truth).map(relative).sum::<f64>() / 3.0
}

fn read(file: &SafeTensors, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let tensor = file.tensor(name).map_err(|_| format!("tensor {name}: missing"))?;
    if tensor.shape() != shape {
        return Err(format!("tensor {name}: {shape:?} expected, {:?} found", tensor.shape()));
    }
    match tensor.dtype() {
        Dtype::F32 => {
            Ok(tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("4 bytes"))).collect())
        }
        Dtype::F16 => Ok(tensor.data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()),
        other => Err(format!("tensor {name}: f32 or f16 expected, {other:?} found")),
    }
}
