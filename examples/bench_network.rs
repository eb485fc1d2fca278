//! Times the network, without texture, on a random image, and prints one JSON line.
//!
//! `bench_network WEIGHTS SIZE HOLE THREADS RUNS [--dense] [--isa NAME]`
//!
//! HOLE is the share of the image that is hole, as one square in its centre; or `20px`, a square of so many pixels; or
//! `wire`, a line of 7 pixels across; or `scattered`, every third pixel on average.

use std::time::Instant;

use inpaint_edge::{Inpainter, Isa, Mask, Options, Request, Texture};
use ndarray::Array3;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [weights, size, hole, threads, runs, flags @ ..] = &args[..] else {
        eprintln!("usage: bench_network WEIGHTS SIZE HOLE THREADS RUNS [--dense] [--isa NAME]");
        std::process::exit(2);
    };
    let (size, runs): (usize, usize) = (size.parse().expect("SIZE"), runs.parse().expect("RUNS"));
    let mut options = Options::default().threads(threads.parse().expect("THREADS")).texture(Texture::Off).grain(false);
    let hole_aware = !flags.iter().any(|f| f == "--dense");
    options = options.hole_aware(hole_aware);
    if let Some(i) = flags.iter().position(|f| f == "--isa") {
        options = options.isa(Some(Isa::ALL.into_iter().find(|isa| isa.name() == flags[i + 1]).expect("ISA")));
    }

    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1u32 << 24) as f32
    };
    let mut image = Array3::from_shape_fn((size, size, 3), |_| random());
    let mut mask = Mask::new(size, size).expect("memory");
    let middle = |side: usize| (size - side) / 2..(size - side) / 2 + side;
    match &**hole {
        "wire" => mask.add_box(0..size, middle(7)),
        "scattered" => {
            let pixels = (0..size * size).map(|i| (i % size, i / size));
            pixels.filter(|_| random() < 1.0 / 3.0).for_each(|(x, y)| mask.add(x, y));
        }
        hole => {
            let side = match hole.strip_suffix("px") {
                Some(side) => side.parse().expect("HOLE"),
                None => (size as f64 * hole.parse::<f64>().expect("HOLE").sqrt()).round() as usize,
            };
            mask.add_box(middle(side), middle(side));
        }
    }

    let inpainter = Inpainter::from_path(weights, options).unwrap_or_else(|e| panic!("{e}"));
    let mut run = || {
        let start = Instant::now();
        let report = inpainter.run(Request::new(image.view_mut(), &mask)).unwrap_or_else(|e| panic!("{e}"));
        (start.elapsed().as_secs_f64(), report)
    };
    let (_, report) = run();
    let (mut times, mut of_network) = (Vec::new(), Vec::new());
    for (time, report) in (0..runs).map(|_| run()) {
        times.push(time);
        of_network.push(report.times.network.as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    of_network.sort_by(f64::total_cmp);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|v| v.trim().trim_end_matches(" kB").parse::<u64>().ok());
    println!(
        "{{\"engine\": \"inpaint-edge\", \"isa\": \"{}\", \"threads\": {}, \"hole_ratio\": {:.4}, \"hole_aware\": {}, \
         \"best_s\": {:.5}, \"median_s\": {:.5}, \"network_s\": {:.5}, \"peak_rss_mb\": {}, \"plan_mb\": {:.1}, \"gmac\": {:.3}}}",
        inpainter.isa(),
        inpainter.threads(),
        report.hole_ratio(),
        hole_aware,
        times[0],
        times[times.len() / 2],
        of_network[runs / 2],
        peak.unwrap_or(0) / 1024,
        report.plan_bytes as f64 / 1e6,
        report.macs as f64 / 1e9,
    );
}
