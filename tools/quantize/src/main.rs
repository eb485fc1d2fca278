//! The `inpaint-quantize` program.
#![deny(unsafe_code)]

use clap::Parser;
use inpaint_edge::weights::Weights;
use inpaint_edge::{Inpainter, Options, Request, Texture};
use inpaint_eval::cases::{self, MaskSource, Table};
use inpaint_eval::methods::Method;
use inpaint_eval::report::Report;
use inpaint_eval::run::Settings;
use inpaint_quantize::network::{Rule, quantise};
use inpaint_quantize::statistics::Statistics;
use ndarray::Array3;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

/// Make a network of integers from one of floats: weights and maps of 8 and 16 bits, maps scaled by what values they take on
/// photographs with holes. The same arguments give the same file.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Weights of floats.
    model: PathBuf,
    /// Where to write the weights of integers.
    out: PathBuf,
    /// Folder of photographs, none of them a test photograph.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Use the first N photographs.
    #[arg(long, value_name = "N", default_value_t = 48)]
    count: usize,
    /// Width and height of their centre crops in pixels.
    #[arg(long, default_value_t = 256)]
    size: usize,
    /// Levels whose maps have 16 bits: those that enc1 … encW and decW … dec1 read.
    #[arg(long, value_name = "W", default_value_t = 1)]
    wide: usize,
    /// Tell what each row of the evaluation loses on the first N photographs of this folder.
    #[arg(long, value_name = "DIR")]
    test: Option<PathBuf>,
    /// Share of a map's values that its integers of 8 bits hold; the others are clipped.
    #[arg(long, default_value_t = 0.99999)]
    share: f64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let text = |error: inpaint_edge::Error| error.to_string();
    let options = Options::default().texture(Texture::Off);
    let inpainter = Inpainter::from_path(&arguments.model, options).map_err(text)?;
    let maps = inpainter.config().layers().len() + 1;
    let mut statistics: Vec<Statistics> = std::iter::repeat_with(Statistics::default).take(maps).collect();
    let crops = cases::crops(&arguments.data, arguments.size, arguments.count)?;
    let masks = MaskSource::Generator(7);
    let mut groups = cases::groups(&masks, arguments.size)?;
    groups.retain(|group| group.table != Table::Wide);
    for (i, crop) in crops.iter().enumerate() {
        for group in groups.iter().skip(i % 3).step_by(3) {
            let known = group.mask(masks.seed(), i, arguments.size)?;
            let mask = cases::hole(&known, arguments.size, arguments.size)?;
            let shape = (arguments.size, arguments.size, 3);
            let mut image = Array3::from_shape_vec(shape, crop.pixels.as_raw().clone()).expect("three bytes a pixel");
            let mut observe = |map: usize, values: &[f32]| statistics[map].add(values);
            inpainter.run(Request::new(image.view_mut(), &mask).observe(&mut observe)).map_err(text)?;
        }
    }
    let weights = Weights::open(&arguments.model).map_err(text)?;
    let rule = Rule { wide: arguments.wide, share: arguments.share };
    let provenance = BTreeMap::from([
        ("quantizer".to_owned(), format!("inpaint-quantize {}", env!("CARGO_PKG_VERSION"))),
        ("photographs".to_owned(), crops.len().to_string()),
    ]);
    let (file, reports) = quantise(weights, &statistics, rule, &provenance)?;
    for report in reports {
        println!("{:6} {:5.1} dB", report.name, report.decibels);
    }
    inpaint_edge_atomic::write(&arguments.out, &file)
        .map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    arguments.test.as_deref().map_or(Ok(()), |test| compare(arguments, test))
}

/// Prints the change from floats to integers in each row of the evaluation, on the photographs of `test`.
fn compare(arguments: &Arguments, test: &Path) -> Result<(), String> {
    let crops = cases::crops(test, arguments.size, arguments.count)?;
    let masks = MaskSource::Generator(1);
    let mut groups = cases::groups(&masks, arguments.size)?;
    groups.retain(|group| group.table != Table::Wide);
    let methods = [&arguments.model, &arguments.out].map(|weights| Method::network(weights, None));
    let settings = Settings {
        crops: &crops,
        groups: &groups,
        seed: masks.seed(),
        methods: &methods,
        vgg: None,
        pictures: 0,
        threads: thread::available_parallelism().map_or(1, |n| n.get()),
    };
    let measured = settings.run()?;
    let names = methods.iter().map(|method| method.name().to_owned()).collect();
    let report = Report { crops: &crops, groups: &groups, methods: names, measured: &measured };
    for (i, group) in groups.iter().enumerate() {
        let scores = report.mean(i).scores;
        let [floats, integers] = [scores[0], scores[1]];
        let (psnr, ssim) = (integers.psnr - floats.psnr, integers.ssim - floats.ssim);
        println!("{:18} {psnr:+.3} dB, SSIM {ssim:+.5}", group.name);
    }
    Ok(())
}
