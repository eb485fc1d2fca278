//! Notices that a run has gone astray before it overwrites its last good checkpoint.

use crate::net::{LossReport, Params};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The losses and gradient norms of the last steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    losses: VecDeque<f64>,
    norms: VecDeque<f64>,
}

/// Steps whose median is the measure.
const WINDOW: usize = 101;
/// Steps before there is a measure.
const FEWEST: usize = 10;
/// What is more than this many medians has diverged.
const LIMIT: f64 = 1e4;

impl Watch {
    /// Takes in a step's loss and squared gradient norms, one a tensor.
    ///
    /// # Errors
    /// Which value is not finite or far above the median, and in which tensor.
    pub fn check(&mut self, report: &LossReport, squares: &[f64], params: &Params) -> Result<(), String> {
        let norm = squares.iter().sum::<f64>().sqrt();
        let loss = f64::from(report.total);
        let name = |index: usize| format!("`{}`", params.tensors[index].name);
        let broken = || {
            let gradient =
                squares.iter().position(|square| !square.is_finite()).map(|i| format!("gradient of {}", name(i)));
            let value = params.tensors.iter().position(|tensor| tensor.data.iter().any(|v| !v.is_finite())).map(name);
            let [gradient, value] = [gradient, value].map(|which| which.unwrap_or_else(|| "none".into()));
            format!("first tensor not finite: {value}; first gradient not finite: {gradient}")
        };
        if !loss.is_finite() {
            let term = report.terms.iter().find(|(_, value)| !value.is_finite()).map_or("total", |(name, _)| name);
            return Err(format!("the loss is {loss}, term `{term}`; {}", broken()));
        }
        if !norm.is_finite() {
            return Err(format!("the gradient's norm is {norm}; {}", broken()));
        }
        let largest =
            || (0..squares.len()).max_by(|&a, &b| squares[a].total_cmp(&squares[b])).map_or_else(String::new, name);
        for (what, value, past) in [("loss", loss, &mut self.losses), ("gradient's norm", norm, &mut self.norms)] {
            let median = median(past);
            if past.len() >= FEWEST && value > LIMIT * median {
                let whose = largest();
                return Err(format!("the {what} is {value:.3e}, its median {median:.3e}; largest gradient: {whose}"));
            }
            past.push_back(value);
            if past.len() > WINDOW {
                past.pop_front();
            }
        }
        Ok(())
    }
}

fn median(values: &VecDeque<f64>) -> f64 {
    let mut sorted: Vec<_> = values.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
