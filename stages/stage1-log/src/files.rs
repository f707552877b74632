//! What a file's name says about it.
//!
//! **Invariants** A name is ours only if writing it again gives the same name: `1.log` and `0000001.log` are foreign,
//! and so is everything that a person put into the folder.

/// The file that a clean close leaves.
pub const CLEAN: &str = "CLEAN";

/// What a name in a store's directory stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// A log: `000001.log`.
    Log(u64),
    /// A log that was cut by recovery and kept, since its cut part can be read: `000001.log.aside`.
    Aside(u64),
    /// A file that had not got its name when its writer died: `000001.log.tmp`, or `CLEAN.tmp` without a number.
    Unfinished(Option<u64>),
    /// [`CLEAN`].
    Clean,
    /// Not ours.
    Foreign,
}

impl Name {
    /// Reads a name.
    pub fn parse(name: &str) -> Self {
        if name == CLEAN {
            return Self::Clean;
        }
        if name.strip_suffix(".tmp") == Some(CLEAN) {
            return Self::Unfinished(None);
        }
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = name.split_at(digits);
        match (number.parse(), rest) {
            // The first log is number 1; a header's 0 says that there was none before it.
            (Ok(n), _) if n == 0 || format!("{n:06}") != number => Self::Foreign,
            (Ok(n), ".log") => Self::Log(n),
            (Ok(n), ".log.aside") => Self::Aside(n),
            (Ok(n), ".log.tmp") => Self::Unfinished(Some(n)),
            _ => Self::Foreign,
        }
    }
}

/// The name of a log.
pub fn log_name(number: u64) -> String {
    format!("{number:06}.log")
}

/// The name under which a log is set aside.
pub fn aside_name(log: &str) -> String {
    format!("{log}.aside")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_we_would_write_are_ours() {
        assert_eq!(Name::parse(&log_name(1)), Name::Log(1));
        assert_eq!(Name::parse(&log_name(12_345_678)), Name::Log(12_345_678));
        assert_eq!(Name::parse(&aside_name("000003.log")), Name::Aside(3));
        assert_eq!(Name::parse("000004.log.tmp"), Name::Unfinished(Some(4)));
        assert_eq!(Name::parse("CLEAN.tmp"), Name::Unfinished(None));
        for foreign in
            ["1.log", "0000001.log", "000001.LOG", "log", "", "CLEAN2", "99999999999999999999.log", "é"]
        {
            assert_eq!(Name::parse(foreign), Name::Foreign, "{foreign}");
        }
    }
}
