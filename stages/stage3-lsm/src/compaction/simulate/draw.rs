//! The tree as text: a line for each run, the newest first.

use super::{Run, Simulation};

/// How wide the longest bar is.
const WIDTH: u64 = 40;

impl Simulation {
    /// A line for each run: its number, a bar as long as its share of the largest run, its tables and entries.
    pub fn draw(&self) -> Vec<String> {
        let largest = self.runs.iter().map(Run::entries).max().unwrap_or(1).max(1);
        let number_width = self.runs.iter().map(|run| run.number.to_string().len()).max().unwrap_or(1);
        self.runs.iter().map(|run| line(run, largest, number_width)).collect()
    }
}

fn line(run: &Run, largest: u64, number_width: usize) -> String {
    let bar = "█".repeat(usize::try_from((run.entries() * WIDTH).div_ceil(largest)).unwrap_or(1));
    let (tables, entries) = (run.tables.len() as u64, run.entries());
    let width = usize::try_from(WIDTH).unwrap_or(0);
    let of = if tables == 1 { "table, " } else { "tables," };
    format!(
        "run {:<number_width$}  {bar:<width$} {tables:>3} {of} {:>9} entries",
        run.number,
        grouped(entries)
    )
}

/// A number with a comma after each thousand.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let comma = |(at, digit): (usize, char)| {
        let comma = at > 0 && (digits.len() - at).is_multiple_of(3);
        comma.then_some(',').into_iter().chain(std::iter::once(digit))
    };
    digits.chars().enumerate().flat_map(comma).collect()
}
