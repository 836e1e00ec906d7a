//! How calls end.

use ledger_events::CallStatus;
use serde_json::{Value, json};

use crate::support::{call, import, span, spans, with};

fn ended(more: Value, status: Value) -> (CallStatus, Option<String>, Option<u16>) {
    let mut more = more;
    more["gen_ai.operation.name"] = json!("chat");
    let call = call(&import(&[spans(&[with(span(1, 0, more), json!({"status": status}))])]));
    (call.status, call.error_class, call.http_status)
}

#[test]
fn the_status_of_the_span_the_class_and_the_code_tell_how_a_call_ended() {
    use CallStatus::{Error, Limit, Ok, Timeout};
    let class = |class: &str| Some(class.to_owned());
    for (more, status, expected) in [
        (json!({}), json!({}), (Ok, None, None)),
        (json!({}), json!({"code": 1}), (Ok, None, None)),
        (json!({"http.response.status_code": 200}), json!({"code": "STATUS_CODE_UNSET"}), (Ok, None, Some(200))),
        (json!({}), json!({"code": 2}), (Error, class("unknown"), None)),
        (
            json!({"error.type": "overloaded_error"}),
            json!({"code": "STATUS_CODE_ERROR"}),
            (Error, class("overloaded_error"), None),
        ),
        (
            json!({"error.type": "openai.RateLimitError"}),
            json!({"code": 2}),
            (Limit, class("openai.RateLimitError"), None),
        ),
        (
            json!({"error.type": "429", "http.response.status_code": 429}),
            json!({"code": 2}),
            (Limit, class("429"), Some(429)),
        ),
        (json!({"http.response.status_code": 504}), json!({"code": 2}), (Timeout, class("http_504"), Some(504))),
        (json!({"http.response.status_code": "408"}), json!({}), (Timeout, class("http_408"), Some(408))),
        (json!({"error.type": "DeadlineExceeded"}), json!({"code": 2}), (Timeout, class("DeadlineExceeded"), None)),
        (json!({"error.type": "no such model, sorry"}), json!({"code": 2}), (Error, class("unknown"), None)),
    ] {
        assert_eq!(ended(more.clone(), status), expected, "{more}");
    }
}

#[test]
fn answers_that_were_cut_off_or_refused_went_well_and_are_flagged() {
    for (reasons, flag) in [
        (json!(["length"]), "truncated"),
        (json!(["stop", "max_tokens"]), "truncated"),
        (json!("max_tokens"), "truncated"),
        (json!(["content_filter"]), "refusal"),
    ] {
        let more = json!({"gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": reasons});
        let import = import(&[spans(&[span(1, 0, more)])]);
        assert_eq!(call(&import).status, CallStatus::Ok);
        assert_eq!(serde_json::to_value(&import.events[0].metadata).unwrap()[flag], "true");
    }
}
