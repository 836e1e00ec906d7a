//! Calls of models, as `append` takes them.

#![allow(dead_code, reason = "each test file uses its own part")]

use serde_json::{Value, json};

use super::Place;

/// A successful call of a tenant, an operation and a model, some minutes after noon of 1 March 2026, UTC.
pub(crate) fn call(tenant: &str, operation: &str, model: &str, minute: i64) -> Value {
    json!({
        "tenant_id": tenant, "operation": operation, "provider": "openai", "model": model,
        "started_at": format!("2026-03-01T{:02}:{:02}:00Z", 12 + minute / 60, minute % 60), "duration_ms": 100.0,
        "tokens": {"input": 10, "output": 5}, "cost": {"pico_usd": 1_500_000_000_000_i64, "source": "provider"},
        "status": "ok",
    })
}

/// The same with other fields.
pub(crate) fn with(mut call: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        call[name] = value.clone();
    }
    call
}

/// An event of a kind, as a line.
pub(crate) fn said(kind: &str, payload: &Value) -> String {
    json!({"run_id": "run", "turn": 0, "kind": kind, "actor": "test", "payload": payload}).to_string() + "\n"
}

/// Appends calls.
pub(crate) fn append(place: &Place, calls: &[Value]) {
    let lines: String = calls.iter().map(|call| said("llm.called", call)).collect();
    place.run_with(&["append"], &lines).ok();
}

/// A place with four calls: two tenants, two operations, two models, one failed, one without a price.
pub(crate) fn four() -> Place {
    let place = Place::new();
    append(
        &place,
        &[
            call("acme", "summarize", "gpt", 0),
            with(call("acme", "search", "mini", 30), &json!({"session_id": "s", "turn_id": "t"})),
            with(call("acme", "search", "mini", 90), &json!({"status": "error", "error_class": "overloaded"})),
            with(call("zeta", "search", "gpt", 360), &json!({"cost": null})),
        ],
    );
    place
}

/// The names of all fields, in order of the alphabet; of a list, those of its first element.
pub(crate) fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}{}", shape(value))).collect();
            format!("{{{}}}", fields.join(" "))
        }
        Value::Array(values) => format!("[{}]", values.first().map(shape).unwrap_or_default()),
        _ => String::new(),
    }
}
