//! Ledgers that are merged tell the same, whichever is merged into which.

use ledger_core::{Event, merge};
use ledger_events::StrategyExecution;
use ledger_projections::{Messages, StrategyLog, StrategyReader};
use serde_json::json;

use crate::support::{about, all, catch_up, databases, event, events, execution, failed, ledger, minute, rows, top};

fn executions() -> Vec<Event> {
    let one = |n: i64| StrategyExecution {
        subject_ids: about("user", &format!("u{}", n % 7)),
        executed_at: minute(n * 13 % 500),
        sample_weight: [1.0, 20.0][usize::try_from(n % 2).unwrap()],
        ..if n % 5 == 0 { failed("error", "DSL_A") } else { execution() }
    };
    events(&(0..60).map(one).collect::<Vec<_>>())
}

fn message(n: u64) -> Event {
    let payload = json!({"call_key": format!("c{}", n % 11), "role": "user", "content": n, "sequence_number": n % 3});
    event(&format!("m-{n:03}"), "llm.message", &payload.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_ledger_is_merged_into_the_other_strategies_and_messages_are_the_same() {
    let (_folder, databases) = databases();
    let log: Vec<Event> = executions().into_iter().chain((0..60).map(message)).collect();
    // 40 of them are in both.
    let (one, mut other) = (log[..80].to_vec(), log[40..].to_vec());
    other.reverse();
    let mut expected = None;
    for (n, (into, from)) in
        [(log.clone(), vec![log[0].clone()]), (one.clone(), other.clone()), (other, one)].iter().enumerate()
    {
        let (into, from) = (ledger(into.clone()).await, ledger(from.clone()).await);
        merge(&into, &from, &|_, _| ()).await.unwrap();
        let database = &databases[n];
        catch_up(StrategyLog::default(), database, &into).await;
        catch_up(Messages, database, &into).await;
        let stats = StrategyReader::new(database.clone()).stats(&all(), top()).await.unwrap().answer;
        assert_eq!(stats.outcomes.total.rows, 60);
        let messages =
            "SELECT call_key, sequence_number, content, event_id FROM llm_messages ORDER BY call_key, sequence_number";
        let messages = database.query(messages).await.unwrap().rows;
        assert_eq!(messages.len(), 33);
        let found = (rows(database).await, serde_json::to_string(&stats).unwrap(), messages);
        assert!(*expected.get_or_insert_with(|| found.clone()) == found, "{n}");
    }
}
