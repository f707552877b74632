//! Typed keys and values over an engine of bytes: an encoding of keys that keeps their order, and serde for values.
//!
//! An engine sorts keys as unsigned bytes and knows nothing of numbers or text. So a key must be encoded such that
//! bytes compare as the values do; then «the cities of a country by population» is one prefix scan. A value is never
//! compared, so any encoding serves; JSON can be read with the eye.
//!
//! Run it with `cargo run -p contract --example typed`. It uses the engine in memory; any other works the same.
#![expect(clippy::print_stdout, reason = "an example shows its results")]
#![expect(clippy::big_endian_bytes, reason = "big-endian numbers sort as bytes do")]

use contract::oracle::Oracle;
use contract::{Engine, Result};
use serde::{Deserialize, Serialize};

/// A city, as a value.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct City {
    population: u64,
    tz: String,
}

/// A key under which the cities of a country lie by population, the largest first.
#[derive(Debug, PartialEq)]
struct ByPopulation {
    country: String,
    population: u64,
    name: String,
}

impl ByPopulation {
    fn encode(&self) -> Vec<u8> {
        let mut key = Self::prefix(&self.country);
        key.extend_from_slice(&descending(self.population));
        push_text(&mut key, &self.name);
        key
    }

    /// What all cities of a country have in common.
    fn prefix(country: &str) -> Vec<u8> {
        let mut key = Vec::new();
        push_text(&mut key, country);
        key
    }

    fn decode(key: &[u8]) -> Option<Self> {
        let (country, rest) = take_text(key)?;
        let (population, rest) = rest.split_first_chunk()?;
        let (name, []) = take_text(rest)? else { return None };
        Some(Self { country, population: !u64::from_be_bytes(*population), name })
    }
}

/// A number whose bytes sort from the largest to the smallest: big-endian, every bit turned around.
fn descending(number: u64) -> [u8; 8] {
    (!number).to_be_bytes()
}

/// Text that may hold any character and still ends where it ends: a zero byte inside becomes `00 ff`, and `00 00`
/// closes it. So a text sorts before its own continuations, as it should.
fn push_text(key: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend_from_slice(&[0, 0]);
}

fn take_text(mut key: &[u8]) -> Option<(String, &[u8])> {
    let mut text = Vec::new();
    loop {
        let (byte, rest) = match key {
            [0, 0, rest @ ..] => return Some((String::from_utf8(text).ok()?, rest)),
            [0, 0xff, rest @ ..] => (0, rest),
            [0, ..] | [] => return None,
            [byte, rest @ ..] => (*byte, rest),
        };
        text.push(byte);
        key = rest;
    }
}

fn put(engine: &dyn Engine, country: &str, name: &str, city: &City) -> Result<()> {
    let key = ByPopulation { country: country.into(), population: city.population, name: name.into() };
    let value = serde_json::to_vec(city).unwrap_or_default();
    engine.put(&key.encode(), &value)
}

fn main() -> Result<()> {
    let engine = Oracle::default();
    let city = |population, tz: &str| City { population, tz: tz.into() };
    put(&engine, "FR", "Lyon", &city(522_250, "Europe/Paris"))?;
    put(&engine, "FR", "Paris", &city(2_138_551, "Europe/Paris"))?;
    put(&engine, "FR", "Marseille", &city(870_731, "Europe/Paris"))?;
    put(&engine, "JP", "Tokyo", &city(9_733_276, "Asia/Tokyo"))?;

    for pair in engine.scan_prefix(&ByPopulation::prefix("FR"))? {
        let (key, value) = pair?;
        let key = ByPopulation::decode(&key);
        let city: Option<City> = serde_json::from_slice(&value).ok();
        if let (Some(key), Some(city)) = (key, city) {
            println!("{:>9}  {} ({})", key.population, key.name, city.tz);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(country: &str, population: u64, name: &str) -> ByPopulation {
        ByPopulation { country: country.into(), population, name: name.into() }
    }

    #[test]
    fn bytes_sort_as_the_values_do_and_decode_to_them() {
        let sorted = [
            key("", 5, "x"),
            key("F", u64::MAX, ""),
            key("F", 256, "a"),
            key("F", 255, "a"),
            key("F", 255, "a\0"),
            key("F", 255, "a\0b"),
            key("F", 255, "ab"),
            key("F", 0, "z"),
            key("F\0", 9, ""),
            key("FR", 9, ""),
        ];
        for pair in sorted.windows(2) {
            assert!(pair[0].encode() < pair[1].encode(), "{pair:?}");
        }
        for key in sorted {
            assert_eq!(ByPopulation::decode(&key.encode()), Some(key));
        }
    }

    #[test]
    fn what_is_no_key_is_not_decoded() {
        for bytes in [&b""[..], b"F", b"F\0\0", b"F\0\0\0\0\0\0\0\0\0\0", b"F\0\0\0\0\0\0\0\0\0\0x\0\0y"] {
            assert_eq!(ByPopulation::decode(bytes), None, "{bytes:?}");
        }
    }
}
