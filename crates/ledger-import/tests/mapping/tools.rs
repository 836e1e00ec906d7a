//! What a line says of a call of a tool.

use ledger_events::{ToolCompleted, ToolStatus};

use crate::support::{BASE, all, calls, import};

const TOOLS: &str = r#"
[tool]
when = { "/event" = "tool" }
key = "/id"
name = "/tool"
session = ["/session", "nobody"]
turn = "/turn"
started_at = "/at"
duration = { at = "/seconds", unit = "s" }
status = "/ok"
error_class = "/class"
"#;

#[test]
fn tools_are_told_beside_calls() {
    let call = BASE.replace("[call]", "[call]\nwhen = { \"/event\" = \"completion\" }");
    let log = r#"
        {"event":"completion","id":"1","at":"2026-01-01T12:00:00Z","in":5}
        {"event":"tool","id":"1","at":"2026-01-01T12:00:00Z","tool":"bash","session":"s","turn":"t","seconds":2.5,"ok":true}
        {"event":"tool","id":"2","at":"2026-01-01T12:00:00Z","tool":"edit","ok":false,"class":"not_found"}
        {"event":"tool","id":"2","at":"2026-01-01T12:00:00Z","tool":"edit","ok":false,"class":"not_found"}
        {"event":"tool","id":"3","at":"2026-01-01T12:00:00Z"}
    "#;
    let import = import(&format!("{call}{TOOLS}"), log);
    let report = &import.report;
    assert_eq!((report.usage, report.other, report.bad_lines, report.tools), (1, 3, 1, 2));
    assert_eq!(report.bad[0].reason, "has no name of the tool");
    assert_eq!(calls(&import.events).len(), 1);
    let tools = all::<ToolCompleted>(&import);
    let bash = tools.iter().find(|tool| tool.tool_name == "bash").unwrap();
    assert_eq!((&bash.status, bash.duration_ms.unwrap().get()), (&ToolStatus::Success, 2_500.0));
    assert_eq!((bash.session_id.as_str(), bash.turn_id.as_deref()), ("s", Some("t")));
    assert_eq!(bash.completed_at.micros_since(bash.started_at), 2_500_000);
    let edit = tools.iter().find(|tool| tool.tool_name == "edit").unwrap();
    assert_eq!((&edit.status, edit.error_class.as_deref()), (&ToolStatus::Error, Some("not_found")));
    assert_eq!((edit.session_id.as_str(), edit.duration_ms), ("nobody", None));
}

#[test]
fn a_mapping_may_tell_of_tools_only() {
    let import = import(
        &format!("name = \"tools\"{TOOLS}"),
        r#"{"event":"tool","id":"1","at":"2026-01-01T12:00:00Z","tool":"bash"}"#,
    );
    assert_eq!((import.report.tools, import.report.calls, import.report.other), (1, 0, 1));
}

/// The line is bad, since something of it is; what it says of the other counts all the same.
#[test]
fn a_bad_tool_does_not_cost_the_call_of_its_line_nor_a_bad_call_the_tool() {
    let tools = TOOLS.replace("[\"/session\", \"nobody\"]", "\"/session\"");
    let line = |fields: &str| {
        format!("{{\"event\":\"tool\",\"id\":1,\"at\":\"2026-01-01T12:00:00Z\",\"tool\":\"bash\",{fields}}}\n")
    };
    let of = |fields: &str| {
        let import = import(&format!("{BASE}{tools}"), &line(fields));
        let report = &import.report;
        let reason = report.bad.first().map(|bad| bad.reason.clone());
        (calls(&import.events).iter().map(|call| call.tokens.input).sum::<u64>(), report.tools, reason)
    };
    assert_eq!(of("\"session\":\"s\",\"in\":7"), (7, 1, None));
    assert_eq!(of("\"in\":7"), (7, 0, Some("has no session".to_owned())));
    let (tokens, tools, reason) = of("\"session\":\"s\",\"in\":-7");
    assert_eq!((tokens, tools), (0, 1));
    assert_eq!(reason.unwrap(), "/in: a count is not a whole number from 0 up");
}

#[test]
fn a_status_that_no_one_knows_is_told_with_the_table_to_say_it_in() {
    let log = r#"{"event":"tool","id":1,"at":"2026-01-01T12:00:00Z","tool":"bash","ok":"done"}"#;
    let unknown = import(&format!("name = \"tools\"{TOOLS}"), log).report;
    assert_eq!(unknown.bad[0].reason, "has a status that no one knows; say in [tool.statuses] what it means");
    let known = import(&format!("name = \"tools\"{TOOLS}[tool.statuses]\ndone = \"ok\"\n"), log).report;
    assert_eq!((known.tools, known.bad_lines), (1, 0));
}
