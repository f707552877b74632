//! What sort of injury it is, and what it leaves to tell by.

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One bit of it is another.
    Bit,
    /// It ends earlier, or goes on with bytes that nobody wrote.
    Length,
    /// One of its sectors holds zeros, or noise.
    Sector,
    /// A few bytes are as large as they can be, or zero.
    Number,
    /// It is as it was once, or as another one is, or gone.
    File,
    /// It was not there before.
    Planted,
}

impl Kind {
    /// All of them, in the order of their size.
    pub const ALL: [Self; 6] =
        [Self::Bit, Self::Number, Self::Length, Self::Sector, Self::File, Self::Planted];

    /// It in a few words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bit => "a bit flipped",
            Self::Number => "a number forged",
            Self::Length => "cut short, or longer",
            Self::Sector => "a sector of zeros or noise",
            Self::File => "another file in its place",
            Self::Planted => "a file that is not ours",
        }
    }
}

/// What a store that was not closed has left to tell by that something is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaves {
    /// Whatever proves that bytes were durable, unless it was itself what was hit.
    Proof,
    /// Maybe no proof, but a trace of what was there.
    Trace,
    /// Nothing: the store may well have been like this once.
    Nothing,
}
