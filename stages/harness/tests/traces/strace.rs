//! The calls of a process that change files, as `strace` tells them.

use std::path::{Path, PathBuf};

/// What a call did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Create(PathBuf),
    Append {
        file: PathBuf,
        offset: u64,
        data: Vec<u8>,
    },
    Truncate {
        file: PathBuf,
        size: u64,
    },
    Reserve {
        file: PathBuf,
        offset: u64,
        bytes: u64,
    },
    Sync(PathBuf),
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    /// The process has said this on its standard output.
    Said(String),
    /// It changes nothing.
    Nothing,
}

/// The calls that `strace` is asked for: all that could change a file or a name.
pub(crate) const ASKED: &str = "trace=openat,openat2,creat,open,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,\
    fallocate,fsync,fdatasync,sync_file_range,sync,syncfs,rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,\
    mkdirat,copy_file_range,sendfile";

/// One line of a trace.
///
/// # Panics
/// If a line says something that is not understood: then a call would be missing, and the images be wrong.
pub(crate) fn read(line: &str) -> Call {
    parse(line).unwrap_or_else(|| panic!("cannot read this line of a trace: {line:.300}"))
}

/// `None` for what is not understood.
fn parse(line: &str) -> Option<Call> {
    // `-f` says whose call it was, unless there is only one.
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    if line.starts_with("+++") || line.starts_with("---") {
        return Some(Call::Nothing);
    }
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(") = ")?;
    if result.starts_with('-') {
        return Some(Call::Nothing);
    }
    let result: usize = result.split(['<', ' ']).next()?.parse().ok()?;
    // All text is in hexadecimal digits, so that no comma stands in it.
    let words: Vec<&str> = arguments.split(", ").collect();
    let path = |i: usize| quoted(words.get(i)?).map(PathBuf::from);
    let file = |i: usize| described(words.get(i)?).map(PathBuf::from);
    let number = |i: usize| words.get(i)?.parse().ok();
    Some(match name {
        "openat" if words.get(2)?.contains("O_CREAT") => Call::Create(path(1)?),
        "openat" if !words.get(2)?.contains("O_TRUNC") => Call::Nothing,
        "write" if words[0].starts_with("1<") => Call::Said(quoted(words.get(1)?)?),
        "write" if words[0].starts_with("2<") => Call::Nothing,
        "pwrite64" => {
            let mut data = bytes(words.get(1)?)?;
            data.truncate(result);
            Call::Append { file: file(0)?, offset: number(3)?, data }
        }
        "ftruncate" => Call::Truncate { file: file(0)?, size: number(1)? },
        "fallocate" => Call::Reserve { file: file(0)?, offset: number(2)?, bytes: number(3)? },
        "fsync" | "fdatasync" => Call::Sync(file(0)?),
        "rename" => Call::Rename { from: path(0)?, to: path(1)? },
        "unlink" => Call::Remove(path(0)?),
        "mkdir" => Call::Nothing,
        _ => return None,
    })
}

/// The bytes of `"\x61\x62"`; `None` if the trace has cut some off.
fn bytes(word: &str) -> Option<Vec<u8>> {
    hexadecimal(word.strip_prefix('"')?.strip_suffix('"')?)
}

fn quoted(word: &str) -> Option<String> {
    String::from_utf8(bytes(word)?).ok()
}

/// The path in `5<\x2f\x61>`.
fn described(word: &str) -> Option<String> {
    let path = word.split_once('<')?.1.strip_suffix('>')?;
    if path.starts_with('/') { Some(path.to_owned()) } else { String::from_utf8(hexadecimal(path)?).ok() }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    text.split("\\x").skip(1).map(|two| u8::from_str_radix(two, 16).ok()).collect()
}

/// The name of a file in `dir`; `None` for what lies elsewhere.
pub(crate) fn name_in(dir: &Path, path: &Path) -> Option<String> {
    Some(path.strip_prefix(dir).ok()?.to_str()?.to_owned())
}
