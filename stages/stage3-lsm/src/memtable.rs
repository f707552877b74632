//! The memtable: what was written last, sorted, in memory.
