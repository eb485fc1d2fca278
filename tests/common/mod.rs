//! Random networks in the real file format, scenes, and the network as a plain triple loop.

#![allow(dead_code)]

pub mod safetensors;

use inpaint_edge::numerics::{self, Activation};
use inpaint_edge::prior::{CYCLES, Harmonic};
use inpaint_edge::{Mask, MaskRule};
use ndarray::{Array2, Array3};

/// Xorshift, for reproducible test data.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// −1 … 1.
    pub fn unit(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }
}

/// One layer as the file has it: `weight` [c_out, c_up + c_skip, k, k].
pub struct Layer {
    pub c_up: usize,
    pub c_skip: usize,
    pub c_out: usize,
    pub kernel: usize,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// A network and its weights file.
pub struct Net {
    pub levels: usize,
    pub layers: Vec<Layer>,
    pub file: Vec<u8>,
    pub harmonic: bool,
    /// Whether it reads the prior.
    pub prior_input: bool,
    /// How many pixels around a hole it sees.
    pub context: Option<usize>,
}

pub const MEAN: [f32; 3] = [0.45, 0.5, 0.4];
pub const STD: [f32; 3] = [0.25, 0.3, 0.2];
pub const SLOPE: f32 = 0.2;

impl Net {
    /// `encoder`: (kernel, channels) of enc1 … encL; `decoder`: channels of decL … dec1.
    pub fn random(levels: usize, encoder: &[(usize, usize)], decoder: &[usize], seed: u64) -> Self {
        Self::on(3, levels, encoder, decoder, seed)
    }

    /// The same, reading the harmonic prior.
    pub fn reading_prior(levels: usize, encoder: &[(usize, usize)], decoder: &[usize], seed: u64) -> Self {
        let net = Self::on(6, levels, encoder, decoder, seed);
        Self { harmonic: true, prior_input: true, ..net }.written()
    }

    fn on(inputs: usize, levels: usize, encoder: &[(usize, usize)], decoder: &[usize], seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut layers: Vec<Layer> = Vec::new();
        let mut add = |layers: &mut Vec<Layer>, c_up: usize, c_skip: usize, c_out: usize, kernel: usize| {
            let k = (c_up + c_skip) * kernel * kernel;
            let scale = (3.0 / k as f32).sqrt();
            let weight = (0..c_out * k).map(|_| random.unit() * scale).collect();
            let bias = (0..c_out).map(|_| random.unit() * 0.1).collect();
            layers.push(Layer { c_up, c_skip, c_out, kernel, weight, bias });
        };
        for &(kernel, c_out) in encoder {
            let c_in = layers.last().map_or(inputs, |l| l.c_out);
            add(&mut layers, c_in, 0, c_out, kernel);
        }
        for (i, &c_out) in (1..=levels).rev().zip(decoder) {
            let c_skip = if i == 1 { inputs } else { layers[i - 2].c_out };
            let c_up = layers.last().unwrap().c_out;
            add(&mut layers, c_up, c_skip, c_out, 3);
        }
        let file = Vec::new();
        Self { levels, layers, file, harmonic: false, prior_input: false, context: None }.written()
    }

    /// The same with the harmonic prior.
    pub fn with_prior(self) -> Self {
        Self { harmonic: true, ..self }.written()
    }

    /// The same, seeing no further than this around a hole.
    pub fn with_context(self, context: usize) -> Self {
        Self { context: Some(context), ..self }.written()
    }

    fn written(self) -> Self {
        Self { file: write(&self), ..self }
    }
}

/// Holes are filled with `same`, and all else, alpha in holes included, is the image's own.
#[allow(dead_code)]
pub fn assert_holes_alone_are_filled(image: &Array3<u8>, mask: &Mask, found: &Array3<u8>, same: &Array3<u8>) {
    let channels = image.dim().2;
    let colours = if channels < 3 { 1 } else { 3 };
    for ((y, x, c), v) in found.indexed_iter() {
        let expected = if mask.is_hole(x, y) && c < colours { same } else { image };
        assert_eq!(*v, expected[[y, x, c]], "{channels} channels, {x}, {y}");
    }
}

/// A weights file with zeros for numbers.
#[allow(dead_code)]
pub fn without_weights(mut file: Vec<u8>) -> Vec<u8> {
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    file[header..].fill(0);
    file
}

fn write(net: &Net) -> Vec<u8> {
    let Net { levels, ref layers, harmonic, prior_input, context, .. } = *net;
    let bytes = |v: &[f32]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let mut tensors = safetensors::Tensors::new();
    let mut add = |name: String, shape: Vec<usize>, values: &[f32]| {
        tensors.insert(name, safetensors::Tensor { dtype: "F32", shape, data: bytes(values) });
    };
    for (i, l) in layers.iter().enumerate() {
        let name = if i < levels { format!("enc{}", i + 1) } else { format!("dec{}", 2 * levels - i) };
        add(format!("{name}.weight"), vec![l.c_out, l.c_up + l.c_skip, l.kernel, l.kernel], &l.weight);
        add(format!("{name}.bias"), vec![l.c_out], &l.bias);
    }
    let rgb = |v: [f32; 3]| v.map(|v| v.to_string()).join(",");
    let meta = [
        ("format", "inpaint-edge/1".to_owned()),
        ("arch", "pconv-unet".to_owned()),
        ("levels", levels.to_string()),
        ("color", "rgb".to_owned()),
        ("input_mean", rgb(MEAN)),
        ("input_std", rgb(STD)),
        ("encoder_activation", "relu".to_owned()),
        ("decoder_slope", SLOPE.to_string()),
        ("prior", if harmonic { "harmonic" } else { "none" }.to_owned()),
        ("prior_input", prior_input.to_string()),
    ];
    let context = context.map(|context| ("context", context.to_string()));
    let meta = meta.into_iter().chain(context).map(|(key, value)| (key.to_owned(), value));
    safetensors::serialize(&meta.collect(), &tensors)
}

/// A random image and a mask (255 = hole): 0 a square, 1 strokes, 2 nearly everything, 3 scattered and at the border.
pub fn scene(width: usize, height: usize, hole: u64, seed: u64) -> (Array3<f32>, Array2<u8>) {
    let mut random = Random::new(seed + 77);
    let image = Array3::from_shape_fn((height, width, 3), |_| random.unit() * 0.5 + 0.5);
    let mask = Array2::from_shape_fn((height, width), |(y, x)| {
        let inside = |v: usize, end: usize| v >= end / 4 && v < end - end / 4;
        let is_hole = match hole {
            0 => inside(x, width) && inside(y, height) && width * height > 1,
            1 => (x * 2 + y * 3) % 23 < 4,
            2 => (x, y) != (width - 1, height / 2),
            _ => random.unit() > 0.3 || x == 0,
        };
        if is_hole { 255 } else { 0 }
    });
    (image, mask)
}

/// The hole of a mask of bytes, 255 = hole.
pub fn hole(mask: &Array2<u8>) -> Mask {
    Mask::from_bytes(mask.view(), MaskRule::default()).unwrap()
}

/// A feature map [h, w, c] with its mask [h, w], 1 = known; values in holes are zero. If its last three channels are a
/// prior, the third field is the prior's mask.
pub struct Map(pub Array3<f32>, pub Array2<u8>, pub Option<Array2<u8>>);

impl Map {
    /// Value and mask at (y, x), zero outside.
    pub fn at(&self, y: isize, x: isize) -> Option<(usize, usize)> {
        let (h, w) = self.1.dim();
        ((0..h as isize).contains(&y) && (0..w as isize).contains(&x)).then_some((y as usize, x as usize))
    }

    /// Known samples at a pixel: all of them, and those that are not a prior's.
    pub fn known(&self, at: Option<(usize, usize)>) -> [u32; 2] {
        let Some((y, x)) = at else { return [0, 0] };
        let of_prior = self.2.as_ref().map_or(0, |mask| 3 * u32::from(mask[[y, x]]));
        let channels = self.0.dim().2 as u32 - if self.2.is_some() { 3 } else { 0 };
        let others = channels * u32::from(self.1[[y, x]]);
        [others + of_prior, others]
    }
}

/// The result by definition, `None` where nothing is known: every layer dense, one accumulator per output, one
/// `numerics::mul_add` per k in the order of the plan; each group of the hole with what it sees.
pub fn oracle(net: &Net, image: &Array3<f32>, mask: &Array2<u8>) -> Option<Array3<f32>> {
    oracle_by(net, image, mask, &|input| forward(net, input))
}

/// The same with other layers in place of the network's own.
pub fn oracle_by(
    net: &Net,
    image: &Array3<f32>,
    mask: &Array2<u8>,
    layers: &dyn Fn(Map) -> Map,
) -> Option<Array3<f32>> {
    if mask.iter().all(|m| *m > 0) {
        return None;
    }
    let mut filled = image.clone();
    for seen in groups(mask, net.context) {
        fill_group(net, image, mask, &seen, layers, &mut filled);
    }
    Some(filled)
}

/// What each group of the hole sees, its hole among it: the pixels within `context` of the hole, joined where they meet.
fn groups(mask: &Array2<u8>, context: Option<usize>) -> Vec<Array2<bool>> {
    let Some(context) = context else { return vec![Array2::from_elem(mask.dim(), true)] };
    let (height, width) = mask.dim();
    let mut left = Array2::from_elem(mask.dim(), false);
    for ((y, x), _) in mask.indexed_iter().filter(|(_, m)| **m > 0) {
        let (top, start) = (y.saturating_sub(context), x.saturating_sub(context));
        let (bottom, end) = ((y + context + 1).min(height), (x + context + 1).min(width));
        left.slice_mut(ndarray::s![top..bottom, start..end]).fill(true);
    }
    let mut groups = Vec::new();
    for start in ndarray::indices(mask.dim()) {
        let (mut group, mut reached) = (Array2::from_elem(mask.dim(), false), vec![start]);
        while let Some((y, x)) = reached.pop() {
            if left.get((y, x)).is_some_and(|left| *left) {
                (left[[y, x]], group[[y, x]]) = (false, true);
                reached.extend([(y + 1, x), (y, x + 1), (y.wrapping_sub(1), x), (y, x.wrapping_sub(1))]);
            }
        }
        if group[start] {
            groups.push(group);
        }
    }
    groups
}

fn fill_group(
    net: &Net,
    image: &Array3<f32>,
    mask: &Array2<u8>,
    seen: &Array2<bool>,
    layers: &dyn Fn(Map) -> Map,
    filled: &mut Array3<f32>,
) {
    let (height, width, _) = image.dim();
    let is_hole = |y: usize, x: usize| seen[[y, x]] && mask[[y, x]] > 0;
    let pad = |v: usize| v.next_multiple_of(1 << net.levels);
    let is_seen = |y: usize, x: usize| y < height && x < width && seen[[y, x]];
    let inside = Array2::from_shape_fn((pad(height), pad(width)), |(y, x)| u8::from(is_seen(y, x)));
    let known = Array2::from_shape_fn(inside.dim(), |(y, x)| u8::from(is_seen(y, x) && mask[[y, x]] == 0));
    let input = Array3::from_shape_fn((pad(height), pad(width), 3), |(y, x, c)| {
        if known[[y, x]] == 1 { (image[[y, x, c]] - MEAN[c]) / STD[c] } else { 0.0 }
    });
    let mut prior = Array3::zeros(image.dim());
    if net.harmonic {
        prior.assign(&input.slice(ndarray::s![..height, ..width, ..]));
        let group = Array2::from_shape_fn(mask.dim(), |(y, x)| if is_hole(y, x) { 255 } else { 0 });
        let solver = Harmonic::new(width, height).unwrap();
        let mut scratch = vec![f32::NAN; solver.scratch_len()];
        let image = prior.as_slice_mut().unwrap();
        solver.fill(image, &hole(&group), CYCLES, &mut scratch);
    }
    let input = match net.prior_input {
        false => input,
        true => Array3::from_shape_fn((pad(height), pad(width), 6), |(y, x, c)| match c {
            0..3 => input[[y, x, c]],
            _ if inside[[y, x]] == 1 => prior[[y, x, c - 3]],
            _ => 0.0,
        }),
    };
    let inside = net.prior_input.then_some(inside);
    let up = layers(Map(input, known, inside));
    let holes = ndarray::indices(mask.dim()).into_iter().filter(|&(y, x)| is_hole(y, x));
    for ((y, x), c) in holes.flat_map(|at| (0..3).map(move |c| (at, c))) {
        let v = numerics::clip_unit((up.0[[y, x, c]] + prior[[y, x, c]]) * STD[c] + MEAN[c]);
        filled[[y, x, c]] = numerics::clip_unit(v);
    }
}

fn forward(net: &Net, input: Map) -> Map {
    let mut maps = vec![input];
    for layer in &net.layers[..net.levels] {
        maps.push(encoder(layer, maps.last().unwrap()));
    }
    let mut up = maps.pop().unwrap();
    for (i, layer) in net.layers[net.levels..].iter().enumerate() {
        let activation = if i + 1 < net.levels { Activation::LeakyRelu(SLOPE) } else { Activation::None };
        up = decoder(layer, &up, &maps.pop().unwrap(), activation);
    }
    up
}

fn epilogue(sum: f32, k: usize, s: u32, bias: f32, activation: Activation) -> f32 {
    activation.apply(numerics::mul_add(sum, k as f32 / s as f32, bias))
}

fn encoder(layer: &Layer, input: &Map) -> Map {
    let (h, w) = input.1.dim();
    let (side, c_in) = (layer.kernel, layer.c_up);
    let k = side * side * c_in;
    let mut known = Array2::zeros((h / 2, w / 2));
    let out = Array3::from_shape_fn((h / 2, w / 2, layer.c_out), |(y, x, o)| {
        let (mut sum, mut s) = (0.0f32, [0u32; 2]);
        for ky in 0..side {
            for kx in 0..side {
                let at = |v: usize, k: usize| (2 * v + k) as isize - (side / 2) as isize;
                let position = input.at(at(y, ky), at(x, kx));
                (0..2).for_each(|i| s[i] += input.known(position)[i]);
                for c in 0..c_in {
                    let weight = layer.weight[((o * c_in + c) * side + ky) * side + kx];
                    sum = numerics::mul_add(position.map_or(0.0, |(y, x)| input.0[[y, x, c]]), weight, sum);
                }
            }
        }
        known[[y, x]] = u8::from(s[1] > 0);
        if s[1] > 0 { epilogue(sum, k, s[0], layer.bias[o], Activation::Relu) } else { 0.0 }
    });
    Map(out, known, None)
}

fn decoder(layer: &Layer, up: &Map, skip: &Map, activation: Activation) -> Map {
    let (h, w) = skip.1.dim();
    let (c_up, c_skip) = (layer.c_up, layer.c_skip);
    let k = 9 * (c_up + c_skip);
    let mut known = Array2::zeros((h, w));
    let out = Array3::from_shape_fn((h, w, layer.c_out), |(y, x, o)| {
        let weight = |c: usize, ky: usize, kx: usize| layer.weight[((o * (c_up + c_skip) + c) * 3 + ky) * 3 + kx];
        let (mut sum, mut s) = (0.0f32, [0u32; 2]);
        // Rows of the 3×3 window that fall on the two source rows, top first; likewise columns.
        let taps = |v: usize| if v.is_multiple_of(2) { [vec![0], vec![1, 2]] } else { [vec![0, 1], vec![2]] };
        for (ty, rows) in taps(y).iter().enumerate() {
            for (tx, columns) in taps(x).iter().enumerate() {
                let source = |v: usize, t: usize| (v.div_ceil(2) + t) as isize - 1;
                let position = up.at(source(y, ty), source(x, tx));
                (0..2).for_each(|i| s[i] += up.known(position)[i] * (rows.len() * columns.len()) as u32);
                for c in 0..c_up {
                    let column = |kx: usize| rows.iter().map(|ky| weight(c, *ky, kx)).reduce(|a, b| a + b).unwrap();
                    let folded = columns.iter().map(|kx| column(*kx)).reduce(|a, b| a + b).unwrap();
                    sum = numerics::mul_add(position.map_or(0.0, |(y, x)| up.0[[y, x, c]]), folded, sum);
                }
            }
        }
        for ky in 0..3 {
            for kx in 0..3 {
                let position = skip.at((y + ky) as isize - 1, (x + kx) as isize - 1);
                (0..2).for_each(|i| s[i] += skip.known(position)[i]);
                for c in 0..c_skip {
                    let value = position.map_or(0.0, |(y, x)| skip.0[[y, x, c]]);
                    sum = numerics::mul_add(value, weight(c_up + c, ky, kx), sum);
                }
            }
        }
        known[[y, x]] = u8::from(s[1] > 0);
        if s[1] > 0 { epilogue(sum, k, s[0], layer.bias[o], activation) } else { 0.0 }
    });
    Map(out, known, None)
}
