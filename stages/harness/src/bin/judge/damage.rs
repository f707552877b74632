//! Every injury to the files of small stores, counted by what was done and what was said of it.

use crate::Args;
use crate::record::{Record, Said};
use contract::Stage;
use harness::crash::guard;
use harness::damage::{self, Fixture, Injury, Kind, Tally, injury};
use harness::failure::Failure;
use harness::seeds::side_by_side;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

type Counts = BTreeMap<Kind, Tally>;

/// True if every promise was kept.
pub(crate) fn run(stages: &[&'static Stage], args: &Args) -> Result<bool, lexopt::Error> {
    let seed = args.seed.unwrap_or(0);
    let mut records = Vec::new();
    for stage in stages {
        let mut fixtures = Fixture::all(stage, seed..seed + 1).map_err(|failure| failure.to_string())?;
        let done = match &args.store {
            Some(name) => {
                fixtures.retain(|fixture| fixture.name.contains(&format!("«{name}»")));
                map(fixtures.first().ok_or_else(|| format!("there is no store «{name}»"))?)
            }
            None => count(stage, fixtures).map(|record| {
                if !args.json {
                    record.print();
                }
                records.push(record);
            }),
        };
        if let Err(failure) = done {
            say!("{} breaks {failure}", stage.name);
            return Ok(false);
        }
    }
    if args.json {
        say!("{}", serde_json::to_string_pretty(&records).map_err(|e| e.to_string())?);
    }
    Ok(true)
}

/// Does everything to the files of all stores, and counts what was said of it.
fn count(stage: &Stage, fixtures: Vec<Fixture>) -> Result<Record, Failure> {
    let (stores, files) = (fixtures.len(), fixtures.iter().map(|fixture| fixture.files.len()).sum());
    let bytes = fixtures.iter().flat_map(|fixture| fixture.files.values().map(Vec::len)).sum();
    // Failures by the number of their store, so that the same one is told whoever comes first.
    let seen = Mutex::new((Counts::new(), BTreeMap::new()));
    side_by_side(fixtures.into_iter().enumerate(), |(number, fixture)| {
        let mut counts = Counts::new();
        let done = injury::each(&fixture, &mut |injury, files| {
            let one = judge(&fixture, injury, files)?;
            counts.entry(injury.kind).or_default().add(&one);
            Ok(())
        });
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, tally) in &counts {
            seen.0.entry(*kind).or_default().add(tally);
        }
        seen.1.extend(done.err().map(|failure| (number, failure)));
    });
    let (counts, failures) = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(first) = failures.into_values().next() {
        return Err(first);
    }
    let said = Kind::ALL.map(|kind| Said::new(kind.name(), &counts.get(&kind).copied().unwrap_or_default()));
    Ok(Record { engine: stage.name.to_owned(), stores, files, bytes, said: said.into() })
}

fn judge(fixture: &Fixture, injury: &Injury, files: BTreeMap<String, Vec<u8>>) -> Result<Tally, Failure> {
    let judged = guard(|| damage::check(fixture, injury, files));
    judged.map_err(|failure| failure.at(format_args!("{}, {}", fixture.name, injury.what)))
}

/// How many bytes stand in a line of the map.
const LINE_BYTES: usize = 64;

/// One letter for each byte of each file: what was said when one of its bits was another.
fn map(fixture: &Fixture) -> Result<(), Failure> {
    let mut bytes: BTreeMap<(&str, u64), Tally> = BTreeMap::new();
    injury::each(fixture, &mut |injury, files| {
        let (file, offset) = injury.place();
        if let (Kind::Bit, Some((file, _))) = (injury.kind, fixture.files.get_key_value(file)) {
            bytes.entry((file.as_str(), offset)).or_default().add(&judge(fixture, injury, files)?);
        }
        Ok(())
    })?;
    say!("{}", fixture.name);
    for name in fixture.files.keys() {
        let letters: String = bytes
            .iter()
            .filter(|((file, _), _)| *file == name.as_str())
            .map(|(_, tally)| letter(tally))
            .collect();
        say!("{name}");
        for (i, line) in letters.as_bytes().chunks(LINE_BYTES).enumerate() {
            say!("{:>8}  {}", i * LINE_BYTES, String::from_utf8_lossy(line));
        }
    }
    say!("R refused   l read later   c cut   . harmless   * some bits one, some another");
    Ok(())
}

fn letter(tally: &Tally) -> char {
    let Tally { refused, harmless, cut, unread } = *tally;
    let all = tally.injuries();
    let letters = [(refused, 'R'), (unread, 'l'), (cut, 'c'), (harmless, '.')];
    letters.into_iter().find(|(count, _)| *count == all).map_or('*', |(_, letter)| letter)
}
