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
