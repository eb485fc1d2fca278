//! A training run from its first step, or from its checkpoint, to the weights file.

mod grid;
mod log;
mod plots;
mod sample;
mod validate;
mod watch;

pub use validate::{Row, Validator};
pub use watch::Watch;

use crate::{
    checkpoint::{Progress, State, replace},
    config::Config,
    data::{Batch, Batches, Folder},
    hex,
    net::{self, Arch, Dtype, Net},
    optim::{self, average, memory, squared_norms},
    vgg::Vgg,
};
use log::{Log, Step};
use rayon::{ThreadPool, ThreadPoolBuilder};
use sample::Sample;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt::Display,
    fs::{self, File},
    io::Cursor,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// A run to be begun or continued.
pub struct Job {
    /// Folder of photographs.
    pub data: PathBuf,
    /// What is trained, and how.
    pub config: Config,
    /// The weights file to write at the end.
    pub out: PathBuf,
    /// Folder of the checkpoint, the logs and the pictures; made if missing.
    pub run: PathBuf,
    /// How weights are stored.
    pub dtype: Dtype,
}

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The weights are written.
    Finished,
    /// A checkpoint is written; the value is the signal that asked for it.
    Stopped(usize),
}

/// Crops in the picture grid.
const PICTURES: usize = 12;
/// Batches made ahead of their use, by each thread.
const AHEAD: usize = 3;

/// Trains until the last step, or until `stop` holds the number of a signal.
///
/// The same photographs, configuration and seed give the same weights, however often the run was interrupted and on
/// however many threads.
///
/// # Errors
/// One line: what cannot be read or written; a checkpoint of another configuration or other photographs; a loss or
/// gradient that has diverged, with its step and tensor. The checkpoint then stays as it was.
pub fn fit(job: &Job, stop: &AtomicUsize) -> Result<End, String> {
    let Job { data, config, out, run, dtype } = job;
    fs::create_dir_all(run).map_err(|error| format!("{}: {error}", run.display()))?;
    let _lock = lock(run)?;
    inpaint_edge_atomic::remove_abandoned(run);
    let open = |path: &Path| Folder::open(path, config.threads.memory_mb << 20).map_err(|error| error.to_string());
    let (folder, held_out) = match config.hold_out {
        0 => (open(data)?, None),
        every => {
            let (left, out) = open(data)?.split(every);
            (left, Some(out))
        }
    };
    let manifest = folder.manifest().map_err(|error| format!("{}: {error}", data.display()))?;
    let validator = config.validation.as_ref().map(|settings| {
        let own = settings.data.as_deref().map(open).transpose()?;
        let folder = own.or(held_out).expect("a configuration that has been checked");
        Validator::new(settings, &folder, config.harmonic())
    });
    let mut runner = Runner::new(config, run, manifest, validator.transpose()?)?;
    let end = runner.run(Arc::new(folder), stop)?;
    if end == End::Finished {
        replace(out, &export(&runner.state, config, &config.arch(), *dtype)?)?;
        runner.log.say(&format!("{} written", out.display()));
    }
    Ok(end)
}

/// The weights file of a state and its network: the average weights, batch norms folded, and where they come from.
///
/// # Errors
/// If the weights cannot be stored, such as those beyond the range of f16.
pub fn export(state: &State, config: &Config, arch: &Arch, dtype: Dtype) -> Result<Vec<u8>, String> {
    net::export(arch, &state.ema, dtype, &provenance(&state.progress, config))
}

/// The average weights as they are trained, batch norms and all, for another run to start from.
///
/// # Errors
/// If the weights cannot be stored, such as those beyond the range of f16.
pub fn unfolded(state: &State, config: &Config, dtype: Dtype) -> Result<Vec<u8>, String> {
    state.average_bytes(dtype, &provenance(&state.progress, config))
}

fn provenance(progress: &Progress, config: &Config) -> BTreeMap<String, String> {
    let provenance = [
        ("config_sha256", progress.config_sha256.clone()),
        ("data_sha256", progress.data_sha256.clone()),
        ("images", progress.images.to_string()),
        ("seed", config.seed.to_string()),
        ("steps", progress.step.to_string()),
        ("trainer", concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_string()),
    ];
    let files = [("start_sha256", &progress.start_sha256), ("vgg_sha256", &progress.vgg_sha256)];
    let files = files.into_iter().filter(|(_, digest)| !digest.is_empty()).map(|(key, digest)| (key, digest.clone()));
    provenance.into_iter().chain(files).map(|(key, value)| (key.to_string(), value)).collect()
}

/// One run at a time writes to a folder; the lock falls with the process.
fn lock(run: &Path) -> Result<File, String> {
    let path = run.join("lock");
    let file = File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    file.try_lock().map_err(|_| format!("{}: another process trains in this folder", run.display()))?;
    Ok(file)
}

/// Everything a run has in hand.
struct Runner<'a> {
    config: &'a Config,
    run: &'a Path,
    state: State,
    net: Net,
    pool: ThreadPool,
    log: Log,
    validator: Option<Validator>,
    /// Seconds of earlier sessions, and the start of this one.
    clock: (f64, Instant),
}

impl<'a> Runner<'a> {
    fn new(config: &'a Config, run: &'a Path, manifest: String, validator: Option<Validator>) -> Result<Self, String> {
        let vgg = config.loss.vgg.as_ref().map(|vgg| {
            let of_file = |error: &dyn Display| format!("{}: {error}", vgg.weights.display());
            let bytes = fs::read(&vgg.weights).map_err(|error| of_file(&error))?;
            let digest = hex(&Sha256::digest(&bytes));
            Vgg::from_bytes(&bytes).map(|vgg| (vgg, digest)).map_err(|error| of_file(&error))
        });
        let (vgg, vgg_sha256) = vgg.transpose()?.unzip();
        let vgg_sha256 = vgg_sha256.unwrap_or_default();
        let path = checkpoint(run);
        let state = if path.exists() {
            let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let state = State::from_bytes(&bytes, config).map_err(|error| format!("{}: {error}", path.display()))?;
            if state.progress.data_sha256 != manifest {
                return Err(format!("{}: made with other photographs than those given", path.display()));
            }
            if state.progress.vgg_sha256 != vgg_sha256 {
                return Err(format!("{}: made with other weights of VGG16 than those given", path.display()));
            }
            state
        } else {
            let mut state = State::start(config, manifest)?;
            state.progress.vgg_sha256 = vgg_sha256;
            state
        };
        let threads = match config.threads.net {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let log = Log::open(run, config, &config.terms(), state.progress.step)?;
        let weights: usize =
            state.params.tensors.iter().filter(|tensor| tensor.trained).map(|tensor| tensor.data.len()).sum();
        log.say(&format!("{weights} weights, step {} of {}, {threads} threads", state.progress.step, config.steps));
        let mut net = Net::new(&config.arch(), threads);
        vgg.into_iter().for_each(|vgg| net.set_vgg(vgg));
        Ok(Self {
            config,
            run,
            net,
            pool: ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| error.to_string())?,
            log,
            validator,
            clock: (state.progress.seconds, Instant::now()),
            state,
        })
    }

    fn run(&mut self, folder: Arc<Folder>, stop: &AtomicUsize) -> Result<End, String> {
        let config = self.config;
        let mut samples = {
            let (config, folder) = (config.clone(), folder.clone());
            Batches::making(self.state.progress.step, config.threads.data, AHEAD, move |step| {
                let batch = Batch::make(&folder, config.seed, step, &config.recipe(step));
                Sample::new(batch, config.harmonic())
            })
        };
        let pictures = match &self.validator {
            Some(validator) => validator.pick(PICTURES),
            None => {
                let recipe = config.recipe(0);
                let batch = Batch::make(&folder, config.seed, 0, &recipe);
                let sample = Sample::new(batch, config.harmonic());
                (0..recipe.n.min(PICTURES)).map(|item| sample.single(item)).collect()
            }
        };
        if let Some(rows) = self.validator.as_ref().and_then(Validator::prior)
            && self.state.progress.step == 0
        {
            self.log.validation(0, &rows)?;
        }
        let mut grads = Vec::new();
        let mut saved = Timer::new(config.report.checkpoint_minutes);
        let mut drawn = Timer::new(config.report.grid_minutes);
        while self.state.progress.step < config.steps {
            let signal = stop.load(Ordering::Relaxed);
            if signal != 0 {
                self.save()?;
                self.draw(&pictures)?;
                self.log.say(&format!("stopped after step {}, checkpoint saved", self.state.progress.step));
                return Ok(End::Stopped(signal));
            }
            self.step(&mut samples, &mut grads)?;
            let step = self.state.progress.step;
            if let Some(validator) = &self.validator
                && config.validation.as_ref().is_some_and(|v| step.is_multiple_of(v.every) || step == config.steps)
            {
                let rows = validator.run(&mut self.net, &self.state.ema);
                self.log.validation(step, &rows)?;
            }
            if saved.due() || step == config.steps {
                self.save()?;
            }
            if drawn.due() || step == config.steps {
                self.draw(&pictures)?;
            }
        }
        Ok(End::Finished)
    }

    /// One update of the weights.
    fn step(&mut self, samples: &mut Batches<Sample>, grads: &mut Vec<Vec<f32>>) -> Result<(), String> {
        let Self { config, state, net, pool, .. } = self;
        let start = Instant::now();
        let Sample { batch, prior } = samples.next().ok_or("the thread that makes batches has failed")?;
        let waited = start.elapsed();

        let step = state.progress.step;
        let (losses, phase) = (config.losses(step), config.phase(step));
        let report = net.step(&mut state.params, &batch, prior.as_deref(), &losses, phase, grads);
        let squares = pool.install(|| squared_norms(grads));
        let checked = state.progress.watch.check(&report, &squares, &state.params);
        checked.map_err(|error| format!("step {}: {error}", step + 1))?;

        let o = &config.optimizer;
        let norm = squares.iter().sum::<f64>().sqrt();
        let rate = config.rate(step);
        pool.install(|| {
            let scale = optim::clip(norm, o.clip);
            state.adam.update(o, step + 1, rate, scale, &mut state.params, grads);
            average(&mut state.ema, &state.params, memory(o.ema, step + 1));
        });
        state.progress.step += 1;
        state.progress.images += batch.n as u64;
        state.progress.seconds = self.clock.0 + self.clock.1.elapsed().as_secs_f64();
        self.log.step(&Step {
            step: state.progress.step,
            images: state.progress.images,
            seconds: state.progress.seconds,
            size: batch.size,
            batch: batch.n,
            rate,
            norm,
            report: &report,
            took: start.elapsed(),
            waited,
        })
    }

    fn save(&self) -> Result<(), String> {
        replace(&checkpoint(self.run), &self.state.to_bytes()?)
    }

    fn draw(&mut self, pictures: &[Sample]) -> Result<(), String> {
        let image = grid::grid(&mut self.net, &self.state.ema, pictures);
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, image::ImageFormat::Png).map_err(|error| format!("grid: {error}"))?;
        replace(&self.run.join("grid.png"), png.get_ref())?;
        plots::draw(self.run)
    }
}

/// The checkpoint in the folder of a run.
pub fn checkpoint(run: &Path) -> PathBuf {
    run.join("checkpoint.safetensors")
}

/// Says when so many minutes have passed again.
struct Timer {
    every: Duration,
    last: Instant,
}

impl Timer {
    fn new(minutes: f64) -> Self {
        Self { every: Duration::from_secs_f64(60.0 * minutes), last: Instant::now() }
    }

    fn due(&mut self) -> bool {
        let due = self.last.elapsed() >= self.every;
        if due {
            self.last = Instant::now();
        }
        due
    }
}
