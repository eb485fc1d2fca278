//! Networks of integers: the bits of a plain triple loop over integers, on every instruction set and with any number of
//! threads, and files that are refused.

mod common;

use common::safetensors::{Tensor, Tensors, serialize};
use common::{MEAN, Map, Net, Random, SLOPE, STD, hole, oracle_by, scene};
use inpaint_edge::numerics::{Activation, round};
use inpaint_edge::{Inpainter, Isa, Mask, Options, Request};
use ndarray::{Array2, Array3};

/// A map's type: 16 bits, or 8 with the integer that stands for 0; and what 1 stands for.
#[derive(Clone, Copy)]
struct Scale {
    is_wide: bool,
    step: f32,
    zero: u8,
}

impl Scale {
    /// The integer of a value, less the one of 0.
    fn of(self, v: f32) -> f32 {
        let limits = if self.is_wide { [-8191, 8191] } else { [0, 255].map(|v| v - i32::from(self.zero)) };
        round(v, limits.map(|v| v as f32)) as f32
    }
}

/// A layer: weights `[c_out, k, k, c_in]` of an encoder, `[c_out, 3, 3, c_up]` and `[c_out, 3, 3, c_skip]` of a decoder.
struct Layer {
    name: String,
    c_up: usize,
    c_skip: usize,
    c_out: usize,
    kernel: usize,
    /// One operand, or up and skip.
    weights: Vec<Vec<i16>>,
    scale: Vec<f32>,
    bias: Vec<f32>,
}

struct IntegerNet {
    /// Its own layers are not used.
    net: Net,
    wide: usize,
    layers: Vec<Layer>,
    /// Of the input, enc1 … encL, decL … dec2.
    maps: Vec<Scale>,
}

impl IntegerNet {
    /// Random weights in the shapes of `net`, with maps of 16 bits in `wide` levels.
    fn of(net: Net, wide: usize, seed: u64) -> Self {
        let levels = net.levels;
        let mut random = Random::new(seed + 1000);
        let maps: Vec<Scale> = (0..2 * levels)
            .map(|i| {
                let level = if i < levels { i } else { (2 * levels - 1 - i).min(levels - 1) };
                let is_wide = level < wide;
                let zero = if is_wide || i <= levels { 0 } else { (random.unit() * 40.0 + 60.0) as u8 };
                let step = if is_wide { 1.0 / 4096.0 } else { 1.0 / 50.0 } * (1.0 + 0.3 * random.unit());
                Scale { is_wide, step, zero }
            })
            .collect();
        let mut layers = Vec::new();
        for (i, layer) in net.layers.iter().enumerate() {
            let (c_up, c_skip, c_out, kernel) = (layer.c_up, layer.c_skip, layer.c_out, layer.kernel);
            let is_encoder = i < levels;
            let name = if is_encoder { format!("enc{}", i + 1) } else { format!("dec{}", 2 * levels - i) };
            let counts = match is_encoder {
                true => vec![c_out * kernel * kernel * c_up],
                false => vec![c_out * 9 * c_up, c_out * 9 * c_skip],
            };
            let k = (c_up + c_skip) * kernel * kernel;
            // Four of the upsampled operand add up to one of the type.
            let (size, most) = if maps[i].is_wide { (4000.0, (200_000 / k).min(32767) as f32) } else { (40.0, 127.0) };
            let mut weight = |share: f32| (random.unit() * most * share).round() as i16;
            let weights = counts.into_iter().enumerate().map(|(operand, count)| {
                let share = if !is_encoder && operand == 0 { 0.25 } else { 1.0 };
                (0..count).map(|_| weight(share)).collect()
            });
            let weights = weights.collect();
            let typical = (k as f32).sqrt() * most / 2.0 * size;
            let scale = (0..c_out).map(|_| (1.0 + 0.5 * random.unit()) / typical).collect();
            let bias = (0..c_out).map(|_| 0.2 * random.unit()).collect();
            layers.push(Layer { name, c_up, c_skip, c_out, kernel, weights, scale, bias });
        }
        let mut all = Self { net, wide, layers, maps };
        all.net.file = all.file();
        all
    }

    fn tensors(&self) -> Tensors {
        let mut tensors = Tensors::new();
        for (i, layer) in self.layers.iter().enumerate() {
            let Layer { name, c_up, c_skip, c_out, kernel, weights, scale, bias } = layer;
            let mut add = |tensor: &str, dtype: &'static str, shape: Vec<usize>, data: Vec<u8>| {
                tensors.insert(format!("{name}.{tensor}"), Tensor { dtype, shape, data });
            };
            let floats = |v: &[f32]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
            add("scale", "F32", vec![*c_out], floats(scale));
            add("bias", "F32", vec![*c_out], floats(bias));
            let operands = match *c_skip {
                0 => vec![("weight", *c_up)],
                _ => vec![("up", *c_up), ("skip", *c_skip)],
            };
            for ((tensor, channels), weights) in operands.into_iter().zip(weights) {
                let (dtype, group) = if self.maps[i].is_wide { ("I16", 2) } else { ("I8", 4) };
                let run = kernel * channels;
                let (panels, groups) = (c_out.div_ceil(16), run.div_ceil(group));
                let mut values = vec![0i16; panels * kernel * groups * 16 * group];
                for (at, weight) in weights.iter().enumerate() {
                    let (k, row, column) = (at % run, at / run % kernel, at / (run * kernel));
                    let group_of = (column / 16 * kernel + row) * groups + k / group;
                    values[(group_of * 16 + column % 16) * group + k % group] = *weight;
                }
                let data = values.iter().flat_map(|v| v.to_le_bytes()[..4 / group].to_vec()).collect();
                add(tensor, dtype, vec![panels, kernel * groups, 16, group], data);
            }
        }
        tensors
    }

    fn metadata(&self) -> Vec<(String, String)> {
        let list = |number: &dyn Fn(&Scale) -> String| self.maps.iter().map(number).collect::<Vec<_>>().join(",");
        let rgb = |v: [f32; 3]| v.map(|v| v.to_string()).join(",");
        let keys = [
            ("format", "inpaint-edge/2".to_owned()),
            ("arch", "pconv-unet".to_owned()),
            ("levels", self.net.levels.to_string()),
            ("color", "rgb".to_owned()),
            ("input_mean", rgb(MEAN)),
            ("input_std", rgb(STD)),
            ("encoder_activation", "relu".to_owned()),
            ("decoder_slope", SLOPE.to_string()),
            ("prior", if self.net.harmonic { "harmonic" } else { "none" }.to_owned()),
            ("prior_input", self.net.prior_input.to_string()),
            ("wide_levels", self.wide.to_string()),
            ("steps", list(&|map| map.step.to_string())),
            ("zeros", list(&|map| map.zero.to_string())),
        ];
        let context = self.net.context.map(|context| ("context", context.to_string()));
        keys.into_iter().chain(context).map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn file(&self) -> Vec<u8> {
        serialize(&self.metadata().into_iter().collect(), &self.tensors())
    }

    /// Every layer dense, sums of integers; of a map the integers less that of 0.
    fn forward(&self, input: Map) -> Map {
        let levels = self.net.levels;
        let scale = 1.0 / self.maps[0].step;
        let mut maps = vec![Map(input.0.mapv(|v| self.maps[0].of(v * scale)), input.1, input.2)];
        for i in 0..levels {
            let map = self.encoder(i, maps.last().unwrap());
            maps.push(map);
        }
        let mut up = maps.pop().unwrap();
        for i in levels..2 * levels {
            up = self.decoder(i, &up, &maps.pop().unwrap());
        }
        up
    }

    fn result(&self, i: usize, o: usize, sum: i64, k: usize, s: u32) -> f32 {
        let layer = &self.layers[i];
        let activation = match i {
            _ if i < self.net.levels => Activation::Relu,
            _ if i + 1 < self.layers.len() => Activation::LeakyRelu(SLOPE),
            _ => Activation::None,
        };
        let step = self.maps.get(i + 1).map_or(1.0, |map| map.step);
        let (scale, bias) = (layer.scale[o] / step, layer.bias[o] / step);
        let v = activation.apply(i32::try_from(sum).unwrap() as f32 * (k as f32 / s as f32) * scale + bias);
        self.maps.get(i + 1).map_or(v, |map| map.of(v))
    }

    fn encoder(&self, i: usize, input: &Map) -> Map {
        let Layer { c_up: c_in, c_out, kernel, ref weights, .. } = self.layers[i];
        let (h, w) = input.1.dim();
        let mut known = Array2::zeros((h / 2, w / 2));
        let out = Array3::from_shape_fn((h / 2, w / 2, c_out), |(y, x, o)| {
            let (mut sum, mut s) = (0i64, [0u32; 2]);
            for ky in 0..kernel {
                for kx in 0..kernel {
                    let at = |v: usize, k: usize| (2 * v + k) as isize - (kernel / 2) as isize;
                    let position = input.at(at(y, ky), at(x, kx));
                    (0..2).for_each(|i| s[i] += input.known(position)[i]);
                    let weight = |c: usize| i64::from(weights[0][((o * kernel + ky) * kernel + kx) * c_in + c]);
                    let Some((y, x)) = position else { continue };
                    sum += (0..c_in).map(|c| weight(c) * input.0[[y, x, c]] as i64).sum::<i64>();
                }
            }
            known[[y, x]] = u8::from(s[1] > 0);
            if s[1] > 0 { self.result(i, o, sum, kernel * kernel * c_in, s[0]) } else { 0.0 }
        });
        Map(out, known, None)
    }

    fn decoder(&self, i: usize, up: &Map, skip: &Map) -> Map {
        let Layer { c_up, c_skip, c_out, ref weights, .. } = self.layers[i];
        let (h, w) = skip.1.dim();
        let mut known = Array2::zeros((h, w));
        let out = Array3::from_shape_fn((h, w, c_out), |(y, x, o)| {
            let (mut sum, mut s) = (0i64, [0u32; 2]);
            for ky in 0..3 {
                for kx in 0..3 {
                    let at = |v: usize, k: usize| (v + k) as isize - 1;
                    let above = up.at(at(y, ky) >> 1, at(x, kx) >> 1);
                    let position = skip.at(at(y, ky), at(x, kx));
                    (0..2).for_each(|i| s[i] += up.known(above)[i] + skip.known(position)[i]);
                    let first = (o * 3 + ky) * 3 + kx;
                    for (operand, channels, map, position) in [(0, c_up, up, above), (1, c_skip, skip, position)] {
                        let Some((y, x)) = position else { continue };
                        let weight = |c: usize| i64::from(weights[operand][first * channels + c]);
                        sum += (0..channels).map(|c| weight(c) * map.0[[y, x, c]] as i64).sum::<i64>();
                    }
                }
            }
            known[[y, x]] = u8::from(s[1] > 0);
            if s[1] > 0 { self.result(i, o, sum, 9 * (c_up + c_skip), s[0]) } else { 0.0 }
        });
        Map(out, known, None)
    }
}

/// Small networks with channel counts around the tiles of every kernel.
fn nets() -> Vec<IntegerNet> {
    vec![
        IntegerNet::of(Net::random(1, &[(7, 6)], &[3], 1), 1, 1),
        IntegerNet::of(Net::random(2, &[(7, 17), (5, 16)], &[18, 3], 2), 1, 2),
        IntegerNet::of(Net::random(3, &[(3, 4), (5, 8), (3, 36)], &[10, 8, 3], 3), 2, 3),
        IntegerNet::of(Net::random(4, &[(5, 6), (5, 12), (3, 24), (3, 34)], &[26, 10, 32, 3], 4), 4, 4),
        IntegerNet::of(Net::reading_prior(3, &[(5, 6), (3, 9), (3, 8)], &[4, 6, 3], 7), 1, 5),
        IntegerNet::of(
            Net::reading_prior(4, &[(7, 6), (5, 9), (3, 7), (1, 12)], &[8, 10, 6, 3], 8).with_context(9),
            2,
            6,
        ),
    ]
}

fn bits(values: &Array3<f32>) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn engine_equals_the_triple_loop_over_integers() {
    for (n, net) in nets().iter().enumerate() {
        for (case, (width, height)) in [(16, 16), (37, 21), (5, 40)].into_iter().enumerate() {
            for shape in [1, 3] {
                let (image, mask) = scene(width, height, shape, (n * 16 + case) as u64);
                let expected = oracle_by(&net.net, &image, &mask, &|input| net.forward(input)).unwrap();
                let inpainter = Inpainter::from_bytes(&net.net.file, Options::default().threads(1)).unwrap();
                let mut found = image.clone();
                inpainter.run(Request::new(found.view_mut(), &hole(&mask))).unwrap();
                assert!(bits(&found) == bits(&expected), "net {n}, {width}×{height}, hole {shape}");
            }
        }
    }
}

#[test]
fn isa_threads_and_plan_change_nothing() {
    for (n, net) in nets().iter().enumerate() {
        let (image, mask) = scene(75, 50, n as u64 % 4, n as u64);
        let run = |options: Options| {
            let inpainter = Inpainter::from_bytes(&net.net.file, options).unwrap();
            bits(&inpainter.inpaint(image.view(), &hole(&mask)).unwrap())
        };
        let expected = run(Options::default().threads(1).isa(Some(Isa::Scalar)));
        for isa in Isa::available() {
            for threads in [1, 2, 5] {
                for hole_aware in [true, false] {
                    let found = run(Options::default().threads(threads).isa(Some(isa)).hole_aware(hole_aware));
                    assert!(found == expected, "net {n}, {isa}, {threads} threads, hole-aware {hole_aware}");
                }
            }
        }
    }
}

/// How many values of each map a run tells, on an image with 18 pixels of hole.
fn observed(file: &[u8]) -> Vec<usize> {
    let (image, _) = scene(40, 30, 0, 1);
    let mut mask = Mask::new(40, 30).unwrap();
    mask.add_box(12..18, 9..12);
    let mut counts = vec![0; 5];
    let mut observe = |map: usize, values: &[f32]| {
        assert!(values.iter().all(|v| v.is_finite()));
        counts[map] += values.len();
    };
    let inpainter = Inpainter::from_bytes(file, Options::default().threads(1)).unwrap();
    inpainter.run(Request::new(image.clone().view_mut(), &mask).observe(&mut observe)).unwrap();
    counts
}

#[test]
fn maps_of_floats_are_told_and_those_of_integers_are_not() {
    let net = || Net::random(2, &[(3, 5), (3, 8)], &[6, 3], 1);
    let counts = observed(&net().file);
    // Channels 3, 5, 8, 6 and 3; the last is computed in the hole alone.
    assert!(
        counts.iter().zip([3, 5, 8, 6, 3]).all(|(count, channels)| *count > 0 && count % channels == 0),
        "{counts:?}"
    );
    assert_eq!(counts[4], 3 * 18);
    // Of a network of integers, the input and the result are floats.
    let counts = observed(&IntegerNet::of(net(), 1, 1).net.file);
    assert_eq!((&counts[1..4], counts[4]), (&[0, 0, 0][..], 3 * 18));
}

/// What a file is refused for, whose metadata and tensors `change` has changed.
fn refusal(change: impl FnOnce(&mut Vec<(String, String)>, &mut Tensors)) -> String {
    let net = IntegerNet::of(Net::random(2, &[(3, 5), (3, 8)], &[6, 3], 1), 1, 1);
    let (mut metadata, mut tensors) = (net.metadata(), net.tensors());
    change(&mut metadata, &mut tensors);
    let file = serialize(&metadata.into_iter().collect(), &tensors);
    Inpainter::from_bytes(&file, Options::default().threads(1)).map(drop).unwrap_err().to_string()
}

fn refused_key(key: &str, value: &str) -> String {
    refusal(|metadata, _| metadata.iter_mut().find(|(name, _)| name == key).unwrap().1 = value.to_owned())
}

fn refused_data(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    refusal(|_, tensors| change(&mut tensors.get_mut(name).unwrap().data))
}

#[test]
fn metadata_beyond_their_bounds_are_refused() {
    let cases = [
        ("wide_levels", "0", "metadata: wide_levels: expected 1 to 2, found 0"),
        ("wide_levels", "3", "metadata: wide_levels: expected 1 to 2, found 3"),
        ("wide_levels", "-1", "metadata wide_levels: expected 1 to 2, found -1"),
        ("steps", "1,1,1", "metadata steps: expected 4 numbers with commas between them, found 1,1,1"),
        ("steps", "1,1,1,0", "metadata: steps: expected numbers of 2^-60 to 2^60, found 0.0"),
        ("steps", "1,1,1,1e-40", "metadata: steps: expected numbers of 2^-60 to 2^60, found 1e-40"),
        ("steps", "1,1,1,inf", "metadata steps: expected 4 numbers with commas between them, found 1,1,1,inf"),
        ("zeros", "0,0,256,0", "metadata zeros: expected integers of 0 to 255, found 256"),
        ("zeros", "0,0,1.5,0", "metadata zeros: expected integers of 0 to 255, found 1.5"),
        ("zeros", "7,0,0,0", "metadata: zeros: expected 0 in a map of 16 bits, found 7"),
        ("decoder_slope", "1e-30", "decoder_slope: expected 0 or ±2^-60 to 2^60, found 1e-30"),
        (
            "format",
            "inpaint-edge/3",
            "metadata format: expected inpaint-edge/1 or inpaint-edge/2, found inpaint-edge/3",
        ),
    ];
    for (key, value, expected) in cases {
        assert_eq!(refused_key(key, value), expected);
    }
    let without = refusal(|metadata, _| metadata.retain(|(key, _)| key != "steps"));
    assert_eq!(without, "metadata steps: missing");
}

#[test]
fn numbers_that_could_leave_the_contract_are_refused() {
    let float = |v: f32| move |data: &mut Vec<u8>| data[..4].copy_from_slice(&v.to_le_bytes());
    assert_eq!(refused_data("enc1.scale", float(0.0)), "enc1.scale: expected numbers of 2^-60 to 2^60, found 0.0");
    assert_eq!(refused_data("enc2.scale", float(-1.0)), "enc2.scale: expected numbers of 2^-60 to 2^60, found -1.0");
    assert!(refused_data("dec2.bias", float(1e-30)).starts_with("dec2.bias: expected numbers of 2^-60 to 2^60, found"));
    assert!(refused_data("dec1.scale", float(f32::NAN)).starts_with("dec1.scale: expected finite numbers, found NaN"));
    let low = refused_data("dec2.up", |data| data[9] = 0x80);
    assert_eq!(low, "dec2.up: expected weights of -127 to 127, found -128 at index 9");
    let low = refused_data("dec1.up", |data| data[10..12].copy_from_slice(&[0, 0x80]));
    assert_eq!(low, "dec1.up: expected weights of -32767 to 32767, found -32768 at index 5");
    // The second and the third pixel of a row of 3·8 values of 16 columns are the same one.
    let sum = refused_data("dec2.up", |data| [2, 4].iter().for_each(|group| data[group * 64] = 64));
    assert_eq!(sum, "dec2.up: expected weights that add up to -127 to 127, found ±128");
    // 9 values a run, in groups of 2: the last has one that is filled up.
    let filled = refused_data("enc1.weight", |data| data[4 * 64 + 2] = 1);
    assert_eq!(filled, "enc1.weight: expected zeros after each run of 9 weights, found others");
}

#[test]
fn tensors_of_other_shapes_and_types_are_refused() {
    let other = refusal(|_, tensors| tensors.get_mut("enc1.weight").unwrap().dtype = "F16");
    assert_eq!(other, "tensor enc1.weight: expected i16, found F16");
    let other = refusal(|_, tensors| tensors.get_mut("dec1.skip").unwrap().shape = vec![1, 16, 15, 2]);
    assert_eq!(other, "tensor dec1.skip: expected [1, 15, 16, 2], found [1, 16, 15, 2]");
    let float = refusal(|_, tensors| tensors.get_mut("enc2.scale").unwrap().dtype = "I32");
    assert_eq!(float, "tensor enc2.scale: expected f32, found I32");
    let missing = refusal(|_, tensors| drop(tensors.remove("dec2.skip")));
    assert_eq!(missing, "tensor dec2.skip: missing");
}

#[test]
fn upsampled_maps_whose_channels_do_not_fill_groups_are_refused() {
    let refused = |net: Net| {
        let file = IntegerNet::of(net, 1, 1).net.file;
        Inpainter::from_bytes(&file, Options::default().threads(1)).map(drop).unwrap_err().to_string()
    };
    let bytes = refused(Net::random(2, &[(3, 5), (3, 6)], &[6, 3], 1));
    assert_eq!(bytes, "dec2.up: expected channels in groups of 4, found 6");
    let words = refused(Net::random(2, &[(3, 5), (3, 8)], &[7, 3], 1));
    assert_eq!(words, "dec1.up: expected channels in groups of 2, found 7");
}

/// 16-bit maps of 64 channels by 7×7 windows of large weights leave an i32.
#[test]
fn sums_that_could_overflow_are_refused() {
    let mut net = IntegerNet::of(Net::random(2, &[(3, 64), (7, 4)], &[4, 3], 1), 2, 1);
    net.layers[1].weights[0].fill(1000);
    let error = Inpainter::from_bytes(&net.file(), Options::default().threads(1)).map(drop).unwrap_err().to_string();
    let size = 7 * 7 * 64 * 1000 * 8191i64;
    assert_eq!(error, format!("enc2: expected sums of at most {}, found one of {size}", i32::MAX));
}
