//! The `inpaint-eval` program.
#![deny(unsafe_code)]

use clap::Parser;
use inpaint_eval::{
    cases::{self, MaskSource},
    features::Features,
    methods::Method,
    page,
    report::Report,
    run::Settings,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

/// Measure how well photographs are filled: PSNR, SSIM, L1 in the hole, VGG feature distance, Gram error and gradient energy,
/// on centre crops, by hole ratio and by case, beside the harmonic fill and any other methods.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder of photographs.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Masks of the hole-ratio buckets: a folder of PNG files, white = hole, or generator:SEED. The masks of the other
    /// tables are always generated.
    #[arg(long, value_name = "DIR|generator:SEED")]
    masks: MaskSource,
    /// Weights of the network; without it only the other methods are measured.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Measure the network also with this many pixels of context, or all of them, in place of what its file says. May be given
    /// several times.
    #[arg(long, value_name = "PX", value_parser = context)]
    context: Vec<usize>,
    /// A method that has filled the files of --export: DIR/GROUP/CROP.png. May be given several times.
    #[arg(long, value_name = "NAME=DIR")]
    also: Vec<Method>,
    /// VGG16 weights for feature distance and Gram error, or `none`.
    #[arg(long, value_name = "FILE", default_value = "weights/vgg16-conv1-3.f16.safetensors")]
    vgg: PathBuf,
    /// Width and height of the crops in pixels; wide holes need 336 or more.
    #[arg(long, default_value_t = 256, value_parser = size)]
    size: usize,
    /// Measure the wide holes alone.
    #[arg(long)]
    wide: bool,
    /// Use only the first N photographs.
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    count: usize,
    /// Write results.csv, results.json, results.md and index.html here.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Crops of each group on the page.
    #[arg(long, default_value_t = 2)]
    pictures: usize,
    /// Write the crops and masks for other programs here, and measure nothing.
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// Threads; 0 = all cores. Never changes a result.
    #[arg(long, default_value_t = 0)]
    threads: usize,
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
    let crops = cases::crops(&arguments.data, arguments.size, arguments.count)?;
    let mut groups = cases::groups(&arguments.masks, arguments.size)?;
    if arguments.wide {
        groups.retain(|group| group.table == cases::Table::Wide);
    }
    let contexts = || [None].into_iter().chain(arguments.context.iter().copied().map(Some));
    let networks = arguments.weights.iter().flat_map(|weights| contexts().map(|c| Method::network(weights, c)));
    let textured = arguments.weights.iter().map(|weights| Method::textured(weights));
    let methods: Vec<Method> =
        networks.chain(textured).chain([Method::Harmonic]).chain(arguments.also.iter().cloned()).collect();
    let measures = arguments.export.is_none() && arguments.vgg != Path::new("none");
    let vgg = if measures { Some(Features::open(&arguments.vgg)?) } else { None };
    let settings = Settings {
        crops: &crops,
        groups: &groups,
        seed: arguments.masks.seed(),
        methods: &methods,
        vgg: vgg.as_ref(),
        pictures: if arguments.out.is_some() { arguments.pictures.min(crops.len()) } else { 0 },
        threads: match arguments.threads {
            0 => thread::available_parallelism().map_or(1, |n| n.get()),
            threads => threads,
        },
    };
    if let Some(folder) = &arguments.export {
        return settings.export(folder);
    }
    let measured = settings.run()?;
    let names = methods.iter().map(|method| method.name().to_owned()).collect();
    let report = Report { crops: &crops, groups: &groups, methods: names, measured: &measured };
    println!("{}", report.markdown());
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let files = [
            ("results.csv", report.csv()),
            ("results.json", format!("{:#}\n", report.json())),
            ("results.md", report.markdown()),
            ("index.html", page::html(&report)?),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            inpaint_edge_atomic::write(&path, text.as_bytes())
                .map_err(|error| format!("{}: cannot be written: {error}", path.display()))?;
        }
    }
    Ok(())
}

fn context(text: &str) -> Result<usize, String> {
    match text {
        "all" => Ok(usize::MAX),
        _ => text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "expected a number of pixels, or all".to_owned()),
    }
}

fn size(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(size) if (16..=4096).contains(&size) && size.is_multiple_of(inpaint_train::vgg::MULTIPLE) => Ok(size),
        _ => Err("expected a multiple of 8 from 16 to 4096".into()),
    }
}
