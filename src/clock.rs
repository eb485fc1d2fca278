//! The only place that knows time. Without feature `clock`, and on wasm32 where the standard library has none, every time is 0.

pub use core::time::Duration;

#[cfg(all(feature = "clock", not(all(target_family = "wasm", target_os = "unknown"))))]
use std::time::Instant;

/// Measures one stage after the other.
pub(crate) struct Stopwatch {
    #[cfg(all(feature = "clock", not(all(target_family = "wasm", target_os = "unknown"))))]
    since: Instant,
}

impl Stopwatch {
    /// Starts to measure the first stage.
    pub fn start() -> Self {
        Self {
            #[cfg(all(feature = "clock", not(all(target_family = "wasm", target_os = "unknown"))))]
            since: Instant::now(),
        }
    }

    /// Adds the time since the start or the last call to `stage`, and starts to measure the next.
    #[cfg(all(feature = "clock", not(all(target_family = "wasm", target_os = "unknown"))))]
    pub fn lap(&mut self, stage: &mut Duration) {
        let now = Instant::now();
        *stage += now.duration_since(self.since);
        self.since = now;
    }

    /// Adds nothing.
    #[cfg(not(all(feature = "clock", not(all(target_family = "wasm", target_os = "unknown")))))]
    pub fn lap(&mut self, _: &mut Duration) {}
}
