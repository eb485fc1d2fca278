//! What the program does, one type a subcommand.

use clap::{Args, ValueEnum};
use image::{GrayImage, ImageBuffer, ImageFormat, PixelWithColorType};
use inpaint_train::{
    checkpoint::{State, replace},
    config::Config,
    data::{Augment, Batch, Folder, Recipe},
    fit::{self, End, Job},
    gradcheck,
    loss::LossWeights,
    masks::{self, Kind},
    net::{self, Arch, LayerShape, Net, Params, Phase},
    rng::Rng,
    sheet::Sheet,
    vgg::Vgg,
};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
    low_level,
};
use std::{
    error::Error,
    fs,
    io::Cursor,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Train a network; run again after an interruption, go on where it was saved.
///
/// Ctrl-C and SIGTERM save a checkpoint and end with exit code 128 + signal; another one, a second later or more, ends
/// at once. The same
/// photographs, configuration and seed give the same bytes, however often the run was interrupted.
#[derive(Args)]
pub struct Fit {
    /// Folder of photographs, with its subfolders.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What to train, and how: see tools/train/README.md.
    #[arg(long, value_name = "FILE.toml")]
    config: PathBuf,
    /// The weights file to write at the end.
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,
    /// Folder for the checkpoint, logs, curves and pictures [default: OUT with the extension .run].
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// How weights are stored.
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
}

#[derive(Clone, Copy, ValueEnum)]
enum Dtype {
    F32,
    F16,
}

impl From<Dtype> for net::Dtype {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::F16 => Self::F16,
        }
    }
}

impl Fit {
    pub fn run(&self) -> Result<ExitCode, Box<dyn Error>> {
        let job = Job {
            data: self.data.clone(),
            config: Config::load(&self.config)?,
            out: self.out.clone(),
            run: self.run.clone().unwrap_or_else(|| self.out.with_extension("run")),
            dtype: self.dtype.into(),
        };
        let stop = Arc::new(AtomicUsize::new(0));
        on_signals(stop.clone())?;
        Ok(match fit::fit(&job, &stop)? {
            End::Finished => ExitCode::SUCCESS,
            End::Stopped(signal) => ExitCode::from(128 + signal as u8),
        })
    }
}

/// Has the first signal stored in `stop`, and the process ended by one that comes a second or more after it: what comes
/// sooner is the same wish told twice, as by `timeout`, which signals a process and then its group.
fn on_signals(stop: Arc<AtomicUsize>) -> std::io::Result<()> {
    const SAME: Duration = Duration::from_secs(1);
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        let mut first = None;
        for signal in signals.forever() {
            if first.get_or_insert_with(Instant::now).elapsed() >= SAME {
                low_level::exit(128 + signal);
            }
            let _ = stop.compare_exchange(0, signal as usize, Ordering::Relaxed, Ordering::Relaxed);
        }
    })?;
    Ok(())
}

/// Write the average weights of a checkpoint.
#[derive(Args)]
pub struct Export {
    /// The checkpoint, RUN/checkpoint.safetensors.
    #[arg(long, value_name = "FILE")]
    checkpoint: PathBuf,
    /// The weights file to write.
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,
    /// How weights are stored.
    #[arg(long, value_enum, default_value_t = Dtype::F32)]
    dtype: Dtype,
    /// Keep batch norms apart: for `start` in another run's configuration, not for the engine.
    #[arg(long)]
    unfolded: bool,
    /// How many pixels around a hole the network sees, in place of what the configuration says.
    #[arg(long, value_name = "PX", conflicts_with = "unfolded", value_parser = clap::value_parser!(u16).range(1..))]
    context: Option<u16>,
}

impl Export {
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", self.checkpoint.display());
        let bytes = fs::read(&self.checkpoint).map_err(|error| at(&error))?;
        let (state, config) = State::with_own_config(&bytes).map_err(|error| at(&error))?;
        let weights = match self.unfolded {
            true => fit::unfolded(&state, &config, self.dtype.into()),
            false => {
                let own = config.arch();
                let context = self.context.map(usize::from).or(own.context);
                fit::export(&state, &config, &Arch { context, ..own }, self.dtype.into())
            }
        };
        let weights = weights.map_err(|error| at(&error))?;
        Ok(replace(&self.out, &weights)?)
    }
}

/// Write masks as PNG files, white = hole, named KIND-NUMBER.png.
#[derive(Args)]
pub struct Masks {
    /// Folder to write to; made if missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Kinds, separated by commas, or `all`.
    #[arg(long, default_value = "all", value_name = "KINDS")]
    kind: String,
    /// Width and height in pixels.
    #[arg(long, default_value_t = 256, value_parser = size)]
    size: usize,
    /// Masks of each kind.
    #[arg(long, default_value_t = 8)]
    count: usize,
    /// Share of the picture that is hole.
    #[arg(long, default_value = "0.1..0.3", value_name = "LOW..HIGH", value_parser = ratio)]
    ratio: RangeInclusive<f32>,
    /// The same seed draws the same masks.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Masks {
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        let kinds = kinds(&self.kind)?;
        fs::create_dir_all(&self.out).map_err(|error| format!("{}: {error}", self.out.display()))?;
        for kind in kinds {
            let masks = masks::Masks::of(kind, self.ratio.clone());
            masks.check()?;
            for number in 0..self.count {
                let mut rng = Rng::stream(self.seed, kind as u64, number as u64);
                let white =
                    masks.sample(&mut rng, self.size, self.size).iter().map(|&known| 255 * (1 - known)).collect();
                let side = self.size as u32;
                let path = self.out.join(format!("{kind}-{number:03}.png"));
                save(&path, &GrayImage::from_raw(side, side, white).expect("a mask has size × size pixels"))?;
            }
        }
        Ok(())
    }
}

/// Write two contact sheets: augmented crops, and masks of every kind.
///
/// The crops go to OUT.png. The masks go to OUT.masks.png, white = hole, a row a kind, from top to bottom: walk,
/// strokes, rectangles, shapes, blocks, blobs, patches, scratches; the hole ratio rises from left to right.
#[derive(Args)]
pub struct Preview {
    /// Folder of photographs.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The PNG file to write.
    #[arg(long, value_name = "OUT.png")]
    out: PathBuf,
    /// Width and height of a crop in pixels.
    #[arg(long, default_value_t = 128, value_parser = size)]
    size: usize,
    /// Number of crops, eight a row.
    #[arg(long, default_value_t = 64)]
    count: usize,
    /// The same seed draws the same sheets.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Preview {
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        const COLUMNS: usize = 8;
        let folder = Folder::open(&self.data, 0)?;
        let recipe = Recipe { size: self.size, n: 1, augment: Augment::default(), masks: masks::Masks::default() };
        let mut crops = Sheet::new(self.size, COLUMNS, self.count);
        for step in 0..self.count as u64 {
            let crop = Batch::make(&folder, self.seed, step, &recipe).images;
            crops.push(crop.chunks_exact(3).map(|pixel| [0, 1, 2].map(|c| (pixel[c] * 255.0).round() as u8)));
        }
        save(&self.out, crops.image())?;

        let [low, high] = recipe.masks.ratio;
        let mut holes = Sheet::new(self.size, COLUMNS, COLUMNS * Kind::ALL.len());
        for kind in Kind::ALL {
            for column in 0..COLUMNS {
                let ratio = low + (high - low) * column as f32 / (COLUMNS - 1) as f32;
                let mut rng = Rng::stream(self.seed, kind as u64, column as u64);
                let mask = masks::Masks::of(kind, ratio..=ratio).sample(&mut rng, self.size, self.size);
                holes.push(mask.iter().map(|&known| [255 * (1 - known); 3]));
            }
        }
        save(&self.out.with_extension("masks.png"), holes.image())
    }
}

/// Writes a picture in the format that its name tells.
fn save<P>(path: &Path, image: &ImageBuffer<P, Vec<u8>>) -> Result<(), Box<dyn Error>>
where
    P: PixelWithColorType<Subpixel = u8>,
{
    let mut bytes = Cursor::new(Vec::new());
    let encoded = ImageFormat::from_path(path).and_then(|format| image.write_to(&mut bytes, format));
    encoded.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(replace(path, bytes.get_ref())?)
}

fn kinds(names: &str) -> Result<Vec<Kind>, String> {
    if names == "all" {
        return Ok(Kind::ALL.to_vec());
    }
    names.split(',').map(str::parse).collect()
}

/// A side the generators and the network can use.
fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (16..=4096).contains(&size) => Ok(size),
        _ => Err("expected a number of pixels from 16 to 4096".into()),
    }
}

fn ratio(text: &str) -> Result<RangeInclusive<f32>, String> {
    let (low, high) = text.split_once("..").ok_or("expected LOW..HIGH, such as 0.1..0.3")?;
    let number = |text: &str| text.trim().parse::<f32>().map_err(|error| format!("`{text}`: {error}"));
    Ok(number(low)?..=number(high)?)
}

/// Compare every gradient with central differences in f64, and print the largest relative errors.
#[derive(Args)]
pub struct Gradcheck {}

impl Gradcheck {
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        let (mut count, mut failed) = (0, 0);
        println!("{:<34} {:<52} error", "op", "shape");
        gradcheck::run(&mut |check| {
            count += 1;
            // A NaN fails too.
            let passed = check.error <= gradcheck::LIMIT;
            failed += usize::from(!passed);
            let mark = if passed { "" } else { "  FAILED" };
            println!("{:<34} {:<52} {:.1e}{mark}", check.op, check.shape, check.error);
        });
        if failed > 0 {
            return Err(format!("gradcheck: {failed} of {count} above {:.0e}", gradcheck::LIMIT).into());
        }
        println!("{count} checks, none above {:.0e}", gradcheck::LIMIT);
        Ok(())
    }
}

/// Time training steps, forward and backward, on random crops; one JSON line.
#[derive(Args)]
pub struct Bench {
    /// Levels of the paper's network.
    #[arg(long, default_value_t = 6)]
    levels: usize,
    /// Channels of its first level.
    #[arg(long, default_value_t = 32)]
    width: usize,
    /// Width and height of a crop in pixels.
    #[arg(long, default_value_t = 128, value_parser = size)]
    size: usize,
    /// Crops in a batch.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Steps timed, after one that is not.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Threads; 0 = all cores.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// VGG16 weights for the perceptual and the style loss on squares of 64 px.
    #[arg(long, value_name = "FILE")]
    vgg: Option<PathBuf>,
}

impl Bench {
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        let Self { levels, width, size, batch: n, steps, threads, .. } = *self;
        let arch = Arch::paper(levels, width);
        arch.check()?;
        let mut rng = Rng::stream(1, 0, 0);
        let images = (0..3 * n * size * size).map(|_| rng.unit()).collect();
        let masks = (0..n).flat_map(|_| masks::Masks::default().sample(&mut rng, size, size)).collect();
        let batch = Batch { images, masks, size, n };
        let mut params = Params::init(&arch, &mut rng);
        let mut net = Net::new(&arch, threads);
        let mut losses = LossWeights::default();
        if let Some(path) = &self.vgg {
            let of_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let bytes = fs::read(path).map_err(|error| of_file(&error))?;
            net.set_vgg(Vgg::from_bytes(&bytes).map_err(|error| of_file(&error))?);
            losses.vgg_crop = 64;
        }
        let mut grads = Vec::new();
        let mut times = Vec::new();
        for _ in 0..=steps {
            let start = Instant::now();
            net.step(&mut params, &batch, None, &losses, Phase::default(), &mut grads);
            times.push(start.elapsed().as_secs_f64());
        }
        times.remove(0);
        times.sort_by(f64::total_cmp);
        let (best, median) = (times[0], times[times.len() / 2]);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        println!(
            "{{\"engine\": \"inpaint-train\", \"levels\": {levels}, \"width\": {width}, \"size\": {size}, \"batch\": {n}, \
             \"best_img_s\": {:.2}, \"median_img_s\": {:.2}, \"best_gflop_s\": {:.1}, \"peak_rss_mb\": {}}}",
            n as f64 / best,
            n as f64 / median,
            2.0 * (n * macs(&arch, size)) as f64 / best / 1e9,
            peak.unwrap_or(0u64) / 1024,
        );
        Ok(())
    }
}

/// Multiply–accumulates of the convolutions of one image, forward and backward, upsampling folded.
fn macs(arch: &Arch, size: usize) -> usize {
    let levels = arch.levels();
    let side = size.next_multiple_of(1 << levels);
    let of_layer = |(i, layer): (usize, LayerShape)| {
        let side = side >> if i < levels { i + 1 } else { 2 * levels - 1 - i };
        let (up, skip) = match layer.c_skip {
            0 => (layer.kernel * layer.kernel * layer.c_in, 0),
            c_skip => (4 * layer.c_in, 9 * c_skip),
        };
        // Output, gradient of weights and of inputs; the image needs none.
        let passes = |taps: usize, of_image: bool| taps * if of_image { 2 } else { 3 };
        side * side * layer.c_out * (passes(up, i == 0) + passes(skip, i + 1 == 2 * levels))
    };
    arch.layers().into_iter().enumerate().map(of_layer).sum()
}
