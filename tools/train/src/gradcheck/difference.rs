//! Gradients beside central differences.

use crate::{real::Decisions, rng::Rng};

/// Steps of the difference quotients: of these, a probe takes the longest that crosses no kink.
const STEPS: [f64; 5] = [1e-3, 1e-4, 1e-5, 4e-6, 1e-6];

/// Distance from zero that decisions keep at the base: a hundred of the shortest steps.
const MARGIN: f64 = 1e-4;

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is checked.
    pub op: String,
    /// On what.
    pub shape: String,
    /// The largest error of a gradient, relative to the larger of it and its difference quotient, or where both are
    /// small to a thousandth of the largest of its tensor.
    pub error: f64,
}

/// A scalar function of some tensors.
pub(super) trait Function {
    /// Its inputs for a seed.
    fn draw(&mut self, rng: &mut Rng) -> Vec<Vec<f64>>;
    /// Its value.
    fn value(&mut self, inputs: &[Vec<f64>]) -> f64;
    /// Numbers probed of one tensor at the most; of longer ones as many at random.
    fn probes(&self) -> usize {
        160
    }
    /// Its gradients at the inputs last given to `value`; an empty one is not checked.
    fn gradients(&mut self, inputs: &[Vec<f64>]) -> Vec<Vec<f64>>;
}

/// The largest relative error of a function's gradients.
pub(super) fn largest_error(function: &mut impl Function, name: &str) -> f64 {
    let (mut inputs, mut rng, base) = (0..1000)
        .find_map(|seed| {
            let mut rng = Rng::stream(seed, 0, 0);
            let inputs = function.draw(&mut rng);
            Decisions::take();
            function.value(&inputs);
            let base = Decisions::take();
            (base.margin > MARGIN).then_some((inputs, rng, base))
        })
        .unwrap_or_else(|| panic!("{name}: no inputs away from kinks in 1000 draws"));
    function.value(&inputs);
    let gradients = function.gradients(&inputs);
    let mut largest = 0.0f64;
    for (tensor, gradient) in gradients.iter().enumerate() {
        let floor = 1e-3 * gradient.iter().fold(0.0f64, |max, g| max.max(g.abs()));
        let probes: Vec<usize> = match gradient.len() {
            len if len <= function.probes() => (0..len).collect(),
            len => (0..function.probes()).map(|_| rng.below(len)).collect(),
        };
        for i in probes {
            let centre = inputs[tensor][i];
            let quotient = STEPS.into_iter().find_map(|step| {
                let mut smooth = true;
                let mut at = |distance: f64| {
                    inputs[tensor][i] = centre + distance * step;
                    Decisions::take();
                    let value = function.value(&inputs);
                    smooth &= Decisions::take().digest == base.digest;
                    value
                };
                // The error of this quotient is of fourth order in the step.
                let quotient = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step);
                smooth.then_some(quotient)
            });
            inputs[tensor][i] = centre;
            let quotient = quotient.unwrap_or_else(|| panic!("{name}: number {i} of tensor {tensor} is at a kink"));
            let error = (quotient - gradient[i]).abs();
            if error > 0.0 {
                largest = largest.max(error / quotient.abs().max(gradient[i].abs()).max(floor));
            }
        }
    }
    largest
}

/// `len` standard normal numbers.
pub(super) fn normal(rng: &mut Rng, len: usize) -> Vec<f64> {
    (0..len).map(|_| rng.normal().into()).collect()
}
