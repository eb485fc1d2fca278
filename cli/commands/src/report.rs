//! Reports what was done, for people and for programs.

use std::collections::BTreeMap;
use std::time::Duration;

use image::DynamicImage;
use inpaint_edge::selftest::hex;
use inpaint_edge::{Isa, Report};
use sha2::{Digest, Sha256};

/// What was done.
pub struct Done {
    pub report: Report,
    /// What the user should know, a line each that names the file.
    pub notes: Vec<String>,
    pub isa: Isa,
    pub threads: usize,
    pub times: Times,
    /// [`digest_of`] the result, if it was asked for.
    pub output_sha256: Option<String>,
}

/// Times of what the engine does not report.
pub struct Times {
    pub decode: Duration,
    pub encode: Duration,
    pub total: Duration,
}

/// What was shown.
pub struct Shown {
    pub hole_pixels: usize,
    /// What the user should know, a line each that names the file.
    pub notes: Vec<String>,
}

impl Done {
    /// Whether there was nothing to fill.
    pub fn is_copy(&self) -> bool {
        self.report.regions == 0
    }

    pub fn json(&self, weights_sha256: &str) -> serde_json::Value {
        let Done { report, times, .. } = self;
        let ms = |d: Duration| (d.as_secs_f64() * 1e6).round() / 1e3;
        let own = [("decode", times.decode), ("encode", times.encode), ("total", times.total)];
        let stages: BTreeMap<_, _> =
            own.into_iter().chain(report.times.named()).map(|(name, d)| (name, ms(d))).collect();
        serde_json::json!({
            "width": report.width,
            "height": report.height,
            "hole_pixels": report.hole_pixels,
            "hole_ratio": report.hole_ratio(),
            "copied": self.is_copy(),
            "regions": report.regions,
            "wide_holes": report.wide_holes,
            "texture_pixels": report.texture_pixels,
            "plan_bytes": report.plan_bytes,
            "macs": report.macs,
            "ms": stages,
            "isa": self.isa.name(),
            "threads": self.threads,
            "weights_sha256": weights_sha256,
            "output_sha256": self.output_sha256,
            "notes": self.notes,
        })
    }
}

/// SHA-256 of the samples row by row, channels interleaved, 16 bits little-endian.
pub fn digest_of(pixels: &DynamicImage) -> String {
    let mut digest = Sha256::new();
    match pixels.as_flat_samples_u16() {
        Some(deep) => deep.samples.chunks(1 << 16).for_each(|part| {
            digest.update(part.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        }),
        None => digest.update(pixels.as_bytes()),
    }
    hex(&digest.finalize())
}
