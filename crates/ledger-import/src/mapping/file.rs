//! What is in a mapping.

use std::collections::BTreeMap;

use ledger_core::Invalid;
use ledger_events::is_code;
use serde::Deserialize;

use super::field::{Places, Time, Words};
use super::line::Line;
use super::pointer::Pointer;
use crate::Source;
use crate::loose::scalar;

/// A mapping.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    /// What one of a greater edition says counts in place of what the others said.
    #[serde(default)]
    pub(super) edition: u8,
    pub(super) call: Option<CallRule>,
    pub(super) tool: Option<ToolRule>,
}

/// Which lines a rule is about: all that have what they must have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Select {
    has: Vec<Pointer>,
    when: Vec<(Pointer, Vec<String>)>,
}

/// How a call is told.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallRule {
    #[serde(default)]
    has: Places,
    #[serde(default)]
    when: BTreeMap<Pointer, Values>,
    #[serde(skip)]
    pub(super) select: Select,
    pub(super) key: Places,
    pub(super) started_at: Option<Time>,
    pub(super) ended_at: Option<Time>,
    pub(super) duration: Option<Time>,
    pub(super) ttft: Option<Time>,
    pub(super) provider: Words,
    pub(super) model: Option<Words>,
    pub(super) operation: Option<Words>,
    pub(super) tenant: Option<Words>,
    pub(super) session: Option<Words>,
    pub(super) turn: Option<Words>,
    pub(super) invocation: Option<Words>,
    pub(super) service_tier: Option<Words>,
    pub(super) speed: Option<Words>,
    pub(super) inference_geo: Option<Words>,
    pub(super) status: Option<Words>,
    #[serde(default)]
    pub(super) statuses: BTreeMap<String, Ending>,
    pub(super) error_class: Option<Words>,
    pub(super) http_status: Option<Places>,
    pub(super) attempt: Option<Places>,
    pub(super) web_searches: Option<Places>,
    pub(super) cost_usd: Option<Places>,
    #[serde(default)]
    pub(super) tokens: TokensRule,
}

/// How tokens are told.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TokensRule {
    pub(super) input: Places,
    pub(super) output: Places,
    pub(super) cache_read: Places,
    pub(super) cache_write: Places,
    pub(super) cache_write_5m: Places,
    pub(super) cache_write_1h: Places,
    pub(super) reasoning: Places,
    /// Whether the input is told without what was read from caches and written to them.
    pub(super) input_excludes_cache: bool,
    /// Whether the output is told without the reasoning.
    pub(super) output_excludes_reasoning: bool,
}

/// How a call of a tool is told.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolRule {
    #[serde(default)]
    has: Places,
    #[serde(default)]
    when: BTreeMap<Pointer, Values>,
    #[serde(skip)]
    pub(super) select: Select,
    pub(super) key: Places,
    pub(super) name: Words,
    pub(super) session: Words,
    pub(super) turn: Option<Words>,
    pub(super) started_at: Option<Time>,
    pub(super) ended_at: Option<Time>,
    pub(super) duration: Option<Time>,
    pub(super) status: Option<Words>,
    #[serde(default)]
    pub(super) statuses: BTreeMap<String, Ending>,
    pub(super) error_class: Option<Words>,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Ending {
    Ok,
    Cancelled,
    Timeout,
    Limit,
    Error,
}

impl Ending {
    /// What a word means to everybody, in letters of any case.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "ok" | "success" | "succeeded" | "completed" | "true" => Self::Ok,
            "cancelled" | "canceled" => Self::Cancelled,
            "timeout" => Self::Timeout,
            "limit" => Self::Limit,
            "error" | "failure" | "failed" | "false" => Self::Error,
            _ => return None,
        })
    }
}

impl TryFrom<String> for Ending {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::named(&word).ok_or_else(|| format!("{word:?} is none of ok, error, timeout, limit and cancelled"))
    }
}

/// A value that a line must have, or one of several.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a text, a number, true, false, or a list of them")]
enum Values {
    One(Value),
    More(Vec<Value>),
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

impl File {
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = |why: String| Invalid::new("mapping", why);
        let mut file: Self = toml::from_str(text).map_err(|error| wrong(sentence(&error, text)))?;
        file.check().map_err(wrong)?;
        if let Some(rule) = &mut file.call {
            rule.select = Select::of(&mut rule.has, &mut rule.when);
        }
        if let Some(rule) = &mut file.tool {
            rule.select = Select::of(&mut rule.has, &mut rule.when);
        }
        Ok(file)
    }

    fn check(&self) -> Result<(), String> {
        let Self { name, edition: _, call, tool } = self;
        if name.is_empty() || !is_code(name) {
            return Err("needs a name of at most 64 letters, digits, `_`, `-` and `.`".to_owned());
        }
        if Source::RESERVED.contains(&name.as_str()) {
            return Err(format!("cannot be named {name}: that is a source of its own"));
        }
        if call.is_none() && tool.is_none() {
            return Err("has neither [call] nor [tool]".to_owned());
        }
        if let Some(CallRule { key, started_at, ended_at, .. }) = call {
            check_rule("call", key, started_at.is_some() || ended_at.is_some())?;
        }
        if let Some(ToolRule { key, started_at, ended_at, .. }) = tool {
            check_rule("tool", key, started_at.is_some() || ended_at.is_some())?;
        }
        Ok(())
    }
}

fn check_rule(rule: &str, key: &Places, has_time: bool) -> Result<(), String> {
    if key.0.is_empty() {
        return Err(format!("has no key for a {rule}: name what tells one from all others"));
    }
    if !has_time {
        return Err(format!("has no time for a {rule}: name started_at or ended_at"));
    }
    Ok(())
}

impl Select {
    fn of(has: &mut Places, when: &mut BTreeMap<Pointer, Values>) -> Self {
        let when = std::mem::take(when).into_iter().map(|(pointer, values)| {
            let values = match values {
                Values::One(one) => vec![one],
                Values::More(more) => more,
            };
            (pointer, values.into_iter().map(Value::into_text).collect())
        });
        Self { has: std::mem::take(&mut has.0), when: when.collect() }
    }

    pub(super) fn takes(&self, line: &Line) -> bool {
        let Self { has, when } = self;
        has.iter().all(|pointer| pointer.find(line).is_some())
            && when.iter().all(|(pointer, values)| {
                pointer.find(line).and_then(scalar).is_some_and(|value| values.contains(&value))
            })
    }
}

impl Value {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
        }
    }
}

/// What is wrong, and in which line.
fn sentence(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    let said = error.message().replace('\n', " ");
    line.map_or_else(|| said.clone(), |line| format!("is wrong in line {line}: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "name = \"x\"\n[call]\nkey = \"/id\"\nprovider = \"p\"\n";

    fn wrong(text: &str) -> String {
        File::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn whatever_is_wrong_is_told_in_one_sentence() {
        for (text, why) in [
            ("name =", "mapping is wrong in line 1: "),
            ("name = \"x\"\n", "mapping has neither [call] nor [tool]"),
            ("name = \"no name\"\n[call]\n", "mapping is wrong in line 2: missing field `key`"),
            (CALL, "mapping has no time for a call: name started_at or ended_at"),
            (&format!("{CALL}started = \"/t\"\n"), "mapping is wrong in line 5: unknown field `started`"),
            (&format!("{CALL}ended_at = \"t\"\n"), "mapping is wrong in line 5: expected a pointer"),
            (
                &format!("{CALL}ended_at = \"/t\"\nwhen = {{ kind = 1 }}\n"),
                "mapping is wrong in line 6: \"kind\" is no pointer such as",
            ),
            (
                &format!("{CALL}ended_at = \"/t\"\n[call.when]\n\"/a~2\" = 1\n"),
                "mapping is wrong in line 7: \"/a~2\" is no pointer such as",
            ),
            (
                &format!("{CALL}ended_at = \"/t\"\n[call.statuses]\ndone = \"ok\"\nlate = \"slow\"\n"),
                "mapping is wrong in line 8: \"slow\" is none of ok, error, timeout, limit and cancelled",
            ),
            (
                &format!("{CALL}ended_at = \"/t\"\nkey = []\n").replace("key = \"/id\"\n", ""),
                "mapping has no key for a call",
            ),
            (
                &format!("{CALL}ended_at = \"/t\"\nmodel = \"/a~2\"\n"),
                "mapping is wrong in line 6: \"/a~2\" is no pointer such as \"/usage/input\"",
            ),
            (
                &format!("{CALL}ended_at = \"/t\"\nstatuses = {{ done = \"fine\" }}\n"),
                "mapping is wrong in line 6: \"fine\" is none of ok, error, timeout, limit and cancelled",
            ),
            (&format!("edition = 256\n{CALL}"), "mapping is wrong in line 1: "),
            (&format!("{CALL}ended_at = \"/t\"\n").replace("\"x\"", "\"claude\""), "mapping cannot be named claude"),
            (&format!("{CALL}ended_at = \"/t\"\n").replace("\"x\"", "\"two words\""), "mapping needs a name"),
        ] {
            let said = wrong(text);
            assert!(said.starts_with(why) && !said.contains('\n'), "{text}: {said}");
        }
    }

    #[test]
    fn a_rule_is_about_lines_that_have_all_that_they_must_have() {
        let text = format!(
            "{CALL}ended_at = \"/t\"\nhas = [\"/usage\"]\nwhen = {{ \"/event\" = [\"a\", \"b\"], \"/ok\" = true, \"/n\" = 7 }}\n"
        );
        let rule = File::parse(&text).unwrap().call.unwrap();
        let takes = |json: &str| rule.select.takes(&serde_json::from_str(json).unwrap());
        assert!(takes(r#"{"usage":{},"event":"b","ok":true,"n":7}"#));
        for other in [
            r#"{"usage":null,"event":"b","ok":true,"n":7}"#,
            r#"{"usage":{},"event":"c","ok":true,"n":7}"#,
            r#"{"usage":{},"event":"a","ok":false,"n":7}"#,
            r#"{"usage":{},"event":"a","ok":true}"#,
        ] {
            assert!(!takes(other), "{other}");
        }
    }
}
