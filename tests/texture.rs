//! Wide holes get the texture of the photograph around them, the same on every instruction set and number of threads.

mod common;

use std::ops::ControlFlow;

use common::{Net, Random};
use inpaint_edge::{ErrorKind, Inpainter, Isa, Mask, Options, Report, Request, Sample, Texture};
use ndarray::{Array3, s};

const WIDTH: usize = 200;
const HEIGHT: usize = 150;

/// A network of no weights: what it fills is the harmonic prior, as smooth as can be.
fn smooth() -> Vec<u8> {
    common::without_weights(Net::random(2, &[(5, 6), (3, 9)], &[7, 3], 5).with_prior().with_context(24).file)
}

fn inpainter(options: Options) -> Inpainter {
    Inpainter::from_bytes(&smooth(), options).unwrap()
}

fn options(texture: Texture) -> Options {
    Options::default().threads(1).texture(texture).grain(false)
}

/// Stripes and grains, with channels of their own.
fn photograph<T: Sample>(channels: usize) -> Array3<T> {
    let mut random = Random::new(3);
    Array3::from_shape_fn((HEIGHT, WIDTH, channels), |(y, x, c)| {
        match channels.is_multiple_of(2) && c + 1 == channels {
            true => T::from_unit(1.0),
            false => {
                let stripe = if (x + 2 * y) % 11 < 5 { 0.3 } else { 0.0 };
                T::from_unit(0.2 + 0.1 * c as f32 + stripe + 0.1 * random.unit().abs())
            }
        }
    })
}

fn square(side: usize) -> Mask {
    let mut mask = Mask::new(WIDTH, HEIGHT).unwrap();
    mask.add_box(70..70 + side, 40..40 + side);
    mask
}

fn fill<T: Sample>(inpainter: &Inpainter, image: &Array3<T>, mask: &Mask) -> (Array3<T>, Report) {
    let mut filled = image.clone();
    let report = inpainter.run(Request::new(filled.view_mut(), mask)).unwrap();
    (filled, report)
}

/// Mean difference of neighbours along rows, in the columns and rows of the hole.
fn roughness(image: &Array3<f32>, side: usize) -> f32 {
    let part = image.slice(s![40..40 + side, 70..70 + side, ..]);
    let differences = part.windows([1, 2, 1]).into_iter().map(|pair| (pair[[0, 0, 0]] - pair[[0, 1, 0]]).abs());
    differences.sum::<f32>() / (side * (side - 1) * 3) as f32
}

#[test]
fn a_wide_hole_is_as_rough_as_what_is_around() {
    let image = photograph::<f32>(3);
    let (off, _) = fill(&inpainter(options(Texture::Off)), &image, &square(60));
    let (auto, report) = fill(&inpainter(options(Texture::Auto)), &image, &square(60));
    let [expected, smooth, found] = [&image, &off, &auto].map(|image| roughness(image, 60));
    println!("expected {expected}, smooth {smooth}, found {found}");
    assert_eq!(report.wide_holes, 1);
    assert!(smooth < 0.2 * expected && found > 0.7 * expected && found < 1.3 * expected);
}

#[test]
fn thin_holes_are_the_networks() {
    let image = photograph::<u8>(3);
    let off = inpainter(options(Texture::Off));
    for (side, is_wide) in [(20, false), (32, false), (33, true)] {
        let (expected, _) = fill(&off, &image, &square(side));
        let (found, report) = fill(&inpainter(options(Texture::Auto)), &image, &square(side));
        assert_eq!((report.wide_holes == 1, found != expected), (is_wide, is_wide), "{side}");
        let (found, report) = fill(&inpainter(options(Texture::On)), &image, &square(side));
        assert_eq!((report.wide_holes, found != expected), (1, true), "{side}");
    }
}

/// Known pixels and alpha stay, and what lay in the hole or in transparent pixels shows nowhere.
#[test]
fn nothing_is_taken_from_the_hole_or_from_transparent_pixels() {
    let mask = square(60);
    for channels in 1..=4 {
        let mut image = photograph::<u8>(channels);
        let colours = if channels < 3 { 1 } else { 3 };
        let mut other = image.clone();
        for (y, x) in (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (y, x))) {
            if mask.is_hole(x, y) {
                other.slice_mut(s![y, x, ..colours]).fill(255);
            } else if channels.is_multiple_of(2) && x < 50 {
                image[[y, x, channels - 1]] = 100;
                other[[y, x, channels - 1]] = 100;
                // Beyond the network's context, which does see what is transparent.
                if x < 40 {
                    other.slice_mut(s![y, x, ..colours]).fill(255);
                }
            }
        }
        let inpainter = inpainter(options(Texture::Auto));
        let [(found, _), (same, _)] = [&image, &other].map(|image| fill(&inpainter, image, &mask));
        common::assert_holes_alone_are_filled(&image, &mask, &found, &same);
    }
}

#[test]
fn every_instruction_set_and_number_of_threads_gives_the_same_bytes() {
    let mut mask = square(80);
    mask.add_box(10..190, 60..64);
    let (bytes, words) = (photograph::<u8>(3), photograph::<u16>(4));
    let (expected, _) = fill(&inpainter(options(Texture::Auto).isa(Some(Isa::Scalar))), &bytes, &mask);
    let (deep, _) = fill(&inpainter(options(Texture::Auto).isa(Some(Isa::Scalar))), &words, &mask);
    for isa in Isa::available() {
        for threads in [1, 2, 5] {
            let inpainter = inpainter(Options::default().isa(Some(isa)).threads(threads));
            assert!(fill(&inpainter, &bytes, &mask).0 == expected, "{isa}, {threads} threads");
            assert!(fill(&inpainter, &words, &mask).0 == deep, "{isa}, {threads} threads");
        }
    }
}

/// Texture fades out along what is thin: at its far end the network's fill stands, and no step shows on the way.
#[test]
fn what_is_thin_keeps_the_networks_fill_far_from_what_is_wide() {
    let image =
        Array3::from_shape_fn((60, 400, 3), |(y, x, c)| ((x + 2 * y) % 11 * 12 + (x * y % 7) * 5 + 30 * c) as u8);
    let mut mask = Mask::new(400, 60).unwrap();
    mask.add_box(20..60, 10..50);
    mask.add_box(20..380, 28..34);
    let [(off, _), (auto, _)] =
        [Texture::Off, Texture::Auto].map(|texture| fill(&inpainter(options(texture)), &image, &mask));
    let differs = |columns: std::ops::Range<usize>| {
        let part = s![28..34, columns, ..];
        auto.slice(part) != off.slice(part)
    };
    // What is wide ends with the square's middle, and texture reaches 160 further.
    assert!(differs(20..100) && differs(140..180) && !differs(204..400));
}

/// A thin hole keeps the network's fill, however near it is to a wide one.
#[test]
fn a_hole_is_what_is_connected() {
    let image = photograph::<u8>(3);
    let mut mask = square(50);
    mask.add_box(125..129, 40..90);
    let [(off, _), (auto, _)] =
        [Texture::Off, Texture::Auto].map(|texture| fill(&inpainter(options(texture)), &image, &mask));
    assert!(auto.slice(s![.., 120.., ..]) == off.slice(s![.., 120.., ..]) && auto != off);
}

/// A hole wider than a tile goes on across the tiles' borders.
#[test]
fn tiles_of_a_wide_hole_join() {
    let (width, height) = (1400, 90);
    let mut random = Random::new(5);
    let image = Array3::from_shape_fn((height, width, 3), |(y, x, _)| {
        let stripe = if (x + 2 * y) % 11 < 5 { 0.3 } else { 0.0 };
        0.3 + stripe + 0.05 * random.unit()
    });
    let mut mask = Mask::new(width, height).unwrap();
    mask.add_box(20..1380, 25..65);
    let (found, report) = fill(&inpainter(options(Texture::Auto)), &image, &mask);
    assert_eq!(report.wide_holes, 2);
    let step = |x: usize| {
        let pairs = (25..65).map(|y| (found[[y, x, 0]] - found[[y, x - 1, 0]]).abs());
        pairs.sum::<f32>() / 40.0
    };
    let (border, mean) = (step(700), (30..1370).map(step).sum::<f32>() / 1340.0);
    println!("step at the border {border}, mean {mean}");
    assert!(border < 2.0 * mean);
}

#[test]
fn memory_is_planned_and_limited() {
    let image = photograph::<u8>(3);
    let unlimited = inpainter(options(Texture::Auto));
    let plan = unlimited.plan(&square(60), 3).unwrap();
    assert_eq!(plan.plan_bytes, fill(&unlimited, &image, &square(60)).1.plan_bytes);
    assert!(plan.plan_bytes > inpainter(options(Texture::Off)).plan(&square(60), 3).unwrap().plan_bytes);
    let needed = plan.plan_bytes + unlimited.weights_bytes();
    assert!(inpainter(options(Texture::Auto).max_memory(Some(needed))).plan(&square(60), 3).is_ok());
    let refused = inpainter(options(Texture::Auto).max_memory(Some(needed - 1))).plan(&square(60), 3);
    assert_eq!(refused.err().map(|e| e.kind()), Some(ErrorKind::Limits));
}

/// The caller's scratch memory is enough for any hole, and gives the same bytes.
#[test]
fn texture_works_in_scratch_memory() {
    let image = photograph::<u8>(3);
    let mut odd = Mask::new(WIDTH, HEIGHT).unwrap();
    odd.add_box(0..WIDTH, 3..HEIGHT);
    for (mask, texture) in [(square(60), Texture::Auto), (odd, Texture::Auto), (square(9), Texture::On)] {
        let inpainter = inpainter(options(texture));
        let (expected, _) = fill(&inpainter, &image, &mask);
        let mut scratch = vec![0xff; inpainter.scratch_bytes(WIDTH, HEIGHT).unwrap()];
        let mut found = image.clone();
        inpainter.run(Request::new(found.view_mut(), &mask).scratch(&mut scratch)).unwrap();
        assert!(found == expected, "{texture:?}");
    }
}

#[test]
fn progress_goes_on_to_the_end_and_can_stop_the_run() {
    let mut image = photograph::<u8>(3);
    let (mask, inpainter) = (square(60), inpainter(options(Texture::Auto)));
    let mut told = Vec::new();
    let mut tell = |progress: inpaint_edge::Progress| {
        told.push((progress.done, progress.total));
        ControlFlow::Continue(())
    };
    inpainter.run(Request::new(image.view_mut(), &mask).progress(&mut tell)).unwrap();
    assert!(told.is_sorted() && told.iter().all(|(done, total)| done <= total));
    // Stopped at the last call, the run is past the network.
    let (calls, mut count) = (told.len(), 0);
    let mut stop = |_| {
        count += 1;
        if count == calls { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let stopped = inpainter.run(Request::new(image.view_mut(), &mask).progress(&mut stop));
    assert_eq!(stopped.err().map(|e| e.kind()), Some(ErrorKind::Cancelled));
}

/// Where patches do not fit, or none is known, the network's fill stays.
#[test]
fn images_without_room_for_patches_keep_the_networks_fill() {
    for (width, height, known) in [(60, 6, 9), (6, 60, 1), (40, 41, 6), (1, 90, 1)] {
        let image = Array3::from_shape_fn((height, width, 3), |(y, x, c)| (40 * c + 3 * x + 2 * y) as u8);
        let mut mask = Mask::new(width, height).unwrap();
        // Some columns are known, or rows where there is one column.
        if width > known {
            mask.add_box(known..width, 0..height)
        } else {
            mask.add_box(0..width, known..height)
        }
        let [(off, _), (on, _)] =
            [Texture::Off, Texture::On].map(|texture| fill(&inpainter(options(texture)), &image, &mask));
        assert!(off == on, "{width}×{height}");
    }
}
