//! Bytes as words, for instruction sets that multiply words alone.

/// Widens bytes to words: the even ones into the first list, the odd ones into the second, which are half as long.
pub(super) type Widen = unsafe fn(&[u8], &mut [i16], &mut [i16]);

/// How an instruction set widens bytes.
#[derive(Clone, Copy)]
pub(super) struct Widening {
    /// Values of a map, u8.
    pub values: Widen,
    /// Weights, i8.
    pub weights: Widen,
}

/// Writes what widens bytes on an instruction set.
macro_rules! widening {
    ($(#[$enable:meta])? $name:ident) => {
        pub(super) mod $name {
            use super::Widening;

            pub const WIDENING: Widening = Widening { values, weights };

            $(#[$enable])?
            fn values(bytes: &[u8], even: &mut [i16], odd: &mut [i16]) {
                for ((pair, even), odd) in bytes.as_chunks().0.iter().zip(even).zip(odd) {
                    let pair = u16::from_le_bytes(*pair);
                    (*even, *odd) = ((pair & 0xff) as i16, (pair >> 8) as i16);
                }
            }

            $(#[$enable])?
            fn weights(bytes: &[u8], even: &mut [i16], odd: &mut [i16]) {
                for ((pair, even), odd) in bytes.as_chunks().0.iter().zip(even).zip(odd) {
                    let pair = i16::from_le_bytes(*pair);
                    (*even, *odd) = (pair << 8 >> 8, pair >> 8);
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
widening!(
    #[target_feature(enable = "avx2")]
    avx2
);
widening!(plain);
