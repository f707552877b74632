//! The tour: a key moves from the log and the memtable through a flush and a compaction into the oldest run.

use contract::TourStep;

/// The steps, in order.
pub(crate) static STEPS: [TourStep; 8] = [
    TourStep {
        say: "Stage 3 writes stage 1's log as well, but no get reads it. What is written also goes into the memtable, which \
              is sorted and lies in memory.",
        run: &[r#"put JP/Tokyo {"population":9733276}"#, "put FR/Paris {}", "files", "explain JP/Tokyo"],
    },
    TourStep {
        say: "An overwrite takes the place of what was there. The log has both; if the process dies, it is replayed.",
        run: &[r#"put JP/Tokyo {"population":14094034}"#, "put ES/Madrid {}", "crash 5", "scan", "files"],
    },
    TourStep {
        say: "The put of Madrid was torn and is gone. What recovery found whole it has flushed: the memtable became a table, a \
              file that is sorted and never changes again. Look into it: blocks, a filter, an index, a footer.",
        run: &["tree", "inspect 000005.sst"],
    },
    TourStep {
        say: "The next flush makes another table, and a run of its own. What is newer is asked first; a filter spares most \
              tables a read.",
        run: &["put IT/Roma {}", "delete FR/Paris", "flush", "tree", "explain IT/Roma", "explain JP/Tokyo"],
    },
    TourStep {
        say: "Paris is deleted by a tombstone in the newer run, which hides the entry in the older one.",
        run: &["get FR/Paris", "explain FR/Paris"],
    },
    TourStep {
        say: "A compaction merges runs into one. Nothing older is left that could hold Paris, so the tombstone goes too.",
        run: &["compact", "tree", "explain FR/Paris", "files"],
    },
    TourStep {
        say: "What makes a set of files a tree is the manifest, a log of edits: which tables belong to which run.",
        run: &["stats"],
    },
    TourStep {
        say: "A scan merges memtables and runs, and needs no sorting: everything is in order already.",
        run: &["scan --prefix JP/", "verify"],
    },
];
