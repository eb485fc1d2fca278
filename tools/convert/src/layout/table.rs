//! The programs whose checkpoints are known.

use inpaint_edge::weights::Output;

use super::{Axes, Concat, Fact, Has, Keys, Layout, Normalise, Ones, Ratio, Side};

const IMAGENET: Normalise = Normalise::By { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/// −1 … 1.
const SIGNED: Normalise = Normalise::By { mean: [0.5; 3], std: [0.5; 3] };
const UNIT: Normalise = Normalise::By { mean: [0.0; 3], std: [1.0; 3] };

/// PyTorch's epsilon of batch norm.
const TORCH: f64 = 1e-5;

/// The paper's network: no batch norm in the first and the last layer to touch the image.
fn inner(_: Side, i: usize) -> Has {
    if i == 1 { Has::No } else { Has::Yes }
}

fn outer(_: Side, i: usize) -> Has {
    if i == 1 { Has::Yes } else { Has::No }
}

fn last(side: Side, i: usize) -> Has {
    if side == Side::Decoder && i == 1 { Has::Yes } else { Has::No }
}

fn all_but_last(side: Side, i: usize) -> Has {
    if last(side, i) == Has::Yes { Has::No } else { Has::Yes }
}

fn always(_: Side, _: usize) -> Has {
    Has::Yes
}

fn never(_: Side, _: usize) -> Has {
    Has::No
}

fn maybe(_: Side, _: usize) -> Has {
    Has::Maybe
}

/// PyTorch's names.
fn torch(conv: String, ones: Option<String>, norm: String) -> Keys {
    Keys {
        weight: format!("{conv}.weight"),
        bias: format!("{conv}.bias"),
        ones,
        norm: ["weight", "bias", "running_mean", "running_var"].map(|part| format!("{norm}.{part}")),
        counter: Some(format!("{norm}.num_batches_tracked")),
    }
}

/// The place of a layer where encoder and decoder are numbered through.
fn through(side: Side, i: usize, levels: usize) -> usize {
    if side == Side::Encoder { i } else { 2 * levels + 1 - i }
}

fn enc_dec(side: Side) -> &'static str {
    if side == Side::Encoder { "enc" } else { "dec" }
}

fn encoder_decoder(side: Side) -> &'static str {
    if side == Side::Encoder { "encoder" } else { "decoder" }
}

/// In the order in which `--from auto` tries them.
pub static LAYOUTS: [Layout; 9] = [
    Layout {
        name: "naoto",
        keys: |side, i, _| {
            let layer = format!("{}_{i}", enc_dec(side));
            let ones = format!("{layer}.conv.mask_conv.weight");
            torch(format!("{layer}.conv.input_conv"), Some(ones), format!("{layer}.bn"))
        },
        through: false,
        ones: Ones::Verified,
        norm: inner,
        bias: last,
        epsilon: TORCH,
        ratio: Ratio::Sum,
        concat: Concat::UpSkip,
        axes: Axes::Oihw,
        bgr: false,
        normalise: IMAGENET,
        head: None,
        output: Output::Linear,
        obstacle: None,
        note: None,
    },
    Layout {
        name: "mmediting",
        keys: |side, i, _| {
            let layer = format!("{}.{}{i}", encoder_decoder(side), enc_dec(side));
            let ones = format!("{layer}.conv.weight_mask_updater");
            torch(format!("{layer}.conv"), Some(ones), format!("{layer}.bn"))
        },
        through: false,
        ones: Ones::Verified,
        norm: inner,
        bias: outer,
        epsilon: TORCH,
        ratio: Ratio::Window,
        concat: Concat::UpSkip,
        axes: Axes::Oihw,
        bgr: true,
        normalise: SIGNED,
        head: None,
        output: Output::Linear,
        obstacle: None,
        note: None,
    },
    Layout {
        name: "xyfjason",
        keys: |side, i, _| {
            let layer = match side {
                Side::Encoder => format!("encoder{i}"),
                Side::Decoder => format!("decoder{i}.partial_conv"),
            };
            let ones = format!("{layer}.mask_conv_weight");
            let keys = torch(format!("{layer}.conv"), Some(ones), format!("{layer}.norm"));
            Keys { bias: format!("{layer}.bias"), ..keys }
        },
        through: false,
        ones: Ones::Verified,
        norm: inner,
        bias: always,
        epsilon: TORCH,
        ratio: Ratio::Window,
        concat: Concat::UpSkip,
        axes: Axes::Oihw,
        bgr: false,
        normalise: SIGNED,
        head: None,
        output: Output::Linear,
        obstacle: None,
        note: None,
    },
    Layout {
        name: "ja3067",
        keys: |side, i, levels| {
            let layer = format!("conv{}", through(side, i, levels));
            torch(format!("{layer}.conv"), None, format!("{layer}.bn"))
        },
        through: true,
        ones: Ones::Verified,
        norm: all_but_last,
        bias: last,
        epsilon: TORCH,
        ratio: Ratio::Window,
        concat: Concat::UpSkip,
        axes: Axes::Oihw,
        bgr: false,
        normalise: IMAGENET,
        head: None,
        // Early revisions end without; the file does not tell.
        output: Output::Tanh,
        obstacle: None,
        note: None,
    },
    Layout {
        name: "bobqywei",
        keys: |side, i, _| {
            let layer = format!("{}_{i}", encoder_decoder(side));
            let ones = format!("{layer}.mask_conv.weight");
            torch(format!("{layer}.input_conv"), Some(ones), format!("{layer}.batch_normalization"))
        },
        through: false,
        ones: Ones::Verified,
        norm: inner,
        bias: last,
        epsilon: TORCH,
        ratio: Ratio::Sum,
        concat: Concat::UpSkip,
        axes: Axes::Oihw,
        bgr: false,
        normalise: IMAGENET,
        head: None,
        output: Output::Linear,
        obstacle: None,
        note: None,
    },
    Layout {
        name: "tanimutomo",
        keys: |side, i, _| {
            let layer = format!("{}_{i}", enc_dec(side));
            torch(format!("{layer}.conv"), None, format!("{layer}.bn"))
        },
        through: false,
        ones: Ones::Verified,
        norm: never,
        bias: last,
        epsilon: TORCH,
        ratio: Ratio::Window,
        concat: Concat::UpSkip,
        axes: Axes::Oihw,
        bgr: false,
        normalise: UNIT,
        head: None,
        output: Output::Linear,
        obstacle: Some((
            "dec_1 multiplies by the mask ratio twice, the second time its bias too, which the engine's formula cannot",
            None,
        )),
        note: None,
    },
    Layout {
        name: "nvidia",
        keys: |side, i, _| {
            let layer = format!("{}{i}", enc_dec(side));
            torch(layer.clone(), None, format!("{layer}.bn"))
        },
        through: false,
        ones: Ones::Verified,
        norm: maybe,
        bias: maybe,
        epsilon: TORCH,
        ratio: Ratio::Window,
        concat: Concat::UpSkip,
        axes: Axes::Oihw,
        bgr: false,
        normalise: Normalise::Stored,
        head: Some((Has::Maybe, ["head.weight", "head.bias"])),
        output: Output::Linear,
        obstacle: None,
        note: None,
    },
    Layout {
        name: "keras",
        keys: |side, i, levels| {
            let layer = format!("p_conv2d_{}", through(side, i, levels));
            let norm = match side {
                Side::Encoder => format!("EncBN{}", i - 1),
                Side::Decoder => format!("batch_normalization_{}", levels + 1 - i.min(levels)),
            };
            Keys {
                weight: format!("{layer}/img_kernel"),
                bias: format!("{layer}/bias"),
                ones: Some(format!("{layer}/Variable")),
                norm: ["gamma", "beta", "moving_mean", "moving_variance"].map(|part| format!("{norm}/{part}")),
                counter: None,
            }
        },
        through: true,
        ones: Ones::Verified,
        norm: inner,
        bias: always,
        epsilon: 1e-3,
        ratio: Ratio::Taps,
        concat: Concat::SkipUp,
        axes: Axes::Hwio,
        bgr: false,
        normalise: UNIT,
        head: Some((Has::Yes, ["outputs_img/kernel", "outputs_img/bias"])),
        output: Output::Sigmoid,
        obstacle: Some((
            "the file does not tell whether its encoder runs on moving statistics or on each image's own (train_bn=True), \
             which the engine cannot; `--assume frozen-bn` if it was trained last with train_bn=False",
            Some(Fact::FrozenBn),
        )),
        note: None,
    },
    Layout {
        name: "chainer",
        keys: |side, i, _| {
            let layer = format!("PConv_{}{}", u8::from(side == Side::Decoder), i - 1);
            Keys {
                weight: format!("{layer}/c/W"),
                bias: format!("{layer}/c/b"),
                ones: Some(format!("{layer}/m/W")),
                norm: ["gamma", "beta", "avg_mean", "avg_var"].map(|part| format!("{layer}/batchnorm/{part}")),
                counter: Some(format!("{layer}/batchnorm/N")),
            }
        },
        through: false,
        ones: Ones::Ignored,
        norm: inner,
        // The released network has none, the program's own has one in every layer.
        bias: maybe,
        epsilon: 2e-5,
        ratio: Ratio::Sum,
        concat: Concat::SkipUp,
        axes: Axes::Oihw,
        bgr: false,
        normalise: SIGNED,
        head: None,
        output: Output::Linear,
        obstacle: None,
        note: Some(
            "the program's own scripts normalise by the statistics of each image, where the result has the running ones: \
             fills differ from theirs by 0.1 to 0.2 of 1",
        ),
    },
];
