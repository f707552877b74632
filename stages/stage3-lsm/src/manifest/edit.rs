//! One edit of the manifest, as entries of a batch and back.

use contract::{Batch, Entry, Error, Result};

/// What a flush or a merge has brought about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Tables that belong to the store now.
    pub(crate) added: Vec<Added>,
    /// The numbers of tables that do so no longer.
    pub(crate) removed: Vec<u64>,
    /// The oldest write-ahead log that counts, where that has changed.
    pub(crate) log: Option<u64>,
    /// The number of the next file.
    pub(crate) next: u64,
}

/// A table as the manifest knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Added {
    /// The number of its run.
    pub(crate) run: u64,
    /// Its own number.
    pub(crate) number: u64,
    /// Its file's length in bytes.
    pub(crate) bytes: u64,
    /// The last checksum in it.
    pub(crate) last_checksum: u32,
}

const ADDED: &[u8] = b"added";
const REMOVED: &[u8] = b"removed";
const LOG: &[u8] = b"log";
const NEXT: &[u8] = b"next";

impl Edit {
    // ANCHOR: to_batch
    /// The batch that states it.
    pub(crate) fn to_batch(&self) -> Batch {
        let mut batch = Batch::new();
        for table in &self.added {
            batch.put(
                ADDED,
                &numbers(&[table.run, table.number, table.bytes, u64::from(table.last_checksum)]),
            );
        }
        for number in &self.removed {
            batch.put(REMOVED, &numbers(&[*number]));
        }
        if let Some(number) = self.log {
            batch.put(LOG, &numbers(&[number]));
        }
        batch.put(NEXT, &numbers(&[self.next]));
        batch
    }
    // ANCHOR_END: to_batch

    /// Adds what one entry says; `file` and `offset` say where it stands.
    pub(crate) fn read(&mut self, entry: Entry<'_>, file: &str, offset: u64) -> Result<()> {
        match (entry.key, entry.value.map(parse).unwrap_or_default().as_slice()) {
            (ADDED, &[run, number, bytes, checksum]) if u32::try_from(checksum).is_ok() => {
                let last_checksum = u32::try_from(checksum).unwrap_or_default();
                self.added.push(Added { run, number, bytes, last_checksum });
            }
            (REMOVED, &[number]) => self.removed.push(number),
            (LOG, &[number]) => self.log = Some(number),
            (NEXT, &[number]) => self.next = number,
            _ => return Err(Error::corrupt(file, offset, "not an edit of a manifest")),
        }
        Ok(())
    }
}

/// What an entry of an edit says, in words; `None` if it is none.
pub(crate) fn in_words(key: &[u8], value: &[u8]) -> Option<String> {
    Some(match (key, parse(value).as_slice()) {
        (ADDED, [run, number, bytes, checksum]) => {
            format!("run {run} has table {number} of {bytes} bytes, whose last checksum is {checksum:08x}")
        }
        (REMOVED, [number]) => format!("table {number} is not needed any more"),
        (LOG, [number]) => format!("logs before {number} are in tables"),
        (NEXT, [number]) => format!("the next file has number {number} at least"),
        _ => return None,
    })
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Whole numbers only: a value of another length gives none.
fn parse(value: &[u8]) -> Vec<u64> {
    let (numbers, rest) = value.as_chunks();
    if rest.is_empty() {
        numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_comes_back_as_it_was() {
        let added = |number| Added { run: 3, number, bytes: 1 << 40, last_checksum: u32::MAX };
        for edit in [
            Edit { next: 7, ..Edit::default() },
            Edit { added: vec![added(5), added(6)], removed: vec![1, 2], log: Some(4), next: 7 },
        ] {
            let mut again = Edit::default();
            for entry in edit.to_batch().iter() {
                again.read(entry, "x", 0).unwrap();
            }
            assert_eq!(again, edit);
        }
    }

    #[test]
    fn what_is_no_edit_is_damage() {
        for (key, value) in [
            (&b"added"[..], Some(&[0; 24][..])),
            (b"added", Some(&numbers(&[1, 2, 3, 1 << 32]))),
            (b"next", Some(&[0; 7])),
            (b"next", Some(&[0; 9])),
            (b"next", None),
            (b"else", Some(&[0; 8])),
        ] {
            assert!(Edit::default().read(Entry { key, value }, "x", 0).unwrap_err().is_corrupt());
        }
    }
}
