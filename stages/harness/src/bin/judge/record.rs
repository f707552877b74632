//! What was said of the injuries to an engine's stores, as a table for a person, as JSON, and as the book's table.

use harness::damage::Tally;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What was said of one engine's stores.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) engine: String,
    pub(crate) stores: usize,
    pub(crate) files: usize,
    pub(crate) bytes: usize,
    pub(crate) said: Vec<Said>,
}

/// How many injuries of one kind had which outcome.
#[derive(Serialize, Deserialize)]
pub(crate) struct Said {
    kind: String,
    refused: u64,
    read_later: u64,
    cut: u64,
    harmless: u64,
}

impl Said {
    pub(crate) fn new(kind: &str, tally: &Tally) -> Self {
        let Tally { refused, harmless, cut, unread } = *tally;
        Self { kind: kind.to_owned(), refused, read_later: unread, cut, harmless }
    }

    /// All of them, and each outcome.
    fn counts(&self) -> [u64; 5] {
        let Self { refused, read_later, cut, harmless, .. } = *self;
        [refused + read_later + cut + harmless, refused, read_later, cut, harmless]
    }
}

impl Record {
    /// Each outcome of all kinds together.
    fn all(&self) -> [u64; 5] {
        self.said.iter().fold([0; 5], |sums, said| {
            let counts = said.counts();
            std::array::from_fn(|i| sums[i] + counts[i])
        })
    }

    /// Prints it as a table.
    pub(crate) fn print(&self) {
        let Self { engine, stores, files, bytes, said } = self;
        say!("{engine}: {stores} stores, {files} files, {bytes} bytes");
        say!("{:<28}{:>9}{:>9}{:>11}{:>9}{:>9}", "", "injuries", "refused", "read later", "cut", "harmless");
        let line = |name: &str, [all, refused, read_later, cut, harmless]: [u64; 5]| {
            say!("{name:<28}{all:>9}{refused:>9}{read_later:>11}{cut:>9}{harmless:>9}");
        };
        for said in said {
            line(&said.kind, said.counts());
        }
        line("all", self.all());
    }
}

/// The book's tables, from what was recorded as JSON.
pub(crate) fn markdown(json: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let records: Vec<Record> = serde_json::from_slice(&std::fs::read(json)?)?;
    let injuries: u64 = records.iter().map(|record| record.all()[0]).sum();
    let stores: usize = records.iter().map(|record| record.stores).sum();
    let bytes: usize = records.iter().map(|record| record.bytes).sum();
    let mut text = format!(
        "<!-- ANCHOR: sentence -->\n{} injuries to {stores} stores of {} engines, which have {} bytes together.\n\
         <!-- ANCHOR_END: sentence -->\n\n<!-- ANCHOR: table -->\n| | injuries | refused | read later | cut | harmless |\n\
         |---|--:|--:|--:|--:|--:|\n",
        thousands(injuries),
        records.len(),
        thousands(bytes as u64),
    );
    for record in &records {
        let about = format!("**{}**, {} files, {} bytes", record.engine, record.files, record.bytes);
        text += &row(&about, record.all());
        text.extend(record.said.iter().map(|said| row(&said.kind, said.counts())));
    }
    text += "<!-- ANCHOR_END: table -->\n";
    Ok(text)
}

fn row(name: &str, counts: [u64; 5]) -> String {
    format!("| {name} | {} |\n", counts.map(thousands).join(" | "))
}

/// A number with a comma between thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<String> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| group.iter().map(|&b| char::from(b)).collect())
        .collect();
    groups.join(",")
}
