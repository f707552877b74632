//! Entries, and batches of them that are written all or not at all.
//!
//! **Layout** A batch keeps the bytes of all its keys and values in one buffer, in order, and beside it the lengths:
//! building a batch of a hundred entries costs two growing vectors, not two hundred small ones.
//!
//! **Invariants** Entries keep their order; where a key occurs twice, the later entry wins.

use crate::{Error, Result};

/// The longest key, in bytes: 64 KiB.
pub const MAX_KEY_BYTES: u64 = 64 << 10;
/// The longest value, in bytes: 1 GiB.
pub const MAX_VALUE_BYTES: u64 = 1 << 30;
/// The most bytes of keys and values in one batch: 1 GiB and 1 MiB.
pub const MAX_BATCH_BYTES: u64 = (1 << 30) + (1 << 20);

/// A key with its value, or with `None`: a tombstone, which deletes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// Puts and deletes that become visible and durable together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    shapes: Vec<Shape>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    key_bytes: usize,
    value_bytes: Option<usize>,
}

impl Batch {
    /// A batch of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds: give `key` this value.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> &mut Self {
        self.push(Entry { key, value: Some(value) })
    }

    /// Adds: delete `key`.
    pub fn delete(&mut self, key: &[u8]) -> &mut Self {
        self.push(Entry { key, value: None })
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: Entry<'_>) -> &mut Self {
        self.bytes.extend_from_slice(entry.key);
        self.bytes.extend_from_slice(entry.value.unwrap_or_default());
        self.shapes.push(Shape { key_bytes: entry.key.len(), value_bytes: entry.value.map(<[u8]>::len) });
        self
    }

    /// The entries, in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Entry<'_>> {
        let mut rest = self.bytes.as_slice();
        self.shapes.iter().map(move |shape| {
            let (key, after_key) = rest.split_at(shape.key_bytes);
            let (value, after) = after_key.split_at(shape.value_bytes.unwrap_or(0));
            rest = after;
            Entry { key, value: shape.value_bytes.map(|_| value) }
        })
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// True if there are no entries.
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.shapes.clear();
    }

    /// Refuses with [`Error::TooLarge`] what is over a limit, before any effect.
    pub fn check(&self) -> Result<()> {
        within("batch", self.bytes(), MAX_BATCH_BYTES)?;
        self.iter().try_for_each(check_entry)
    }
}

/// Refuses with [`Error::TooLarge`] a key or value that is over its limit.
pub fn check_entry(entry: Entry<'_>) -> Result<()> {
    within("key", entry.key.len() as u64, MAX_KEY_BYTES)?;
    within("value", entry.value.map_or(0, <[u8]>::len) as u64, MAX_VALUE_BYTES)
}

fn within(what: &'static str, bytes: u64, limit_bytes: u64) -> Result<()> {
    if bytes > limit_bytes {
        return Err(Error::TooLarge { what, bytes, limit_bytes });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_in_order_and_empty_is_not_absent() {
        let mut batch = Batch::new();
        batch.put(b"a", b"1").delete(b"b").put(b"", b"").put(b"c", b"");
        let entries: Vec<_> = batch.iter().map(|e| (e.key, e.value)).collect();
        assert_eq!(
            entries,
            [
                (&b"a"[..], Some(&b"1"[..])),
                (&b"b"[..], None),
                (&b""[..], Some(&b""[..])),
                (&b"c"[..], Some(&b""[..])),
            ]
        );
        assert_eq!(batch.bytes(), 4);
    }

    #[test]
    fn limits_are_inclusive() {
        let key = vec![0; 64 << 10];
        assert!(Batch::new().put(&key, b"").check().is_ok());
        let longer = vec![0; (64 << 10) + 1];
        assert!(matches!(
            Batch::new().put(&longer, b"").check(),
            Err(Error::TooLarge { what: "key", bytes: 65_537, limit_bytes: 65_536 })
        ));
    }
}
