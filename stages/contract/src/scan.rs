//! Ranges of keys, and the two ways to walk one: a cursor that lends, and an iterator that gives.
//!
//! **Invariants**
//! 1. Keys come strictly ascending, as unsigned bytes; tombstones never come.
//! 2. A walk owns what it reads, so that it outlives every lock and every compaction.
//! 3. After an error a cursor keeps failing; an iterator yields the error once and ends.

use crate::{Error, Result};
use std::ops::{Bound, RangeBounds};

/// A range of keys, each end included, excluded or open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange<'a> {
    /// Where it starts.
    pub start: Bound<&'a [u8]>,
    /// Where it ends.
    pub end: Bound<&'a [u8]>,
}

impl<'a> KeyRange<'a> {
    /// Every key.
    pub fn all() -> Self {
        Self::new(Bound::Unbounded, Bound::Unbounded)
    }

    /// The keys between two bounds. A start beyond the end is a range of nothing.
    pub fn new(start: Bound<&'a [u8]>, end: Bound<&'a [u8]>) -> Self {
        Self { start, end }
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        RangeBounds::contains(self, key)
    }

    /// Whether no key can lie in the range. std's ordered map panics where this is true and a caller goes on.
    pub fn is_empty(&self) -> bool {
        use Bound::{Excluded, Included, Unbounded};
        match (self.start, self.end) {
            (Unbounded, Excluded(end)) => end.is_empty(),
            (Unbounded, _) | (_, Unbounded) => false,
            (Included(start), Included(end)) => start > end,
            (Included(start), Excluded(end)) | (Excluded(start), Included(end)) => start >= end,
            // Between `a` and its direct successor `a\0` there is nothing.
            (Excluded(start), Excluded(end)) => {
                start >= end
                    || (end.len() == start.len() + 1 && end.starts_with(start) && end.ends_with(&[0]))
            }
        }
    }
}

impl RangeBounds<[u8]> for KeyRange<'_> {
    fn start_bound(&self) -> Bound<&[u8]> {
        self.start
    }

    fn end_bound(&self) -> Bound<&[u8]> {
        self.end
    }
}

/// The first key after all keys that start with `prefix`; `None` if there is no such key.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

// ANCHOR: cursor
/// A position in an ordered walk over live pairs. It lends what it stands on; nothing is copied.
pub trait Cursor: Send {
    /// The key here, or `None` past the end.
    fn key(&self) -> Option<&[u8]>;

    /// The value here, read on demand: a walk over keys alone costs no value read. Empty past the end.
    fn value(&mut self) -> Result<&[u8]>;

    /// Moves to the next key.
    fn advance(&mut self) -> Result<()>;
}
// ANCHOR_END: cursor

/// A walk over a range: as a cursor for speed, as an iterator of owned pairs for convenience.
pub struct Scan {
    cursor: Box<dyn Cursor>,
    state: State,
}

enum State {
    Walking,
    /// The last move failed after its pair was given out: the error comes next.
    Failing(Error),
    Ended,
}

impl Scan {
    /// Walks `cursor` from where it stands.
    pub fn new(cursor: impl Cursor + 'static) -> Self {
        Self { cursor: Box::new(cursor), state: State::Walking }
    }

    /// The cursor itself.
    pub fn into_cursor(self) -> Box<dyn Cursor> {
        self.cursor
    }

    fn pair(&mut self) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let Some(key) = self.cursor.key().map(<[u8]>::to_vec) else { return Ok(None) };
        let value = self.cursor.value()?.to_vec();
        if let Err(e) = self.cursor.advance() {
            self.state = State::Failing(e);
        }
        Ok(Some((key, value)))
    }
}

impl Iterator for Scan {
    type Item = Result<(Vec<u8>, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        match std::mem::replace(&mut self.state, State::Walking) {
            State::Walking => {}
            State::Failing(e) => {
                self.state = State::Ended;
                return Some(Err(e));
            }
            State::Ended => {
                self.state = State::Ended;
                return None;
            }
        }
        let item = self.pair().transpose();
        if !matches!(item, Some(Ok(_))) {
            self.state = State::Ended;
        }
        item
    }
}

/// A cursor over pairs in memory.
pub struct PairCursor {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    at: usize,
}

impl PairCursor {
    /// Walks `pairs`, which are sorted by key and hold no key twice.
    pub fn new(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        Self { pairs, at: 0 }
    }
}

impl Cursor for PairCursor {
    fn key(&self) -> Option<&[u8]> {
        self.pairs.get(self.at).map(|(key, _)| key.as_slice())
    }

    fn value(&mut self) -> Result<&[u8]> {
        Ok(self.pairs.get(self.at).map_or(&[], |(_, value)| value))
    }

    fn advance(&mut self) -> Result<()> {
        self.at += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_skips_bytes_that_cannot_grow() {
        assert_eq!(prefix_end(b"FR/"), Some(b"FR0".to_vec()));
        assert_eq!(prefix_end(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(prefix_end(b"\xff\xff"), None);
        assert_eq!(prefix_end(b""), None);
    }

    #[test]
    fn an_impossible_range_is_empty_and_contains_nothing() {
        use Bound::{Excluded, Included, Unbounded};
        let keys: [&[u8]; 5] = [b"", b"a", b"a\0", b"a\0\0", b"b"];
        let ends = |key| [Unbounded, Included(key), Excluded(key)];
        for (start, end) in keys.iter().flat_map(|a| keys.iter().map(move |b| (*a, *b))) {
            for (s, e) in ends(start).into_iter().flat_map(|s| ends(end).map(|e| (s, e))) {
                let range = KeyRange::new(s, e);
                let any = keys.iter().any(|key| range.contains(key));
                assert!(!(any && range.is_empty()), "{range:?} is called empty");
            }
        }
        assert!(KeyRange::new(Excluded(b"a"), Excluded(b"a\0")).is_empty());
        assert!(KeyRange::new(Unbounded, Excluded(b"")).is_empty());
    }

    /// Fails at the second move.
    struct Failing(PairCursor);

    impl Cursor for Failing {
        fn key(&self) -> Option<&[u8]> {
            self.0.key()
        }
        fn value(&mut self) -> Result<&[u8]> {
            self.0.value()
        }
        fn advance(&mut self) -> Result<()> {
            self.0.advance()?;
            if self.0.at == 2 { Err(Error::Closed) } else { Ok(()) }
        }
    }

    #[test]
    fn an_iterator_yields_its_error_once_and_ends() {
        let pairs = [b"a", b"b", b"c"].map(|key| (key.to_vec(), Vec::new())).to_vec();
        let mut scan = Scan::new(Failing(PairCursor::new(pairs)));
        assert!(matches!(scan.next(), Some(Ok(_))));
        assert!(matches!(scan.next(), Some(Ok(_))));
        assert!(matches!(scan.next(), Some(Err(Error::Closed))));
        assert!(scan.next().is_none());
        assert!(scan.next().is_none());
    }
}
