//! Runs in regions write every hole pixel, read none, touch nothing else, and give the same bytes on any machine.

mod common;

use std::ops::ControlFlow;

use common::hole;
use inpaint_edge::{ErrorKind, Inpainter, Isa, Mask, NATIVE_PIXELS, Options, Report, Request, Result, Strategy};
use ndarray::{Array2, Array3, s};

/// A network of three levels: reach, context and alignment are 8 pixels, tiles 48.
fn net() -> common::Net {
    common::Net::random(3, &[(7, 8), (5, 8), (3, 8)], &[8, 8, 3], 5)
}

/// Weights of zero: the fill is the prior.
fn prior_alone() -> Vec<u8> {
    let mut file = net().with_prior().file;
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    file[header..].fill(0);
    file
}

fn in_regions(threads: usize, isa: Option<Isa>) -> Options {
    Options::default().threads(threads).isa(isa).strategy(Strategy::Window)
}

const WIDTH: usize = 301;
const HEIGHT: usize = 203;

/// Masks of [`WIDTH`]×[`HEIGHT`] with the holes that are hardest to divide.
fn masks() -> Vec<(&'static str, Array2<u8>)> {
    let of = |is_hole: &dyn Fn(usize, usize) -> bool| {
        Array2::from_shape_fn((HEIGHT, WIDTH), |(y, x)| if is_hole(x, y) { 255 } else { 0 })
    };
    let corner = |x: usize, y: usize| !(5..WIDTH - 5).contains(&x) && !(7..HEIGHT - 7).contains(&y);
    vec![
        ("corners", of(&corner)),
        ("border", of(&|x, y| x < 3 || y >= HEIGHT - 20 || x == WIDTH - 1)),
        ("near holes", of(&|x, y| (100..130).contains(&y) && x > 90 && x % 24 < 10)),
        ("dust", of(&|x, y| (x * 7 + y * 13) % 97 == 0)),
        ("one huge hole", of(&|x, y| (20..WIDTH - 12).contains(&x) && (9..HEIGHT - 30).contains(&y))),
        ("nearly everything", of(&|x, y| (x, y) != (WIDTH / 2, HEIGHT - 1))),
        ("a frame around", of(&|x, y| !(60..200).contains(&x) || !(50..150).contains(&y))),
        ("a line across", of(&|x, y| y.abs_diff(x * HEIGHT / WIDTH) < 3)),
        ("all but the bottom", of(&|_, y| y < HEIGHT - 1)),
        ("one pixel", of(&|x, y| (x, y) == (64, 64))),
    ]
}

/// Noise where known, NaN in the hole.
fn image(mask: &Array2<u8>) -> Array3<f32> {
    let mut random = common::Random::new(9);
    Array3::from_shape_fn((mask.dim().0, mask.dim().1, 3), |(y, x, _)| {
        let v = random.unit() * 0.5 + 0.5;
        if mask[[y, x]] > 0 { f32::NAN } else { v }
    })
}

fn fill(inpainter: &Inpainter, image: &Array3<f32>, mask: &Array2<u8>) -> Result<(Array3<f32>, Report)> {
    let mut filled = image.clone();
    let report = inpainter.run(Request::new(filled.view_mut(), &hole(mask)))?;
    Ok((filled, report))
}

#[test]
fn every_hole_and_nothing_else_is_filled_by_any_threads_and_instructions() {
    for file in [net().file, net().with_prior().file] {
        let open = |options| Inpainter::from_bytes(&file, options).unwrap();
        let first = open(in_regions(1, Some(Isa::Scalar)));
        let others: Vec<_> = Isa::available().map(|isa| open(in_regions(3, Some(isa)))).collect();
        for (name, mask) in masks() {
            let image = image(&mask);
            let (found, report) = fill(&first, &image, &mask).unwrap();
            assert!(report.strategy == Strategy::Window && report.regions > 0, "{name}: {report:?}");
            assert_eq!(report.hole_pixels, mask.iter().filter(|m| **m > 0).count(), "{name}");
            for ((y, x, c), v) in found.indexed_iter() {
                match mask[[y, x]] {
                    0 => assert_eq!(v.to_bits(), image[[y, x, c]].to_bits(), "{name} at {x}, {y}"),
                    _ => assert!((0.0..=1.0).contains(v), "{name} at {x}, {y}: {v}"),
                }
            }
            for other in &others {
                let (again, same) = fill(other, &image, &mask).unwrap();
                assert!(again == found, "{name} on {}", other.isa());
                assert_eq!(
                    (same.regions, same.macs, same.plan_bytes),
                    (report.regions, report.macs, report.plan_bytes)
                );
            }
        }
    }
}

/// A hole within reach is filled as by a run on its region alone.
#[test]
fn a_small_hole_is_filled_from_its_region_alone() {
    let file = net().file;
    let native = Inpainter::from_bytes(&file, Options::default().strategy(Strategy::Native)).unwrap();
    let regions = Inpainter::from_bytes(&file, in_regions(1, None)).unwrap();
    // A hole and its region, which has 8 pixels around the hole and sides that are multiples of 8, inside the image.
    let cases = [
        ((100, 60, 8, 5), (92, 52, 24, 24)),
        ((0, 0, 7, 8), (0, 0, 24, 24)),
        ((WIDTH - 6, HEIGHT - 4, 6, 4), (WIDTH - 24, HEIGHT - 24, 24, 24)),
    ];
    for ((x, y, w, h), (wx, wy, ww, wh)) in cases {
        let mut mask = Array2::zeros((HEIGHT, WIDTH));
        mask.slice_mut(s![y..y + h, x..x + w]).fill(255);
        let image = image(&mask);
        let (found, report) = fill(&regions, &image, &mask).unwrap();
        let part = s![wy..wy + wh, wx..wx + ww, ..];
        let crop = mask.slice(s![wy..wy + wh, wx..wx + ww]).to_owned();
        let (expected, _) = fill(&native, &image.slice(part).to_owned(), &crop).unwrap();
        assert_eq!(report.regions, 1);
        assert!(found.slice(part) == expected, "{x}, {y}");
    }
}

/// A ramp stays a ramp across all sizes and regions: Laplace's equation has no other solution.
#[test]
fn a_ramp_is_continued_through_a_huge_hole() {
    let inpainter = Inpainter::from_bytes(&prior_alone(), in_regions(1, None)).unwrap();
    let ramp = Array3::from_shape_fn((HEIGHT, WIDTH, 3), |(y, x, c)| 0.1 + 0.002 * x as f32 + 0.001 * (c * y) as f32);
    let mut mask = Array2::zeros((HEIGHT, WIDTH));
    mask.slice_mut(s![30..170, 40..260]).fill(255);
    let (found, report) = fill(&inpainter, &ramp, &mask).unwrap();
    assert!(report.regions > 20, "{report:?}");
    let most = found.iter().zip(&ramp).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("largest difference {most}");
    assert!(most < 0.01, "{most}");
}

/// A hole within reach that spans the image's short side and is longer than a region: the first region would see nothing
/// known.
#[test]
fn a_hole_along_a_strip_is_filled_from_its_end() {
    let inpainter = Inpainter::from_bytes(&prior_alone(), in_regions(1, None)).unwrap();
    for (width, height) in [(8, 400), (40, 900), (400, 7)] {
        let ramp =
            Array3::from_shape_fn((height, width, 3), |(y, x, _)| 0.2 + 0.001 * (x % 8) as f32 + 0.0001 * y as f32);
        let mut mask = Array2::from_elem((height, width), 255);
        mask.slice_mut(s![height - height.div_ceil(9).., ..]).fill(0);
        mask.slice_mut(s![.., width - width.div_ceil(9)..]).fill(if width > height { 0 } else { 255 });
        let (found, report) = fill(&inpainter, &ramp, &mask).unwrap();
        assert!(found.iter().all(|v| (0.1..0.4).contains(v)), "{width}×{height}: {report:?}");
        let plan = inpainter.plan(&hole(&mask), 3).unwrap();
        assert_eq!((plan.regions, plan.plan_bytes), (report.regions, report.plan_bytes));
    }
}

#[test]
fn auto_runs_small_images_whole_and_large_ones_in_regions() {
    let file = net().file;
    let open = |strategy| Inpainter::from_bytes(&file, Options::default().strategy(strategy)).unwrap();
    for (height, expected) in [(1024, Strategy::Native), (1025, Strategy::Window)] {
        let width = NATIVE_PIXELS / 1024;
        let mut mask = Array2::zeros((height, width));
        mask.slice_mut(s![500..540, 300..309]).fill(255);
        let mut image = Array3::<u8>::from_shape_fn((height, width, 1), |(y, x, _)| (x * y % 251) as u8);
        let chosen = open(expected).inpaint(image.view(), &hole(&mask)).unwrap();
        let report = open(Strategy::Auto).run(Request::new(image.view_mut(), &hole(&mask))).unwrap();
        assert_eq!(report.strategy, expected);
        assert_eq!(image, chosen);
    }
}

#[test]
fn runs_above_the_memory_limit_are_refused_with_a_limit_that_would_do() {
    let file = net().file;
    for strategy in [Strategy::Native, Strategy::Window] {
        let open = |max_memory| {
            Inpainter::from_bytes(&file, Options::default().strategy(strategy).max_memory(max_memory)).unwrap()
        };
        let mut mask = Array2::zeros((800, 1000));
        mask.slice_mut(s![100..700, 100..900]).fill(255);
        let mut image = Array3::<u8>::from_elem((800, 1000, 3), 7);
        let before = image.clone();
        let mask = hole(&mask);
        let small = open(Some(1 << 20));
        let error = small.run(Request::new(image.view_mut(), &mask)).unwrap_err();
        assert_eq!(small.plan(&mask, 3).unwrap_err(), error);
        assert_eq!(small.estimate(&mask, 3).unwrap_err(), error);
        assert_eq!(error.kind(), ErrorKind::Limits);
        assert_eq!(image, before);
        let text = error.to_string();
        let number: usize = text.split(['M', ' ']).find_map(|word| word.parse().ok()).unwrap();
        assert!(text.ends_with("found 1M"), "{text}");
        let below = open(Some((number - 1) << 20)).run(Request::new(image.view_mut(), &mask)).unwrap_err();
        assert_eq!(below.kind(), ErrorKind::Limits);
        let plan = open(Some(number << 20)).plan(&mask, 3).unwrap();
        let report = open(Some(number << 20)).run(Request::new(image.view_mut(), &mask)).unwrap();
        assert_eq!((plan.strategy, plan.regions, plan.plan_bytes), (strategy, report.regions, report.plan_bytes));
    }
}

#[test]
fn a_run_in_regions_tells_its_progress_and_can_be_stopped() {
    let inpainter = Inpainter::from_bytes(&net().file, in_regions(1, None)).unwrap();
    let (_, mask) = &masks()[3];
    let mut told = Vec::new();
    let image = image(mask);
    let mut out = image.clone();
    let mut each = |p: inpaint_edge::Progress| {
        told.push((p.done, p.total));
        ControlFlow::Continue(())
    };
    inpainter.run(Request::new(out.view_mut(), &hole(mask)).progress(&mut each)).unwrap();
    assert!(told.is_sorted() && told.last().is_some_and(|(done, total)| done == total), "{:?}", told.last());
    let mut calls = 0;
    let mut stop = |_| {
        calls += 1;
        if calls == 9 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let error = inpainter.run(Request::new(out.view_mut(), &hole(mask)).progress(&mut stop)).unwrap_err();
    assert_eq!((error.kind(), calls), (ErrorKind::Cancelled, 9));
    let white = Array2::from_elem((HEIGHT, WIDTH), 255);
    let nothing_known = fill(&inpainter, &image, &white).unwrap_err();
    assert_eq!(nothing_known.kind(), ErrorKind::Input);
    assert_eq!(inpainter.plan(&hole(&white), 3).unwrap_err(), nothing_known);
}

/// Whole and in regions, hole-aware or not, grey and colour.
#[test]
fn an_estimate_is_what_a_run_does() {
    for (file, strategy, hole_aware) in [
        (net().file, Strategy::Native, true),
        (net().with_prior().file, Strategy::Native, false),
        (net().file, Strategy::Window, true),
        (net().with_prior().file, Strategy::Window, false),
    ] {
        let options = Options::default().threads(1).strategy(strategy).hole_aware(hole_aware);
        let inpainter = Inpainter::from_bytes(&file, options).unwrap();
        for (name, mask) in masks() {
            for channels in [1, 3] {
                let mut image = Array3::<u8>::zeros((HEIGHT, WIDTH, channels));
                let run = inpainter.run(Request::new(image.view_mut(), &hole(&mask))).unwrap();
                let estimate = inpainter.estimate(&hole(&mask), channels).unwrap();
                let told = |report: &Report| (report.strategy, report.regions, report.plan_bytes, report.macs);
                assert_eq!(told(&estimate), told(&run), "{name}, {strategy:?}");
                assert!(estimate.regions == 1 || strategy == Strategy::Window, "{name}");
                assert_eq!(estimate.times, inpaint_edge::StageTimes::default());
            }
        }
        let nothing = inpainter.estimate(&Mask::new(WIDTH, HEIGHT).unwrap(), 3).unwrap();
        assert_eq!((nothing.strategy, nothing.regions, nothing.plan_bytes, nothing.macs), (strategy, 0, 0, 0));
    }
}

/// Coarser images are f32: a ramp in steps of 1 of 255 does not gather a rounding for every size.
#[test]
fn a_photograph_is_rounded_once() {
    let inpainter = Inpainter::from_bytes(&prior_alone(), in_regions(1, None)).unwrap();
    let ramp = Array3::from_shape_fn((HEIGHT, WIDTH, 3), |(y, x, c)| 0.1 + 0.002 * x as f32 + 0.001 * (c * y) as f32);
    let bytes = ramp.mapv(|v| (255.0 * v + 0.5) as u8);
    let mut mask = Mask::new(WIDTH, HEIGHT).unwrap();
    mask.add_box(40..260, 30..170);
    let exact = inpainter.inpaint(bytes.mapv(|v| f32::from(v) / 255.0).view(), &mask).unwrap();
    let found = inpainter.inpaint(bytes.view(), &mask).unwrap();
    let most = found.iter().zip(&exact).map(|(a, b)| (f32::from(*a) - 255.0 * b).abs()).fold(0.0, f32::max);
    println!("largest difference {most} of 255");
    assert!(most < 1.0, "{most}");
}

#[test]
fn scratch_memory_is_for_runs_of_the_whole_image() {
    let inpainter = Inpainter::from_bytes(&net().file, in_regions(1, None)).unwrap();
    let mut mask = Mask::new(40, 30).unwrap();
    mask.add_box(10..20, 10..20);
    let mut image = Array3::<u8>::zeros((30, 40, 3));
    let refused = inpainter.scratch_bytes(40, 30).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Usage);
    assert_eq!(refused.to_string(), "scratch: expected strategy native or no scratch, found window");
    let mut scratch = vec![0; 1 << 20];
    let run = |request: Request<u8>| inpainter.run(request);
    assert_eq!(run(Request::new(image.view_mut(), &mask).scratch(&mut scratch)).unwrap_err(), refused);
    // The request's strategy counts before the inpainter's.
    let native = Request::new(image.view_mut(), &mask).scratch(&mut scratch).strategy(Strategy::Native);
    assert_eq!(run(native).unwrap().strategy, Strategy::Native);
}
