//! `doctor`: how the ledger is kept, and what to fix.

use agent_ledger::{Diagnosis, Severity};

use crate::cli::Format;
use crate::failure::{Failure, Outcome};
use crate::output;

pub(crate) async fn run(url: &str, format: Option<Format>) -> Outcome {
    let diagnosis = agent_ledger::diagnose(url).await.map_err(Failure::opening)?;
    match Format::or_default(format) {
        Format::Json => output::json(&diagnosis)?,
        Format::Text => text(&diagnosis)?,
    }
    match diagnosis.severity() {
        Some(severity @ Severity::Fix) => Err(Failure::data(said(&diagnosis, severity))),
        Some(severity @ Severity::Missing) => Err(Failure::other(said(&diagnosis, severity))),
        Some(Severity::Note) | None => Ok(()),
    }
}

/// The findings that decided.
fn said(diagnosis: &Diagnosis, severity: Severity) -> String {
    let decided = diagnosis.findings.iter().filter(|finding| finding.severity == severity);
    decided.map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("; ")
}

fn text(diagnosis: &Diagnosis) -> Outcome {
    let Diagnosis { place, engine, role, durability, durability_why, head, .. } = diagnosis;
    let yes = |may: bool| if may { "yes" } else { "no" }.to_owned();
    let mut fields = vec![("ledger", Some(place.clone())), ("engine", Some((*engine).into()))];
    fields.push(("version", diagnosis.version.clone()));
    fields.push(("role", Some(role.to_string())));
    fields.push(("durability", Some(format!("{durability}: {durability_why}"))));
    fields.push(("tls", diagnosis.tls.clone()));
    fields.push(("round trip", diagnosis.round_trip_us.map(|micros| format!("{micros} us"))));
    fields.push(("schema", diagnosis.schema_found.map(|found| found.to_string())));
    fields.push(("schema known", diagnosis.schema_known.map(|known| known.to_string())));
    fields.push(("id", head.as_ref().map(|head| head.ledger_id.to_string())));
    fields.push(("epoch", head.as_ref().map(|head| head.extent.epoch.to_string())));
    fields.push(("first", head.as_ref().map(|head| head.extent.first.to_string())));
    fields.push(("last", head.as_ref().map(|head| head.extent.last.to_string())));
    fields.push(("events", head.as_ref().map(|head| head.extent.events().to_string())));
    fields.push(("may append", diagnosis.may_append.map(yes)));
    fields.push(("may change events", diagnosis.may_change_events.map(yes)));
    let guards =
        |missing: &Vec<&str>| if missing.is_empty() { "in place".into() } else { missing.join(", ") + " missing" };
    fields.push(("guards", diagnosis.guards_missing.as_ref().map(guards)));
    let file = diagnosis.file.as_ref();
    fields.push(("journal mode", file.map(|file| file.journal_mode.clone())));
    fields.push(("synchronous", file.map(|file| file.synchronous.into())));
    fields.push(("file", file.map(|file| format!("{} bytes", file.bytes))));
    fields.push(("log", file.map(|file| format!("{} bytes", file.wal_bytes))));
    let known: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    output::fields(&known)?;
    let mut findings = diagnosis.findings.iter();
    findings.try_for_each(|finding| output::line(format_args!("{}: {}", finding.severity, finding.text)))
}
