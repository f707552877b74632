//! The simulator by itself: cases that can be counted by hand, and what holds for all.

use super::*;
use crate::compaction::Strategy;
use figures::Textbook;

/// Flushes of 100 entries of 10 bytes, tables of 100, three of which are merged at a time.
fn setup(strategy: Strategy, workload: Workload) -> Setup {
    Setup {
        rules: Rules { strategy, fan_out: 3, level_ratio: 4, flush_bytes: 1000 },
        workload,
        keys: 1000,
        flush_entries: 100,
        table_entries: 100,
        entry_bytes: 10,
        table_bytes: 0,
        seed: 1,
    }
}

fn simulate(setup: Setup, steps: u64) -> Simulation {
    let mut simulation = Simulation::new(setup);
    for _ in 0..steps {
        simulation.step().unwrap();
    }
    simulation
}

fn all(steps: u64) -> impl Iterator<Item = Simulation> {
    let strategies = [Strategy::Tiered, Strategy::Leveled, Strategy::Off];
    let setups = strategies.into_iter().flat_map(|strategy| Workload::ALL.map(|w| setup(strategy, w)));
    setups.map(move |setup| simulate(setup, steps))
}

/// Within a billionth.
fn assert_close(one: f64, other: f64) {
    assert!((one - other).abs() < 1e-9, "{one} is not {other}");
}

#[test]
fn without_a_strategy_everything_is_written_once_and_stays() {
    let simulation = simulate(setup(Strategy::Off, Workload::Fill), 10);
    assert_eq!(simulation.entries(), [100; 10]);
    let figures = simulation.figures();
    assert_eq!((figures.runs, figures.tables, figures.compactions), (10, 10, 0));
    assert_close(figures.write_amplification(), 1.0);
    assert_close(figures.space_amplification(), 1.0);
    // The same keys again, so that each is there twice.
    let figures = simulate(setup(Strategy::Off, Workload::Fill), 20).figures();
    assert_close(figures.space_amplification(), 2.0);
    assert_close(
        figures.space_average,
        (10.0 + (11..=20).map(|step| f64::from(step) / 10.0).sum::<f64>()) / 20.0,
    );
}

#[test]
fn in_order_a_get_asks_one_run_of_many() {
    let figures = simulate(setup(Strategy::Off, Workload::Ascending), 10).figures();
    // Between the tables nine gaps of 999 belong to nobody.
    assert_close(figures.asked, 990.0 / 999.0);
    let shuffled = simulate(setup(Strategy::Off, Workload::Fill), 10).figures();
    assert!(shuffled.asked > 9.5 && shuffled.asked <= 10.0, "{}", shuffled.asked);
}

#[test]
fn tiered_merges_three_by_three() {
    let mut simulation = Simulation::new(setup(Strategy::Tiered, Workload::Fill));
    let mut steps = Vec::new();
    for _ in 0..9 {
        let step = simulation.step().unwrap();
        steps.push((step.compactions, step.written, simulation.entries()));
    }
    let expected = [
        (0, 0, vec![100]),
        (0, 0, vec![100, 100]),
        (1, 300, vec![300]),
        (0, 0, vec![100, 300]),
        (0, 0, vec![100, 100, 300]),
        (1, 300, vec![300, 300]),
        // The newer runs outweigh the oldest.
        (1, 700, vec![700]),
        (0, 0, vec![100, 700]),
        (0, 0, vec![100, 100, 700]),
    ];
    assert_eq!(steps, expected);
    let figures = simulation.figures();
    assert_close(figures.write_amplification(), (900.0 + 1300.0) / 900.0);
    assert_eq!((figures.compacted_from_bytes, figures.compacted_into_bytes), (13_000, 13_000));
    assert_close(figures.space_amplification(), 1.0);
}

#[test]
fn a_few_bytes_decide_where_sizes_are_the_same() {
    let runs_after_six = |table_bytes| {
        let setup = Setup { table_bytes, table_entries: 1000, ..setup(Strategy::Tiered, Workload::Fill) };
        simulate(setup, 6).entries()
    };
    // Three flushes and the run that three others became: as large, unless tables have footers.
    assert_eq!(runs_after_six(0), [300, 300]);
    assert_eq!(runs_after_six(1), [600]);
}

#[test]
fn leveled_keeps_a_run_for_each_level() {
    let figures = simulate(setup(Strategy::Leveled, Workload::Fill), 10).figures();
    // Three flushes are level 1; with the next three, and the next, they are six and nine. One is young.
    assert_close(figures.write_amplification(), (1000.0 + 300.0 + 600.0 + 900.0) / 1000.0);
    assert_eq!(figures.runs, 2);
}

#[test]
fn what_is_overwritten_goes_when_it_is_merged() {
    let setup = Setup { keys: 100, ..setup(Strategy::Tiered, Workload::Fill) };
    let mut simulation = simulate(setup, 2);
    assert_close(simulation.figures().space_amplification(), 2.0);
    assert_eq!(simulation.step().unwrap(), Step { flushed: 100, compactions: 1, read: 300, written: 100 });
    assert_close(simulation.figures().space_amplification(), 1.0);
}

#[test]
fn no_key_is_lost_and_no_run_has_one_twice() {
    for simulation in all(37) {
        let mut found = vec![false; simulation.written.len()];
        for run in &simulation.runs {
            let keys: Vec<u32> = run.tables.iter().flat_map(|table| table.keys.clone()).collect();
            assert!(keys.is_sorted_by(|a, b| a < b), "{:?}", simulation.setup);
            for key in keys {
                found[key as usize] = true;
            }
        }
        assert_eq!(found, simulation.written, "{:?}", simulation.setup);
        let live = found.iter().filter(|found| **found).count() as u64;
        assert_eq!(simulation.live, live);
        let numbers: Vec<u64> = simulation.runs.iter().map(|run| run.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_tree_and_another_one_another() {
    for one in all(20) {
        let again = simulate(one.setup, 20);
        assert_eq!((again.shape(), again.figures()), (one.shape(), one.figures()));
        let other = simulate(Setup { seed: 2, ..one.setup }, 20);
        let is_drawn = one.setup.workload != Workload::Ascending && one.setup.rules.strategy == Strategy::Off;
        assert!(!is_drawn || other.shape() != one.shape(), "{:?}", one.setup);
    }
}

#[test]
fn workloads_write_what_they_say() {
    let counts = |workload| {
        let mut keys = workload::Keys::new(workload, 1000, 7);
        let mut counts = vec![0_u32; 1000];
        (0..10_000).for_each(|_| counts[keys.next_key() as usize] += 1);
        counts.sort_unstable_by(|a, b| b.cmp(a));
        counts
    };
    assert_eq!(counts(Workload::Fill), [10; 1000]);
    assert_eq!(counts(Workload::Ascending), [10; 1000]);
    let uniform = counts(Workload::Overwrite);
    assert!(uniform[0] < 30 && uniform[999] > 0, "{} … {}", uniform[0], uniform[999]);
    let hot = counts(Workload::Hot);
    let fifth: u32 = hot[..200].iter().sum();
    assert!((7800..8500).contains(&fifth), "{fifth} of 10,000 to a fifth of the keys");
    // A single key is a workload, too.
    assert_eq!(workload::Keys::new(Workload::Hot, 1, 7).next_key(), 0);
}

#[test]
fn the_textbook_says_what_the_chapter_says() {
    let book = |strategy, sizes| {
        let rules = Rules { strategy, fan_out: 4, level_ratio: 10, flush_bytes: 1000 };
        Textbook::new(&rules, sizes, 100)
    };
    let tiered = book(Strategy::Tiered, 64.0);
    assert_close(tiered.write, 4.0);
    assert_close(tiered.asked, 9.0);
    let leveled = book(Strategy::Leveled, 400.0);
    assert_close(leveled.write, 12.0);
    assert_close(leveled.asked, 6.0);
    assert_close(leveled.space, 1.1);
    let off = book(Strategy::Off, 50.0);
    assert_close(off.write, 1.0);
    assert_close(off.asked, 100.0);
    assert_close(off.space, 2.0);
    // A tree that is smaller than a flush has no levels, and no negative ones.
    assert_close(book(Strategy::Leveled, 0.5).write, 2.0);
}

#[test]
fn a_tree_is_drawn_with_a_line_for_each_run() {
    let lines = simulate(setup(Strategy::Tiered, Workload::Fill), 4).draw();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], format!("run 7  {:<40}   1 table,        100 entries", "█".repeat(14)));
    assert_eq!(lines[1], format!("run 1  {}   3 tables,       300 entries", "█".repeat(40)));
    assert_eq!([0, 999, 1000, 1_234_567].map(draw::grouped), ["0", "999", "1,000", "1,234,567"]);
}
