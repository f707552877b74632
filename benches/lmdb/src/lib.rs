//! Opens an environment of LMDB, for the benchmark alone. No engine of this project uses it.
//!
//! LMDB maps its file, and in Rust whoever makes a mapping answers for the file not changing under it. So the call is
//! unsafe, and it stands here by itself, behind a feature that is off: every other crate but `vfs` forbids such code.
//!
//! **Invariants** The caller gives each environment a directory of its own, which no other process touches.
//!
//! **Source** The conditions are those of LMDB's header, `lmdb.h`, as heed's documentation repeats them.

#[cfg(feature = "lmdb")]
pub use heed;

#[cfg(feature = "lmdb")]
mod open {
    use heed::{Env, EnvFlags, EnvOpenOptions, WithoutTls};
    use std::path::Path;

    /// Opens the environment in `dir`, which may grow to `map_bytes`. Its read transactions can go from thread to
    /// thread. Fails as LMDB does.
    pub fn open(dir: &Path, map_bytes: usize, flags: EnvFlags) -> heed::Result<Env<WithoutTls>> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(map_bytes);
        // SAFETY: the directory belongs to this process alone and lies on a local disk, so that nothing changes the
        // file but LMDB itself. Of the flags that are unsafe only NO_SYNC is used: it gives up what a power cut
        // would leave, and a store of the benchmark is thrown away before the next one is made.
        #[expect(unsafe_code, reason = "mapping the file of a rival; no engine is built on it")]
        let env = unsafe { options.flags(flags).open(dir)? };
        Ok(env)
    }
}

#[cfg(feature = "lmdb")]
pub use open::open;
