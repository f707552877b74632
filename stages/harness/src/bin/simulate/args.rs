//! What is wanted.

use crate::End;
use lexopt::Arg;
use stage3::compaction::simulate::Setup;
use stage3::compaction::simulate::draw::grouped;
use stage3::compaction::simulate::workload::Workload;
use stage3::compaction::{Rules, Strategy};
use std::str::FromStr;

/// What `--help` says.
pub(crate) const HELP: &str = "\
Runs a compaction strategy of stage 3 over a workload, without a disk: draws the tree as it grows, and counts what was
written, what a get asks and what room is taken, beside the textbook's formulas. The same arguments give the same output.

Usage: cargo xtask simulate [OPTIONS]

  --strategy NAME     tiered (default), leveled or off
  --workload NAME     overwrite (default)  any key, each as likely as another
                      hot                  four in five writes to a fifth of the keys, and so on within it
                      fill                 every key once, in a random order
                      ascending            every key once, in order
  --steps N           how many memtables are filled and flushed (default 32)
  --flush-entries N   how many writes fill a memtable (default 1000)
  --keys N            how many different keys there are (default: a quarter of the writes; fill and ascending write as
                      many as there are writes)
  --fan-out N         how many runs of a similar size are merged at a time (default 4)
  --level-ratio N     how many times larger than the one above it a level may be (default 10)
  --table-entries N   how many entries fill a table (default 1000)
  --entry-bytes N     bytes of an entry in a table (default 124)
  --flush-bytes N     what the strategy takes a flush for (default: entries of a flush × bytes of an entry)
  --seed N            what the keys are drawn from (default 1)
  --every N           draw the tree after every N steps, 0 for the end alone (default 8)
  --json              one object a line: each step that would be drawn, and the figures
  -h, --help          this text

Exit status: 0 done, 1 the strategy never comes to rest, 2 wrong usage.
";

/// Bytes of a table beside its entries: its footer, and what rounding leaves.
const TABLE_BYTES: u64 = 150;
/// So many writes fit into the memory of a small machine, whatever the strategy.
const MAX_WRITES: u64 = 100_000_000;
/// An entry that is longer would let the sums of bytes overflow.
const MAX_ENTRY_BYTES: u64 = 1 << 20;

/// The arguments.
pub(crate) struct Args {
    /// What is simulated.
    pub(crate) setup: Setup,
    /// How many flushes.
    pub(crate) steps: u64,
    /// After how many of them the tree is drawn; 0 for at the end alone.
    pub(crate) every: u64,
    /// Objects instead of lines for people.
    pub(crate) json: bool,
}

/// Reads the arguments; `None` if help is wanted.
pub(crate) fn parse() -> Result<Option<Args>, End> {
    let mut strategy = Strategy::Tiered;
    let mut workload = Workload::Overwrite;
    let (mut steps, mut flush_entries, mut every) = (32, 1000, 8);
    let (mut keys, mut flush_bytes) = (None, None);
    let (mut fan_out, mut level_ratio) = (4, 10);
    let (mut table_entries, mut entry_bytes, mut seed, mut json) = (1000, 124, 1, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        let Arg::Long(name) = arg else {
            if arg == Arg::Short('h') {
                return Ok(None);
            }
            return Err(arg.unexpected().into());
        };
        let name = name.to_owned();
        match name.as_str() {
            "strategy" => strategy = strategy_of(&text(&mut parser)?)?,
            "workload" => workload = workload_of(&text(&mut parser)?)?,
            "steps" => steps = number(&mut parser, &name, 1)?,
            "flush-entries" => flush_entries = number(&mut parser, &name, 1)?,
            "keys" => keys = Some(number(&mut parser, &name, 1)?),
            "fan-out" => fan_out = number(&mut parser, &name, 2)?,
            "level-ratio" => level_ratio = number(&mut parser, &name, 2)?,
            "table-entries" => table_entries = number(&mut parser, &name, 1)?,
            "entry-bytes" => entry_bytes = entry_bytes_of(number(&mut parser, &name, 1)?)?,
            "flush-bytes" => flush_bytes = Some(number(&mut parser, &name, 1)?),
            "seed" => seed = number(&mut parser, &name, 0)?,
            "every" => every = number(&mut parser, &name, 0)?,
            "json" => json = true,
            "help" => return Ok(None),
            _ => return Err(Arg::Long(&name).unexpected().into()),
        }
    }
    let writes = within_memory(steps, flush_entries)?;
    let default_keys = if workload.writes_each_once() { writes } else { (writes / 4).max(1) };
    let keys: u64 = keys.unwrap_or(u64::from(default_keys));
    let keys = u32::try_from(keys).ok().filter(|keys| u64::from(*keys) <= MAX_WRITES);
    let keys = keys.ok_or_else(|| {
        End::Usage(format!("at most {} keys fit: make --keys smaller", grouped(MAX_WRITES)))
    })?;
    let flush_bytes = flush_bytes.unwrap_or(u64::from(flush_entries).saturating_mul(entry_bytes));
    let setup = Setup {
        rules: Rules { strategy, fan_out, level_ratio, flush_bytes },
        workload,
        keys,
        flush_entries,
        table_entries,
        entry_bytes,
        table_bytes: TABLE_BYTES,
        seed,
    };
    Ok(Some(Args { setup, steps, every, json }))
}

fn text(parser: &mut lexopt::Parser) -> Result<String, End> {
    use lexopt::ValueExt;
    Ok(parser.value()?.string()?)
}

/// The number that follows a flag, at least `min`.
fn number<N: FromStr + PartialOrd + From<u8>>(
    parser: &mut lexopt::Parser,
    flag: &str,
    min: u8,
) -> Result<N, End> {
    let said = text(parser)?;
    let plain = said.replace(['_', ','], "");
    plain.parse().ok().filter(|number| *number >= N::from(min)).ok_or_else(|| {
        End::Usage(format!(
            "--{flag} takes a whole number from {min} on, such as 1000 or 1_000, not «{said}»"
        ))
    })
}

fn entry_bytes_of(bytes: u64) -> Result<u64, End> {
    let fits = (1..=MAX_ENTRY_BYTES).contains(&bytes).then_some(bytes);
    fits.ok_or_else(|| End::Usage(format!("--entry-bytes is at most {}", grouped(MAX_ENTRY_BYTES))))
}

fn strategy_of(name: &str) -> Result<Strategy, End> {
    match name {
        "tiered" => Ok(Strategy::Tiered),
        "leveled" => Ok(Strategy::Leveled),
        "off" => Ok(Strategy::Off),
        _ => Err(End::Usage(format!("there is no strategy «{name}»; there are: tiered, leveled, off"))),
    }
}

fn workload_of(name: &str) -> Result<Workload, End> {
    let found = Workload::ALL.into_iter().find(|workload| workload.name() == name);
    found.ok_or_else(|| {
        let there = Workload::ALL.map(Workload::name).join(", ");
        End::Usage(format!("there is no workload «{name}»; there are: {there}"))
    })
}

/// How many writes there are, if that many fit into memory.
fn within_memory(steps: u64, flush_entries: u32) -> Result<u32, End> {
    let writes = steps.checked_mul(u64::from(flush_entries)).filter(|writes| *writes <= MAX_WRITES);
    writes.and_then(|writes| u32::try_from(writes).ok()).ok_or_else(|| {
        let most = grouped(MAX_WRITES);
        End::Usage(format!("at most {most} writes fit into memory: make --steps or --flush-entries smaller"))
    })
}
