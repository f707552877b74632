//! The keyed hash that decides where a key lies in the keydir.
//!
//! **Invariants** The seed is drawn at random for each keydir and leaves it in no form: who chooses keys cannot choose
//! where they lie, and no file and no answer depends on it.
//!
//! **Cost** SipHash-1-3 takes 7 ns for a key of 16 bytes where foldhash, ahash and rapidhash take 1 ns or less. A get
//! with its read takes about 1,000 ns, with either; a miss, which reads nothing, 48 ns and 33 ns.
//!
//! **Source** Aumasson and Bernstein, *`SipHash`: a fast short-input PRF*, INDOCRYPT 2012: the only one of the four whose
//! resistance to chosen keys has been studied for years. The fast ones call theirs minimal, or best effort.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The seed of a keydir.
#[derive(Clone)]
pub(super) struct Seed(RandomState);

impl Seed {
    pub(super) fn random() -> Self {
        Self(RandomState::new())
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        // Not `hash_one`: that hashes the length too, which SipHash does by itself.
        let mut hasher = self.0.build_hasher();
        hasher.write(key);
        hasher.finish()
    }
}
