//! Smooth fills get the grain of a noisy photograph, and only of a noisy one.

mod common;

use common::{Net, Random};
use inpaint_edge::{Inpainter, Isa, Mask, Options, Request, Sample, Texture};
use ndarray::{Array3, ArrayView3, s};

const WIDTH: usize = 220;
const HEIGHT: usize = 150;

/// A network of no weights: what it fills is the harmonic prior, as smooth as can be.
fn inpainter(options: Options) -> Inpainter {
    let net = Net::random(2, &[(5, 6), (3, 9)], &[7, 3], 5).with_prior().with_context(24);
    Inpainter::from_bytes(&common::without_weights(net.file), options).unwrap()
}

/// Without texture, which is noisy of itself.
fn options() -> Options {
    Options::default().threads(1).texture(Texture::Off)
}

/// A slope with noise of this standard deviation, most of it in all channels alike.
fn photograph<T: Sample>(channels: usize, noise: f32) -> Array3<T> {
    let mut random = Random::new(7);
    // Sums of uniform numbers from −1 to 1, of which each has a variance of 1/3.
    let mut normal = || (0..3).map(|_| random.unit()).sum::<f32>();
    let mut image = Array3::from_elem((HEIGHT, WIDTH, channels), T::from_unit(1.0));
    for (y, x) in (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (y, x))) {
        let common = normal();
        for c in 0..if channels < 3 { 1 } else { 3 } {
            let slope = 0.3 + 0.1 * c as f32 + 0.0004 * x as f32 + 0.0008 * y as f32;
            image[[y, x, c]] = T::from_unit(slope + noise * (0.8 * common + 0.6 * normal()));
        }
    }
    image
}

/// A wide hole and a thin one.
fn holes() -> Mask {
    let mut mask = Mask::new(WIDTH, HEIGHT).unwrap();
    mask.add_box(60..130, 40..100);
    mask.add_box(20..200, 110..116);
    mask
}

fn fill<T: Sample>(inpainter: &Inpainter, image: &Array3<T>, mask: &Mask) -> Array3<T> {
    inpainter.inpaint(image.view(), mask).unwrap()
}

/// Root mean square of what is left of second differences along rows and columns: a standard deviation of noise.
fn noise(image: &Array3<f32>, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> f32 {
    let part = image.slice(s![rows, columns, ..]);
    let of = |window: ArrayView3<'_, f32>| {
        let row = |y: usize| window[[y, 0, 0]] - 2.0 * window[[y, 1, 0]] + window[[y, 2, 0]];
        ((row(0) - 2.0 * row(1) + row(2)) / 6.0).powi(2)
    };
    let squares: Vec<f32> = part.windows([3, 3, 1]).into_iter().map(of).collect();
    (squares.iter().sum::<f32>() / squares.len() as f32).sqrt()
}

#[test]
fn fills_of_noisy_photographs_are_as_noisy() {
    for sigma in [0.02, 0.05] {
        let image = photograph::<f32>(3, sigma);
        let [off, on] = [false, true].map(|grain| fill(&inpainter(options().grain(grain)), &image, &holes()));
        let around = noise(&image, 0..HEIGHT, 0..WIDTH);
        for (rows, columns) in [(40..100, 60..130), (110..116, 20..200)] {
            let [smooth, found] = [&off, &on].map(|image| noise(image, rows.clone(), columns.clone()));
            println!("around {around}, without grain {smooth}, with {found}");
            assert!(smooth < 0.5 * around && found > 0.7 * around && found < 1.3 * around, "{sigma}, {rows:?}");
        }
        // The noise of channels is alike in the fill as it is in the photograph.
        let added = &on - &off;
        let product = |a: usize, b: usize| {
            let [a, b] = [a, b].map(|c| added.slice(s![40..100, 60..130, c]).to_owned());
            (a * b).sum()
        };
        let alike = product(0, 1) / (product(0, 0) * product(1, 1)).sqrt();
        assert!(alike > 0.5 && alike < 0.8, "{alike}");
    }
}

#[test]
fn fills_of_clean_photographs_stay() {
    // A slope, with little noise, and with noise beside texture; stripes; blotches larger than noise; half of it clean.
    let texture = |of: fn(usize, usize) -> f32| {
        let mut image = photograph::<u8>(3, 0.0);
        image.indexed_iter_mut().for_each(|((y, x, _), v)| *v = u8::from_unit(f32::from(*v) / 255.0 + of(x, y)));
        image
    };
    let mut half = photograph::<u8>(3, 0.05);
    half.slice_mut(s![.., ..60, ..]).assign(&photograph::<u8>(3, 0.0).slice(s![.., ..60, ..]));
    let images = [
        photograph::<u8>(3, 0.0),
        photograph::<u8>(3, 0.008),
        texture(|x, y| if (x + 2 * y) % 11 < 5 { 0.2 } else { 0.0 }),
        texture(|x, y| if (x / 3 * 31 + y / 3 * 17) % 7 < 3 { 0.1 } else { 0.0 }),
        texture(|x, y| 0.1 * (0.7 * x as f32 + 0.2 * y as f32).sin() * (0.5 * y as f32).sin()),
        half,
    ];
    for (i, image) in images.iter().enumerate() {
        let [off, on] = [false, true].map(|grain| fill(&inpainter(options().grain(grain)), image, &holes()));
        assert!(off == on, "{i}");
    }
}

/// Texture has the photograph's grain already.
#[test]
fn texture_gets_little_more() {
    let image = photograph::<f32>(3, 0.05);
    let options = || options().texture(Texture::Auto);
    let [off, on] = [false, true].map(|grain| fill(&inpainter(options().grain(grain)), &image, &holes()));
    let [around, copied, found] = [&image, &off, &on].map(|image| noise(image, 45..95, 65..125));
    println!("around {around}, copied {copied}, found {found}");
    assert!(copied > 0.7 * around && found >= copied && found < 1.2 * around);
}

#[test]
fn every_instruction_set_and_number_of_threads_gives_the_same_bytes() {
    let (bytes, words) = (photograph::<u8>(3, 0.03), photograph::<u16>(4, 0.03));
    let scalar = inpainter(Options::default().threads(1).isa(Some(Isa::Scalar)));
    let (expected, deep) = (fill(&scalar, &bytes, &holes()), fill(&scalar, &words, &holes()));
    for isa in Isa::available() {
        for threads in [1, 2, 5] {
            let inpainter = inpainter(Options::default().isa(Some(isa)).threads(threads));
            assert!(fill(&inpainter, &bytes, &holes()) == expected, "{isa}, {threads} threads");
            assert!(fill(&inpainter, &words, &holes()) == deep, "{isa}, {threads} threads");
        }
    }
    // Bytes of one machine that every other one is to give.
    let sum = |image: &Array3<u8>| image.iter().fold(0u32, |sum, v| sum.wrapping_mul(31).wrapping_add(u32::from(*v)));
    let grain = inpainter(options().isa(Some(Isa::Scalar)));
    assert_eq!(sum(&fill(&grain, &bytes, &holes())), 2_786_278_001);
}

/// Known pixels and alpha stay, and what lay in the hole or in transparent pixels shows nowhere.
#[test]
fn nothing_is_taken_from_the_hole_or_from_transparent_pixels() {
    let mask = holes();
    for channels in 1..=4 {
        let mut image = photograph::<u8>(channels, 0.04);
        let colours = if channels < 3 { 1 } else { 3 };
        let mut other = image.clone();
        for (y, x) in (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (y, x))) {
            if mask.is_hole(x, y) {
                other.slice_mut(s![y, x, ..colours]).fill(255);
            } else if channels % 2 == 0 && (20..50).contains(&y) {
                image[[y, x, channels - 1]] = 100;
                other[[y, x, channels - 1]] = 100;
                // Beyond the network's context, which does see what is transparent.
                if x + 30 < 60 || x > 130 + 30 {
                    other.slice_mut(s![y, x, ..colours]).fill(128);
                }
            }
        }
        let [off, found, same] = [(false, &image), (true, &image), (true, &other)]
            .map(|(grain, image)| fill(&inpainter(options().grain(grain)), image, &mask));
        assert!(off != found, "{channels} channels");
        common::assert_holes_alone_are_filled(&image, &mask, &found, &same);
    }
}

/// A hole looks the same in a part of the photograph, wherever the part begins, and beside holes far away.
#[test]
fn grain_comes_from_near_the_hole() {
    let (width, height) = (500, 130);
    let mut random = Random::new(9);
    let mut image = Array3::from_shape_fn((height, width, 3), |_| 0.5 + 0.05 * random.unit());
    let mut mask = Mask::new(width, height).unwrap();
    mask.add_box(60..80, 50..75);
    let alone = fill(&inpainter(options()), &image, &mask);
    assert!(noise(&alone, 50..75, 60..80) > 0.02);
    // What is more than 48 pixels away does not count.
    image.slice_mut(s![.., 128.., ..]).fill(0.5);
    mask.add_box(400..430, 20..100);
    let both = fill(&inpainter(options()), &image, &mask);
    assert!(alone.slice(s![.., ..128, ..]) == both.slice(s![.., ..128, ..]));
    assert!(noise(&both, 20..100, 400..430) < 1e-5);
    let part = image.slice(s![2.., 8..128, ..]).to_owned();
    let mut hole = Mask::new(120, height - 2).unwrap();
    hole.add_box(52..72, 48..73);
    assert!(fill(&inpainter(options()), &part, &hole) == alone.slice(s![2.., 8..128, ..]));
}

#[test]
fn grain_works_in_scratch_memory() {
    let image = photograph::<u8>(3, 0.04);
    let inpainter = inpainter(options());
    let mut scattered = Mask::new(WIDTH, HEIGHT).unwrap();
    (0..HEIGHT).step_by(30).for_each(|y| (0..WIDTH).step_by(17).for_each(|x| scattered.add(x, y)));
    for mask in [holes(), scattered] {
        let expected = fill(&inpainter, &image, &mask);
        let mut scratch = vec![0xff; inpainter.scratch_bytes(WIDTH, HEIGHT).unwrap()];
        let mut found = image.clone();
        let report = inpainter.run(Request::new(found.view_mut(), &mask).scratch(&mut scratch)).unwrap();
        assert!(found == expected && report.plan_bytes == inpainter.plan(&mask, 3).unwrap().plan_bytes);
    }
}
