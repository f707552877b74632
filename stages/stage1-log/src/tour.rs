//! The tour: what a put, an overwrite, a delete, a crash and a compaction do to the bytes on disk.

use contract::TourStep;

/// The steps, in order.
pub(crate) static STEPS: [TourStep; 7] = [
    TourStep {
        say: "A store is a folder, and stage 1's store is one file in it: a log. An entry is put at its end and never \
              changed. Let us put one city.",
        run: &[r#"put JP/Tokyo {"population":9733276}"#, "files", "inspect"],
    },
    TourStep {
        say: "The first 64 bytes say whose file this is. Then comes one frame: a checksum, a tag, two lengths, the \
              key, the value. The checksum covers all the rest and the frame's place in the file.\n\nNow the city \
              grows. The old entry stays where it is; a newer one comes behind it.",
        run: &[r#"put JP/Tokyo {"population":14094034}"#, "get JP/Tokyo", "explain JP/Tokyo", "files"],
    },
    TourStep {
        say: "A get reads the log from its newest end, so it met the newer entry first. A delete cannot take \
              anything away either: it adds a tombstone, an entry without a value.",
        run: &["put FR/Paris {}", "delete FR/Paris", "get FR/Paris", "files"],
    },
    TourStep {
        say: "Writes that belong together go out as one batch, in one append. Each of its frames but the last says \
              that the batch goes on. We ask the device to keep what we have, then write such a batch.",
        run: &["sync", "batch", "put IT/Roma {}", "put IT/Milano {}", "commit", "scan", "files"],
    },
    TourStep {
        say: "Now the power fails while the last five bytes of that batch are still on their way. What is left on \
              disk is a batch without its end, and no part of it may be seen.",
        run: &["crash 5", "scan", "files"],
    },
    TourStep {
        say: "The opening found the torn tail, copied what was whole into a new log and removed the old one. Half a \
              batch is no batch: both of its cities are gone, and nothing that came before it is.\n\nThe log still \
              holds the city that was overwritten and the one that was deleted. Compaction writes what is live into \
              a new log, which takes the place of the old one in a single step.",
        run: &["stats", "compact", "files", "inspect"],
    },
    TourStep {
        say: "One entry is left, as it should be. At a clean close the store leaves a mark with the log's length and \
              last checksum; from then on a missing byte is not a torn tail any more but damage, and is reported.",
        run: &["verify", "scan"],
    },
];
