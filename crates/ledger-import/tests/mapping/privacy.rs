//! What the mapping does not point at stays in the log, and what it points at is a name, a code or a number.

use crate::support::{import, with};

const SECRET: &str = "canary-7f3a";

#[test]
fn no_event_and_no_report_contains_what_was_said() {
    let mapping = with(
        "session = \"/session\"\nstatus = \"/status\"\nerror_class = \"/class\"\nservice_tier = \"/tier\"\n\
         speed = \"/speed\"\ninference_geo = \"/geo\"\nduration = \"/ms\"\ncost_usd = \"/usd\"\n",
    );
    let said = format!("we said {SECRET}");
    let lines = [
        format!(r#""messages":[{{"content":"{said}"}}],"{SECRET}":{{"{SECRET}":"{SECRET}"}},"output":"{said}""#),
        format!(r#""class":"{said}","tier":"{said}","speed":"{said}","geo":["{said}"],"session":{{"x":"{said}"}}"#),
        format!(r#""status":"{said}""#),
        format!(r#""ms":"{said}""#),
        format!(r#""usd":"{said}""#),
        format!(r#""in":"{said}""#),
        format!(r#""session":"{said}\n{}""#, "x".repeat(200)),
        format!(r#""broken":"{said}"]"#),
    ];
    let log: String = lines
        .iter()
        .enumerate()
        .map(|(n, line)| format!("{{\"id\":{n},\"at\":\"2026-01-01T12:00:00Z\",{line}}}\n"))
        .collect();
    let import = import(&mapping, &format!("{log}{{\"id\":\"9\",\"at\":\"{said}\"}}\n"));
    assert_eq!((import.report.calls, import.report.bad_lines), (5, 4), "{:?}", import.report.bad);
    let (events, report) = (serde_json::to_string(&import.events).unwrap(), format!("{:?}", import.report));
    assert!(!events.contains(SECRET), "{events}");
    assert!(!report.contains(SECRET), "{report}");
}
