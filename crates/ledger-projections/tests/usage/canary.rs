//! Content stays in the ledger: it reaches no table, no file, no answer and no log.

use std::io;
use std::sync::{Arc, Mutex};

use ledger_core::{Event, Metadata};
use ledger_events::{
    EventPayload, LlmMessage, Millis, Role, RunFinished, RunStarted, StrategyExecution, ToolStatus, TurnStatus,
};
use ledger_projections::strategy::ListLimit;
use ledger_projections::usage::UsageReader;
use ledger_projections::{Database, Messages, Projection, Projector, StrategyFilter, StrategyLog, StrategyReader};
use serde_json::{Map, Value, json};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::answers::{answers, everything};
use crate::setting::{
    call, catch_up, databases, failed, ledger, noon, of, raw, session, tool_completed, tool_started, turn_completed,
    turn_started, within_turn,
};

const CANARY: &str = "canary-5e1d";

/// What this thread logs, at `trace`, and the drivers on it; the test runs on a runtime of one thread.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logged {
    fn start(&self) -> impl Drop {
        let (writer, subscriber) = (self.clone(), tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE));
        subscriber.with_ansi(false).with_writer(move || writer.clone()).finish().set_default()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// The payload, with content in fields that it does not have, at every depth, and in the event's metadata.
fn with_content<P: EventPayload>(payload: &P) -> Event {
    fn add(object: &mut Map<String, Value>) {
        // All of what is in there are fields.
        let inner = object.iter_mut().filter(|(name, _)| *name != "subject_ids");
        inner.filter_map(|(_, value)| value.as_object_mut()).for_each(add);
        for field in ["arguments", "result", "content", "prompt", "error_message"] {
            object.insert(field.into(), json!({ "text": [CANARY, { CANARY: CANARY }] }));
        }
        object.insert(CANARY.into(), CANARY.into());
    }
    let mut payload = serde_json::to_value(payload).unwrap();
    add(payload.as_object_mut().unwrap());
    raw(P::KIND, &payload.to_string()).with_metadata(Metadata::new().with("note", CANARY).unwrap())
}

fn strategy() -> StrategyExecution {
    StrategyExecution {
        strategy_id: "s1".into(),
        strategy_version: "1".into(),
        strategy_type: None,
        tenant_id: Some("seen".into()),
        subject_ids: [("user".into(), "u".into())].into(),
        status: "error".into(),
        error_code: Some("DSL_X".into()),
        case_name: None,
        duration_ms: Millis::new(1.0).unwrap(),
        nodes_executed: None,
        points: None,
        executed_at: noon(0),
        sample_weight: 1.0,
        trace: Some(vec![json!({ "node": CANARY }), json!(CANARY)]),
        notes: Some(CANARY.into()),
    }
}

/// One event of every kind, whose every field for free text holds content, and some of every kind that are not understood.
fn events() -> Vec<Event> {
    let mut model = within_turn("s", "t", of("i", call("seen", "analyze", 0, 5.0, (1, 1), 1.0)));
    model.source = Some(CANARY.into());
    for field in [&mut model.service_tier, &mut model.speed, &mut model.inference_geo] {
        // Codes have columns; what is none is not kept.
        *field = Some(format!("{CANARY} said"));
    }
    let message = LlmMessage {
        call_key: "k".into(),
        session_id: Some("s".into()),
        role: Role::User,
        content: json!([{ "text": CANARY }]),
        sequence_number: 0,
    };
    let free = Map::from_iter([("task".to_owned(), json!(CANARY))]);
    let mut events = vec![
        with_content(&session("s", "/home/me")),
        with_content(&model),
        with_content(&failed(model, "Overloaded")),
        with_content(&tool_started("c", "read", 0)),
        with_content(&tool_completed("c", "read", (0, 5), ToolStatus::Error)),
        with_content(&turn_started("s", "t", 0)),
        with_content(&turn_completed("s", "t", (0, 5), TurnStatus::Failed)),
        with_content(&message),
        with_content(&RunStarted { fields: free.clone() }),
        with_content(&RunFinished { reason: Some(CANARY.into()), outcome: Some(json!(CANARY)), fields: free }),
        with_content(&strategy()),
        raw("agent.spoke", &json!({ "tenant_id": CANARY, "text": CANARY }).to_string()),
    ];
    for event in events.clone() {
        // Its texts are of another type.
        let mut payload: Map<String, Value> = event.payload.parse().unwrap();
        payload.values_mut().filter(|value| value.is_string()).for_each(|value| *value = json!({ CANARY: CANARY }));
        events.push(raw(event.kind.as_str(), &Value::from(payload).to_string()));
        events.push(raw(event.kind.as_str(), &json!({ "started_at": CANARY, "status": CANARY }).to_string()));
    }
    events
}

/// Everything in every table and view, also those that no reader sees.
async fn contents(database: &Database) -> String {
    let names = match format!("{database:?}") {
        engine if engine.contains("Sqlite") => "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
        engine if engine.contains("Postgres") => {
            "SELECT CAST(table_name AS text) FROM information_schema.tables WHERE table_schema = current_schema()"
        }
        _ => "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()",
    };
    let names = database.query(names).await.unwrap().rows;
    assert!(names.len() > 20, "tables and views of two projections: {names:?}");
    let mut text = String::new();
    for name in names {
        let rows = database.query(&format!("SELECT * FROM {}", name[0].clone().text())).await.unwrap().rows;
        rows.into_iter().flatten().for_each(|cell| {
            text.push_str(&format!("{cell:?} "));
        });
    }
    text
}

/// Everything that a reader says.
async fn said(database: &Database) -> String {
    let answers = answers(&UsageReader::new(database.clone()), &everything()).await;
    let strategies = StrategyReader::new(database.clone());
    let list = strategies.list(&StrategyFilter::default(), ListLimit::default(), None).await.unwrap();
    let list = serde_json::to_string(&list).unwrap();
    answers.0.into_iter().map(|(_, text)| text).chain([list]).collect()
}

async fn project(projection: impl Projection, database: &Database, ledger: &dyn ledger_core::Ledger) {
    Projector::new(projection, database.clone()).catch_up(ledger, &|_, _| ()).await.unwrap();
}

fn files(folder: &std::path::Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.flat_map(|file| std::fs::read(file).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn content_of_no_kind_of_event_is_in_a_table_an_answer_a_file_or_the_log() {
    let logged = Logged::default();
    // While there is one subscriber only, what another thread logs first is asked of that thread's, which is none, and
    // then logged by nobody.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let guard = logged.start();
    let (folder, databases) = databases();
    let ledger = ledger(events()).await;
    for database in &databases {
        catch_up(database, &ledger, 5).await;
        project(StrategyLog::default(), database, &ledger).await;
        let (contents, said) = (contents(database).await, said(database).await);
        for text in [&contents, &said] {
            for word in ["seen", "Overloaded", "DSL_X", "read", "/home/me"] {
                assert!(text.contains(word), "{word} is not in {text}");
            }
            assert!(!text.contains(CANARY), "{text}");
        }
        let passed_over = UsageReader::new(database.clone()).counts(&crate::setting::all()).await.unwrap().passed_over;
        assert_eq!(passed_over["not understood"].len(), 6, "of every kind that usage is made of");
    }
    drop(guard);
    let text = logged.text();
    assert!(text.contains("is live") && !text.contains(CANARY), "{} bytes are logged", text.len());
    let files = files(folder.path());
    assert!(holds(&files, "Overloaded") && !holds(&files, CANARY));
    // That it would be seen: the table that is for it, for those who ask for that, has it.
    for database in &databases {
        project(Messages, database, &ledger).await;
        assert!(contents(database).await.contains(CANARY));
    }
    assert!(holds(&self::files(folder.path()), CANARY));
}
