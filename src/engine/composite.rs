//! Writes the filled pixels into the photograph: the only place that rounds them to its type.

use super::network::Values;
use super::pixels::{Pixels, Scale};
use crate::mask::{Group, Rect};
use crate::unet::Network;

/// Writes the sum of the network's output and the prior into the group's hole in `target`. Grey is the mean of red, green and
/// blue.
pub(super) fn write(
    image: &mut dyn Pixels,
    group: &Group<'_>,
    target: Rect,
    network: &Network,
    output: Values<'_>,
    prior: Option<Values<'_>>,
    scale: Scale,
) {
    let is_grey = image.colours() == 1;
    for y in target.rows() {
        for x in group.hole(y, target.columns()).flatten() {
            let v = network.epilogue(output.at(x, y));
            let prior = prior.map_or([0.0; 3], |prior| prior.at(x, y));
            let rgb: [f32; 3] = std::array::from_fn(|c| scale.unit(v[c] + prior[c], c));
            image.write(x, y, if is_grey { [(rgb[0] + rgb[1] + rgb[2]) / 3.0; 3] } else { rgb });
        }
    }
}
