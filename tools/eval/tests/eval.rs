//! The evaluator on two small photographs.

use image::{GrayImage, Luma, Rgb, RgbImage};
use inpaint_eval::{
    cases::{self, MaskSource, Table, hole_ratio},
    methods::Method,
    page,
    report::Report,
    run::Settings,
};
use std::{fs, path::Path};

const SIZE: usize = 32;

/// Two photographs, one with a frame to be cut off, and one too small.
fn photographs(folder: &Path) {
    fs::create_dir_all(folder.join("b")).unwrap();
    let ramp = |x: u32, y: u32| Rgb([(3 * x) as u8, (5 * y) as u8, ((7 * x * x + y * y * y) % 251) as u8]);
    RgbImage::from_fn(40, 48, ramp).save(folder.join("a.png")).unwrap();
    RgbImage::from_fn(32, 32, |x, y| ramp(y, x)).save(folder.join("b/c.png")).unwrap();
    RgbImage::from_fn(20, 90, ramp).save(folder.join("small.png")).unwrap();
}

fn network() -> Method {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/l2.weights.safetensors");
    Method::network(&weights, None)
}

#[test]
fn crops_are_from_the_centre() {
    let folder = tempfile::tempdir().unwrap();
    photographs(folder.path());
    let crops = cases::crops(folder.path(), SIZE, 9).unwrap();
    assert_eq!(crops.iter().map(|crop| &*crop.name).collect::<Vec<_>>(), ["a", "b_c"]);
    assert_eq!(crops[0].pixels.get_pixel(0, 0), &Rgb([12, 40, 122]));
    assert_eq!(cases::crops(folder.path(), SIZE, 1).unwrap().len(), 1);
    assert!(cases::crops(folder.path(), 64, 9).err().unwrap().contains("64×64"));
}

#[test]
fn masks_have_the_ratios_their_groups_say() {
    let groups = cases::groups(&MaskSource::Generator(3), 64).unwrap();
    assert_eq!(groups.len(), 6 + 2 + 7);
    for group in &groups {
        for crop in 0..3 {
            let mask = group.mask(3, crop, 64).unwrap();
            assert_eq!(mask, group.mask(3, crop, 64).unwrap());
            assert_ne!(mask, group.mask(4, crop, 64).unwrap(), "{}", group.name);
            let ratio = hole_ratio(&mask);
            let (low, high) = match (group.table, &*group.name) {
                (Table::Buckets, name) => {
                    let (low, high) = name.split_once('-').unwrap();
                    (low.parse().unwrap(), high.parse().unwrap())
                }
                (Table::Cases, "error-concealment") => (0.05, 0.3),
                (Table::Cases, _) => (0.02, 0.25),
                (Table::Fixed, name) => {
                    let ratio = name.split_once('-').unwrap().1.parse::<f64>().unwrap() / 100.0;
                    (ratio, ratio)
                }
                (Table::Wide, name) => panic!("{name} in a crop of 64 px"),
            };
            assert!(ratio > low - 0.02 && ratio < high + 0.02, "{}: {ratio}", group.name);
        }
    }
}

#[test]
fn wide_holes_have_the_widths_their_groups_say() {
    let groups = cases::groups(&MaskSource::Generator(3), 512).unwrap();
    let wide: Vec<_> = groups.iter().filter(|group| group.table == Table::Wide).collect();
    assert_eq!(groups.len() - wide.len(), 6 + 2 + 7);
    let names: Vec<_> = wide.iter().map(|group| &*group.name).collect();
    let shapes =
        ["blob-60-120", "blob-120-250", "box-60-120", "box-120-250", "silhouette-60-120", "silhouette-120-250"];
    assert_eq!(names, shapes);
    // Crops just large enough have them too, smaller ones not.
    assert_eq!(cases::groups(&MaskSource::Generator(3), 336).unwrap().len(), groups.len());
    assert_eq!(cases::groups(&MaskSource::Generator(3), 328).unwrap().len(), groups.len() - 6);
    for group in wide {
        let mut parts = group.name.split('-');
        let (shape, bounds) = (parts.next().unwrap(), parts.map(|bound| bound.parse::<usize>().unwrap()));
        let bounds: Vec<_> = bounds.collect();
        for (crop, size) in (0..12).map(|crop| (crop, if crop % 2 == 0 { 512 } else { 336 })) {
            let mask = group.mask(3, crop, size).unwrap();
            assert_eq!(mask, group.mask(3, crop, size).unwrap());
            assert_ne!(mask, group.mask(4, crop, size).unwrap(), "{}", group.name);
            let holes = || (0..size * size).filter(|&at| mask[at] == 0);
            let span = |of: fn(usize, usize) -> usize| {
                let (first, last) = (holes().map(|at| of(at, size)).min(), holes().map(|at| of(at, size)).max());
                (first.unwrap(), last.unwrap() + 1)
            };
            let (x, y) = (span(|at, size| at % size), span(|at, size| at / size));
            assert!(x.0.min(y.0) >= 16 && x.1.max(y.1) <= size - 16, "{}: {x:?}, {y:?}", group.name);
            let (width, height) = (x.1 - x.0, y.1 - y.0);
            let told = if shape == "silhouette" { width.min(height) } else { width };
            // Outlines may miss a column or two of their box.
            assert!(told + 3 > bounds[0] && told <= bounds[1], "{}: {width}×{height}", group.name);
            let share = holes().count() as f64 / (width * height) as f64;
            let (low, high) = match shape {
                "box" => (1.0, 1.0),
                "blob" => (0.5, 0.95),
                _ => (0.3, 0.75),
            };
            assert!(share >= low && share <= high, "{}: {share}", group.name);
        }
    }
}

#[test]
fn mask_files_go_into_the_bucket_of_their_ratio() {
    let folder = tempfile::tempdir().unwrap();
    for (name, share) in [("x", 25), ("y", 2), ("whole", 100)] {
        let mask = GrayImage::from_fn(10, 10, |x, y| Luma([if y * 10 + x < share { 255 } else { 0 }]));
        mask.save(folder.path().join(format!("{name}.png"))).unwrap();
    }
    let groups = cases::groups(&MaskSource::Folder(folder.path().into()), 20).unwrap();
    let buckets: Vec<_> = groups.iter().filter(|group| group.table == Table::Buckets).collect();
    assert_eq!(buckets.iter().map(|group| &*group.name).collect::<Vec<_>>(), ["0.01-0.10", "0.20-0.30"]);
    let mask = buckets[1].mask(1, 5, 20).unwrap();
    assert!((hole_ratio(&mask) - 0.25).abs() < 1e-9 && mask[0] == 0 && mask[399] == 1);
}

#[test]
fn the_report_is_the_same_from_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    photographs(&photos);
    let crops = cases::crops(&photos, SIZE, 9).unwrap();
    let groups = cases::groups(&MaskSource::Generator(1), SIZE).unwrap();
    let copies = folder.path().join("copies");
    let methods = [network(), Method::Harmonic, format!("copy={}", copies.display()).parse().unwrap()];
    let settings = |threads| Settings {
        crops: &crops,
        groups: &groups,
        seed: 1,
        methods: &methods,
        vgg: None,
        pictures: 1,
        threads,
    };
    // The export's inputs, their hole black, serve as another program's results.
    settings(1).export(folder.path()).unwrap();
    fs::rename(folder.path().join("input"), &copies).unwrap();
    let text = |threads| {
        let measured = settings(threads).run().unwrap();
        let names = methods.iter().map(|method| method.name().to_owned()).collect();
        let report = Report { crops: &crops, groups: &groups, methods: names, measured: &measured };
        (report.csv(), report.json().to_string(), report.markdown(), page::html(&report).unwrap())
    };
    let (csv, json, markdown, html) = text(1);
    assert_eq!((csv.clone(), json.clone(), markdown.clone(), html.clone()), text(3));

    assert_eq!(csv.lines().count(), 1 + groups.len() * crops.len() * methods.len());
    let json: serde_json::Value = json.parse().unwrap();
    for group in json.as_array().unwrap() {
        let psnr = |method: &str| group["methods"][method]["psnr"].as_f64().unwrap();
        assert!(psnr("harmonic") > psnr("copy") + 3.0, "{group}");
    }
    for group in &groups {
        assert_eq!(markdown.matches(&format!("| {} |", group.name)).count(), 1);
        assert_eq!(html.matches(&format!("<h3>{}:", group.name)).count(), 1);
    }
    assert_eq!(html.matches("<img ").count(), groups.len() * (methods.len() + 2));
}

#[test]
fn results_of_others_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let crop = RgbImage::from_pixel(4, 4, Rgb([9, 9, 9]));
    let mut known = vec![1; 16];
    known[5] = 0;
    let filler = format!("other={}", folder.path().display()).parse::<Method>().unwrap().ready().unwrap();
    let file = Path::new("it.png");
    let fill = |filled: &RgbImage| {
        filled.save(folder.path().join(file)).unwrap();
        filler.fill(&crop, &known, file)
    };
    let mut filled = crop.clone();
    filled.put_pixel(1, 1, Rgb([7, 8, 9]));
    assert_eq!(fill(&filled).unwrap(), filled);
    filled.put_pixel(3, 3, Rgb([7, 8, 9]));
    assert!(fill(&filled).unwrap_err().ends_with("it.png: changed outside the hole"));
    assert!(fill(&RgbImage::new(4, 5)).unwrap_err().ends_with("it.png: expected 4×4, found 4×5"));
    assert!("network=x".parse::<Method>().is_err() && "x".parse::<Method>().is_err());
    assert!("generator:x".parse::<MaskSource>().is_err());
}

/// A build without texture would measure the network twice.
#[test]
fn texture_is_measured() {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/l2.weights.safetensors");
    let crop = RgbImage::from_fn(128, 128, |x, y| Rgb([(37 * x * y % 251) as u8, (x * 2) as u8, (y * 2) as u8]));
    let known: Vec<u8> =
        (0..128 * 128).map(|i| u8::from(!(32..96).contains(&(i % 128)) || !(32..96).contains(&(i / 128)))).collect();
    let fill = |method: Method| method.ready().unwrap().fill(&crop, &known, Path::new("")).unwrap();
    assert!(fill(Method::textured(&weights)) != fill(Method::network(&weights, None)));
}
