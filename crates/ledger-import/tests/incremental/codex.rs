//! Rollouts of Codex: cumulative counters, and a fork that replays its parent.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::lock::Mutex;
use ledger_events::LlmCall;
use ledger_import::incremental::{BoxError, Change, IncrementalImport, Keep, MemoryKeep, Part};
use ledger_import::{Options, Source};

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

/// What two programs keep in one database.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<MemoryKeep>>);

#[async_trait]
impl Keep for Shared {
    async fn all(&mut self, owner: &str, part: Part) -> Result<Vec<(String, Vec<u8>)>, BoxError> {
        self.0.lock().await.all(owner, part).await
    }

    async fn one(&mut self, owner: &str, name: &str, part: Part) -> Result<Option<Vec<u8>>, BoxError> {
        self.0.lock().await.one(owner, name, part).await
    }

    async fn put(&mut self, owner: &str, changes: Vec<Change>) -> Result<(), BoxError> {
        self.0.lock().await.put(owner, changes).await
    }

    async fn clear(&mut self, owner: &str) -> Result<(), BoxError> {
        self.0.lock().await.clear(owner).await
    }
}

/// One goes on, as `--watch` does, while somebody else imports the same: each knows how far it got itself, and what is
/// kept is further on.
#[tokio::test]
async fn two_imports_that_go_on_and_take_turns_count_once() {
    let family = files("codexbar");
    for turns in [[0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]] {
        let (home, kept) = (Home::new(), Shared::default());
        let import = || {
            let kept = Box::new(kept.clone());
            IncrementalImport::new(&Source::Codex, Options::default(), &home.ledger, kept).unwrap()
        };
        let mut imports = [import(), import()];
        for cut in 1..=8 {
            for (number, (path, bytes)) in family.iter().enumerate() {
                home.write(path, &bytes[..bytes.len() * cut / 8]);
                let found = Source::Codex.find(&[home.dir.path().to_owned()]).unwrap();
                imports[turns[(2 * cut + number) % 4]].pass(&found, &|_| ()).await.unwrap();
            }
        }
        assert_eq!(total(&home).await, 15_309_178, "{turns:?}");
        assert_same(&home.events().await, &whole_of(&Source::Codex, &family));
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
