//! Every read, in the three dialects side by side, and as each engine plans it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use ledger_conformance::events::{actor, events, id, kind, model, run, session};
use ledger_core::{AppendCondition, Filter, Ledger, LedgerExt, Offset, PageSize, Read};
use ledger_servers::{MariaDb, Postgres};
use sea_query::{MysqlQueryBuilder, PostgresQueryBuilder, QueryBuilder, SelectStatement, SqliteQueryBuilder, Value};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use super::{head_and_page, id_at, page, range, violation};
use crate::{MySqlLedger, PostgresLedger, ServerOptions};

/// A filter, the indexes that may serve it, and whether it takes several walks.
struct Case {
    name: &'static str,
    filter: Filter,
    /// As SQLite, Postgres and MySQL call it.
    index: [&'static str; 3],
    walks: usize,
}

fn cases() -> Vec<Case> {
    let any = Filter::any;
    let case = |name, filter, index: &'static str, walks| Case { name, filter, index: [index; 3], walks };
    vec![
        Case { name: "all", filter: any(), index: ["INTEGER PRIMARY KEY", "events_pkey", "PRIMARY"], walks: 1 },
        Case {
            name: "id",
            filter: any().id(id("run-7-1")),
            index: ["sqlite_autoindex_events_1", "events_id", "events_id"],
            walks: 1,
        },
        case("run", any().run(run("run-7")), "events_run", 1),
        case("kind", any().kind(kind("kind.k7")), "events_kind", 1),
        case("actor", any().actor(actor("actor-7")), "events_actor", 1),
        case("session", any().session(session("session-7")), "events_session", 1),
        case("model", any().model(model("model-7")), "events_model", 1),
        case("two runs", any().run(run("run-7")).run(run("run-8")), "events_run", 2),
        case(
            "actor and two kinds",
            any().kind(kind("kind.k7")).kind(kind("kind.k8")).actor(actor("actor-7")),
            "events_actor",
            1,
        ),
    ]
}

/// Pages so small that they are a part of what matches.
const PAGE: usize = 20;

fn forward(filter: Filter) -> Read {
    Read::after(Offset::ZERO).limit(PageSize::new(PAGE).unwrap()).matching(filter).unwrap()
}

fn backward(filter: Filter) -> Read {
    Read::before(Offset::MAX).limit(PageSize::new(PAGE).unwrap()).matching(filter).unwrap()
}

fn condition(filter: Filter) -> AppendCondition {
    AppendCondition { fail_if: filter, after: Offset::ZERO }
}

/// As the engine that speaks `dialect` is asked, with values where it takes them.
fn dialects(name: &str, statement: &SelectStatement) -> String {
    let [sqlite, postgres, mysql] = [
        statement.build_any(&SqliteQueryBuilder).0,
        statement.build_any(&PostgresQueryBuilder).0,
        statement.build_any(&MysqlQueryBuilder).0,
    ];
    format!("{name}\n  sqlite    {sqlite}\n  postgres  {postgres}\n  mysql     {mysql}\n\n")
}

/// `LEDGER_PIN=1` writes the file anew, to be read before it is committed.
#[test]
fn the_statements_are_pinned() {
    let mut all = String::new();
    for Case { name, filter, .. } in cases() {
        all += &dialects(&format!("page forward, by {name}"), &page(&forward(filter.clone()), None));
        all += &dialects(&format!("page backward, by {name}"), &page(&backward(filter.clone()), None));
        all += &dialects(&format!("condition, by {name}"), &violation(&condition(filter)));
    }
    let by_run = || Filter::any().run(run("run-7"));
    all += &dialects("head and page forward, by run", &head_and_page(&forward(by_run()), None));
    all += &dialects(
        "head and page forward up to an offset, by run",
        &head_and_page(&forward(by_run()), Some(Offset::MAX)),
    );
    all += &dialects(
        "head and page backward up to an offset, by run",
        &head_and_page(&backward(by_run()), Some(Offset::MAX)),
    );
    all += &dialects("range", &range(Offset::ZERO, Offset::MAX));
    all += &dialects("id at an offset", &id_at(Offset::ZERO));
    if std::env::var_os("LEDGER_PIN").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/select/statements.txt"), &all).unwrap();
        return;
    }
    for (now, pinned) in all.lines().zip(include_str!("statements.txt").lines()) {
        assert_eq!(now, pinned);
    }
    assert_eq!(all.len(), include_str!("statements.txt").len());
}

/// The statements of a case that an engine on a server runs; those whose answers are rows, forward and backward.
fn on_servers(filter: &Filter, last: Option<Offset>) -> [SelectStatement; 3] {
    [
        head_and_page(&forward(filter.clone()), last),
        head_and_page(&backward(filter.clone()), last),
        violation(&condition(filter.clone())),
    ]
}

/// Every read walks an index in the order of its answer: nothing scans, and nothing sorts more than its walks give.
#[test]
fn every_read_uses_its_index_on_sqlite() {
    let database = rusqlite::Connection::open_in_memory().unwrap();
    crate::sqlite::create_tables(&database);
    let plan = |statement: SelectStatement| -> String {
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.to_string(SqliteQueryBuilder));
        let mut steps = database.prepare(&sql).unwrap();
        let steps = steps.query_map([], |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    };
    for Case { name, filter, index: [index, ..], walks } in cases() {
        for statement in [
            page(&forward(filter.clone()), None),
            page(&backward(filter.clone()), None),
            violation(&condition(filter.clone())),
        ] {
            let plan = plan(statement);
            assert!(
                plan.contains(&format!("USING {index}")) || plan.contains(&format!("INDEX {index}")),
                "{name}: {plan}"
            );
            assert!(!plan.contains("SCAN events"), "{name}: {plan}");
            // Merged walks sort offsets, which come from a covering index; nothing sorts rows.
            assert!(walks > 1 || !plan.contains("TEMP B-TREE"), "{name}: {plan}");
            assert!(walks == 1 || plan.contains("USING COVERING INDEX events_run"), "{name}: {plan}");
        }
    }
    assert!(plan(id_at(Offset::ZERO)).contains("INTEGER PRIMARY KEY"));
    assert!(plan(range(Offset::ZERO, Offset::MAX)).contains("INTEGER PRIMARY KEY"));
}

/// Values that one event in a hundred has: for one that every twentieth has, Postgres rather walks the log itself.
async fn fill(ledger: &dyn Ledger) {
    for n in 0..100 {
        let mut batch = events(&format!("run-{n}"), 200);
        for (m, event) in batch.iter_mut().enumerate() {
            event.run_id = run(&format!("run-{n}"));
            event.kind = kind(&format!("kind.k{}", (n + m) % 100));
            event.actor = actor(&format!("actor-{}", (n + m) % 100));
            event.session_id = (m % 2 == 0).then(|| session(&format!("session-{n}")));
            event.model_id = (m % 3 == 0).then(|| model(&format!("model-{}", (n + m) % 50)));
        }
        ledger.append_all(batch).await.unwrap();
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(Some(text)) => format!("'{text}'"),
        Value::BigInt(Some(number)) => number.to_string(),
        Value::BigUnsigned(Some(number)) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

fn built(statement: &SelectStatement, builder: impl QueryBuilder) -> (String, Vec<String>) {
    let (sql, values) = statement.build_any(&builder);
    (sql, values.0.iter().map(literal).collect())
}

/// Prepared once for all values, as after a few calls, and for these values, as at first.
#[tokio::test]
async fn every_read_uses_its_index_on_postgres() {
    let url = Postgres::shared().database();
    fill(&PostgresLedger::open(ServerOptions::from_url(&url).unwrap()).await.unwrap()).await;
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    connection.execute("SET max_parallel_workers_per_gather = 0; ANALYZE").await.unwrap();
    let mut plan = async |statement: &SelectStatement, mode: &str| -> String {
        let (sql, values) = built(statement, PostgresQueryBuilder);
        let explain = format!(
            "SET plan_cache_mode = {mode}; PREPARE asked AS {sql}; EXPLAIN EXECUTE asked({}); DEALLOCATE asked",
            values.join(", ")
        );
        let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
    };
    for mode in ["force_custom_plan", "force_generic_plan"] {
        for Case { name, filter, index: [_, index, _], walks } in cases() {
            for statement in on_servers(&filter, None) {
                let plan = plan(&statement, mode).await;
                let used = [format!(" {index} on events"), format!("Bitmap Index Scan on {index} ")];
                assert!(used.iter().any(|used| plan.contains(used)), "{name}, {mode}: {plan}");
                assert!(!plan.contains("Seq Scan on events"), "{name}, {mode}: {plan}");
                // Several walks are merged by offset; and what is less than a page may as well be sorted.
                let may_sort = walks > 1 || ["id", "actor and two kinds"].contains(&name);
                assert!(may_sort || !plan.contains("Sort"), "{name}, {mode}: {plan}");
            }
        }
        assert!(plan(&id_at(Offset::ZERO), mode).await.contains("events_pkey"));
        assert!(plan(&range(Offset::ZERO, Offset::MAX), mode).await.contains("Index Scan using events_pkey"));
    }
}

#[tokio::test]
async fn every_read_uses_its_index_on_mysql() {
    let url = MariaDb::shared().fresh();
    fill(&MySqlLedger::open(ServerOptions::from_url(&url).unwrap()).await.unwrap()).await;
    let mut connection = sqlx::MySqlConnection::connect(&url).await.unwrap();
    connection.execute("ANALYZE TABLE events").await.unwrap();
    // Table, kind of access, index, and what is done beside.
    let mut plan = async |statement: &SelectStatement| -> Vec<[String; 4]> {
        let explain = format!("EXPLAIN {}", statement.to_string(MysqlQueryBuilder));
        let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut connection).await.unwrap();
        let column = |row: &sqlx::mysql::MySqlRow, name| {
            row.try_get_unchecked::<Option<String>, _>(name).unwrap().unwrap_or_default()
        };
        rows.iter().map(|row| ["table", "type", "key", "Extra"].map(|name| column(row, name))).collect()
    };
    for Case { name, filter, index: [.., index], walks } in cases() {
        for statement in on_servers(&filter, Some(Offset::MAX)) {
            let plan = plan(&statement).await;
            let events: Vec<_> = plan.iter().filter(|[table, ..]| table == "events").collect();
            // MariaDB adds a second index as a filter: `events_actor|events_kind`.
            let walked = |key: &str| key.split('|').next() == Some(index);
            assert!(events.iter().any(|[_, _, key, _]| walked(key)), "{name}: {plan:?}");
            assert!(events.iter().all(|[_, access, ..]| access != "ALL"), "{name}: {plan:?}");
            assert!(walks > 1 || !plan.iter().any(|[.., extra]| extra.contains("filesort")), "{name}: {plan:?}");
        }
    }
    for statement in [id_at(Offset::ZERO.after()), range(Offset::ZERO, Offset::MAX)] {
        let plan = plan(&statement).await;
        assert!(plan.iter().all(|[_, access, key, _]| key == "PRIMARY" && access != "ALL"), "{plan:?}");
    }
}
