//! Times the network on a random image whose hole is a square in its centre, and prints one JSON line.
//!
//! `bench_network WEIGHTS SIZE HOLE_RATIO THREADS RUNS [--dense] [--isa NAME]`

use std::time::Instant;

use inpaint_edge::{Inpainter, Isa, Mask, Options, Request};
use ndarray::Array3;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [weights, size, ratio, threads, runs, flags @ ..] = &args[..] else {
        eprintln!("usage: bench_network WEIGHTS SIZE HOLE_RATIO THREADS RUNS [--dense] [--isa NAME]");
        std::process::exit(2);
    };
    let (size, ratio, runs): (usize, f64, usize) =
        (size.parse().expect("SIZE"), ratio.parse().expect("HOLE_RATIO"), runs.parse().expect("RUNS"));
    let mut options = Options::default().threads(threads.parse().expect("THREADS"));
    let hole_aware = !flags.iter().any(|f| f == "--dense");
    options = options.hole_aware(hole_aware);
    if let Some(i) = flags.iter().position(|f| f == "--isa") {
        options = options.isa(Some(Isa::ALL.into_iter().find(|isa| isa.name() == flags[i + 1]).expect("ISA")));
    }

    let mut state = 1u32;
    let mut image = Array3::from_shape_fn((size, size, 3), |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 24) as f32
    });
    let side = (size as f64 * ratio.sqrt()).round() as usize;
    let hole = (size - side) / 2..(size - side) / 2 + side;
    let mut mask = Mask::new(size, size).expect("memory");
    mask.add_box(hole.clone(), hole);

    let inpainter = Inpainter::from_path(weights, options).unwrap_or_else(|e| panic!("{e}"));
    let mut run = || {
        let start = Instant::now();
        let report = inpainter.run(Request::new(image.view_mut(), &mask)).unwrap_or_else(|e| panic!("{e}"));
        (start.elapsed().as_secs_f64(), report)
    };
    let (_, report) = run();
    let mut times: Vec<f64> = (0..runs).map(|_| run().0).collect();
    times.sort_by(f64::total_cmp);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|v| v.trim().trim_end_matches(" kB").parse::<u64>().ok());
    println!(
        "{{\"engine\": \"inpaint-edge\", \"isa\": \"{}\", \"threads\": {}, \"hole_ratio\": {:.4}, \"hole_aware\": {}, \
         \"best_s\": {:.4}, \"median_s\": {:.4}, \"peak_rss_mb\": {}, \"plan_mb\": {:.1}, \"gmac\": {:.3}}}",
        inpainter.isa(),
        inpainter.threads(),
        report.hole_ratio(),
        hole_aware,
        times[0],
        times[times.len() / 2],
        peak.unwrap_or(0) / 1024,
        report.plan_bytes as f64 / 1e6,
        report.macs as f64 / 1e9,
    );
}
