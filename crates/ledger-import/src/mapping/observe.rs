//! What a line says, by a rule.

use std::collections::BTreeMap;

use ledger_core::Timestamp;
use ledger_events::{CallStatus, Cost, CostSource, LlmCall, Millis, Tokens, ToolCompleted, ToolStatus, is_code};

use super::facts::Observed;
use super::field::{MAX_COUNT, MAX_SPAN_MICROS, Places, Time, Words};
use super::file::{CallRule, Ending, TokensRule, ToolRule};
use super::line::Line;
use crate::ending::{class_of_failure, status_of_failure};
use crate::input::Input;
use crate::loose::LoggedMillis;
use crate::words::UNKNOWN;

/// A call of a model.
///
/// # Errors
/// The reason why the line cannot be used; never what it says.
pub(super) fn call(source: &str, rule: &CallRule, line: &Line) -> Result<Observed<LlmCall>, String> {
    let key = key(source, &rule.key, line)?;
    let Times { started_at, ended_at, duration } = times(&rule.started_at, &rule.ended_at, &rule.duration, line)?;
    let text = |words: &Option<Words>| words.as_ref()?.name(line);
    let code = |words: &Option<Words>| text(words).filter(|text| is_code(text));
    let http_status = rule.http_status.as_ref().and_then(|places| places.number(line));
    let told = strict(&rule.status, line)?.map(|told| meaning("call", &rule.statuses, &told)).transpose()?;
    let (status, error_class) = ending(told, code(&rule.error_class), http_status);
    let (tokens, exclusive) = tokens(&rule.tokens, line)?;
    let pico_usd = rule.cost_usd.as_ref().and_then(|places| places.usd(line));
    let tenant = strict(&rule.tenant, line)?;
    let web_searches = rule.web_searches.as_ref().map_or(Ok(None), |places| places.count(line))?;
    let call = LlmCall {
        call_key: Some(key),
        // Whoever imports it says who pays, when the line does not.
        tenant_id: tenant.unwrap_or_default(),
        call_id: text(&rule.invocation),
        session_id: text(&rule.session),
        turn_id: text(&rule.turn),
        model: text(&rule.model),
        duration_ms: duration,
        ttft_ms: rule.ttft.as_ref().and_then(|time| time.span(line)).map(millis),
        tokens,
        cost: pico_usd.map(|pico_usd| Cost { pico_usd, source: CostSource::Provider, price_version: None }),
        status,
        error_class,
        http_status,
        attempt: rule.attempt.as_ref().and_then(|places| places.number(line)),
        service_tier: code(&rule.service_tier),
        speed: code(&rule.speed),
        inference_geo: code(&rule.inference_geo),
        web_searches,
        source: Some(source.to_owned()),
        ..LlmCall::new(
            text(&rule.operation).unwrap_or_else(|| "chat".to_owned()),
            rule.provider.name(line).unwrap_or_else(|| UNKNOWN.to_owned()),
            started_at,
        )
    };
    Observed::new(call, ended_at, exclusive)
}

/// A call of a tool.
///
/// # Errors
/// The reason why the line cannot be used; never what it says.
pub(super) fn tool(source: &str, rule: &ToolRule, line: &Line) -> Result<Observed<ToolCompleted>, String> {
    let key = key(source, &rule.key, line)?;
    let Times { started_at, ended_at, duration } = times(&rule.started_at, &rule.ended_at, &rule.duration, line)?;
    let text = |words: &Option<Words>| words.as_ref()?.name(line);
    let class = text(&rule.error_class).filter(|class| is_code(class));
    let told = strict(&rule.status, line)?.map(|told| meaning("tool", &rule.statuses, &told)).transpose()?;
    let (status, error_class) = ending(told, class, None);
    let status = if status == CallStatus::Ok { ToolStatus::Success } else { ToolStatus::Error };
    let tool = ToolCompleted {
        tool_call_id: key.clone(),
        tool_key: Some(key),
        session_id: rule.session.name(line).ok_or("has no session")?,
        turn_id: text(&rule.turn),
        tool_name: rule.name.name(line).ok_or("has no name of the tool")?,
        started_at,
        completed_at: ended_at,
        duration_ms: duration,
        status,
        error_class,
        revision: None,
    };
    Observed::new(tool, ended_at, false)
}

fn strict(words: &Option<Words>, line: &Line) -> Result<Option<String>, String> {
    words.as_ref().map_or(Ok(None), |words| words.strict_name(line))
}

/// What tells a fact of this source from all others.
fn key(source: &str, key: &Places, line: &Line) -> Result<String, String> {
    Ok(format!("{source}:{}", key.identity(line)?))
}

struct Times {
    started_at: Timestamp,
    ended_at: Timestamp,
    duration: Option<Millis>,
}

/// When something began and ended, as far as two of the three are told, or one.
fn times(start: &Option<Time>, end: &Option<Time>, duration: &Option<Time>, line: &Line) -> Result<Times, String> {
    let point = |time: &Option<Time>| time.as_ref().map_or(Ok(None), |time| time.point(line));
    let (start, end) = (point(start)?, point(end)?);
    let told = duration.as_ref().and_then(|time| time.span(line)).map(|span| span.0);
    let between = start.zip(end).and_then(|(start, end)| u64::try_from(end.micros_since(start)).ok());
    let micros = told.or(between.filter(|micros| *micros <= MAX_SPAN_MICROS));
    let moved = |time: Timestamp, by: Option<i64>| {
        by.and_then(|by| Timestamp::from_micros(time.as_micros().checked_add(by)?).ok()).unwrap_or(time)
    };
    let signed = micros.and_then(|micros| i64::try_from(micros).ok());
    let started_at = start.or_else(|| end.map(|end| moved(end, signed.map(|by| -by)))).ok_or("has no time")?;
    let ended_at = end.unwrap_or_else(|| moved(started_at, signed));
    Ok(Times { started_at, ended_at, duration: micros.map(|micros| millis(LoggedMillis(micros))) })
}

fn millis(logged: LoggedMillis) -> Millis {
    std::time::Duration::from_micros(logged.0).into()
}

/// What a word of `[call]` or `[tool]` means.
fn meaning(rule: &str, statuses: &BTreeMap<String, Ending>, told: &str) -> Result<Ending, String> {
    let meant = statuses.get(told).copied().or_else(|| Ending::named(told));
    meant.ok_or_else(|| format!("has a status that no one knows; say in [{rule}.statuses] what it means"))
}

/// How it ended: as it is told, else as a class or an HTTP status tells.
fn ending(told: Option<Ending>, class: Option<String>, http_status: Option<u16>) -> (CallStatus, Option<String>) {
    let failed = class.is_some() || http_status.is_some_and(|status| status >= 400);
    let or = |class: Option<String>, name: &str| Some(class.unwrap_or_else(|| name.to_owned()));
    match told.unwrap_or(if failed { Ending::Error } else { Ending::Ok }) {
        Ending::Ok => (CallStatus::Ok, None),
        Ending::Cancelled => (CallStatus::Cancelled, class),
        Ending::Timeout => (CallStatus::Timeout, or(class, "timeout")),
        Ending::Limit => (CallStatus::Limit, or(class, "limit")),
        Ending::Error => {
            let class = class_of_failure(class, http_status);
            (status_of_failure(&class, http_status), Some(class))
        }
    }
}

/// Tokens in buckets that do not overlap, and whether the cached ones were told beside the input.
fn tokens(rule: &TokensRule, line: &Line) -> Result<(Tokens, bool), String> {
    let told = |places: &Places| places.count(line);
    let count = |places: &Places| Ok::<_, String>(told(places)?.unwrap_or(0));
    let cache_read = count(&rule.cache_read)?;
    let (total, short, long) = (told(&rule.cache_write)?, count(&rule.cache_write_5m)?, count(&rule.cache_write_1h)?);
    // The two prices of writes are used when the parts are all of it.
    let parts = short.checked_add(long).ok_or("has more tokens than there can be")?;
    let (cache_write, short, long) = match total {
        Some(total) if total != parts => (total, 0, 0),
        _ => (0, short, long),
    };
    let cached = [cache_write, short, long].into_iter().fold(cache_read, u64::saturating_add);
    let input = count(&rule.input)?;
    let input =
        if rule.input_excludes_cache { Input { fresh: input, exclusive: false } } else { Input::of(input, cached) };
    let reasoning = told(&rule.reasoning)?;
    let output = count(&rule.output)?;
    // A part is not more than the whole: then it is told beside it.
    let is_beside = rule.output_excludes_reasoning || reasoning.is_some_and(|reasoning| reasoning > output);
    let beside = if is_beside { reasoning.unwrap_or(0) } else { 0 };
    let tokens = Tokens {
        input: input.fresh,
        cache_read,
        cache_write,
        cache_write_5m: short,
        cache_write_1h: long,
        output: output.saturating_add(beside),
        reasoning,
    };
    tokens.check().map_err(|invalid| invalid.to_string())?;
    if tokens.input_total() > MAX_COUNT || tokens.output > MAX_COUNT {
        return Err("has more tokens than there can be".to_owned());
    }
    Ok((tokens, input.exclusive))
}
