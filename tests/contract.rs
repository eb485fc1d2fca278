//! The numeric contract on whole networks: the same bits for every instruction set, thread count and plan, and the
//! bits of a plain triple loop.

mod common;

use common::{Net, hole, oracle, scene};
use inpaint_edge::{Inpainter, Isa, Options, Request, Texture};

/// Small networks with channel counts around the tile sizes of every kernel.
fn nets() -> Vec<Net> {
    vec![
        Net::random(1, &[(7, 5)], &[3], 1),
        Net::random(2, &[(7, 16), (5, 17)], &[15, 3], 2),
        Net::random(3, &[(3, 4), (5, 8), (3, 33)], &[9, 7, 3], 3),
        Net::random(4, &[(5, 6), (5, 12), (3, 24), (3, 31)], &[25, 10, 32, 3], 4),
        Net::random(2, &[(5, 6), (3, 9)], &[7, 3], 5).with_prior(),
        Net::reading_prior(1, &[(7, 5)], &[3], 6),
        Net::reading_prior(3, &[(5, 6), (3, 9), (3, 8)], &[7, 5, 3], 7),
        Net::random(3, &[(7, 6), (5, 9), (3, 8)], &[7, 5, 3], 8).with_context(3),
        Net::reading_prior(4, &[(5, 6), (3, 9), (3, 8), (3, 7)], &[9, 7, 5, 3], 9).with_context(1),
        Net::reading_prior(4, &[(7, 6), (5, 9), (3, 8), (1, 7)], &[9, 7, 5, 3], 10).with_context(9),
    ]
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Whether a square of this side is all hole.
fn has_square(mask: &ndarray::Array2<u8>, side: usize) -> bool {
    let squares = mask.dim().0 >= side && mask.dim().1 >= side;
    squares && mask.windows((side, side)).into_iter().any(|square| square.iter().all(|m| *m > 0))
}

#[test]
fn engine_equals_the_triple_loop() {
    for (n, net) in nets().iter().enumerate() {
        for (case, (width, height)) in [(16, 16), (1, 1), (37, 21), (5, 40)].into_iter().enumerate() {
            for shape in 0..4 {
                let (image, mask) = scene(width, height, shape, (n * 16 + case) as u64);
                let Some(expected) = oracle(net, &image, &mask) else { continue };
                // A network of bounded context fills wider holes from smaller images.
                if net.context.is_some() && has_square(&mask, (2 << net.levels) + 1) {
                    continue;
                }
                let inpainter = Inpainter::from_bytes(&net.file, Options::default().threads(1)).unwrap();
                let mut found = image.clone();
                let report = inpainter.run(Request::new(found.view_mut(), &hole(&mask))).unwrap();
                assert_eq!(report.hole_pixels, mask.iter().filter(|m| **m > 0).count());
                assert_eq!(
                    bits(found.as_slice().unwrap()),
                    bits(expected.as_slice().unwrap()),
                    "net {n}, {width}×{height}, hole {shape}"
                );
            }
        }
    }
}

#[test]
fn isa_threads_and_plan_change_nothing() {
    let missing: Vec<_> = Isa::ALL.into_iter().filter(|isa| !isa.is_available()).map(Isa::name).collect();
    let ran: Vec<_> = Isa::available().map(Isa::name).collect();
    println!("contract: ran {}; this CPU or build lacks {}", ran.join(", "), missing.join(", "));
    for (n, net) in nets().iter().enumerate() {
        let (image, mask) = scene(75, 50, n as u64 % 4, n as u64);
        let run = |options: Options| {
            let inpainter = Inpainter::from_bytes(&net.file, options).unwrap();
            bits(inpainter.inpaint(image.view(), &hole(&mask)).unwrap().as_slice().unwrap())
        };
        let expected = run(Options::default().threads(1).isa(Some(Isa::Scalar)));
        for isa in Isa::available() {
            for threads in [1, 2, 3, 7] {
                for hole_aware in [true, false] {
                    let found = run(Options::default().threads(threads).isa(Some(isa)).hole_aware(hole_aware));
                    assert_eq!(found, expected, "net {n}, {isa}, {threads} threads, hole-aware {hole_aware}");
                }
            }
        }
    }
}

#[test]
fn an_identity_tells_what_changes_the_output_and_nothing_else() {
    let identity = |net: &Net, options: Options| Inpainter::from_bytes(&net.file, options).unwrap().identity().unwrap();
    let mut found = std::collections::HashSet::new();
    for net in nets() {
        let expected = identity(&net, Options::default());
        for isa in Isa::available() {
            let options = Options::default().isa(Some(isa)).threads(3).hole_aware(false).max_memory(Some(1 << 30));
            assert_eq!(identity(&net, options), expected, "{isa}");
        }
        assert!(found.insert(expected));
        assert!(found.insert(identity(&net, Options::default().context(Some(2)))));
        for options in [Options::default().grain(false), Options::default().texture(Texture::Off)] {
            assert_eq!(found.insert(identity(&net, options.clone())), cfg!(feature = "texture"), "{options:?}");
        }
    }
}

#[test]
fn memory_of_earlier_runs_changes_nothing() {
    let net = &nets()[3];
    let inpainter = Inpainter::from_bytes(&net.file, Options::default()).unwrap();
    let scenes: Vec<_> = (0..4).map(|shape| scene(64, 48, shape, shape)).collect();
    let fresh = |i: usize| {
        let (image, mask) = &scenes[i];
        Inpainter::from_bytes(&net.file, Options::default()).unwrap().inpaint(image.view(), &hole(mask)).unwrap()
    };
    for i in [0, 3, 1, 2, 0, 1] {
        let (image, mask) = &scenes[i];
        assert_eq!(inpainter.inpaint(image.view(), &hole(mask)).unwrap(), fresh(i));
    }
}
