//! The same get, telling what it looked at.
//!
//! **Cost** A get that nobody asks to explain itself pays nothing for it: this is a second one beside it.

use super::{Table, index::BlockAt};
use contract::{Look, Result};

/// The answer of a table, and what it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// As [`Table::get`] answers.
    pub found: Option<Option<Vec<u8>>>,
    /// What was looked at, in order.
    pub looks: Vec<Look>,
    /// Bytes that were read from the file.
    pub bytes_read: u64,
}

impl Table {
    /// What [`get`](Self::get) would answer, and what it would look at. Errors as there.
    pub fn explain(&self, key: &[u8], hash: u64) -> Result<Explained> {
        let mut looks = Vec::new();
        if self.filter.probes() > 0 {
            let maybe = self.filter.may_contain(hash);
            let what = if maybe { "the filter says: perhaps" } else { "the filter says no: nothing is read" };
            looks.push(self.look(self.footer.filter_at(), 64, what.into()));
            if !maybe {
                return Ok(Explained { looks, ..Explained::default() });
            }
        }
        let number = self.index.find(key);
        let Some(at) = self.index.block(number).filter(|_| key >= self.smallest()) else {
            looks.push(self.look(
                self.footer.index_at(),
                0,
                "the key is outside of the table's range".into(),
            ));
            return Ok(Explained { looks, ..Explained::default() });
        };
        let (from, bytes_read) = self.origin(number, at);
        let found = self.get(key, hash)?;
        let what = match &found {
            None => "not in it",
            Some(None) => "a tombstone",
            Some(Some(_)) => "the value",
        };
        let what = format!("block {number} of {}, {from}: {what}", self.index.len());
        looks.push(self.look(at.offset, u64::from(at.bytes), what));
        Ok(Explained { found, looks, bytes_read })
    }

    /// Where a block would come from now, and how many bytes of the file that takes.
    fn origin(&self, number: usize, at: BlockAt) -> (&'static str, u64) {
        let cache = self.reading.cache.as_ref();
        if self.is_verified_in_mapping(number) {
            ("from the mapping", 0)
        } else if cache.is_some_and(|cache| cache.get(self.number(), at.offset).is_some()) {
            ("from the cache", 0)
        } else if self.view.is_some() {
            ("from the mapping, verified first", u64::from(at.bytes))
        } else {
            ("from the file", u64::from(at.bytes))
        }
    }

    fn look(&self, offset: u64, bytes: u64, what: String) -> Look {
        Look { place: self.name.clone(), offset, bytes, what }
    }
}
