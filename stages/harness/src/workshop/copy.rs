//! A copy of the workspace's sources, in which everything may be broken.
#![expect(clippy::disallowed_methods, reason = "it copies the source tree")]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A copy of the workspace.
pub struct Copy {
    /// The copy's root.
    pub root: PathBuf,
}

/// The workspace's root.
pub fn workspace() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).ancestors().nth(2).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The folder into which the workspace is built.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

impl Copy {
    /// Copies the workspace into the folder `name` of `target`. Files that have not changed since an earlier copy keep
    /// their time, so that they are not built again.
    pub fn make(target: &Path, name: &str) -> io::Result<Self> {
        Self::with(target, name, &BTreeMap::new())
    }

    /// The same, with other texts in the place of some files' own, by path.
    pub fn with(target: &Path, name: &str, texts: &BTreeMap<String, String>) -> io::Result<Self> {
        let (from, root) = (workspace(), target.join(name).join("copy"));
        let mut wanted = Vec::new();
        for name in [
            "Cargo.toml",
            "Cargo.lock",
            "clippy.toml",
            "rustfmt.toml",
            ".cargo",
            "stages",
            "benches",
            "xtask",
            "book",
        ] {
            let path = from.join(name);
            if path.exists() {
                wanted.extend(files(&path)?);
            }
        }
        let mut stale = if root.exists() { files(&root)? } else { Vec::new() };
        for path in &wanted {
            let inside = path.strip_prefix(&from).unwrap_or(path);
            let to = root.join(inside);
            let bytes = match texts.get(&*inside.to_string_lossy()) {
                Some(text) => text.clone().into_bytes(),
                None => fs::read(path)?,
            };
            if fs::read(&to).ok().as_ref() != Some(&bytes) {
                fs::create_dir_all(to.parent().unwrap_or(&root))?;
                fs::write(&to, bytes)?;
            }
            stale.retain(|path| *path != to);
        }
        for path in stale {
            fs::remove_file(path)?;
        }
        Ok(Self { root })
    }

    /// Puts a text in the place of a file's.
    pub fn write(&self, path: &str, text: &str) -> io::Result<()> {
        fs::write(self.root.join(path), text)
    }
}

/// Every file under `path`, or `path` itself; build folders and the reader's own crates left out.
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let skipped = path
            .file_name()
            .is_some_and(|name| ["target", ".git", "mine"].iter().any(|other| name == *other));
        if !skipped {
            found.extend(files(&path)?);
        }
    }
    Ok(found)
}
