//! Configurations: what is read, what is refused and how.

use inpaint_train::config::Config;
use std::{fs, path::Path};

const SMALL: &str = "steps = 100
[arch]
levels = 2
width = 4
[[crops]]
until = 60
size = 32
batch = 4
[[crops]]
size = 64
batch = 2
[optimizer]
rate = 1.0
warm_up = 10
floor = 0.02
[second_phase]
from = 80
rate = 0.5
";

#[test]
fn the_schedule_warms_up_and_follows_a_cosine() {
    let config = Config::parse(SMALL).unwrap();
    assert_eq!(config.rate(0), 0.1);
    assert_eq!(config.rate(9), 1.0);
    assert_eq!(config.rate(10), 1.0);
    let half = config.rate(55);
    assert!((half - 0.51).abs() < 1e-12, "{half}");
    assert!((config.rate(80) / (0.02 + 0.49 * (1.0 + (std::f64::consts::PI * 70.0 / 90.0).cos())) - 0.5).abs() < 1e-12);
    assert!((config.rate(99) - 0.5 * 0.02).abs() < 1e-3);
    assert!((10..99).all(|step| config.rate(step) >= config.rate(step + 1)));
    assert!(!config.phase(79).freeze_encoder_bn && config.phase(80).freeze_encoder_bn);
}

#[test]
fn the_curriculum_has_its_parts() {
    let config = Config::parse(SMALL).unwrap();
    let at = |step| (config.recipe(step).size, config.recipe(step).n);
    assert_eq!([at(0), at(59), at(60), at(99), at(1000)], [(32, 4), (32, 4), (64, 2), (64, 2), (64, 2)]);
    assert_eq!(config.pixels(58), 2 * 32 * 32 * 4 + 40 * 64 * 64 * 2);
}

#[test]
fn features_count_when_they_are_due() {
    let vgg = "[loss.vgg]\nweights = \"vgg\"\ncrop = 32\nperceptual = 0.5\nfrom = 10\nevery = 4\n";
    let config = Config::parse(&format!("{SMALL}{vgg}")).unwrap();
    let due: Vec<_> = (0..20).filter(|&step| config.losses(step).perceptual > 0.0).collect();
    assert_eq!(due, [10, 14, 18]);
    assert_eq!((config.losses(10).vgg_crop, config.losses(11).vgg_crop), (32, 0));
    assert_eq!(config.terms(), ["hole", "valid", "gradient", "perceptual"]);
}

#[test]
fn an_error_names_key_and_line() {
    let refused = |from: &str, to: &str| {
        assert!(SMALL.contains(from));
        let (line, error) = Config::parse(&SMALL.replacen(from, to, 1)).unwrap_err();
        format!("{line}: {error}")
    };
    let cases = [
        ("steps = 100", "steps = \"many\"", "1: steps: invalid type: string \"many\", expected u64"),
        ("steps = 100", "steps = 0", "1: steps: expected at least one"),
        (
            "levels = 2",
            "levels = 2\nprior = \"laplace\"",
            "4: arch.prior: unknown variant `laplace`, expected `none` or `harmonic`",
        ),
        ("levels = 2\nwidth = 4", "levels = 2", "2: arch: expected either levels and width, or channels"),
        ("levels = 2\nwidth = 4", "channels = [4, 8]\nkernels = [7]", "2: arch: kernels: 1 for 2 levels"),
        ("until = 60\n", "", "5: crops: expected each `until` above the one before"),
        ("rate = 1.0", "rate = -1.0", "13: optimizer.rate: expected a number above 0"),
        ("from = 80", "from = 80 80", "17: "),
        (
            "size = 64\nbatch = 2",
            "size = 64\nbatch = 2.5",
            "11: crops.batch: invalid type: floating point `2.5`, expected usize",
        ),
    ];
    for (from, to, expected) in cases {
        let found = refused(from, to);
        assert!(found.starts_with(expected), "{found}\nfor\n{expected}");
    }
    let unknown = refused("warm_up = 10", "warmup = 10");
    assert!(unknown.starts_with("14: unknown field `warmup`, expected one of `rate`,"), "{unknown}");
    assert!(refused("steps = 100\n", "").contains("missing field `steps`"));
}

#[test]
fn a_departure_names_the_key() {
    let config = Config::parse(SMALL).unwrap();
    assert_eq!(config.departure(&config.essence()), None);
    let other = Config::parse(&SMALL.replace("rate = 1.0", "rate = 0.5")).unwrap();
    assert_eq!(other.departure(&config.essence()).unwrap(), "`optimizer.rate` is 0.5, was 1.0");
    assert_ne!(other.digest(), config.digest());
    let elsewhere = Config::parse(&format!("{SMALL}[threads]\nnet = 3\n[report]\nsteps = 7\n")).unwrap();
    assert_eq!(elsewhere.digest(), config.digest(), "what changes no weights");
    assert_eq!(Config::parse(&config.essence()).unwrap().digest(), config.digest());
}

#[test]
fn the_shipped_configurations_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), 11);
    for path in names {
        Config::load(&path).unwrap();
    }
}
