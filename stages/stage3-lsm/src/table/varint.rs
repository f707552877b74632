//! Varints: numbers of seven bits a byte, the low ones first, the high bit set in all bytes but the last.

/// The most bytes that a number takes here: all are lengths below 2³⁵.
const MAX_BYTES: usize = 5;

/// Appends a number below 2³⁵.
#[expect(clippy::cast_possible_truncation, reason = "takes seven bits at a time")]
pub(super) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// How many bytes a number takes.
pub(super) fn bytes(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// The number at the start of `bytes`, and how many bytes it takes; `None` if there is none.
#[inline]
pub(super) fn take(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (i, &byte) in bytes.iter().take(MAX_BYTES).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Some((number, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_at_every_width_and_no_part_of_one_is_one() {
        for number in (0..35).flat_map(|bits| [(1_u64 << bits) - 1, 1 << bits]).chain([(1 << 35) - 1]) {
            let mut bytes = Vec::new();
            put(number, &mut bytes);
            assert_eq!(take(&bytes), Some((number, bytes.len())));
            assert_eq!(super::bytes(number), bytes.len());
            (0..bytes.len()).for_each(|len| assert_eq!(take(&bytes[..len]), None));
        }
        assert_eq!(take(&[0x80; 9]), None);
    }
}
