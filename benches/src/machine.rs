//! What the figures were measured on: without it they mean nothing.

use serde::{Deserialize, Serialize};
use std::path::Path;

/// A machine and the program that ran on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor, as it names itself.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Operating system and version of its kernel.
    pub kernel: String,
    /// Type of the filesystem that the stores lay on, and its device.
    pub filesystem: String,
    /// What compiled the program.
    pub compiler: String,
    /// How: optimisation, assertions, target.
    pub build: String,
}

impl Machine {
    /// This machine, with the filesystem that holds `dir`.
    pub fn here(dir: &Path) -> Self {
        let info = |name: &str, field: &str| text(name).lines().find_map(|line| value_of(line, field));
        let memory_kib =
            info("/proc/meminfo", "MemTotal").and_then(|kib| kib.trim_end_matches(" kB").parse::<u64>().ok());
        let kernel = ["/proc/sys/kernel/ostype", "/proc/sys/kernel/osrelease"]
            .map(|name| text(name).trim().to_owned());
        let checked = if cfg!(debug_assertions) { "debug assertions: not for comparison" } else { "release" };
        Self {
            cpu: info("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.into()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_bytes: memory_kib.unwrap_or(0) * 1024,
            kernel: if kernel[0].is_empty() { std::env::consts::OS.into() } else { kernel.join(" ") },
            filesystem: filesystem(dir, &text("/proc/mounts")).unwrap_or_else(|| "unknown filesystem".into()),
            compiler: env!("BENCH_RUSTC").into(),
            build: format!("opt-level {}, {checked}, {}", env!("BENCH_OPT_LEVEL"), std::env::consts::ARCH),
        }
    }
}

/// A file of the system, or nothing where there is none.
fn text(name: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the system's own files, not a store's")]
    let bytes = std::fs::read(name).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What stands after the colon in a line `field : value`.
fn value_of(line: &str, field: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    (name.trim() == field).then(|| value.trim().to_owned())
}

/// Type and device of the longest mount point that `dir` lies under.
fn filesystem(dir: &Path, mounts: &str) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let mut best: Option<(usize, String)> = None;
    for line in mounts.lines() {
        let mut words = line.split(' ');
        let (Some(device), Some(point), Some(kind)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        // Of two mounts on one point the later one covers the earlier.
        if dir.starts_with(point) && best.as_ref().is_none_or(|(len, _)| point.len() >= *len) {
            best = Some((point.len(), format!("{kind} on {device}")));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_and_latest_mount_point_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /nowhere xfs rw 0 0\n/dev/c / btrfs rw 0 0\nbroken\n";
        assert_eq!(filesystem(Path::new("/"), mounts).as_deref(), Some("btrfs on /dev/c"));
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        assert_eq!(value_of("model name\t: A CPU: 3", "model name").as_deref(), Some("A CPU: 3"));
        assert_eq!(value_of("model\t\t: 17", "model name"), None);
    }
}
