//! Rollouts of Codex: cumulative counters, and a fork that replays its parent.

use std::fs;
use std::path::Path;

use ledger_events::LlmCall;
use ledger_import::Source;

use crate::home::{Home, assert_same, latest, whole_of};

/// The files of a real set, by name.
fn files(set: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/codex").join(set);
    let found = Source::Codex.find(&[dir]).unwrap();
    let name = |path: &Path| format!("sessions/{}", path.file_name().unwrap().to_str().unwrap());
    found.files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

async fn total(home: &Home) -> u64 {
    latest::<LlmCall>(&home.events().await).values().map(|call| call.tokens.total()).sum()
}

#[tokio::test]
async fn a_rollout_that_grows_by_chunks_of_any_size_ends_as_if_read_whole() {
    let (path, bytes) = files("agtrace").remove(0);
    for step in [331, 1_999, 10_000] {
        let mut home = Home::new();
        for end in (step..bytes.len() + step).step_by(step) {
            home.write(&path, &bytes[..end.min(bytes.len())]);
            home.import_of(&Source::Codex).await;
        }
        assert_same(&home.events().await, &whole_of(&Source::Codex, &[(path.clone(), bytes.clone())]));
        assert_eq!(total(&home).await, 27_148);
    }
}

#[tokio::test]
async fn a_fork_and_its_parent_count_once_whichever_comes_first_and_however_they_grow() {
    let family = files("codexbar");
    assert_eq!(family.len(), 2);
    for order in [[0, 1], [1, 0]] {
        for cuts in [1, 3] {
            let mut home = Home::new();
            for file in order {
                let (path, bytes) = &family[file];
                for cut in 1..=cuts {
                    home.write(path, &bytes[..bytes.len() * cut / cuts]);
                    home.import_of(&Source::Codex).await;
                }
            }
            assert_eq!(total(&home).await, 15_309_178, "{order:?}, {cuts} pieces");
            let again = home.import_of(&Source::Codex).await;
            assert_eq!((again.unchanged, again.stored.appended), (2, 0));
        }
    }
}

#[tokio::test]
async fn both_at_once_and_archived_later_count_once() {
    let mut home = Home::new();
    let family = files("codexbar");
    family.iter().for_each(|(path, bytes)| home.write(path, bytes));
    home.import_of(&Source::Codex).await;
    fs::create_dir_all(home.path("archived_sessions")).unwrap();
    for (path, _) in &family {
        let name = path.rsplit('/').next().unwrap();
        fs::rename(home.path(path), home.path(&format!("archived_sessions/{name}"))).unwrap();
    }
    let pass = home.import_of(&Source::Codex).await;
    assert_eq!((pass.report.files, pass.stored.appended), (2, 0));
    assert_eq!(total(&home).await, 15_309_178);
}
