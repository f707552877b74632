//! The bug catalogue: what stores that people trust got wrong, each as a test under the name of the bug.
//!
//! A bug that was fixed in one engine is made again in the next one. So each class that a log, a Bitcask or an LSM tree can
//! have is here, with the place where it happened; where a test of another file is that test already, the table names it.
//!
//! | class of bugs | where it happened | test |
//! |---|---|---|
//! | tombstone dropped by a partial merge | basho/bitcask#82, #128, #148, #156 | `merging::a_partial_merge_drops_no_tombstone_that_hides_something` |
//! | tombstone dropped by a merge of the newer files, where the older ones stay | basho/bitcask#82, #156 | `merging::a_merge_of_the_newer_drops_no_tombstone_that_hides_something_older` |
//! | tombstone gone while an older level has its key | dgraph-io/badger#2143, #2278 | `runs::a_tombstone_goes_only_where_nothing_older_has_its_key` |
//! | deleted range back after a compaction by hand | LevelDB#184 | `runs::a_compaction_by_hand_brings_no_deleted_range_back` |
//! | inputs not widened where ranges chain | LevelDB 299cced, 36a5f8e | `compaction::no_strategy_moves_a_version_behind_an_older_one_and_each_comes_to_rest` |
//! | merged table behind an older one that overlaps it | fjall-rs/lsm-tree 42fd6e5e | `runs::what_comes_of_a_merge_lies_behind_nothing_older` |
//! | versions of a key in two tables, the older one found | LevelDB#320, #339, #887 | `moments::no_older_version_that_a_scan_holds_takes_the_place_of_the_newest` |
//! | two compactions take the same inputs | RocksDB 6.11.0 | `runs::compactions_that_are_asked_for_at_once_take_nothing_twice` |
//! | compaction taken up again loses versions | slatedb/slatedb#1769 | `runs::a_compaction_that_died_is_begun_anew_by_what_is_needed_now` |
//! | compaction that cannot succeed holds up writers, or lets runs become ever more | our own | `runs::a_table_that_is_damaged_under_an_open_store_holds_up_no_writer` |
//! | merge copies a value over a racing write | basho/bitcask#148, PR#34 | `merging::what_is_written_in_the_middle_of_a_merge_stays_the_newest` |
//! | collector writes a deleted value back | dgraph-io/badger#2310 | `merging::what_is_deleted_while_it_is_collected_stays_deleted` |
//! | merge takes the file that is written to | basho/bitcask#47 | `merging::a_merge_leaves_the_file_that_is_written_to_alone` |
//! | the same with real threads | basho/bitcask#148 | `threads::what_is_put_and_deleted_beside_merges_stays_put_and_deleted` |
//! | failed read taken for the end of a merge's input | RocksDB 8.7.0 | `merging::a_read_that_fails_in_a_merge_is_no_end_of_its_input` |
//! | inputs removed although the merge failed | basho/bitcask 956cec0, 97aab59 | `merging::a_merge_that_fails_takes_nothing_away` |
//! | unfinished output adopted | weaviate/weaviate#12452 | `merging::the_unfinished_output_of_a_merge_is_never_taken_for_a_segment` |
//! | replaced inputs read again | scylladb/scylladb#74, #802 | `merging::files_that_a_merge_has_replaced_are_not_read_again` |
//! | iterator loses files to a merge | basho/bitcask#174 | `merging::a_scan_outlives_the_files_that_it_reads` |
//! | descriptors and files leak on error paths | basho/bitcask c174af6, LevelDB 8ae7998 | `merging::no_handle_and_no_file_stays_behind_where_a_merge_fails` |
//! | descriptors leak over many lives | basho/bitcask 52bce9c | `kills::descriptors_do_not_leak` |
//! | torn, unchecked or foreign hint believed | basho/bitcask#171, PR#35 | `indexes::a_saved_index_that_is_torn_flipped_or_foreign_is_not_believed` |
//! | older saved index believed | syncable-dev/memtrace-public#80 | `indexes::an_older_saved_index_is_not_believed_for_what_it_does_not_know` |
//! | keys taken from damaged records | basho/bitcask#212 | `indexes::a_key_of_a_damaged_record_is_not_indexed` |
//! | get and scan disagree about damage | google/leveldb#222, cockroachdb/pebble#466 | `indexes::a_get_and_a_scan_agree_about_damage` |
//! | whole record in the wrong place | RocksDB 8.6.0 | `indexes::a_record_in_the_place_of_another_is_noticed` |
//! | filter denies a key that is there | IntersectMBO/lsm-tree#841 | `bloom::no_key_is_denied` |
//! | bits of a filter not checked | pmcfadin/cqlite#1398 | `tables::no_flipped_bit_is_believed` |
//! | checksum leaves out key or lengths | tinkv 0.10 | `damage::every_injury_to_every_small_store` |
//! | damage while the store is open | tinkv 0.10 | `damage::every_byte_under_an_open_store` |
//! | trusted length allocates gigabytes | redb 4.2.0, ArcadeData/arcadedb#6932 | `forged_lengths::take_no_memory` |
//! | files replayed in the order of their text | weaviate/weaviate#12138, Journal.IO#15 | `indexes::more_than_a_hundred_files_count_in_the_order_of_their_numbers` |
//! | number of a leftover taken again or in the way | cockroachdb/pebble#788, facebook/rocksdb#7621 | `indexes::the_number_of_a_leftover_is_neither_taken_again_nor_in_the_way` |
//! | recovery begins a file that the next opening ignores | fjall-rs/fjall#317 | `indexes::what_recovery_begins_the_next_opening_finds` |
//! | count of writes begins below what is stored | namidb/namidb#40, Log2n-io/Typhon#712 | `manifest::what_is_written_after_an_opening_is_newer_than_what_was_there` |
//! | old log there again, and replayed | LevelDB's `recovery_test` | `manifest::a_log_that_is_in_tables_is_not_replayed_when_it_is_there_again` |
//! | manifest replayed otherwise than it was written | mini-lsm#63 | `manifest::an_opening_finds_the_tree_that_was_left` |
//! | foreign files break recovery | lsm-tree d1bfd4d6, fjall 24716fc | `damage::are_foreign_or_told_of` |
//! | value equal to the tombstone's marker | basho/bitcask, tinkv 0.10 | `reads::a_value_that_looks_like_a_tombstone_is_a_value` |
//! | value that holds whole files of the store | basho/bitcask | `edges::a_store_holds_its_own_files_as_values_also_torn` |
//! | bulk delete not logged | fjall 5a6db12 | `logs::what_was_deleted_all_at_once_stays_deleted_after_a_crash` |
//! | writes behind a torn tail out of reach | cqlite#1390, duckdb/duckdb#14785, neo4j/neo4j#8726 | `logs::what_is_written_after_a_torn_tail_is_found_again` |
//! | damage in the middle taken for the tail | cockroachdb/pebble#453, fjall#311, toydb | `logs::damage_before_a_synced_write_is_no_torn_tail` |
//! | hole between an older and a newer log | facebook/rocksdb#7701, #10560, #13169 | `logs::no_newer_file_counts_after_one_that_has_lost_its_end` |
//! | old valid records behind the end replayed | sled e9b2cfba, cockroachdb/pebble#580 | `logs::old_records_behind_the_end_are_not_replayed` |
//! | failed append leaves a stub | LevelDB 1.23, fjall#308 | `logs::a_write_behind_the_half_of_a_failed_one_is_kept_or_refused` |
//! | the same on a full disk | LevelDB 1.23 | `kills::a_write_after_a_full_disk_is_kept_or_refused` |
//! | write published although the log refused it | fjall#304, #296 | `errors::a_write_that_was_refused_is_not_seen` |
//! | batch not atomic in the log | mini-lsm#84, sled#851 | `logs::a_batch_that_is_torn_at_any_byte_is_not_there` |
//! | length wraps | mini-lsm#219, redb 6c07fd17, PowerDNS/pdns#17447 | `logs::lengths_at_the_edge_of_every_width_come_back` |
//! | record at the edge of a buffer passed over | basho/bitcask e3ae214, RocksDB 6.25.0 | `logs::a_record_that_ends_where_a_buffer_does_is_read` |
//! | pointer file named before its bytes are synced | LevelDB#74, #75, 3c8be10 | `errors::nothing_has_its_name_before_its_bytes_are_on_the_device` |
//! | table named in the manifest before it is durable | apache/horaedb#394, LevelDB#333 | `manifest::a_table_is_on_the_device_before_the_manifest_names_it` |
//! | manifest said to have failed, its tables removed | facebook/rocksdb#4990, #5379, #12865 | `manifest::a_manifest_that_failed_may_have_been_written_and_keeps_its_tables` |
//! | full disk cuts a record of the manifest | facebook/rocksdb#6316, #6331 | `manifest::nothing_is_appended_to_half_a_record_of_the_manifest` |
//! | directory not synced after a rename | LevelDB#195, facebook/rocksdb#10573 | `errors::a_new_name_is_on_the_device_before_anything_relies_on_it` |
//! | directory not synced after create or mkdir | LevelDB#196, facebook/rocksdb#5287 | `faults::to_sync_the_parent_of_a_store` |
//! | the same, every subset of names | fjall, redb, tinkv | `crash::every_crash_at_every_call` |
//! | half-made store cannot be opened | etcd-io/etcd#16596, goleveldb#351 | `logs::a_first_opening_may_die_at_any_call` |
//! | old file not synced when another is begun | fjall bfb3459, facebook/rocksdb#12489 | `logs::a_sync_covers_what_was_written_before_another_file_was_begun` |
//! | sync passes a log over | RocksDB 7.6.0 | `manifest::a_sync_passes_over_no_log_that_needs_it` |
//! | result of a sync or close ignored | RocksDB 5.6.0, acid-state#175 | `errors::a_sync_that_failed_is_told_to_somebody` |
//! | failed sync retried | wiredtiger#4095, tursodatabase/turso#2091 | `errors::a_sync_that_failed_is_not_asked_for_again` |
//! | «flush» that reaches no device | sled#928, LevelDB 296de8d | `errors::an_acknowledged_write_was_synced_after_its_last_byte` |
//! | rename reported as failed had happened | RocksDB 6.21.0 | `errors::a_rename_that_is_said_to_have_failed_may_have_happened` |
//! | crash in a recovery loses what the first crash kept | sled#851, redb 4.2.0 | `crash::every_crash_at_every_call` |
//! | length announced before the file is extended | redb fd82cedb | `logs::a_size_without_its_bytes_is_no_entry` |
//! | clean close after an error calls the store healthy | redb 3ca4467e | `errors::a_close_after_an_error_does_not_call_the_store_whole` |
//! | scan leaks past its bound | mini-lsm#180, #161, tigerbeetle#2544 | `model::on_a_map` |
//! | scan ends silently or goes on behind what it cannot read | redb#1386, HarperFast/rocksdb-js#846 | `reads::a_scan_says_where_it_cannot_read_on_and_does_not_go_on_behind` |
//! | iterator shows what is newer than itself | LevelDB's test `issue200` | `moments::a_walk_shows_nothing_that_was_written_before_behind_or_where_it_stands` |
//! | snapshot shows what was deleted | RocksDB 7.1.0 | `moments::a_scan_that_begins_in_the_middle_of_upkeep_shows_nothing_deleted` |
//! | empty key or value mishandled | cockroachdb/pebble#1022, #1023 | `reads::an_empty_key_and_an_empty_value_come_back` |
//! | two processes in one directory | boltdb/bolt#111, dgraph-io/dgraph#1185 | `owners::another_process_is_refused_and_a_killed_holder_frees_the_store` |
//! | lock lost with its file, or stale | basho/bitcask 8db8bec | `owners::a_second_handle_is_refused_until_the_first_is_closed_or_dropped` |
//! | wall clock decides who wins | basho/bitcask#140, PR#152 | `edges::the_same_seed_gives_the_same_bytes_in_every_world` |
//! | next file cannot be made, writes go on into the old one | pingcap/talent-plan#45 | `errors::no_write_is_lost_where_the_next_file_cannot_be_begun` |
//! | space without bound | basho/bitcask | `merging::ten_keys_that_are_overwritten_for_ever_take_bounded_space` |
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod errors;
mod indexes;
mod logs;
mod manifest;
mod meddler;
mod merging;
mod moments;
mod reads;
mod runs;
mod store;

/// The sources of the catalogue, by the name that the table gives them.
const OWN: [(&str, &str); 8] = [
    ("errors", include_str!("errors.rs")),
    ("indexes", include_str!("indexes.rs")),
    ("logs", include_str!("logs.rs")),
    ("manifest", include_str!("manifest.rs")),
    ("merging", include_str!("merging.rs")),
    ("moments", include_str!("moments.rs")),
    ("reads", include_str!("reads.rs")),
    ("runs", include_str!("runs.rs")),
];

/// Other sources in which the table's tests are: the harness's, and what an engine says of its own parts.
const OTHERS: [(&str, &str); 12] = [
    ("crash", include_str!("../crash.rs")),
    ("damage", include_str!("../damage.rs")),
    ("forged_lengths", include_str!("../damage/forged_lengths.rs")),
    ("edges", include_str!("../edges.rs")),
    ("faults", include_str!("../faults.rs")),
    ("kills", include_str!("../kills.rs")),
    ("model", include_str!("../model.rs")),
    ("owners", include_str!("../owners.rs")),
    ("threads", include_str!("../threads.rs")),
    ("bloom", include_str!("../../../stage3-lsm/src/bloom/tests.rs")),
    ("compaction", include_str!("../../../stage3-lsm/src/compaction/tests.rs")),
    ("tables", include_str!("../../../stage3-lsm/src/table/tests/damage.rs")),
];

/// The tests that the table names.
fn named() -> Vec<(&'static str, &'static str)> {
    let rows = include_str!("main.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    rows.filter_map(|row| row.rsplit('`').nth(1)?.split_once("::")).collect()
}

#[test]
fn every_test_in_the_table_is_there() {
    let named = named();
    assert!(named.len() > 75, "{}", named.len());
    for (file, test) in named {
        let source = OWN.iter().chain(&OTHERS).find(|(name, _)| *name == file).map(|(_, source)| *source);
        let source = source.unwrap_or_else(|| panic!("there is no file «{file}»"));
        let at = source.find(&format!("fn {test}(")).unwrap_or_else(|| panic!("{file} has no {test}"));
        assert!(
            source[..at]
                .trim_end_matches(|c: char| c.is_whitespace())
                .lines()
                .rev()
                .take(4)
                .any(|line| line.contains("#[test]")),
            "{test}"
        );
    }
}

#[test]
fn every_test_of_the_catalogue_is_in_the_table() {
    let named = named();
    for (file, source) in OWN {
        for after in source.split("#[test]\n").skip(1) {
            let test = after
                .split_once("fn ")
                .and_then(|(_, rest)| rest.split_once('('))
                .map_or("", |(name, _)| name);
            assert!(named.contains(&(file, test)), "{file}::{test} is not in the table");
        }
    }
}
