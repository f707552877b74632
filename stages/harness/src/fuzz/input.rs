//! An input: a string of bytes that says which good files to take and what to change in them.
//!
//! **Layout**
//! ```text
//!   0      1       2
//!   ┌──────┬───────┬──────┬──────┬───┐
//!   │ mend │ donor │ edit │ edit │ … │    an edit is a byte that chooses, and what that one needs
//!   └──────┴───────┴──────┴──────┴───┘
//! ```
//! Of `mend` the two low bits count: 0 nothing, 1 each checksum by itself, 2 and 3 also what files say of each other. Donor
//! 255 is none: the rest of the input is the first file that may be changed, as it stands.
//!
//! **Invariants** Every string of bytes is an input: what is missing at its end reads as zero, positions are counted
//! around. So whoever makes inputs need not know what they mean, and a shorter input is an input too.

use super::donor::{Donor, Files};
use super::seal::Seal;

/// The donor that is none.
pub const RAW: u8 = 255;
/// More changes than this are not made.
const MAX_EDITS: usize = 64;
/// No file grows larger than this, in bytes.
const MAX_FILE_BYTES: usize = 1 << 20;

/// What stands at the start of files, and in them.
const MARKS: [&[u8]; 7] =
    [b"strataL\n", b"strataC\n", b"strataH\n", b"strataT\n", b"\x03strataF", b"blk", b"\x81\x00\x00\x00"];

/// An input, taken apart.
pub struct Input<'a> {
    /// What is mended afterwards.
    pub(super) seal: Seal,
    /// Which donor; counted around.
    pub(super) donor: usize,
    raw: bool,
    edits: &'a [u8],
}

impl<'a> Input<'a> {
    /// Takes an input apart.
    pub fn parse(bytes: &'a [u8]) -> Self {
        let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
        let raw = at(1) == RAW;
        let seal = match at(0) & 3 {
            0 => Seal::Nothing,
            1 => Seal::Each,
            _ => Seal::All,
        };
        Self { seal, donor: usize::from(at(1)), raw, edits: bytes.get(2..).unwrap_or(&[]) }
    }

    /// The donor's files as this input leaves them.
    pub(super) fn apply(&self, donor: &Donor) -> Files {
        let mut files = donor.files.clone();
        let names: Vec<String> = files.keys().filter(|name| donor.may_change(name)).cloned().collect();
        let Some(first) = names.first() else { return files };
        if self.raw {
            files.insert(first.clone(), self.edits.to_vec());
            return files;
        }
        let mut rest = Rest(self.edits);
        for _ in 0..MAX_EDITS {
            if rest.0.is_empty() {
                break;
            }
            edit(&mut rest, &names, &mut files, donor.whole);
        }
        files
    }
}

/// What is left of an input.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A number below `limit`; 0 if there is none.
    fn below(&mut self, limit: usize) -> usize {
        let number = usize::from(u16::from_le_bytes([self.byte(), self.byte()]));
        number % limit.max(1)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }
}

/// Makes one change. `whole` says that files may also be removed and take each other's place.
fn edit(rest: &mut Rest<'_>, names: &[String], files: &mut Files, whole: bool) {
    let kind = rest.byte();
    let which = usize::from(rest.byte());
    let (Some(name), Some(other)) = (names.get(which % names.len()), names.get((which >> 4) % names.len()))
    else {
        return;
    };
    let other = files.get(other).cloned().unwrap_or_default();
    let Some(file) = files.get_mut(name) else { return };
    if whole && kind >= 0xf0 {
        match kind & 3 {
            0 => drop(files.remove(name)),
            1 => *file = other,
            2 => file.clear(),
            _ => file.resize(file.len() + usize::from(rest.byte()), 0),
        }
        return;
    }
    change(kind, rest, file, &other);
    file.truncate(MAX_FILE_BYTES);
}

// ANCHOR: change
/// One change to the bytes of a file; `other` is where spans may come from.
fn change(kind: u8, rest: &mut Rest<'_>, file: &mut Vec<u8>, other: &[u8]) {
    let at = rest.below(file.len() + 1);
    match kind % 10 {
        0 => set(file, at, |byte, _| byte ^ 1 << (kind / 10 % 8), 1),
        1 => {
            let value = rest.byte();
            set(file, at, |_, _| value, 1);
        }
        2 => {
            let (width, number) = (1 << (kind / 10 % 4), interesting(rest.byte(), file.len()).to_le_bytes());
            set(file, at, |_, i| number[i], width);
        }
        3 => {
            let (width, by) = (1 << (kind / 10 % 4), i64::from(rest.byte().cast_signed()));
            let number = (number_at(file, at).wrapping_add_signed(by)).to_le_bytes();
            set(file, at, |_, i| number[i], width);
        }
        4 => file.truncate(at),
        5 => drop(file.drain(at..(at + 1 + usize::from(rest.byte())).min(file.len()).max(at))),
        6 => {
            // A span of this file once more, elsewhere or beside itself.
            let span = span(rest, file);
            file.splice(at..at, span);
        }
        7 => {
            // A span of another file over this one.
            let span = span(rest, other);
            let end = (at + span.len()).min(file.len());
            file.splice(at..end, span);
        }
        8 => {
            let bytes = rest.bytes(usize::from(kind / 10) + 1);
            file.splice(at..at, bytes);
        }
        _ => {
            let mark = MARKS[usize::from(kind / 10) % MARKS.len()];
            set(file, at, |_, i| mark[i], mark.len());
        }
    }
}
// ANCHOR_END: change

/// Gives `width` bytes from `at` on another value, as far as the file reaches.
fn set(file: &mut [u8], at: usize, value: impl Fn(u8, usize) -> u8, width: usize) {
    for (i, byte) in file.iter_mut().skip(at).take(width).enumerate() {
        *byte = value(*byte, i);
    }
}

fn span(rest: &mut Rest<'_>, of: &[u8]) -> Vec<u8> {
    let start = rest.below(of.len() + 1);
    let bytes = usize::from(rest.byte()) + 1;
    of[start..].iter().take(bytes).copied().collect()
}

fn number_at(file: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    for (to, from) in number.iter_mut().zip(file.iter().skip(at)) {
        *to = *from;
    }
    u64::from_le_bytes(number)
}

/// Numbers at which lengths and counts break.
fn interesting(choice: u8, file_bytes: usize) -> u64 {
    let powers = [7, 8, 15, 16, 24, 31, 32, 40, 62, 63];
    let near = |number: u64| [number.wrapping_sub(1), number, number.wrapping_add(1)];
    let choice = usize::from(choice);
    let (which, step) = (choice / 3, choice % 3);
    match which {
        0 => near(0)[step],
        1 => near(file_bytes as u64)[step],
        2 => near(64 << 10)[step],
        3 => near(1 << 30)[step],
        4 => near(64)[step],
        which => near(1 << powers[which % powers.len()])[step],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn donor() -> Donor {
        Donor::part("x", "000001.log", (0..100).collect())
    }

    #[test]
    fn no_edit_changes_nothing_and_raw_bytes_are_the_file() {
        assert_eq!(Input::parse(&[]).apply(&donor()), donor().files);
        assert_eq!(Input::parse(&[0, RAW, 1, 2, 3]).apply(&donor())["000001.log"], [1, 2, 3]);
    }

    #[test]
    fn every_kind_of_edit_changes_what_it_says() {
        let after =
            |edit: &[u8]| Input::parse(&[&[0, 0][..], edit].concat()).apply(&donor())["000001.log"].clone();
        assert_eq!(after(&[0, 0, 5, 0])[5], 4, "the lowest bit of byte 5");
        assert_eq!(after(&[1, 0, 5, 0, 77])[5], 77);
        assert_eq!(after(&[32, 0, 5, 0, 0])[5..13], [255; 8], "one less than nothing, in eight bytes");
        assert_eq!(after(&[3, 0, 5, 0, 10])[5], 15);
        assert_eq!(after(&[4, 0, 5, 0]), [0, 1, 2, 3, 4]);
        assert_eq!(after(&[5, 0, 5, 0, 1])[4..6], [4, 7]);
        assert_eq!(after(&[6, 0, 5, 0, 90, 0, 1])[4..8], [4, 90, 91, 5]);
        assert_eq!(after(&[7, 0, 5, 0, 90, 0, 1])[4..8], [4, 90, 91, 7]);
        assert_eq!(after(&[18, 0, 5, 0, 70, 71])[4..8], [4, 70, 71, 5]);
        assert_eq!(after(&[9, 0, 5, 0])[5..13], *b"strataL\n");
    }
}
