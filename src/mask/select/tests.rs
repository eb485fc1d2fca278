use super::*;
use crate::ErrorKind;
use crate::mask::{Paint, Painted};
use ndarray::{Array2, Array3, s};

const SIZE: (usize, usize) = (24, 40);

/// RGBA of one colour, opaque in a box.
fn strokes(rgb: [u8; 3], elsewhere: [u8; 3]) -> Array3<u8> {
    Array3::from_shape_fn((SIZE.0, SIZE.1, 4), |(y, x, c)| {
        let inside = in_box(x, y);
        if c == 3 { 255 * u8::from(inside) } else { [elsewhere, rgb][usize::from(inside)][c] }
    })
}

fn in_box(x: usize, y: usize) -> bool {
    (10..20).contains(&x) && (5..12).contains(&y)
}

fn plane<T: Sample>(picture: &Array3<T>, channel: MaskChannel) -> Result<(Array2<u8>, MaskChannel)> {
    let mut plane = Array2::from_elem(SIZE, 7);
    let read = channel.write_plane(picture.view(), plane.view_mut())?;
    Ok((plane, read))
}

#[test]
fn strokes_of_one_colour_on_a_transparent_layer_are_read_from_alpha() {
    for (rgb, elsewhere) in [([0; 3], [0; 3]), ([255; 3], [255; 3]), ([255, 0, 0], [0; 3]), ([9, 80, 7], [90, 0, 200])]
    {
        let mut picture = strokes(rgb, elsewhere);
        // A half transparent rim, whose colour has been rounded under its alpha.
        picture[[4, 12, 3]] = 20;
        (0..3).for_each(|c| picture[[4, 12, c]] = rgb[c].saturating_sub(12));
        let (plane, read) = plane(&picture, MaskChannel::Auto).unwrap();
        assert_eq!(read, MaskChannel::Alpha);
        assert_eq!(plane, picture.slice(s![.., .., 3]));
    }
}

#[test]
fn luma_is_read_where_alpha_does_not_vary() {
    for alpha in [0, 100, 255] {
        let mut picture = strokes([255; 3], [0; 3]);
        picture.slice_mut(s![.., .., 3]).fill(alpha);
        let (plane, read) = plane(&picture, MaskChannel::Auto).unwrap();
        assert_eq!((read, plane[[6, 12]], plane[[0, 0]]), (MaskChannel::Luma, 255, 0));
    }
}

#[test]
fn ambiguous_pictures_are_refused_unless_a_channel_is_named() {
    let mut photo = strokes([200, 30, 30], [200, 30, 30]);
    photo.indexed_iter_mut().for_each(|((y, x, c), v)| *v = if c == 3 { 255 - *v } else { (6 * x + 3 * y + c) as u8 });
    let erased = photo.clone();
    photo.slice_mut(s![.., .., ..3]).fill(40);
    for (picture, guess) in [(&erased, MaskGuess::LumaOrAlpha), (&photo, MaskGuess::AlphaEitherWay)] {
        assert_eq!(MaskChannel::guess(picture.view()), Ok(guess));
        let e = plane(picture, MaskChannel::Auto).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Input);
        assert!(e.to_string().contains("expected one of the channels luma and alpha"), "{e}");
        assert_eq!(plane(picture, MaskChannel::Alpha).unwrap().0, picture.slice(s![.., .., 3]));
        assert_eq!(plane(picture, MaskChannel::Blue).unwrap().0, picture.slice(s![.., .., 2]));
    }
    assert_eq!(plane(&erased, MaskChannel::Luma).unwrap().0[[0, 1]], ((2126 * 6 + 7152 * 7 + 722 * 8) / 10_000) as u8);
}

#[test]
fn every_type_and_layout_is_read_alike() {
    let picture = strokes([200, 100, 50], [10, 20, 30]);
    let deep = picture.mapv(|v| u16::from(v) << 8 | 255);
    let floats = picture.mapv(|v| f32::from(v) / 255.0);
    let mut planes = Array3::<u8>::zeros((4, SIZE.0, SIZE.1));
    planes.assign(&picture.view().permuted_axes([2, 0, 1]));
    let apart = planes.view().permuted_axes([1, 2, 0]);
    for channel in [MaskChannel::Auto, MaskChannel::Luma, MaskChannel::Alpha, MaskChannel::Red, MaskChannel::Green] {
        let expected = plane(&picture, channel).unwrap();
        assert_eq!(plane(&deep, channel).unwrap(), expected);
        assert_eq!(plane(&floats, channel).unwrap(), expected);
        let mut out = Array2::zeros(SIZE);
        channel.write_plane(apart, out.view_mut()).unwrap();
        assert_eq!(out, expected.0);
    }
}

#[test]
fn missing_channels_and_other_sizes_are_refused() {
    let rgb = Array3::<u8>::zeros((SIZE.0, SIZE.1, 3));
    assert!(plane(&rgb, MaskChannel::Alpha).unwrap_err().to_string().contains("an alpha channel"));
    assert!(
        plane(&Array3::<u8>::zeros((SIZE.0, SIZE.1, 5)), MaskChannel::Red).unwrap_err().to_string().contains("found 5")
    );
    assert!(plane(&Array3::<u8>::zeros((SIZE.0, SIZE.1, 0)), MaskChannel::Auto).is_err());
    assert!(
        plane(&Array3::<u8>::zeros((2, SIZE.1, 3)), MaskChannel::Red).unwrap_err().to_string().contains("found 40×24")
    );
    let mut mask = Mask::new(SIZE.1, SIZE.0).unwrap();
    assert!(mask.add_transparent(rgb.view(), None).is_err());
    let paint = Paint { rgb: [0; 3], tolerance: None };
    assert!(mask.add_painted(Array3::<u8>::zeros((3, 3, 3)).view(), paint).is_err());
    assert_eq!(
        Mask::new(0, 0).unwrap().add_painted(Array3::<u8>::zeros((0, 0, 3)).view(), paint),
        Ok(Painted::default())
    );
}

#[test]
fn any_transparency_is_hole_unless_a_threshold_is_given() {
    let alphas = [0u16, 127 << 8, 128 << 8, 254 << 8, 65_534, 65_535];
    let image = Array3::from_shape_fn((1, 6, 2), |(_, x, c)| if c == 1 { alphas[x] } else { 9 });
    let found = |opaque_from| {
        let mut mask = Mask::new(6, 1).unwrap();
        mask.add_transparent(image.view(), opaque_from).unwrap();
        (0..6).take_while(|x| mask.is_hole(*x, 0)).count()
    };
    assert_eq!([None, Some(128), Some(255), Some(0)].map(found), [5, 2, 4, 0]);
}

/// A line of `rgb` across a grey picture, with `rim` pixels of a half-way colour at each side.
fn line(rgb: [u8; 3], rim: usize, off: u8) -> Array3<u8> {
    Array3::from_shape_fn((60, 50, 3), |(y, _, c)| match y {
        25..35 => rgb[c].abs_diff(off),
        _ if (25 - rim..35 + rim).contains(&y) => rgb[c] / 3 * 2 + 90 / 3,
        _ => 90,
    })
}

#[test]
fn paint_without_a_tolerance_is_found_in_lossy_files_and_under_soft_brushes() {
    let paint = |rgb, tolerance| Paint { rgb, tolerance };
    let found = |picture: &Array3<u8>, paint| {
        let mut mask = Mask::new(50, 60).unwrap();
        let painted = mask.add_painted(picture.view(), paint).unwrap();
        assert_eq!(mask.count(), painted.taken);
        painted
    };
    let magenta = [255, 0, 255];
    let exact = found(&line(magenta, 0, 0), paint(magenta, None));
    assert_eq!((exact.taken, exact.left, exact.rim, exact.nearest), (500, 0, 0, 0));
    // 12 off everywhere: nothing is exact.
    let lossy = line(magenta, 0, 12);
    assert_eq!(found(&lossy, paint(magenta, None)).taken, 500);
    let none = found(&lossy, paint(magenta, Some(0)));
    assert_eq!((none.taken, none.nearest, none.left, none.left_within), (0, 12, 500, 12));
    // Rims that are 65 and 60 off join, and ask for growth where more is near than exact.
    let soft = found(&line(magenta, 4, 0), paint(magenta, None));
    assert_eq!((soft.taken, soft.rim), (900, 0));
    let softer = found(&line(magenta, 4, 12), paint(magenta, None));
    assert_eq!((softer.taken, softer.rim), (900, 12));
    let strict = found(&line(magenta, 4, 0), paint(magenta, Some(0)));
    assert_eq!((strict.taken, strict.left, strict.rim), (500, 400, 0));
    // No farther than 8 pixels.
    assert_eq!(found(&line(magenta, 20, 0), paint(magenta, None)).taken, 500 + 16 * 50);
    // Grey is found where it is exact.
    assert_eq!(found(&line([90; 3], 0, 0), paint([90; 3], None)).taken, 3000);
    assert_eq!(found(&line([91; 3], 0, 0), paint([91; 3], None)).taken, 500);
}
