//! The tour: a key moves from the active segment through a roll, a hint and a merge, and is found at once wherever it
//! lies.

use contract::TourStep;

/// The steps, in order.
pub(crate) static STEPS: [TourStep; 9] = [
    TourStep {
        say: "Stage 2 writes the same log as stage 1, and calls it a segment. What is new is in memory: the keydir, which \
              knows for every key where its newest entry lies.",
        run: &[r#"put JP/Tokyo {"population":9733276}"#, "put FR/Paris {}", "files", "explain JP/Tokyo"],
    },
    TourStep {
        say: "One probe, one read, however long the log is. An absent key needs no read at all.\n\nAn overwrite is \
              appended, as ever; the keydir just points at the new entry, and the old one is dead.",
        run: &[r#"put JP/Tokyo {"population":14094034}"#, "explain JP/Tokyo", "explain JP/Kyoto"],
    },
    TourStep {
        say: "A segment does not grow for ever. Let us make the threshold tiny, so that you see it: the next put does \
              not fit any more, seals this segment and begins another.",
        run: &["set_threshold 200", "put IT/Roma {}", "put IT/Milano {}", "put IT/Napoli {}", "files"],
    },
    TourStep {
        say: "A delete appends a tombstone. The keydir keeps it in mind, for an older segment may still hold the key.",
        run: &["delete FR/Paris", "get FR/Paris", "explain FR/Paris"],
    },
    TourStep {
        say: "Between writes there is upkeep to do, a unit at a time; in the shell a thread does it, here we do it step by \
              step. First what is full is synced, then its keys are saved in a hint file.",
        run: &["step", "step", "files", "inspect 000001.hint"],
    },
    TourStep {
        say: "The hint holds what the keydir needs of the segment, and no values: an opening reads it instead.\n\nNow the \
              power fails while the last five bytes of a put are on their way.",
        run: &["sync", "put ES/Madrid {}", "crash 5", "scan", "files"],
    },
    TourStep {
        say: "The first segment has a hint, so it was on the device, and stays. The other one was not closed: what is \
              whole in it moved into a file that covers both its own number and a new one.\n\nDead entries still lie \
              in the first segment. Compaction merges neighbours into one file that covers them all, and the old \
              ones go.",
        run: &["compact", "files", "explain JP/Tokyo"],
    },
    TourStep {
        say: "The same key, in its third place. The tombstone is gone too: no older segment is left that could hold its \
              key.\n\nThe keydir is only an index. Drop it, build it anew from the files, and compare.",
        run: &["explain FR/Paris", "reindex", "reindex --hints"],
    },
    TourStep {
        say: "What it cannot do is order: a scan copies all keys and sorts them. And every key has to fit into memory. \
              Stage 3 is there for that.",
        run: &["scan --prefix IT/", "verify"],
    },
];
