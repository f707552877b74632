//! Inputs from a seed: each by its own number, so that none needs the one before it.

use harness::crash::mix;
use harness::fuzz::input::RAW;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt as _, SeedableRng as _};

/// The input with this number, for a target that has `donors` good files.
pub(crate) fn input(seed: u64, number: u64, donors: usize) -> Vec<u8> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(mix(&[seed, number, 0xf022]));
    let mend = rng.random_range(0..4u8);
    let donor = u8::try_from(rng.random_range(0..donors.clamp(1, usize::from(RAW)))).unwrap_or(0);
    let mut input = vec![mend, donor];
    if rng.random_range(0..50) == 0 {
        input[1] = RAW;
        let bytes = rng.random_range(0..200);
        fill(&mut rng, &mut input, bytes);
        return input;
    }
    // Mostly one change or two: after many, the first that is noticed hides the rest.
    let mut edits = 1;
    while edits < 8 && rng.random_range(0..3) == 0 {
        edits += 1;
    }
    for _ in 0..edits {
        let bytes = rng.random_range(4..9);
        fill(&mut rng, &mut input, bytes);
    }
    input
}

fn fill(rng: &mut impl Rng, input: &mut Vec<u8>, bytes: usize) {
    let from = input.len();
    input.resize(from + bytes, 0);
    rng.fill_bytes(&mut input[from..]);
}
