//! Tables: blocks, filter, index and footer; and the cache.

use crate::rules::{Rule, rule};

pub(super) static RULES: [Rule; 60] = [
    // The footer.
    rule("a footer begins with its magic", "footer.rs", "if bytes[..8] != MAGIC {", "if false {"),
    rule(
        "a footer's checksum is compared",
        "footer.rs",
        "if place.mix(u32_at(bytes, CHECKSUM_AT)) != checksum(&bytes[..CHECKSUM_AT]) {",
        "if false {",
    ),
    rule("a newer format is refused", "footer.rs", "if version != VERSION {", "if false {"),
    rule("a table belongs to its file's name", "footer.rs", "if own != number {", "if false {"),
    rule(
        "the parts of a table fill its file",
        "footer.rs",
        "if parts.and_then(|parts| parts.checked_add(footer.index_bytes)) != Some(offset) {",
        "if false {",
    ),
    // Reading.
    rule(
        "a filter's checksum is compared",
        "read.rs",
        "if sum(footer.filter_at(), &filter) == footer.filter_checksum {",
        "if true {",
    ),
    rule(
        "an index's checksum is compared",
        "read.rs",
        "if sum(footer.index_at(), &index) == footer.index_checksum {",
        "if true {",
    ),
    rule("a file that ends early is damage", "read.rs", "if n < buffer.len() {", "if false {"),
    rule(
        "a block in a mapping is verified",
        "read.rs",
        "stored::verify(bytes, self.place(at)).map_err(|what| damage(&self.name, at.offset, what))?;",
        "",
    ),
    rule("each block in a mapping is verified", "read.rs", "word >> (number % 64) & 1 == 1", "word != 0"),
    rule("a compressed block is not read where it lies", "read.rs", "if compressed {", "if false {"),
    rule(
        "the cache tells tables apart",
        "read.rs",
        "if let Some(payload) = cache.get(self.number(), at.offset) {\n            \
         self.reading.counts.cache_hits.add(1);\n            return Ok(payload);\n        }\n        \
         self.reading.counts.cache_misses.add(1);\n        let payload = self.read_block(at)?;\n        \
         cache.insert(self.number(), at.offset, payload.clone());",
        "if let Some(payload) = cache.get(0, at.offset) { \
         self.reading.counts.cache_hits.add(1); return Ok(payload); } \
         self.reading.counts.cache_misses.add(1); \
         let payload = self.read_block(at)?; cache.insert(0, at.offset, payload.clone());",
    ),
    rule(
        "the cache tells tables apart for a get",
        "table.rs",
        "cache.get(self.number(), at.offset) {\n                self.reading.counts.cache_hits.add(1);\n                \
         return look(&payload);\n            }\n            self.reading.counts.cache_misses.add(1);\n            \
         if cache.takes() {\n                let payload = self.read_block(at)?;\n                \
         cache.insert(self.number(), at.offset, payload.clone());",
        "cache.get(0, at.offset) { self.reading.counts.cache_hits.add(1); return look(&payload); } \
         self.reading.counts.cache_misses.add(1); \
         if cache.takes() { let payload = self.read_block(at)?; cache.insert(0, at.offset, payload.clone());",
    ),
    rule(
        "the cache has a limit",
        "cache.rs",
        ".weight_capacity(bytes)",
        ".weight_capacity(bytes.saturating_mul(2))",
    ),
    // Blocks as they lie in the file.
    rule(
        "a block's head says that it is one",
        "stored.rs",
        "if [m0, m1, m2] != MARK || !matches!(codec, RAW | LZ4) {",
        "if false {",
    ),
    rule(
        "a block is as long as it says",
        "stored.rs",
        "if head.block_bytes() != bytes.len() as u64 {",
        "if false {",
    ),
    rule(
        "a block's checksum is compared",
        "stored.rs",
        "if place.mix(head.checksum) != checksum(&bytes[4..]) {",
        "if false {",
    ),
    rule(
        "a block that was read is verified",
        "stored.rs",
        "verify(bytes, place)?.compressed",
        "Head::parse(bytes.first_chunk().ok_or(\"short\")?)?.compressed",
    ),
    rule(
        "no block claims more memory than a block may",
        "stored.rs",
        "if raw_bytes > MAX_COMPRESSED_BYTES {",
        "if false {",
    ),
    rule(
        "a block is as long as it was before it was compressed",
        "stored.rs",
        "Ok(n) if n == raw_bytes =>",
        "Ok(_) =>",
    ),
    rule(
        "what is too large is not compressed",
        "stored.rs",
        "if raw.len() > MAX_COMPRESSED_BYTES {",
        "if false {",
    ),
    // Blocks from within.
    rule("a block of nothing is damage", "block.rs", "if entries == 0 {", "if false {"),
    rule(
        "lengths in a block are within their limits",
        "block.rs",
        "if key_bytes > MAX_KEY_BYTES || value_code > 1 + MAX_VALUE_BYTES {",
        "if false {",
    ),
    rule("an entry lies within its block", "block.rs", "if end > entries.len() {", "if false {"),
    rule("a fingerprint is no key", "block.rs", "if self.key(spot) == key {", "if true {"),
    rule(
        "a search tells a key from the one behind it",
        "block.rs",
        "found || order == Ordering::Equal",
        "true",
    ),
    rule(
        "entries start in the first 64 KiB of a block",
        "build.rs",
        "block_bytes.clamp(1, MAX_BLOCK_BYTES)",
        "block_bytes.max(1)",
    ),
    rule("a varint has an end", "varint.rs", ".take(MAX_BYTES)", ""),
    // The index.
    rule(
        "an index claims no more blocks than there is room for",
        "index.rs",
        "if u64::from(blocks) > (bytes.len() as u64 / 2).min(data_bytes / MIN_BLOCK_BYTES) {",
        "if false {",
    ),
    rule(
        "separators ascend",
        "index.rs",
        "order == Ordering::Greater || (order == Ordering::Equal && !found.is_empty())",
        "false",
    ),
    rule(
        "separators ascend strictly",
        "index.rs",
        "order == Ordering::Greater || (order == Ordering::Equal && !found.is_empty())",
        "order == Ordering::Greater",
    ),
    rule(
        "an index ends where its last entry does",
        "index.rs",
        "rest.at != bytes.len() || found.last()",
        "found.last()",
    ),
    rule(
        "the blocks of an index are all that there are",
        "index.rs",
        " || found.last().map_or(0, BlockAt::end) != data_bytes",
        "",
    ),
    rule("a separator is no longer than a key", "index.rs", ".filter(|bytes| *bytes <= MAX_KEY_BYTES)", ""),
    rule(
        "a separator lies within the index",
        "index.rs",
        "(end <= self.bytes.len()).then_some(start..end)",
        "Some(start..end)",
    ),
    rule("a block has room for a head", "index.rs", ".filter(|bytes| *bytes >= MIN_BLOCK_BYTES)", ""),
    rule(
        "where numbers of separators are equal, their bytes decide",
        "index.rs",
        "if self.numbers.get(first) != Some(&number) {",
        "if true {",
    ),
    rule(
        "a separator is less than the next block's keys",
        "index.rs",
        "if bytes < next.len() {",
        "if bytes <= next.len() {",
    ),
    // The filter.
    rule("a filter is whole lines", "bloom.rs", "if !rest.is_empty() {", "if false {"),
    rule("a filter has so many probes at most", "bloom.rs", "probes > MAX_PROBES || ", ""),
    rule("a filter without lines has no probes", "bloom.rs", " || (probes == 0) != lines.is_empty()", ""),
    rule("no filter denies nothing", "bloom.rs", "else { return true };", "else { return false };"),
    rule(
        "a filter knows tombstones",
        "builder.rs",
        "if self.filter_bits > 0 {",
        "if self.filter_bits > 0 && value.is_some() {",
    ),
    rule(
        "a filter speaks before a block is read",
        "table.rs",
        "if !self.filter.may_contain(hash) {",
        "if false {",
    ),
    rule(
        "what is below a table is not looked for in it",
        "table.rs",
        ".filter(|_| key >= self.smallest())",
        "",
    ),
    // Writing a table.
    rule("a table takes no entry over the limits", "builder.rs", "check_entry(entry)?;", ""),
    rule(
        "keys that do not ascend are not written",
        "builder.rs",
        "} else if key <= &*self.last_key {",
        "} else if false {",
    ),
    // Walks.
    rule(
        "a walk that fails is no walk that ends",
        "cursor.rs",
        "Err(what) => return Err(self.fail(what)),",
        "Err(_) => self.state = State::Ended,",
    ),
    rule("a walk that failed goes on failing", "cursor.rs", "self.state = State::Failed(again(error));", ""),
    // Verify and salvage.
    rule(
        "verify: entries follow each other",
        "table/verify.rs",
        "if Spot::parse_at(block, end) != Ok(spot) {",
        "if false {",
    ),
    rule(
        "verify: keys ascend",
        "table/verify.rs",
        "if self.last.as_ref().is_some_and(|last| **last >= *key) {",
        "if false {",
    ),
    rule(
        "verify: the filter knows all keys",
        "table/verify.rs",
        "if self.parts.filter.as_ref().is_ok_and(|filter| !filter.may_contain(hash)) {",
        "if false {",
    ),
    rule(
        "verify: fingerprints are those of the keys",
        "table/verify.rs",
        "if print.is_some_and(|print| print != fingerprint(hash)) {",
        "if false {",
    ),
    rule(
        "verify: the index leads to each key",
        "table/verify.rs",
        ".is_ok_and(|index| index.find(key) != self.blocks || key < index.smallest())",
        ".is_ok_and(|_| false)",
    ),
    rule(
        "verify: entries fill their block",
        "table/verify.rs",
        "if end == block.entry_bytes() {",
        "if true {",
    ),
    rule(
        "verify: there are as many entries as the footer says",
        "table/verify.rs",
        "counted != (footer.entries, footer.tombstones)",
        "false",
    ),
    rule(
        "verify tells of footer, filter and index",
        "table/verify.rs",
        "check.report.damage.extend(errors",
        "let _ = Some(errors",
    ),
    rule(
        "what looks like a block is one",
        "walk.rs",
        "stored::verify(&bytes, Place { file: self.number, offset: start }).is_ok()",
        "true",
    ),
    rule(
        "a head across two windows is found",
        "walk.rs",
        "(WINDOW_BYTES - stored::HEAD_BYTES) as u64",
        "WINDOW_BYTES as u64",
    ),
    rule(
        "salvage tells that nobody knows what is missing",
        "table/salvage.rs",
        "if let Err(error) = &parts.footer {",
        "if let Some(error) = parts.footer.as_ref().err().filter(|_| false) {",
    ),
];
