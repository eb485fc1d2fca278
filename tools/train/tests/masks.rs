//! What every generator promises.

use inpaint_train::{
    masks::{Kind, Masks},
    rng::Rng,
};

const SIZES: [(usize, usize); 4] = [(128, 128), (256, 256), (96, 160), (37, 61)];

fn holes(mask: &[u8]) -> usize {
    assert!(mask.iter().all(|&known| known <= 1));
    mask.iter().filter(|&&known| known == 0).count()
}

#[test]
fn the_ratio_is_met() {
    for kind in Kind::ALL {
        for (width, height) in SIZES {
            for percent in [1, 5, 20, 45, 60] {
                let ratio = percent as f32 / 100.0;
                let masks = Masks::of(kind, ratio..=ratio);
                for item in 0..6 {
                    let mask = masks.sample(&mut Rng::stream(3, percent, item), width, height);
                    assert_eq!(mask.len(), width * height);
                    let area = (width * height) as f32;
                    let tolerance =
                        if matches!(kind, Kind::Blocks | Kind::Rectangles) { (area * 0.01).max(64.0) } else { 1.0 };
                    assert!(holes(&mask) > 0, "{kind} {width}×{height} {percent} %: no hole");
                    let off = holes(&mask) as f32 - ratio * area;
                    assert!(off.abs() <= tolerance, "{kind} {width}×{height} {percent} %, item {item}: {off} px off");
                }
            }
        }
    }
}

#[test]
fn ratios_spread_over_the_range() {
    let masks = Masks { ratio: [0.1, 0.5], ..Masks::default() };
    let mut buckets = [0; 4];
    for item in 0..400 {
        let ratio = holes(&masks.sample(&mut Rng::stream(9, 0, item), 64, 64)) as f32 / 4096.0;
        assert!((0.08..0.52).contains(&ratio), "{ratio}");
        buckets[(((ratio - 0.1) * 10.0).max(0.0) as usize).min(3)] += 1;
    }
    assert!(buckets.iter().all(|&count| count > 70), "{buckets:?}");
}

#[test]
fn a_seed_is_a_mask() {
    for kind in Kind::ALL {
        let masks = Masks::of(kind, 0.1..=0.4);
        let draw = |seed| masks.sample(&mut Rng::stream(seed, 5, 6), 128, 128);
        assert_eq!(draw(1), draw(1), "{kind}");
        assert_ne!(draw(1), draw(2), "{kind}");
    }
}

#[test]
fn clear_masks_leave_the_border_known() {
    let (width, height) = (96, 128);
    let border = |mask: &[u8]| {
        let on_border = |i: usize| {
            i.is_multiple_of(width) || (i + 1).is_multiple_of(width) || i < width || i >= width * (height - 1)
        };
        mask.iter().enumerate().filter(|&(i, &known)| on_border(i) && known == 0).count()
    };
    for kind in Kind::ALL {
        let with = |clear| Masks { clear, ..Masks::of(kind, 0.05..=0.5) };
        let sum = |masks: Masks| {
            (0..24).map(|item| border(&masks.sample(&mut Rng::stream(1, 1, item), width, height))).sum::<usize>()
        };
        assert_eq!(sum(with(1.0)), 0, "{kind}");
        assert!(sum(with(0.0)) > 0, "{kind}");
    }
}

#[test]
fn lost_blocks_are_whole_squares() {
    // On the grid of 4 px that offsets keep to, a cell is lost whole or not at all.
    let masks = Masks { clear: 0.0, ..Masks::of(Kind::Blocks, 0.1..=0.4) };
    for item in 0..32 {
        let mask = masks.sample(&mut Rng::stream(2, 0, item), 128, 128);
        for (x, y) in (0..32).flat_map(|y| (0..32).map(move |x| (4 * x, 4 * y))) {
            let cell: usize = (0..16).map(|i| usize::from(mask[(y + i / 4) * 128 + x + i % 4])).sum();
            assert!(cell == 0 || cell == 16, "item {item}, cell {x},{y}: {cell} of 16 known");
        }
    }
}

#[test]
fn configurations_are_read_and_checked() {
    let masks: Masks = toml::from_str("kinds = ['walk', 'blocks', 'blocks']\nratio = [0.1, 0.2]").unwrap();
    assert_eq!(masks.kinds, [Kind::Walk, Kind::Blocks, Kind::Blocks]);
    assert_eq!(masks.clear, Masks::default().clear);
    assert!(toml::from_str::<Masks>("knds = ['walk']").is_err());
    assert!(Masks { kinds: vec![], ..Masks::default() }.check().is_err());
    for ratio in [[0.3, 0.2], [0.0, 0.5], [0.5, 1.0], [f32::NAN, 0.5]] {
        assert!(Masks { ratio, ..Masks::default() }.check().is_err(), "{ratio:?}");
    }
}
