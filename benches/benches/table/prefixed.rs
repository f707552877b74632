//! The other way to lay keys down in a block: what a key has in common with the one before it is left out, and every
//! sixteenth stands whole, to start from. In memory, without checksum, filter or cache: nothing but what is compared.
//!
//! **Source** LevelDB's table format.

/// What long keys begin with.
pub(crate) const LONG: &str = "europe/germany/bavaria/upper-bavaria/munich/schwabing-west/street/";
/// How many entries there are from one whole key to the next.
const RESTART: usize = 16;
/// Bytes of entries in a block.
const BLOCK_BYTES: usize = 4096;

/// A sorted table of blocks.
#[derive(Default)]
pub(crate) struct Prefixed {
    blocks: Vec<Block>,
    block: Block,
    last_key: Vec<u8>,
}

#[derive(Default)]
struct Block {
    /// Entries: bytes in common with the key before, bytes that are not, bytes of the value, and those bytes.
    entries: Vec<u8>,
    /// Where whole keys stand.
    restarts: Vec<u32>,
    count: usize,
    last_key: Vec<u8>,
}

impl Prefixed {
    /// Adds an entry, in order.
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) {
        if self.block.entries.len() + key.len() + value.len() + 3 > BLOCK_BYTES {
            self.finish();
        }
        let block = &mut self.block;
        let mut common = self.last_key.iter().zip(key).take_while(|(a, b)| a == b).count();
        if block.count.is_multiple_of(RESTART) {
            block.restarts.push(u32::try_from(block.entries.len()).expect("a small block"));
            common = 0;
        }
        for length in [common, key.len() - common, value.len()] {
            // The keys and values of this benchmark are short.
            block.entries.push(u8::try_from(length).expect("a short key and a short value"));
        }
        block.entries.extend_from_slice(&key[common..]);
        block.entries.extend_from_slice(value);
        block.count += 1;
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
    }

    /// Ends the last block.
    pub(crate) fn finish(&mut self) {
        self.block.last_key.clone_from(&self.last_key);
        self.blocks.push(std::mem::take(&mut self.block));
    }

    /// Bytes that a file would have, heads and an index included.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes =
            |block: &Block| block.entries.len() + 4 * block.restarts.len() + block.last_key.len() + 20;
        self.blocks.iter().map(|block| bytes(block) as u64).sum()
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let block = self.blocks.partition_point(|block| *block.last_key < *key);
        let block = self.blocks.get(block)?;
        let whole = |&at: &u32| Walk::new(block, at as usize).next_key_is_whole() <= key;
        let restart = block.restarts.partition_point(whole).saturating_sub(1);
        let mut walk = Walk::new(block, *block.restarts.get(restart)? as usize);
        while let Some(value) = walk.step() {
            if *walk.key >= *key {
                return (*walk.key == *key).then_some(value);
            }
        }
        None
    }

    /// Gives out every entry.
    pub(crate) fn scan(&self, mut each: impl FnMut(&[u8], &[u8])) {
        for block in &self.blocks {
            let mut walk = Walk::new(block, 0);
            while let Some(value) = walk.step() {
                each(&walk.key, value);
            }
        }
    }
}

/// A walk over a block that puts its keys together.
struct Walk<'a> {
    rest: &'a [u8],
    key: Vec<u8>,
}

impl<'a> Walk<'a> {
    fn new(block: &'a Block, at: usize) -> Self {
        Self { rest: &block.entries[at..], key: Vec::new() }
    }

    fn next_key_is_whole(&self) -> &'a [u8] {
        &self.rest[3..3 + usize::from(self.rest[1])]
    }

    fn step(&mut self) -> Option<&'a [u8]> {
        let ([common, own, value], rest) = self.rest.split_first_chunk()?;
        let (own, rest) = rest.split_at(usize::from(*own));
        let (value, rest) = rest.split_at(usize::from(*value));
        self.key.truncate(usize::from(*common));
        self.key.extend_from_slice(own);
        self.rest = rest;
        Some(value)
    }
}
