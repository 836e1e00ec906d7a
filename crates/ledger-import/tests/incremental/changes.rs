//! Files that are replaced, cut, moved or deleted, and copies that appear later.

use std::fs;

use ledger_events::LlmCall;

use crate::home::{Home, assert_same, latest, spotter, whole};

#[tokio::test]
async fn a_file_that_was_cut_is_read_again_and_removes_nothing() {
    let mut home = Home::spotter();
    home.import().await;
    let (main, bytes) = spotter().remove(0);
    home.write(&main, &bytes[..100_000]);
    let pass = home.import().await;
    assert_eq!((pass.rewritten, pass.stored.appended), (1, 0));
    assert_same(&home.events().await, &whole(&spotter()));
}

#[tokio::test]
async fn a_file_with_another_content_is_read_from_its_beginning() {
    let mut home = Home::spotter();
    let files = spotter();
    home.write(&files[1].0, &files[2].1);
    home.import().await;
    // The same length at least, but other bytes.
    home.write(&files[1].0, &files[1].1);
    assert_eq!(home.import().await.rewritten, 1);
    assert_same(&home.events().await, &whole(&files));
}

#[tokio::test]
async fn a_change_before_the_end_is_noticed_by_the_bytes_before_it() {
    let mut home = Home::spotter();
    home.import().await;
    let (main, mut bytes) = spotter().remove(0);
    let near_end = bytes.len() - 100;
    bytes[near_end] ^= 1;
    bytes.extend(b"\n");
    home.write(&main, &bytes);
    assert_eq!(home.import().await.rewritten, 1);
}

#[tokio::test]
async fn a_file_that_moved_or_is_gone_adds_and_removes_nothing() {
    let mut home = Home::spotter();
    home.import().await;
    let files = spotter();
    fs::create_dir_all(home.path("archive")).unwrap();
    fs::rename(home.path(&files[0].0), home.path("archive/258c7280-ae70-4798-800f-63464d01a85d.jsonl")).unwrap();
    fs::remove_file(home.path(&files[1].0)).unwrap();
    let pass = home.import().await;
    assert_eq!((pass.report.files, pass.stored.appended), (1, 0));
    assert_same(&home.events().await, &whole(&files));
}

/// The lines of a session under another session id, as resuming it writes them.
fn resumed(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.replace("258c7280-ae70-4798-800f-63464d01a85d", "00000000-0000-4000-8000-000000000001").into_bytes()
}

#[tokio::test]
async fn a_resumed_copy_counts_nothing_twice_whichever_comes_first() {
    let (main, bytes) = spotter().remove(0);
    let copy = ("projects/-home-user-spotter/00000000-0000-4000-8000-000000000001.jsonl".to_owned(), resumed(&bytes));
    let original = (main, bytes);
    let both = whole(&[original.clone(), copy.clone()]);
    for files in [[&original, &copy], [&copy, &original]] {
        let mut home = Home::new();
        for (path, bytes) in files {
            home.write(path, bytes);
            home.import().await;
        }
        let events = home.events().await;
        assert_same(&events, &both);
        let alone = whole(std::slice::from_ref(&original)).report.calls;
        assert_eq!(latest::<LlmCall>(&events).values().count() as u64, alone);
    }
}

#[tokio::test]
async fn what_joins_two_families_joins_what_comes_later() {
    let files = spotter();
    let copy = ("projects/elsewhere/00000000-0000-4000-8000-000000000001.jsonl".to_owned(), resumed(&files[0].1));
    let mut home = Home::new();
    for (path, bytes) in [&files[0], &copy, &files[1], &files[2]] {
        home.write(path, bytes);
        home.import().await;
    }
    assert_same(&home.events().await, &whole(&[files[0].clone(), copy, files[1].clone(), files[2].clone()]));
}

#[tokio::test]
async fn what_is_kept_is_not_believed_when_the_ledger_is_another_one() {
    let mut home = Home::spotter();
    home.import().await;
    home.ledger = ledger_memory::MemoryLedger::new();
    assert_eq!(home.import().await.report.files, 3);
    assert_same(&home.events().await, &whole(&spotter()));
}
