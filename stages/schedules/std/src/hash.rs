//! Hashes that are the same in every process: a seed of chance would make another schedule of the same dice.

pub use ::std::hash::*;

/// Makes hashers that all begin alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomState;

impl RandomState {
    /// The one that there is.
    pub const fn new() -> Self {
        Self
    }
}

impl BuildHasher for RandomState {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        DefaultHasher::new()
    }
}
