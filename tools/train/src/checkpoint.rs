//! The whole state of a run in one file, replaced atomically.

use crate::{
    config::Config,
    fit::Watch,
    hex,
    net::{Params, Tensor},
    optim::AdamW,
    rng::Rng,
    tensors::open,
};
use half::f16;
use inpaint_edge::weights;
use safetensors::{Dtype, SafeTensors, View, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

/// Where a run stands between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Counters and what the tensors belong to.
    pub progress: Progress,
    /// The weights in training.
    pub params: Params,
    /// Their moving average, which is validated and exported.
    pub ema: Params,
    /// The optimiser's moments.
    pub adam: AdamW,
}

/// The part of a run's state that is not tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Layout of the file.
    version: u32,
    /// Steps done.
    pub step: u64,
    /// Crops seen.
    pub images: u64,
    /// Wall-clock seconds in all sessions.
    pub seconds: f64,
    /// What the weights depend on ([`Config::essence`]).
    pub config: String,
    /// [`Config::digest`].
    pub config_sha256: String,
    /// The data set ([`crate::data::Folder::manifest`]).
    pub data_sha256: String,
    /// SHA-256 of the file the weights started from; empty if they started at random.
    pub start_sha256: String,
    /// SHA-256 of VGG16's weights; empty without a loss on its features.
    pub vgg_sha256: String,
    /// The recent losses and gradient norms.
    pub watch: Watch,
}

const VERSION: u32 = 4;
/// The key of the file's metadata under which [`Progress`] stands, as JSON.
const KEY: &str = "inpaint-train";

impl State {
    /// The state before the first step, with the weights of the file that the configuration starts from.
    ///
    /// # Errors
    /// The file and what it lacks.
    pub fn start(config: &Config, data_sha256: String) -> Result<Self, String> {
        let mut state = Self::new(config, data_sha256);
        if let Some(path) = &config.start {
            let of_file = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let bytes = fs::read(path).map_err(|error| of_file(&error))?;
            let file = open(&bytes).map_err(|error| of_file(&error))?;
            for Tensor { name, shape, data, .. } in &mut state.params.tensors {
                read(&file, &format!("ema.{name}"), shape, data).map_err(|error| of_file(&error))?;
            }
            state.ema = state.params.clone();
            state.progress.start_sha256 = hex(&Sha256::digest(&bytes));
        }
        Ok(state)
    }

    /// The state before the first step, with weights drawn from the configuration's seed.
    pub fn new(config: &Config, data_sha256: String) -> Self {
        // Batches draw from the items of steps from 0 up; the weights have a stream beside them.
        let params = Params::init(&config.arch(), &mut Rng::stream(config.seed, u64::MAX, 0));
        let progress = Progress {
            version: VERSION,
            step: 0,
            images: 0,
            seconds: 0.0,
            config: config.essence(),
            config_sha256: config.digest(),
            data_sha256,
            start_sha256: String::new(),
            vgg_sha256: String::new(),
            watch: Watch::default(),
        };
        Self { progress, ema: params.clone(), adam: AdamW::new(&params), params }
    }

    /// The bytes of a checkpoint.
    ///
    /// # Errors
    /// If the file format refuses the tensors.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let Self { progress, params, ema, adam } = self;
        let mut parts: BTreeMap<String, Floats> = BTreeMap::new();
        for (i, Tensor { name, shape, data, trained, .. }) in params.tensors.iter().enumerate() {
            let mut put = |prefix: &str, data| parts.insert(format!("{prefix}.{name}"), Floats(shape, data));
            put("params", data);
            put("ema", &ema.tensors[i].data);
            if *trained {
                put("first", &adam.first[i]);
                put("second", &adam.second[i]);
            }
        }
        let header = serde_json::to_string(progress).map_err(|error| error.to_string())?;
        safetensors::serialize(parts, Some(HashMap::from([(KEY.into(), header)]))).map_err(|error| error.to_string())
    }

    /// The bytes of a file with the average weights alone, under the names that they have in a checkpoint.
    ///
    /// # Errors
    /// One line that names a tensor with a number that is not finite in `dtype`.
    pub fn average_bytes(
        &self,
        dtype: weights::Dtype,
        provenance: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>, String> {
        let stored = match dtype {
            weights::Dtype::F32 => Dtype::F32,
            weights::Dtype::F16 => Dtype::F16,
            other => return Err(format!("expected f32 or f16, found {other:?}")),
        };
        let mut parts = BTreeMap::new();
        for Tensor { name, shape, data, .. } in &self.ema.tensors {
            let mut bytes = Vec::new();
            if let Some(value) = data.iter().find(|&&value| !dtype.encode(value.into(), &mut bytes)) {
                return Err(format!("{name}: expected finite numbers, found {value}"));
            }
            parts.insert(format!("ema.{name}"), (stored, shape, bytes));
        }
        let views = parts.iter().map(|(name, (stored, shape, bytes))| {
            TensorView::new(*stored, shape.to_vec(), bytes).map(|view| (name, view)).map_err(|error| error.to_string())
        });
        let views = views.collect::<Result<BTreeMap<_, _>, _>>()?;
        // One key, so that the header has one order.
        let provenance = serde_json::to_string(provenance).map_err(|error| error.to_string())?;
        let metadata = HashMap::from([("provenance".into(), provenance)]);
        safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
    }

    /// Reads the state of a run of `config`.
    ///
    /// # Errors
    /// What the bytes lack, or which key of the configuration differs from the one the checkpoint was made with.
    pub fn from_bytes(bytes: &[u8], config: &Config) -> Result<Self, String> {
        let progress = progress(bytes)?;
        if progress.config_sha256 != config.digest() {
            let what = config.departure(&progress.config).unwrap_or_else(|| "its text differs".into());
            return Err(format!("made with another configuration: {what}"));
        }
        Self::with(bytes, config, progress)
    }

    /// Reads the state of a run whose configuration is not at hand.
    ///
    /// # Errors
    /// What the bytes lack.
    pub fn with_own_config(bytes: &[u8]) -> Result<(Self, Config), String> {
        let progress = progress(bytes)?;
        let config = Config::parse(&progress.config).map_err(|(_, error)| format!("its configuration: {error}"))?;
        Ok((Self::with(bytes, &config, progress)?, config))
    }

    fn with(bytes: &[u8], config: &Config, progress: Progress) -> Result<Self, String> {
        let file = open(bytes).map_err(|error| format!("no checkpoint: {error}"))?;
        let mut state = Self::new(config, progress.data_sha256.clone());
        state.progress = progress;
        let fill = |prefix: &str, name: &str, shape: &[usize], data: &mut [f32]| {
            read(&file, &format!("{prefix}.{name}"), shape, data)
        };
        for (i, Tensor { name, shape, data, trained, .. }) in state.params.tensors.iter_mut().enumerate() {
            fill("params", name, shape, data)?;
            fill("ema", name, shape, &mut state.ema.tensors[i].data)?;
            if *trained {
                fill("first", name, shape, &mut state.adam.first[i])?;
                fill("second", name, shape, &mut state.adam.second[i])?;
            }
        }
        Ok(state)
    }
}

/// Reads a tensor of f32 or f16.
fn read(file: &SafeTensors, key: &str, shape: &[usize], data: &mut [f32]) -> Result<(), String> {
    let view = file.tensor(key).map_err(|error| format!("tensor `{key}`: {error}"))?;
    let found = (view.dtype(), view.shape());
    let (bytes, values) = (view.data(), data.iter_mut());
    match found {
        (Dtype::F32, found) if found == shape => {
            values.zip(bytes.as_chunks().0).for_each(|(value, bytes)| *value = f32::from_le_bytes(*bytes));
        }
        (Dtype::F16, found) if found == shape => {
            values.zip(bytes.as_chunks().0).for_each(|(value, bytes)| *value = f16::from_le_bytes(*bytes).to_f32());
        }
        (dtype, found) => {
            return Err(format!("tensor `{key}`: expected F32 or F16 {shape:?}, found {dtype:?} {found:?}"));
        }
    }
    Ok(())
}

fn progress(bytes: &[u8]) -> Result<Progress, String> {
    open(bytes).map_err(|error| format!("no checkpoint: {error}"))?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| format!("no checkpoint: {error}"))?;
    let header = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let header = header.ok_or_else(|| format!("no checkpoint: no `{KEY}` in the metadata"))?;
    let progress: Progress = serde_json::from_str(header).map_err(|error| format!("`{KEY}`: {error}"))?;
    match progress.version {
        VERSION => Ok(progress),
        other => Err(format!("expected a checkpoint of version {VERSION}, found {other}")),
    }
}

/// A tensor of f32 on its way to a file.
struct Floats<'a>(&'a [usize], &'a [f32]);

impl View for Floats<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.0
    }

    fn data(&self) -> Cow<'_, [u8]> {
        if cfg!(target_endian = "little") {
            Cow::Borrowed(bytemuck::cast_slice(self.1))
        } else {
            self.1.iter().flat_map(|value| value.to_le_bytes()).collect()
        }
    }

    fn data_len(&self) -> usize {
        4 * self.1.len()
    }
}

/// Writes a file so that at any moment, even if the power fails, either the old or the new one is there, whole.
///
/// # Errors
/// The path and what the system says.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), String> {
    inpaint_edge_atomic::write(path, bytes).map_err(|error| format!("{}: cannot be written: {error}", path.display()))
}
