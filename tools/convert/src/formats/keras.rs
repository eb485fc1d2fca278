//! Keras' HDF5 files: `LAYER/LAYER/WEIGHT:0`, in a whole model under `model_weights`; of Keras 3 `layers/LAYER/vars/NUMBER`,
//! in an archive or alone.

use std::collections::{BTreeMap, BTreeSet};

use hdf5_reader::group::Group;
use hdf5_reader::{Datatype, Hdf5File, OpenOptions};
use inpaint_edge::Result;
use zip::{CompressionMethod, ZipArchive};

use crate::checkpoint::{Checkpoint, Dtype, Place, Source, Stored};
use crate::fault::{one_line, refused};
use crate::input::Input;

const MAX_DEPTH: usize = 8;
const MAX_ENTRIES: usize = 1 << 12;

/// Groups beside the layers.
const BESIDE: [&str; 3] = ["optimizer_weights", "optimizer", "metrics"];

/// Layers that Keras numbers through a session: the second model built in one begins where the first ended. They are
/// counted from 1 here.
const CONVOLUTION: &str = "p_conv2d";
const NORM: &str = "batch_normalization";

/// Names of the weights of a convolution.
const KERNEL: &str = "img_kernel";
const ONES: &str = "Variable";

pub(super) fn open(input: Input<'_>) -> Result<Checkpoint<'_>> {
    let len = input.len();
    part(input, 0, len)
}

/// The archive that Keras 3 writes: `model.weights.h5` beside a description.
pub(super) fn archive<'a>(mut archive: ZipArchive<Input<'a>>, weights: usize) -> Result<Checkpoint<'a>> {
    let entry = archive.by_index(weights).map_err(crate::fault::damaged)?;
    let (start, size, method) = (entry.data_start(), entry.size(), entry.compression());
    drop(entry);
    match (start, method) {
        (Some(start), CompressionMethod::Stored) => part(archive.into_inner(), start, size),
        _ => Err(refused("expected model.weights.h5 in it uncompressed, as Keras writes it, found it compressed")),
    }
}

/// An HDF5 file of `count` bytes from `start` on.
fn part<'a>(input: Input<'a>, start: u64, count: u64) -> Result<Checkpoint<'a>> {
    // Nothing in such a file is compressed well, so what a read takes stays near its size.
    let whole = usize::try_from(count).unwrap_or(usize::MAX);
    let most = whole.saturating_mul(4).saturating_add(1 << 20);
    let options = OpenOptions::default()
        .with_chunk_cache_bytes(0)
        .with_max_chunk_bytes(most)
        .with_max_read_bytes(most)
        .with_max_object_header_bytes(whole);
    let storage = input.into_storage(start, count)?;
    let file = Hdf5File::from_storage_with_options(storage, options).map_err(damaged)?;
    let mut found = BTreeMap::new();
    let mut left = MAX_ENTRIES;
    walk(&file.root_group().map_err(damaged)?, "", 0, &mut left, &mut found)?;
    let tensors = names(found)?;
    Ok(Checkpoint::new("Keras", tensors, Source::Hdf5(Box::new(file))))
}

fn damaged(error: hdf5_reader::error::Error) -> inpaint_edge::Error {
    refused(format!("the HDF5 file is damaged: {}", one_line(&error.to_string()))).with_source(error)
}

fn walk(group: &Group, path: &str, depth: usize, left: &mut usize, found: &mut BTreeMap<String, Stored>) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(refused("its groups are nested deeper than a checkpoint's"));
    }
    let (groups, datasets) = group.members().map_err(damaged)?;
    *left =
        left.checked_sub(groups.len() + datasets.len()).ok_or_else(|| refused("more entries than a checkpoint has"))?;
    for set in datasets {
        let path = format!("{path}/{}", set.name());
        let dtype = match set.dtype() {
            Datatype::FloatingPoint { size: 2, .. } => Dtype::F16,
            Datatype::FloatingPoint { size: 4, .. } => Dtype::F32,
            Datatype::FloatingPoint { size: 8, .. } => Dtype::F64,
            // Strings and counters are no weights.
            _ => continue,
        };
        let sides = set.shape().iter().map(|side| usize::try_from(*side).ok());
        let tensor = sides.collect::<Option<Vec<_>>>().ok_or_else(|| refused("absurd sides")).and_then(|shape| {
            let count = shape.iter().try_fold(1usize, |n, side| n.checked_mul(*side));
            Stored::contiguous(dtype, shape, count.unwrap_or(0), Place::Dataset(path.clone()))
        });
        found.insert(path.clone(), tensor.map_err(|e| e.of(format!("dataset {}", one_line(&path))))?);
    }
    for group in groups {
        // An optimizer's moments may be more than the network.
        if depth == 0 && BESIDE.contains(&group.name()) {
            continue;
        }
        walk(&group, &format!("{path}/{}", group.name()), depth + 1, left, found)?;
    }
    Ok(())
}

/// The name of a layer's variable of that number.
fn variable(layer: &str, number: usize, shape: &[usize]) -> Option<&'static str> {
    match (layer, shape.len()) {
        (layer, 1) if layer.starts_with(NORM) => {
            ["gamma", "beta", "moving_mean", "moving_variance"].get(number).copied()
        }
        (layer, 4) if layer.starts_with(CONVOLUTION) => Some(if number == 0 { KERNEL } else { ONES }),
        (_, 4) => Some("kernel"),
        (_, 1) => Some("bias"),
        _ => None,
    }
}

/// `LAYER/WEIGHT`.
fn names(found: BTreeMap<String, Stored>) -> Result<BTreeMap<String, Stored>> {
    let mut named: BTreeMap<(String, String), Stored> = BTreeMap::new();
    for (path, tensor) in found {
        let mut parts = path.rsplit('/');
        let mut weight = parts.next().unwrap_or_default().trim_end_matches(":0").to_owned();
        let mut layer = parts.next().unwrap_or_default();
        // Keras 3 numbers the variables of a layer.
        if let ("vars", Ok(number)) = (layer, weight.parse::<usize>()) {
            layer = parts.next().unwrap_or_default();
            weight = variable(layer, number, &tensor.shape).map_or(weight, str::to_owned);
        }
        // On TensorFlow 2 the layer's kernel of ones is a variable too.
        if layer.starts_with(CONVOLUTION) && weight != KERNEL && tensor.shape.len() == 4 {
            weight = ONES.to_owned();
        }
        if named.insert((layer.to_owned(), weight), tensor).is_some() {
            return Err(refused(format!("dataset {}: there twice", one_line(&path))));
        }
    }
    let layers: BTreeSet<&str> = named.keys().map(|(layer, _)| &**layer).collect();
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    let named_encoder = layers.iter().any(|layer| layer.starts_with("EncBN"));
    for prefix in [CONVOLUTION, NORM] {
        let number = |layer: &str| -> Option<u32> {
            match layer.strip_prefix(prefix)? {
                "" => Some(0),
                rest => rest.strip_prefix('_')?.parse().ok(),
            }
        };
        let mut numbered: Vec<(u32, &str)> = layers.iter().filter_map(|l| Some((number(l)?, *l))).collect();
        numbered.sort_unstable();
        let count = numbered.len();
        let name = |i: usize| match prefix {
            // Keras 3 does not keep their names: the encoder's, one less than its layers, come first.
            NORM if !named_encoder && i < count / 2 => format!("EncBN{}", i + 1),
            NORM if !named_encoder => format!("{NORM}_{}", i + 1 - count / 2),
            prefix => format!("{prefix}_{}", i + 1),
        };
        renamed.extend(numbered.iter().enumerate().map(|(i, (_, l))| ((*l).to_owned(), name(i))));
    }
    // Early revisions did not name their last convolution, the only plain one.
    if !layers.contains("outputs_img") {
        let plain: Vec<&&str> = layers.iter().filter(|layer| layer.starts_with("conv2d")).collect();
        if let [only] = plain[..] {
            renamed.insert((*only).to_owned(), "outputs_img".to_owned());
        }
    }
    let full = named.into_iter().map(|((layer, weight), tensor)| {
        let layer = renamed.get(&layer).unwrap_or(&layer);
        (format!("{layer}/{weight}"), tensor)
    });
    Ok(full.collect())
}
