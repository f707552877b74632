//! The compiler that counts branches, and the tools that read what it has counted.
//!
//! **Source** What is counted is said in rust-lang/rust#124118: `if`, `while`, `let … else`, guards, and what stands between
//! `&&` and `||`; not the arms of a `match`, and not `?`. Those are pieces of code that run or do not, and are counted
//! as such.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What to say where they are not there.
pub(crate) const MISSING: &str = "stable Rust counts no branches, and nightly or its tools are not here:
  rustup toolchain install nightly --component llvm-tools";

/// Where they are.
pub(crate) struct Tools {
    folder: PathBuf,
    /// What the compiler says that it is.
    pub(crate) compiler: String,
}

impl Tools {
    /// Looks for them.
    pub(crate) fn find() -> Option<Self> {
        let ask = |question: &[&str]| {
            let output = nightly("rustc").args(question).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let folder = Path::new(&ask(&["--print", "target-libdir"])?).with_file_name("bin");
        let tools = Self { folder, compiler: ask(&["--version"])? };
        ["llvm-profdata", "llvm-cov"].iter().all(|name| tools.path(name).is_file()).then_some(tools)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// One of LLVM's tools.
    pub(crate) fn llvm(&self, name: &str) -> Command {
        Command::new(self.path(name))
    }
}

/// A program of the nightly toolchain.
pub(crate) fn nightly(program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", program]);
    command
}
