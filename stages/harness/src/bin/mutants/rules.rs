//! What is taken out of the code, and what is not worth taking out: two tables of text for each area of the code.
//!
//! Every place in an area that says one of the [`WATCHED`] words must be in one of its tables. So a new sync, lock or
//! checksum cannot be forgotten: the tool fails until somebody has decided what it is.

mod os;
mod stage1;
mod stage2;
mod stage3;

// ANCHOR: watched
/// Words that stand for a decision about durability, ownership or damage. Each is looked for as the start of a name.
pub(crate) const WATCHED: [&str; 9] =
    ["sync(", "sync_dir(", "sync_all(", "sync_data(", "lock(", "try_lock(", "checksum", "verify(", "crc32c("];
// ANCHOR_END: watched

/// A part of the code with its tables.
pub(crate) struct Area {
    /// The sources, from the workspace's root.
    pub(crate) sources: &'static [&'static str],
    /// Words that are watched here and nowhere else.
    pub(crate) watched: &'static [&'static str],
    /// The safeguards, in tables.
    pub(crate) rules: &'static [&'static [Rule]],
    /// What says a watched word and decides nothing.
    pub(crate) exempt: &'static [Exempt],
    /// The engine that the tests judge; none for all of them.
    pub(crate) engine: Option<&'static str>,
    /// Which tests can notice, the quickest to tell first: a package, and its test program.
    pub(crate) suites: &'static [Suite],
}

/// A package, and one of its test programs; `--lib` for that of the library.
pub(crate) type Suite = harness::workshop::program::Suite<'static>;

/// All areas.
pub(crate) static AREAS: [&Area; 4] = [&stage1::AREA, &stage2::AREA, &stage3::AREA, &os::AREA];

impl Area {
    /// The area to which a path belongs.
    pub(crate) fn of(path: &str) -> Option<&'static Self> {
        AREAS.into_iter().find(|area| area.sources.iter().any(|source| path.starts_with(source)))
    }
}

/// A safeguard, as it stands in the code, and what stands there without it.
pub(crate) struct Rule {
    /// What the code no longer does.
    pub(crate) what: &'static str,
    /// The file's name ends so; empty for any.
    pub(crate) file: &'static str,
    /// The text. Each place where it stands is a mutant of its own.
    pub(crate) find: &'static str,
    /// What stands there instead.
    pub(crate) put: &'static str,
}

const fn rule(what: &'static str, file: &'static str, find: &'static str, put: &'static str) -> Rule {
    Rule { what, file, find, put }
}

/// Text that says a watched word and decides nothing.
pub(crate) struct Exempt {
    /// The file's name ends so; empty for any.
    pub(crate) file: &'static str,
    /// A part of the line.
    pub(crate) find: &'static str,
    /// Why there is nothing to take out.
    pub(crate) reason: &'static str,
}

const fn exempt(file: &'static str, find: &'static str, reason: &'static str) -> Exempt {
    Exempt { file, find, reason }
}

/// What decides nothing in any area.
pub(crate) static EXEMPT: [Exempt; 16] = [
    exempt("", "fn sync(", "a definition; what it does is in its body"),
    exempt("", "fn sync_dir(", "a definition; what it does is in its body"),
    exempt("", "fn lock(", "a definition; what it does is in its body"),
    exempt("", "fn verify(", "a definition; what it does is in its body"),
    exempt("", "fn checksum(", "a definition; what it does is in its body"),
    exempt("inspect.rs", "", "shows a file field by field to a person; opening and verify decide"),
    exempt("", "last_checksum: ", "carries a number from one place to another"),
    exempt("", "last_checksum =", "carries a number from one place to another"),
    exempt("", "last_checksum)", "carries a number from one place to another"),
    exempt("", "last_checksum,", "carries a number from one place to another"),
    exempt("", "last_checksum.to_le_bytes()", "writes a number down"),
    exempt("", "let sum = ", "computes what is compared elsewhere: wrong, and nothing would open"),
    exempt("", "\"checksum mismatch\"", "the message of a comparison"),
    exempt("", "\"header checksum mismatch\"", "the message of a comparison"),
    exempt("", "Frame::verify(", "asks for the comparison, which is taken out at its own place"),
    exempt("", "self.turn.lock()", "a mutex: without it the code does not compile"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use harness::workshop::copy::{files, workspace};
    use std::path::Path;

    /// Test programs of the stages that are not run, and why.
    static OTHERS: [(Suite, &str); 3] = [
        (("stage2", "memory"), "counts the bytes of a keydir"),
        (("stage3", "memory"), "counts the bytes of an open store"),
        (("stage3", "table_memory"), "counts the bytes of an open table"),
    ];

    #[test]
    fn every_test_program_of_a_stage_is_run_or_has_its_reason() {
        for area in AREAS {
            let Some(stage) = area.engine else { continue };
            for sources in area.sources {
                let tests = workspace().join(sources).with_file_name("tests");
                for path in files(&tests).unwrap() {
                    let (Some(name), true) =
                        (path.file_stem().and_then(|name| name.to_str()), path.parent() == Some(&*tests))
                    else {
                        continue;
                    };
                    let is_run = area.suites.contains(&(stage, name));
                    let is_other = OTHERS.iter().any(|(suite, _)| *suite == (stage, name));
                    assert!(is_run != is_other, "{}", Path::new(sources).join(name).display());
                }
            }
        }
    }
}
