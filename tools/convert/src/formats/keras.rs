//! Keras' HDF5 files: `LAYER/LAYER/WEIGHT:0`, in a whole model under `model_weights`.

use std::collections::{BTreeMap, BTreeSet};

use hdf5_reader::group::Group;
use hdf5_reader::{Datatype, Hdf5File, OpenOptions};
use inpaint_edge::Result;

use crate::checkpoint::{Checkpoint, Dtype, Input, Place, Source, Stored};
use crate::fault::{one_line, refused};

const MAX_DEPTH: usize = 8;
const MAX_ENTRIES: usize = 1 << 12;

/// Layers that Keras numbers through a session: the second model built in one begins where the first ended. They are
/// counted from 1 here.
const COUNTED: [&str; 2] = ["p_conv2d", "batch_normalization"];

pub(super) fn open(mut input: Input<'_>) -> Result<Checkpoint<'_>> {
    let len = input.len();
    let bytes = input.bytes(0, len)?;
    // Nothing in such a file is compressed well, so what a read takes stays near its size.
    let most = bytes.len().saturating_mul(4).saturating_add(1 << 20);
    let options = OpenOptions::default()
        .with_chunk_cache_bytes(0)
        .with_max_chunk_bytes(most)
        .with_max_read_bytes(most)
        .with_max_object_header_bytes(bytes.len());
    let file = Hdf5File::from_vec_with_options(bytes, options).map_err(damaged)?;
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
        walk(&group, &format!("{path}/{}", group.name()), depth + 1, left, found)?;
    }
    Ok(())
}

/// `LAYER/WEIGHT`, the optimizer's left out.
fn names(found: BTreeMap<String, Stored>) -> Result<BTreeMap<String, Stored>> {
    let mut named: BTreeMap<(String, String), Stored> = BTreeMap::new();
    for (path, tensor) in found {
        if path.starts_with("/optimizer_weights/") {
            continue;
        }
        let mut parts = path.rsplit('/');
        let weight = parts.next().unwrap_or_default().trim_end_matches(":0").to_owned();
        let layer = parts.next().unwrap_or_default().to_owned();
        if named.insert((layer, weight), tensor).is_some() {
            return Err(refused(format!("dataset {}: there twice", one_line(&path))));
        }
    }
    let layers: BTreeSet<&str> = named.keys().map(|(layer, _)| &**layer).collect();
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    for prefix in COUNTED {
        let number = |layer: &str| -> Option<u32> {
            match layer.strip_prefix(prefix)? {
                "" => Some(0),
                rest => rest.strip_prefix('_')?.parse().ok(),
            }
        };
        let mut numbered: Vec<(u32, &str)> = layers.iter().filter_map(|l| Some((number(l)?, *l))).collect();
        numbered.sort_unstable();
        renamed.extend(numbered.iter().enumerate().map(|(i, (_, l))| ((*l).to_owned(), format!("{prefix}_{}", i + 1))));
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
