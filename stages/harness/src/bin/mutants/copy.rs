//! A copy of the workspace's sources, in which everything may be broken.

use crate::rules::AREAS;
use crate::sites::Source;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The workspace and its copy.
pub(crate) struct Copy {
    /// The copy's root.
    pub(crate) root: PathBuf,
}

/// The workspace's root.
pub(crate) fn workspace() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).ancestors().nth(2).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The sources that are watched.
pub(crate) fn sources() -> io::Result<Vec<Source>> {
    let root = workspace();
    let mut paths = Vec::new();
    for source in AREAS.iter().flat_map(|area| area.sources) {
        walk(&root.join(source), &mut paths)?;
    }
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs") && !is_test(path))
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            Ok(Source { path: name, text: fs::read_to_string(&path)? })
        })
        .collect()
}

/// A file that is a module of tests, or in a folder of them.
fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|name| name == "tests")
        || path.components().any(|part| part.as_os_str() == "tests")
}

impl Copy {
    /// Copies the workspace into `target`, where the copy builds into a folder of its own. Files that have not changed
    /// since an earlier copy keep their time, so that they are not built again.
    pub(crate) fn make(target: &Path) -> io::Result<Self> {
        let (from, root) = (workspace(), target.join("mutants").join("copy"));
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
                walk(&path, &mut wanted)?;
            }
        }
        let mut stale = Vec::new();
        if root.exists() {
            walk(&root, &mut stale)?;
        }
        for path in &wanted {
            let to = root.join(path.strip_prefix(&from).unwrap_or(path));
            let bytes = fs::read(path)?;
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
    pub(crate) fn write(&self, path: &str, text: &str) -> io::Result<()> {
        fs::write(self.root.join(path), text)
    }
}

/// Every file under `path`, or `path` itself; build folders left out.
fn walk(path: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let skipped = path.file_name().is_some_and(|name| name == "target" || name == ".git");
        if !skipped {
            walk(&path, found)?;
        }
    }
    Ok(())
}
