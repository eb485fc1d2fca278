//! Where in a checkpoint a network lies: its tensors carry the names of a layout behind one common prefix.

use inpaint_edge::Result;

use super::{LAYOUTS, Layout, Side};
use crate::checkpoint::Checkpoint;
use crate::fault::{one_line, refused};

/// The most networks of a checkpoint.
const MAX_CANDIDATES: usize = 256;

/// Words of a name that say the weights under it are an average over training steps.
const AVERAGES: [&str; 6] = ["ema", "swa", "avg", "average", "averaged", "shadow"];

/// A network that may lie in a checkpoint, told by the kernel of its first layer.
#[derive(Clone)]
pub(super) struct Candidate {
    pub layout: &'static Layout,
    /// What stands before every name of it: empty, or up to a separator.
    pub prefix: String,
    /// Whether its tensors lie in one dict, so that dicts inside that one are beside the network.
    flat: bool,
}

impl Candidate {
    /// Its name in `--root`.
    pub fn root(&self) -> &str {
        self.prefix.trim_end_matches(['.', '/'])
    }

    /// Whether a tensor, of whose name `home` bytes are its dict's, lies under the root.
    pub fn holds(&self, name: &str, home: usize) -> bool {
        name.starts_with(&self.prefix) && !(self.flat && home > self.prefix.len())
    }

    /// Whether its weights are an average over training steps, as its name says.
    pub fn is_average(&self) -> bool {
        self.prefix.split(['.', '/', '_']).any(|word| AVERAGES.contains(&word.to_ascii_lowercase().as_str()))
    }

    fn is_under(&self, root: &str) -> bool {
        self.prefix.strip_prefix(root).is_some_and(|rest| !root.is_empty() && rest.starts_with(['.', '/']))
    }
}

/// Every network whose first kernel is there: `from`'s, or any program's.
///
/// # Errors
///
/// Weights, where there are none, or absurdly many.
pub(super) fn candidates(checkpoint: &Checkpoint, from: Option<&'static Layout>) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for layout in LAYOUTS.iter().filter(|layout| from.is_none_or(|from| from.name == layout.name)) {
        let first = (layout.keys)(Side::Encoder, 1, 1).weight;
        for (name, tensor) in &checkpoint.tensors {
            let Some(prefix) = name.strip_suffix(&first) else { continue };
            if prefix.is_empty() || prefix.ends_with(['.', '/']) {
                if found.len() >= MAX_CANDIDATES {
                    return Err(refused("more networks than a checkpoint has"));
                }
                found.push(Candidate { layout, prefix: prefix.to_owned(), flat: tensor.home <= prefix.len() });
            }
        }
    }
    if found.is_empty() { Err(refused(none(checkpoint, from))) } else { Ok(found) }
}

/// Those of `candidates` that `--root` names: the one of that name, or those under it.
///
/// # Errors
///
/// Weights, where there are none.
pub(super) fn under(candidates: &[Candidate], root: &str) -> Result<Vec<Candidate>> {
    let root = root.trim_end_matches(['.', '/']);
    let mut found: Vec<Candidate> = candidates.iter().filter(|one| one.root() == root).cloned().collect();
    if found.is_empty() {
        found = candidates.iter().filter(|one| one.is_under(root)).cloned().collect();
    }
    if found.is_empty() {
        let (root, roots) = (one_line(root), roots(candidates));
        return Err(refused(format!("expected a network under `{root}`, found one under {roots}")));
    }
    Ok(found)
}

/// The roots of networks, for messages.
pub(super) fn roots(candidates: &[Candidate]) -> String {
    let names: Vec<String> = candidates
        .iter()
        .map(|one| {
            let average = if one.is_average() { " (an average of weights)" } else { "" };
            format!("`{}`{average}", one_line(one.root()))
        })
        .collect();
    list(&names)
}

fn none(checkpoint: &Checkpoint, from: Option<&Layout>) -> String {
    let is_optimizers = |name: &str| ["optim", "sched"].iter().any(|part| name.contains(part));
    let optimizer = checkpoint.optimizer || checkpoint.opaque.keys().any(|name| is_optimizers(name));
    let objects = checkpoint.opaque.iter().filter(|(name, _)| !is_optimizers(name));
    let named = |name: &str| if name.is_empty() { "all of it".to_owned() } else { format!("`{name}`") };
    let objects: Vec<String> = objects.map(|(name, global)| format!("{} ({global})", named(name))).collect();
    let mut message = match (checkpoint.tensors.is_empty(), from) {
        (true, _) if optimizer && objects.is_empty() => {
            return "no tensors found, only an optimizer's state: convert the file that holds the network".to_owned();
        }
        (true, _) => "no tensors found".to_owned(),
        (false, from) => {
            let tensors: Vec<String> = checkpoint.tensors.keys().cloned().collect();
            let missing = from.map(|from| (from.keys)(Side::Encoder, 1, 1).weight);
            let what = missing.map_or_else(
                || "the network of no known program".to_owned(),
                |name| format!("missing: {name}, behind whatever prefix"),
            );
            format!("{what}; its tensors: {}", list(&tensors))
        }
    };
    if !objects.is_empty() {
        message.push_str(&format!("; objects, which are not opened: {}; save a state_dict()", list(&objects)));
    }
    message
}

/// Names in one message.
const MAX_NAMES: usize = 5;

/// Some names, and how many more there are.
pub(super) fn list(names: &[String]) -> String {
    let some: Vec<String> = names.iter().take(MAX_NAMES).map(|name| one_line(name)).collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}
