//! Every gradient against central differences, in f64.
//!
//! The functions have kinks, where a difference says nothing. Inputs are drawn until every number that decides anything
//! is farther from zero than `MARGIN`, and each probe is then seen to take the same decisions as the base.

mod difference;
pub mod layer;
mod pictures;

use layer::LayerCase;

pub use difference::Check;

/// The largest relative error that passes.
pub const LIMIT: f64 = 1e-6;

/// Runs every check.
///
/// # Panics
/// If no inputs away from kinks are found, or a probe crosses one.
pub fn run(each: &mut (dyn FnMut(&Check) + Send)) {
    // One thread, so that decisions have an order.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    pool.install(|| {
        for case in LayerCase::all() {
            each(&case.check(|parts| parts));
        }
        pictures::run(each);
    });
}
