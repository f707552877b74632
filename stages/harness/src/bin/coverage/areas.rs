//! What is asked after: the files of four areas, and the tests that are to reach them. All of it is data.

/// A part of the code.
pub(crate) struct Area {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Its files, from the folder `stages`.
    pub(crate) files: &'static [&'static str],
}

// ANCHOR: areas
/// Where each branch must be taken both ways, or have a reason.
pub(crate) static AREAS: [Area; 4] = [
    Area {
        name: "log",
        files: &[
            "stage1-log/src/frame.rs",
            "stage1-log/src/install.rs",
            "stage1-log/src/log.rs",
            "stage1-log/src/log/group.rs",
            "stage1-log/src/log/header.rs",
            "stage1-log/src/log/reader.rs",
            "stage1-log/src/log/resync.rs",
            "stage1-log/src/log/writer.rs",
            "stage1-log/src/turn.rs",
            "stage2-bitcask/src/chain.rs",
            "stage2-bitcask/src/durable.rs",
            "stage2-bitcask/src/segment.rs",
            "stage2-bitcask/src/turn.rs",
            "stage3-lsm/src/write.rs",
        ],
    },
    Area {
        name: "recovery",
        files: &[
            "stage1-log/src/clean.rs",
            "stage1-log/src/files.rs",
            "stage1-log/src/recover.rs",
            "stage1-log/src/replay.rs",
            "stage1-log/src/survey.rs",
            "stage2-bitcask/src/close.rs",
            "stage2-bitcask/src/hint.rs",
            "stage2-bitcask/src/hint/builder.rs",
            "stage2-bitcask/src/hint/header.rs",
            "stage2-bitcask/src/hints.rs",
            "stage2-bitcask/src/index.rs",
            "stage2-bitcask/src/judge.rs",
            "stage2-bitcask/src/names.rs",
            "stage2-bitcask/src/recover.rs",
            "stage2-bitcask/src/survey.rs",
            "stage3-lsm/src/close.rs",
            "stage3-lsm/src/found.rs",
            "stage3-lsm/src/names.rs",
            "stage3-lsm/src/recover.rs",
            "stage3-lsm/src/survey.rs",
        ],
    },
    Area {
        name: "manifest",
        files: &["stage3-lsm/src/manifest.rs", "stage3-lsm/src/manifest/edit.rs", "stage3-lsm/src/state.rs"],
    },
    Area {
        name: "compaction",
        files: &[
            "stage1-log/src/compact.rs",
            "stage1-log/src/newest.rs",
            "stage2-bitcask/src/merge.rs",
            "stage2-bitcask/src/pick.rs",
            "stage2-bitcask/src/upkeep.rs",
            "stage3-lsm/src/build.rs",
            "stage3-lsm/src/compaction.rs",
            "stage3-lsm/src/compaction/leveled.rs",
            "stage3-lsm/src/compaction/tiered.rs",
            "stage3-lsm/src/flush.rs",
            "stage3-lsm/src/merge.rs",
            "stage3-lsm/src/upkeep.rs",
            "stage3-lsm/src/upkeep/claims.rs",
            "stage3-lsm/src/upkeep/pace.rs",
        ],
    },
];
// ANCHOR_END: areas

/// The packages that count, each with its folder in `stages`.
pub(crate) static STAGES: [(&str, &str); 3] =
    [("stage1", "stage1-log"), ("stage2", "stage2-bitcask"), ("stage3", "stage3-lsm")];

/// The harness's test programs that judge the stages, and are run.
pub(crate) static JUDGES: [&str; 14] = [
    "catalogue",
    "covering",
    "crash",
    "damage",
    "edges",
    "faults",
    "fuzz",
    "kills",
    "model",
    "openings",
    "owners",
    "scripts",
    "syncs",
    "threads",
];

/// Those that are not, and why.
#[cfg(test)]
pub(crate) static OTHERS: [(&str, &str); 3] = [
    ("broken", "judges engines that are wrong on purpose"),
    ("simulate", "runs a strategy without a store"),
    ("traces", "reads the system calls of processes, and counting makes some of its own"),
];
