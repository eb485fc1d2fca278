//! Ways between pixels of the coarsest level, and a set of them.

use super::level::Shape;
use crate::mask::Rect;

/// All ways between two pixels of a picture.
#[derive(Clone, Copy)]
pub(super) struct AllWays(Rect);

impl AllWays {
    pub fn new(shape: &Shape) -> Self {
        let span = |len: usize| (2 * len).saturating_sub(1);
        Self(Rect { x: 0, y: 0, width: span(shape.width), height: span(shape.height) })
    }

    pub fn count(self) -> usize {
        self.0.area()
    }

    /// Index of a way, where it is one.
    #[inline(always)]
    pub fn index(self, (dx, dy): (isize, isize)) -> Option<usize> {
        let middle = |len: usize| (len / 2) as isize;
        self.0.index((dx + middle(self.0.width)) as usize, (dy + middle(self.0.height)) as usize)
    }

    /// The ways that have neighbours on every side, each with the indices of the 3×3 around it.
    pub fn inner(self) -> impl Iterator<Item = [usize; 9]> {
        let Rect { width, height, .. } = self.0;
        let middle = |len: usize| 1..len.saturating_sub(1);
        middle(height).flat_map(move |y| {
            middle(width).map(move |x| std::array::from_fn(|i| (y + i / 3 - 1) * width + x + i % 3 - 1))
        })
    }
}

/// Some of the ways at the coarsest level, which stand for ways of all levels.
#[derive(Clone, Copy)]
pub(super) struct Ways<'m> {
    /// Halvings of the coarsest level.
    pub level: usize,
    pub all: AllWays,
    /// Of each: 1 where it is one of them. None is where this is empty.
    pub marks: &'m [u8],
}

impl Ways<'_> {
    /// Whether a way at a level is one of them.
    #[inline(always)]
    pub fn has(&self, (dx, dy): (isize, isize), level: usize) -> bool {
        let halvings = self.level - level;
        let half = (1 << halvings) >> 1;
        let way = self.all.index(((dx + half) >> halvings, (dy + half) >> halvings));
        way.is_some_and(|i| self.marks.get(i) == Some(&1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At finer levels a way is longer, and as wide as a pixel of the coarsest level is there.
    #[test]
    fn a_way_of_the_coarsest_level_is_one_of_all_levels() {
        let all = AllWays::new(&Shape::new(4, 3, Rect { x: 0, y: 0, width: 1, height: 1 }));
        let mut marks = vec![0; all.count()];
        marks[all.index((1, -2)).unwrap()] = 1;
        let ways = Ways { level: 2, all, marks: &marks };
        let found = |level: usize| {
            let near = (-16..16).flat_map(|dy| (-16..16).map(move |dx| (dx, dy)));
            near.filter(|way| ways.has(*way, level)).collect::<Vec<_>>()
        };
        assert_eq!(found(2), [(1, -2)]);
        assert_eq!(found(1), [(1, -5), (2, -5), (1, -4), (2, -4)]);
        assert_eq!(found(0).len(), 16);
        assert_eq!((found(0)[0], found(0)[15]), ((2, -10), (5, -7)));
    }

    #[test]
    fn ways_have_their_own_index() {
        let all = AllWays::new(&Shape::new(4, 3, Rect { x: 0, y: 0, width: 1, height: 1 }));
        let ways = (-2..=2).flat_map(|dy| (-3..=3).map(move |dx| (dx, dy)));
        assert!(ways.map(|way| all.index(way)).eq((0..35).map(Some)));
        for no_way in [(4, 0), (-4, 0), (0, 3), (0, -3), (isize::MAX / 2, isize::MIN / 2)] {
            assert_eq!(all.index(no_way), None);
        }
        let inner: Vec<_> = all.inner().collect();
        assert_eq!((inner.len(), inner[0]), (15, [0, 1, 2, 7, 8, 9, 14, 15, 16]));
    }
}
