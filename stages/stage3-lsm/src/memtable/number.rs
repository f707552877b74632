//! Keys as numbers: a few bytes of a key, kept beside its place, decide most comparisons without a look at the key.
//!
//! **Invariants** A number sorts as its bytes do. A shorter text has zeros at its end: equal numbers say nothing of the order.

/// The first 16 bytes as a number.
#[inline]
#[expect(clippy::big_endian_bytes, reason = "the first byte counts most; the number reaches no file")]
pub(super) fn wide(bytes: &[u8]) -> u128 {
    u128::from_be_bytes(first(bytes))
}

/// The first 8 bytes as a number.
#[inline]
#[expect(clippy::big_endian_bytes, reason = "the first byte counts most; the number reaches no file")]
pub(super) fn narrow(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(first(bytes))
}

#[inline]
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    if let Some(whole) = bytes.first_chunk() {
        return *whole;
    }
    let mut first = [0; N];
    first[..bytes.len()].copy_from_slice(bytes);
    first
}

/// How many bytes two keys share at their beginning.
pub(super) fn shared_bytes(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_keys_do_or_are_equal() {
        let mut keys: Vec<Vec<u8>> =
            (0..20).flat_map(|len| [0, 1, 255].map(|byte| vec![byte; len])).collect();
        keys.sort();
        assert!(keys.is_sorted_by_key(|key| narrow(key)) && keys.is_sorted_by_key(|key| wide(key)));
        assert_eq!((narrow(b"a"), wide(b"a")), (narrow(b"a\0"), wide(b"a\0")));
        assert!(narrow(b"1234567a") < narrow(b"1234567b") && narrow(b"12345678a") == narrow(b"12345678b"));
        assert!(wide(b"123456789012345a") < wide(b"123456789012345b"));
    }

    #[test]
    fn shared_bytes_end_where_a_key_ends() {
        assert_eq!(
            [shared_bytes(b"", b"a"), shared_bytes(b"ab", b"abc"), shared_bytes(b"abx", b"aby")],
            [0, 2, 2]
        );
    }
}
