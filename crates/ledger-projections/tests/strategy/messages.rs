//! Messages, for those who ask for them.

use ledger_core::{Event, LedgerExt as _};
use ledger_projections::store::Cell;
use ledger_projections::{Database, Messages, Projector};
use serde_json::json;

use crate::support::{catch_up, databases, event, ledger, minute, page};

fn message(id: &str, call: &str, number: u64, content: &str) -> Event {
    let payload = json!({"call_key": call, "role": "user", "content": content, "sequence_number": number});
    event(id, "llm.message", &payload.to_string())
}

async fn rows(database: &Database) -> Vec<Vec<Cell>> {
    let sql = "SELECT call_key, sequence_number, role, session_id, content, event_id FROM llm_messages \
               ORDER BY call_key, sequence_number";
    database.query(sql).await.unwrap().rows
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_observations_the_smallest_id_counts_in_any_order_and_for_any_page_size() {
    let (_folder, databases) = databases();
    let mut events = vec![
        message("b", "c1", 0, "from b"),
        message("a", "c1", 0, "from a"),
        message("c", "c1", 0, "from c"),
        message("d", "c1", 1, "\u{e9}\u{0}"),
        message("e", "c2", 0, ""),
        message("f", "c2", u64::MAX, "no such number"),
        event("g", "llm.message", r#"{"call_key":"c3"}"#),
        event("h", "agent.spoke", r#"{"content":"something else"}"#),
    ];
    let mut expected = None;
    for _ in 0..events.len() {
        events.rotate_left(1);
        let ledger = ledger(events.clone()).await;
        for database in &databases {
            for size in [1, 3, 100] {
                let mut projector = Projector::new(Messages, database.clone()).with_page_size(page(size));
                projector.rebuild(&ledger, &|_, _| ()).await.unwrap();
                let rows = rows(database).await;
                assert_eq!(*expected.get_or_insert(rows.clone()), rows);
            }
        }
    }
    let contents: Vec<_> = expected.unwrap().iter().map(|row| row[4].text()).collect();
    assert_eq!(contents, [r#""from a""#, "\"\u{e9}\\u0000\"", r#""""#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_sessions_are_kept_and_old_messages_removed_for_good() {
    let (_folder, databases) = databases();
    let payload = json!({"call_key": "c", "session_id": "s", "role": "narrator", "content": [{"text": "hi"}],
                         "sequence_number": 0});
    let old = event("old", "llm.message", &payload.to_string());
    let new = message("new", "d", 0, "new").with_created_at(minute(2 * 1_440));
    let ledger = ledger(vec![old, new]).await;
    for database in &databases {
        catch_up(Messages, database, &ledger).await;
        let expected = ["c", "0", "narrator", "s", r#"[{"text":"hi"}]"#, "old"];
        let row = rows(database).await[0].clone();
        let text = |cell: &Cell| cell.maybe_int().map_or_else(|| cell.text(), |number| number.to_string());
        assert_eq!(row.iter().map(text).collect::<Vec<_>>(), expected);
        let mut projector = Projector::new(Messages, database.clone());
        assert_eq!(projector.remove_before(minute(1_440)).await.unwrap(), 1);
        projector.rebuild(&ledger, &|_, _| ()).await.unwrap();
        assert_eq!(rows(database).await.len(), 1);
    }
    ledger.append_all(vec![message("late", "c", 0, "late")]).await.unwrap();
    for database in &databases {
        catch_up(Messages, database, &ledger).await;
        assert_eq!(rows(database).await.len(), 1);
    }
}
