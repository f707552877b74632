//! A table by itself, and a block in a table that is made around it.

use super::part::{planted, refused, same, shown_whole};
use super::{Case, Verdict};
use crate::failure::Failure;
use crate::invariant::Invariant;
use contract::{Batch, Error};
use stage1::frame::{Place, checksum};
use stage3::source::Source as _;
use stage3::table::{self, Table, TableBuilder, TableOptions, TableReading, hash};
use std::ops::Bound;
use std::sync::Arc;
use vfs::{MemFs, Vfs as _};

type Pairs = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// The number of a table that is made here.
const NUMBER: u64 = 7;
const FOOTER_BYTES: usize = 80;
const BLOCK_HEAD_BYTES: usize = 12;

pub(super) fn table(case: &Case<'_>) -> Result<Verdict, Failure> {
    let (name, bytes) = case.file();
    let number = bytes.len().checked_sub(FOOTER_BYTES - 12).and_then(|at| bytes.get(at..at + 8));
    let number = number.and_then(|number| number.try_into().ok()).map_or(NUMBER, u64::from_le_bytes);
    judge(name, bytes, number)
}

/// The first byte says whether the payload is compressed. The footer says of its entries what the payload's count does.
pub(super) fn block(case: &Case<'_>) -> Result<Verdict, Failure> {
    let Some((codec, payload)) = case.file().1.split_first() else { return Ok(Verdict::Refused) };
    judge("000007.sst", &around(payload, codec & 1), NUMBER)
}

// ANCHOR: judge
/// What `verify` finds nothing wrong with is read by a get as by a walk, and is written again as the same table.
fn judge(name: &str, bytes: &[u8], number: u64) -> Result<Verdict, Failure> {
    let file = planted(name, bytes)?;
    shown_whole(name, bytes.len(), |sink| table::describe(&*file, name, number, sink))?;
    let verified = table::verify(&*file, name, number);
    let sound = verified.is_ok_and(|report| report.damage.is_empty());
    let salvaged = table::salvage(&*file, name, number, &mut |_| Ok(()));
    salvaged.map_err(|e| Failure::new(Invariant::DamageReported, format!("salvage gives up: {e}")))?;
    let mut seen = Vec::new();
    for mapped in [false, true] {
        let reading = Arc::new(TableReading { mapped, ..TableReading::default() });
        let table = match Table::open(Arc::clone(&file), name.to_owned(), number, &reading) {
            Ok(table) => Arc::new(table),
            Err(error) => {
                Failure::unless(!sound, Invariant::DamageReported, || {
                    format!("verify finds nothing, opening refuses: {error}")
                })?;
                return refused(&error, name);
            }
        };
        seen.push(match walked(&table) {
            Ok(pairs) => {
                if sound {
                    gets_agree(&table, &pairs)?;
                }
                Some(pairs)
            }
            Err(error) => {
                Failure::unless(!sound, Invariant::DamageReported, || {
                    format!("verify finds nothing, a walk fails: {error}")
                })?;
                refused(&error, name)?;
                None
            }
        });
    }
    same(&seen[0], &seen[1])?;
    match seen.swap_remove(0) {
        Some(pairs) if sound => {
            same(&pairs, &written_again(&pairs)?)?;
            Ok(Verdict::Taken)
        }
        _ => Ok(Verdict::Doubted),
    }
}
// ANCHOR_END: judge

fn walked(table: &Arc<Table>) -> contract::Result<Pairs> {
    let mut source = table.source(Bound::Unbounded, false)?;
    let mut pairs = Pairs::new();
    while let Some(key) = source.key() {
        pairs.push((key.to_vec(), source.value().map(<[u8]>::to_vec)));
        source.advance()?;
    }
    Ok(pairs)
}

fn gets_agree(table: &Table, pairs: &Pairs) -> Result<(), Failure> {
    for (key, value) in pairs {
        let got = table.get(key, hash(key));
        let agree = got.as_ref().is_ok_and(|got| got.as_ref() == Some(value));
        Failure::unless(agree, Invariant::ExactScan, || {
            format!("get {key:02x?} gives {got:?}, a walk {value:?}, and verify found nothing")
        })?;
    }
    Ok(())
}

fn written_again(pairs: &Pairs) -> Result<Pairs, Failure> {
    let write = || {
        let vfs = MemFs::new();
        let created = |e| Error::Io { file: "t".into(), action: "create", source: e };
        let options = TableOptions { block_bytes: 100, compress: true, ..TableOptions::default() };
        let mut builder = TableBuilder::new(vfs.create("t").map_err(created)?, "t".into(), NUMBER, &options);
        for (key, value) in pairs {
            builder.push(key, value.as_deref())?;
        }
        let file = builder.finish()?.file;
        walked(&Arc::new(Table::open(file, "t".into(), NUMBER, &Arc::default())?))
    };
    write().map_err(|e| Failure::new(Invariant::SameContent, format!("it cannot be written again: {e}")))
}

/// Payloads as the builder of tables makes them: plain, compressed, and without fingerprints. A byte in front says whether
/// compressed.
pub(super) fn payloads(batch: &Batch) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    for (compress, fingerprints) in [(false, true), (true, true), (false, false)] {
        let options = TableOptions { block_bytes: 4096, compress, fingerprints, filter_bits: 0 };
        let vfs = MemFs::new();
        let Ok(file) = vfs.create("t") else { continue };
        let mut builder = TableBuilder::new(file, "t".into(), NUMBER, &options);
        let mut entries: Vec<_> = batch.iter().collect();
        entries.sort_by(|a, b| a.key.cmp(b.key));
        let all = entries.iter().try_for_each(|entry| builder.push(entry.key, entry.value));
        if all.and_then(|()| builder.finish()).is_err() {
            continue;
        }
        let bytes = vfs.contents().remove("t").unwrap_or_default();
        let Some((head, rest)) = bytes.split_first_chunk::<BLOCK_HEAD_BYTES>() else { continue };
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        payloads.push([&[head[11]][..], &rest[..len.min(rest.len())]].concat());
    }
    payloads
}

/// A table of this one block, without a filter, whose index sends every key to it.
fn around(payload: &[u8], codec: u8) -> Vec<u8> {
    let sum = |bytes: &[u8], offset: usize| {
        Place { file: NUMBER, offset: offset as u64 }.mix(checksum(bytes)).to_le_bytes()
    };
    let mut bytes = vec![0; 4];
    bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(b"blk");
    bytes.push(codec);
    bytes.extend_from_slice(payload);
    let block = sum(&bytes[4..], 0);
    bytes[..4].copy_from_slice(&block);
    let index_at = bytes.len();
    // The smallest key is empty, and the separator not less than any short key.
    bytes.push(0);
    let mut block_bytes = index_at as u64;
    while block_bytes >= 0x80 {
        bytes.push(block_bytes.to_le_bytes()[0] | 0x80);
        block_bytes >>= 7;
    }
    bytes.push(block_bytes.to_le_bytes()[0]);
    bytes.push(9);
    bytes.extend_from_slice(&[0xff; 9]);
    let index_sum = sum(&bytes[index_at..], index_at);
    let footer_at = bytes.len();
    let count = payload.last_chunk().map_or(0, |count| u16::from_le_bytes(*count) & 0x7fff);
    let mut footer = Vec::with_capacity(FOOTER_BYTES);
    footer.extend_from_slice(b"strataT\n");
    footer.extend_from_slice(&1u32.to_le_bytes());
    for number in [NUMBER, u64::from(count), tombstones(payload, count)] {
        footer.extend_from_slice(&number.to_le_bytes());
    }
    footer.extend_from_slice(&1u32.to_le_bytes());
    for number in [index_at, 0, footer_at - index_at] {
        footer.extend_from_slice(&(number as u64).to_le_bytes());
    }
    footer.extend_from_slice(&sum(&[], index_at));
    footer.extend_from_slice(&index_sum);
    footer.extend_from_slice(&[0; 4]);
    let footer_sum = sum(&footer, footer_at);
    footer.extend_from_slice(&footer_sum);
    bytes.extend_from_slice(&footer);
    bytes
}

/// How many of the first `count` entries of a plain payload are tombstones, as far as it can be read.
fn tombstones(payload: &[u8], count: u16) -> u64 {
    let mut rest = payload.iter().copied();
    let mut tombstones = 0;
    for _ in 0..count {
        let (Some(key), Some(value)) = (varint(&mut rest), varint(&mut rest)) else { break };
        tombstones += u64::from(value == 0);
        let Some(skip) = key.checked_add(value.saturating_sub(1)).filter(|skip| *skip > 0) else { continue };
        if rest.nth(skip - 1).is_none() {
            break;
        }
    }
    tombstones
}

fn varint(bytes: &mut impl Iterator<Item = u8>) -> Option<usize> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let byte = bytes.next()?;
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
