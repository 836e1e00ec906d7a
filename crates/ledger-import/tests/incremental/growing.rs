//! Files that grow.

use std::fs;
use std::io::Write as _;

use crate::home::{Home, assert_same, spotter, whole};

#[tokio::test]
async fn a_second_import_reads_nothing() {
    let mut home = Home::spotter();
    let first = home.import().await;
    assert_eq!((first.report.files, first.unchanged, first.report.usage), (3, 0, 156));
    assert_same(&home.events().await, &whole(&spotter()));
    let second = home.import().await;
    assert_eq!((second.report.files, second.unchanged, second.report.bytes), (0, 3, 0));
    assert_eq!(second.stored, ledger_import::Stored::default());
}

#[tokio::test]
async fn only_new_bytes_are_read_and_every_line_is_counted_once() {
    let mut home = Home::new();
    let (main, bytes) = spotter().remove(0);
    let whole = whole(&[(main.clone(), bytes.clone())]);
    let (mut read, mut lines, mut fates) = (0, 0, 0);
    for cut in [1_000, 500_000, 500_001, 1_900_000, bytes.len()] {
        home.write(&main, &bytes[..cut]);
        let report = home.import().await.report;
        let pending = report.pending;
        assert_eq!(
            report.lines,
            report.usage + report.superseding + report.duplicates + report.other + report.bad_lines + pending
        );
        read += report.bytes;
        lines += report.lines - pending;
        fates += report.usage + report.superseding + report.duplicates;
    }
    assert_eq!(lines, whole.report.lines);
    assert_eq!(fates, whole.report.usage + whole.report.superseding + whole.report.duplicates);
    // A torn line is read again, nothing else is.
    assert!(read < bytes.len() as u64 * 11 / 10, "{read}");
    assert_same(&home.events().await, &whole);
}

/// Cuts anywhere, in the middle of lines, of characters, of line breaks.
#[tokio::test]
async fn files_that_grow_by_chunks_of_any_size_end_as_if_read_whole() {
    for step in [997, 31_337, 250_000] {
        let mut home = Home::new();
        let files = spotter();
        let small: Vec<_> = files.iter().map(|(path, bytes)| (path, &bytes[..bytes.len().min(400_000)])).collect();
        let steps = small.iter().map(|(_, bytes)| bytes.len().div_ceil(step)).max().unwrap();
        let every = (steps / 12).max(1);
        for number in (0..steps).filter(|number| number % every == 0).chain([steps]) {
            for (path, bytes) in &small {
                home.write(path, &bytes[..bytes.len().min((number + 1) * step)]);
            }
            home.import().await;
        }
        let cut: Vec<_> = small.iter().map(|(path, bytes)| ((*path).clone(), bytes.to_vec())).collect();
        assert_same(&home.events().await, &whole(&cut));
    }
}

#[tokio::test]
async fn files_that_come_in_any_order_end_the_same() {
    let files = spotter();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut home = Home::new();
        for number in order {
            home.write(&files[number].0, &files[number].1);
            home.import().await;
        }
        assert_same(&home.events().await, &whole(&files));
    }
}

#[tokio::test]
async fn a_torn_last_line_waits() {
    let mut home = Home::new();
    let (main, bytes) = spotter().remove(0);
    let end = bytes.iter().rposition(|byte| *byte == b'}').unwrap();
    home.write(&main, &bytes[..end]);
    assert_eq!(home.import().await.report.pending, 1);
    fs::OpenOptions::new().append(true).open(home.path(&main)).unwrap().write_all(&bytes[end..]).unwrap();
    let report = home.import().await.report;
    assert_eq!((report.lines, report.pending), (1, 0));
    assert_same(&home.events().await, &whole(&[(main, bytes)]));
}
