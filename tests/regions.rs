//! Regions: a hole is filled from what is near it, whatever else the photograph holds, however large it is and however the
//! hole is divided.

mod common;

use std::ops::ControlFlow;

use common::hole;
use inpaint_edge::{ErrorKind, Inpainter, Isa, Mask, Options, Report, Request, Result, Texture};
use ndarray::{Array2, Array3, s};

const CONTEXT: usize = 6;

/// A network of three levels: it fills holes up to 16 pixels wide at one size.
fn net() -> common::Net {
    common::Net::random(3, &[(7, 8), (5, 8), (3, 8)], &[8, 8, 3], 5).with_context(CONTEXT)
}

/// The same, seeing all of the photograph.
fn unbounded() -> common::Net {
    common::Net::random(3, &[(7, 8), (5, 8), (3, 8)], &[8, 8, 3], 5)
}

/// Networks with bounded context and without, with a prior, reading it or not, with windows from 1 to 7 pixels.
fn nets() -> Vec<common::Net> {
    let reading = |seed| common::Net::reading_prior(3, &[(5, 8), (3, 8), (3, 8)], &[8, 8, 3], seed);
    let deep = common::Net::random(4, &[(7, 5), (1, 6), (5, 7), (3, 8)], &[7, 6, 5, 3], 8);
    let shallow = common::Net::reading_prior(1, &[(7, 8)], &[3], 9);
    vec![
        net(),
        net().with_prior(),
        unbounded(),
        reading(6),
        reading(7).with_context(1),
        reading(7).with_context(17),
        deep.with_prior().with_context(11),
        shallow.with_context(4),
    ]
}

/// Weights of zero: the fill is the prior.
fn prior_alone() -> Vec<u8> {
    common::without_weights(net().with_prior().file)
}

/// What the network does alone: texture and grain would follow it.
fn options(threads: usize, isa: Option<Isa>) -> Options {
    Options::default().threads(threads).isa(isa).texture(Texture::Off).grain(false)
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
        ("wide enough for texture", of(&|x, y| (130..170).contains(&x) && (80..120).contains(&y))),
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
        let first = open(options(1, Some(Isa::Scalar)));
        let others: Vec<_> = Isa::available().map(|isa| open(options(3, Some(isa)))).collect();
        for (name, mask) in masks() {
            let image = image(&mask);
            let (found, report) = fill(&first, &image, &mask).unwrap();
            assert!(report.regions > 0, "{name}: {report:?}");
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

/// What is left out changes no pixel, at any depth, context and hole.
#[test]
fn outputs_that_no_hole_depends_on_are_left_out_unnoticed() {
    for (i, net) in nets().iter().enumerate() {
        let open = |hole_aware| Inpainter::from_bytes(&net.file, options(1, None).hole_aware(hole_aware)).unwrap();
        let (aware, unaware) = (open(true), open(false));
        for (name, mask) in masks() {
            let image = image(&mask);
            let (found, report) = fill(&aware, &image, &mask).unwrap();
            let (expected, all) = fill(&unaware, &image, &mask).unwrap();
            assert!(found == expected, "net {i}, {name}");
            assert!(report.macs <= all.macs, "net {i}, {name}: {} of {}", report.macs, all.macs);
        }
        for seed in 0..40 {
            let mask = random_mask(seed);
            let image = image(&mask);
            let (found, _) = fill(&aware, &image, &mask).unwrap();
            assert!(found == fill(&unaware, &image, &mask).unwrap().0, "net {i}, random mask {seed}");
        }
    }
}

/// A few boxes, lines and dots in an image of up to 80 pixels a side.
fn random_mask(seed: u64) -> Array2<u8> {
    let mut random = common::Random::new(seed);
    let mut next = |end: usize| ((random.unit() * 0.5 + 0.5) * end as f32) as usize % end;
    let (width, height) = (1 + next(80), 1 + next(80));
    let mut mask = Array2::zeros((height, width));
    for _ in 0..next(6) {
        let (x, y) = (next(width), next(height));
        let (w, h) = [(1, 1), (1 + next(9), 1 + next(9)), (1 + next(60), 1 + next(2))][next(3)];
        mask.slice_mut(s![y..(y + h).min(height), x..(x + w).min(width)]).fill(255);
    }
    if mask.iter().all(|m| *m > 0) {
        mask[[height / 2, width / 2]] = 0;
    }
    if width * height == 1 { Array2::zeros((1, 1)) } else { mask }
}

/// What lies beyond the context, other holes among it, changes no pixel of a fill.
#[test]
fn a_hole_is_filled_from_its_context_alone() {
    for net in [
        net(),
        net().with_prior(),
        common::Net::reading_prior(3, &[(5, 8), (3, 8), (3, 8)], &[8, 8, 3], 7).with_context(CONTEXT),
    ] {
        let inpainter = Inpainter::from_bytes(&net.file, options(1, None)).unwrap();
        let mut mask = Array2::zeros((HEIGHT, WIDTH));
        mask.slice_mut(s![60..67, 100..108]).fill(255);
        let near = image(&mask);
        let (alone, _) = fill(&inpainter, &near, &mask).unwrap();
        // Other pixels and other holes, as near as they may be.
        let mut others = mask.clone();
        others.slice_mut(s![60..63, 109 + 2 * CONTEXT..126]).fill(255);
        others.slice_mut(s![.., 4..9]).fill(255);
        others.row_mut(68 + 2 * CONTEXT).fill(255);
        let mut far = image(&others).mapv(|v| 1.0 - v);
        let seen = s![60 - CONTEXT..67 + CONTEXT, 100 - CONTEXT..108 + CONTEXT, ..];
        far.slice_mut(seen).assign(&near.slice(seen));
        let (among, report) = fill(&inpainter, &far, &others).unwrap();
        assert!(report.regions > 2, "{report:?}");
        assert!(alone.slice(seen) == among.slice(seen));
    }
}

/// Of every stage: the hole is in what a run tells to look at, and nothing else counts.
#[test]
fn what_is_not_seen_changes_nothing() {
    let mut unseen = 0;
    for (i, net) in nets().iter().enumerate() {
        // Texture and grain see the same whatever the network.
        let all_stages = (i == 0).then(Options::default);
        for options in [options(1, None), options(1, None).hole_aware(false)].into_iter().chain(all_stages) {
            let inpainter = Inpainter::from_bytes(&net.file, options).unwrap();
            let fills = masks().into_iter().chain((0..40).map(|seed| ("a random mask", random_mask(seed))));
            for (name, mask) in fills {
                let seen = inpainter.seen(&hole(&mask)).unwrap();
                let all = image(&mask);
                let mut near = all.clone();
                for ((y, x), hole) in mask.indexed_iter() {
                    if !seen.is_hole(x, y) {
                        assert_eq!(*hole, 0, "net {i}, {name} at {x}, {y}");
                        near.slice_mut(s![y, x, ..]).fill(f32::NAN);
                        unseen += 1;
                    }
                }
                let (expected, found) =
                    (fill(&inpainter, &all, &mask).unwrap().0, fill(&inpainter, &near, &mask).unwrap().0);
                for ((y, x, c), v) in found.indexed_iter().filter(|((y, x, _), _)| mask[[*y, *x]] > 0) {
                    assert_eq!(v.to_bits(), expected[[y, x, c]].to_bits(), "net {i}, {name} at {x}, {y}");
                }
            }
        }
    }
    assert!(unseen > 0);
    assert!(
        Inpainter::from_bytes(&net().file, options(1, None))
            .unwrap()
            .seen(&Mask::new(9, 9).unwrap())
            .unwrap()
            .is_empty()
    );
}

/// Crops at multiples of the coarsest grid's cells give the same fill.
#[test]
fn a_crop_is_filled_as_the_photograph() {
    for net in nets().into_iter().filter(|net| net.context.is_some()) {
        let inpainter = Inpainter::from_bytes(&net.file, options(1, None)).unwrap();
        let mut mask = Array2::zeros((HEIGHT, WIDTH));
        mask.slice_mut(s![100..107, 150..190]).fill(255);
        mask.slice_mut(s![90..130, 160..165]).fill(255);
        mask.slice_mut(s![85..125, 200..226]).fill(255);
        let image = image(&mask);
        let (found, _) = fill(&inpainter, &image, &mask).unwrap();
        for (x, y) in [(16, 32), (48, 16)] {
            let (width, height) = (WIDTH - x - 13, HEIGHT - y - 9);
            let part = s![y..y + height, x..x + width, ..];
            let crop = mask.slice(s![y..y + height, x..x + width]).to_owned();
            let (again, _) = fill(&inpainter, &image.slice(part).to_owned(), &crop).unwrap();
            assert!(found.slice(part) == again, "context {:?}, from {x}, {y}", net.context);
        }
    }
}

/// A hole of several tiles is filled as one: the network's weights are zero and the ramp is the prior's, so that what shows is
/// the prior alone, which each tile solves for itself.
#[test]
fn tiles_join() {
    let inpainter = Inpainter::from_bytes(&prior_alone(), options(1, None)).unwrap();
    let (width, height) = (1400, 40);
    let ramp = Array3::from_shape_fn((height, width, 3), |(y, x, c)| 0.1 + 0.0004 * x as f32 + 0.004 * (c * y) as f32);
    let mut mask = Array2::zeros((height, width));
    mask.slice_mut(s![16..24, 10..1390]).fill(255);
    let (found, report) = fill(&inpainter, &ramp, &mask).unwrap();
    assert_eq!(report.regions, 4);
    let most = found.iter().zip(&ramp).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("largest difference {most}");
    assert!(most < 5e-4, "{most}");
}

/// A ramp stays a ramp across all sizes and regions: Laplace's equation has no other solution.
#[test]
fn a_ramp_is_continued_through_a_huge_hole() {
    let inpainter = Inpainter::from_bytes(&prior_alone(), options(1, None)).unwrap();
    let ramp = Array3::from_shape_fn((HEIGHT, WIDTH, 3), |(y, x, c)| 0.1 + 0.002 * x as f32 + 0.001 * (c * y) as f32);
    let mut mask = Array2::zeros((HEIGHT, WIDTH));
    mask.slice_mut(s![30..170, 40..260]).fill(255);
    let (found, report) = fill(&inpainter, &ramp, &mask).unwrap();
    assert!(report.regions > 2, "{report:?}");
    let most = found.iter().zip(&ramp).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("largest difference {most}");
    assert!(most < 0.01, "{most}");
}

/// A hole within reach that spans the image's short side and is longer than a region: the first region would see nothing
/// known.
#[test]
fn a_hole_along_a_strip_is_filled_from_its_end() {
    let inpainter = Inpainter::from_bytes(&prior_alone(), options(1, None)).unwrap();
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
fn runs_above_the_memory_limit_are_refused_with_a_limit_that_would_do() {
    for file in [net().file, unbounded().file] {
        let open = |max_memory| Inpainter::from_bytes(&file, Options::default().max_memory(max_memory)).unwrap();
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
        assert_eq!((plan.regions, plan.plan_bytes), (report.regions, report.plan_bytes));
    }
}

#[test]
fn a_run_in_regions_tells_its_progress_and_can_be_stopped() {
    let inpainter = Inpainter::from_bytes(&net().file, options(1, None)).unwrap();
    let (_, mask) = &masks()[0];
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

/// Hole-aware or not, grey and colour.
#[test]
fn an_estimate_is_what_a_run_does() {
    for (file, hole_aware) in [
        (unbounded().file, true),
        (unbounded().with_prior().file, false),
        (net().file, true),
        (net().with_prior().file, false),
    ] {
        let inpainter = Inpainter::from_bytes(&file, options(1, None).hole_aware(hole_aware)).unwrap();
        for (name, mask) in masks() {
            for channels in [1, 3] {
                let mut image = Array3::<u8>::zeros((HEIGHT, WIDTH, channels));
                let run = inpainter.run(Request::new(image.view_mut(), &hole(&mask))).unwrap();
                let estimate = inpainter.estimate(&hole(&mask), channels).unwrap();
                let told = |report: &Report| (report.regions, report.plan_bytes, report.macs);
                assert_eq!(told(&estimate), told(&run), "{name}");
                assert_eq!(estimate.times, inpaint_edge::StageTimes::default());
            }
        }
        let nothing = inpainter.estimate(&Mask::new(WIDTH, HEIGHT).unwrap(), 3).unwrap();
        assert_eq!((nothing.regions, nothing.plan_bytes, nothing.macs), (0, 0, 0));
    }
}

/// Coarser images are f32: a ramp in steps of 1 of 255 does not gather a rounding for every size.
#[test]
fn a_photograph_is_rounded_once() {
    let inpainter = Inpainter::from_bytes(&prior_alone(), options(1, None)).unwrap();
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

/// What [`Inpainter::scratch_bytes`] tells is enough for any hole, and gives the same bytes.
#[test]
fn scratch_memory_is_enough_for_any_hole() {
    for net in nets() {
        let inpainter = Inpainter::from_bytes(&net.file, options(1, None)).unwrap();
        let masks = masks().into_iter().map(|(_, mask)| mask).chain((0..40).map(random_mask));
        for mask in masks {
            let image = image(&mask);
            let (expected, _) = fill(&inpainter, &image, &mask).unwrap();
            let mut scratch = vec![0xff; inpainter.scratch_bytes(mask.dim().1, mask.dim().0).unwrap()];
            let mut found = image.clone();
            let mask = hole(&mask);
            inpainter.run(Request::new(found.view_mut(), &mask).scratch(&mut scratch)).unwrap();
            assert!(found == expected);
        }
    }
}

/// An option takes the place of what the file says; all of the photograph is what a file without a context says.
#[test]
fn context_can_be_chosen() {
    let mut mask = Array2::zeros((HEIGHT, WIDTH));
    mask.slice_mut(s![60..67, 100..108]).fill(255);
    let image = image(&mask);
    let run = |file: &[u8], context| {
        let inpainter = Inpainter::from_bytes(file, options(1, None).context(context)).unwrap();
        (fill(&inpainter, &image, &mask).unwrap().0, inpainter.config().context())
    };
    assert!(run(&unbounded().file, Some(CONTEXT)) == run(&net().file, None));
    assert!(run(&net().file, Some(usize::MAX)) == run(&unbounded().file, None));
    assert!(run(&net().file, None).0 != run(&unbounded().file, None).0);
    let none = Inpainter::from_bytes(&net().file, Options::default().context(Some(0)));
    assert_eq!(none.err().map(|e| e.kind()), Some(ErrorKind::Usage));
}
