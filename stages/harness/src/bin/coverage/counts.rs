//! What was counted: for each file the functions, the pieces of code and the branches, and how often each has run.
//!
//! **Invariants** A span of a file is there once. Of a generic function the compiler makes a copy for each type, and of a
//! stage another one for its own tests: what they have counted is added up.
//!
//! **Source** The form in which `llvm-cov export` tells it; its numbers are named in `CoverageExporterJson.cpp`.

use crate::Error;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What a run has counted.
pub(crate) struct Run {
    /// What the compiler says that it is.
    pub(crate) compiler: String,
    /// The stages' files, by their path from the folder `stages`.
    pub(crate) files: BTreeMap<String, Counts>,
}

/// What was counted in one file, in its order.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Functions, closures too, and how often each was called.
    pub(crate) functions: Vec<(Span, u64)>,
    /// Pieces of code that run as a whole: what lies between two jumps.
    pub(crate) pieces: Vec<(Span, u64)>,
    /// Conditions, and how often each was true and false.
    pub(crate) branches: Vec<(Span, u64, u64)>,
}

/// A part of a file: line and column where it begins, and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) from: (u64, u64),
    pub(crate) to: (u64, u64),
}

impl Span {
    /// Whether it lies within another.
    pub(crate) fn is_in(self, other: Self) -> bool {
        other.from <= self.from && self.to <= other.to
    }
}

#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    functions: Vec<Function>,
}

/// One copy of a function.
#[derive(Deserialize)]
struct Function {
    count: u64,
    filenames: Vec<String>,
    /// Where it begins and ends, its count, the number of its file, of another one, and its kind.
    regions: Vec<[u64; 8]>,
    /// Where it begins and ends, how often it was true and false, the number of its file, and more.
    branches: Vec<Vec<u64>>,
}

/// The kind of a region that is code.
const CODE: u64 = 0;

#[derive(Default)]
struct Sums {
    functions: BTreeMap<Span, u64>,
    pieces: BTreeMap<Span, u64>,
    branches: BTreeMap<Span, (u64, u64)>,
}

/// Reads what was counted in the stages' sources of a workspace.
pub(crate) fn read(export: &[u8], workspace: &Path) -> Result<BTreeMap<String, Counts>, Error> {
    let export: Export = serde_json::from_slice(export)?;
    let mut files: BTreeMap<String, Sums> = BTreeMap::new();
    for function in export.data.iter().flat_map(|data| &data.functions) {
        // What a macro of elsewhere has written lies in another file: the function's own is the first.
        let Some(path) = function.filenames.first() else { continue };
        let name = Path::new(path).strip_prefix(workspace.join("stages")).ok();
        if let Some(name) = name.and_then(Path::to_str) {
            add(function, files.entry(name.replace('\\', "/")).or_default());
        }
    }
    let counts = |sums: Sums| Counts {
        functions: sums.functions.into_iter().collect(),
        pieces: sums.pieces.into_iter().collect(),
        branches: sums.branches.into_iter().map(|(span, (yes, no))| (span, yes, no)).collect(),
    };
    Ok(files.into_iter().map(|(name, sums)| (name, counts(sums))).collect())
}

fn add(function: &Function, sums: &mut Sums) {
    let mut whole: Option<Span> = None;
    for &[line, column, end_line, end_column, count, file, _, kind] in &function.regions {
        let span = Span { from: (line, column), to: (end_line, end_column) };
        if file == 0 && kind == CODE {
            *sums.pieces.entry(span).or_default() += count;
            let so_far = whole.unwrap_or(span);
            whole = Some(Span { from: so_far.from.min(span.from), to: so_far.to.max(span.to) });
        }
    }
    if let Some(whole) = whole {
        *sums.functions.entry(whole).or_default() += function.count;
    }
    for branch in &function.branches {
        if let [line, column, end_line, end_column, yes, no, 0, ..] = branch[..] {
            let span = Span { from: (line, column), to: (end_line, end_column) };
            let sum = sums.branches.entry(span).or_default();
            *sum = (sum.0 + yes, sum.1 + no);
        }
    }
}
