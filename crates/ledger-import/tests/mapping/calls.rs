//! What a line says of a call.

use ledger_core::Timestamp;
use ledger_events::{CallStatus, Tokens};
use ledger_import::{Importer, Options};

use crate::support::{BASE, call, calls, import, import_with, mapped, reason, with};

fn noon() -> Timestamp {
    Timestamp::parse("2026-01-01T12:00:00Z").unwrap()
}

#[test]
fn every_field_is_where_the_mapping_says() {
    let mapping = with(
        r#"
        operation = "/op"
        tenant = ["/team", "nobody"]
        session = "/s"
        turn = "/turn"
        invocation = "/trace"
        duration = "/ms"
        ttft = { at = "/first", unit = "s" }
        service_tier = "/tier"
        speed = "/speed"
        inference_geo = "/geo"
        http_status = "/code"
        attempt = "/attempt"
        web_searches = "/searches"
        cost_usd = "/usd"
        "#,
    );
    let call = call(
        &mapping,
        r#""model":"gpt-5.5","op":"summarize","team":"red","s":"s1","turn":4,"trace":"t1","ms":1500.25,"first":0.125,
           "tier":"flex","speed":"fast","geo":"us","code":200,"attempt":2,"searches":3,"usd":0.0105,
           "in":100,"out":9,"read":60,"write":30,"think":4"#,
    );
    assert_eq!(call.call_key.as_deref(), Some("gateway:c1"));
    assert_eq!((call.provider.as_str(), call.model.as_deref()), ("openai", Some("gpt-5.5")));
    assert_eq!((call.operation.as_str(), call.tenant_id.as_str()), ("summarize", "red"));
    let ids = [&call.session_id, &call.turn_id, &call.call_id].map(Option::as_deref);
    assert_eq!(ids, [Some("s1"), Some("4"), Some("t1")]);
    assert_eq!((call.started_at, call.duration_ms.unwrap().get()), (noon(), 1_500.25));
    assert_eq!(call.ttft_ms.unwrap().get(), 125.0);
    let priced = [&call.service_tier, &call.speed, &call.inference_geo].map(Option::as_deref);
    assert_eq!(priced, [Some("flex"), Some("fast"), Some("us")]);
    assert_eq!((call.http_status, call.attempt, call.web_searches), (Some(200), Some(2), Some(3)));
    assert_eq!(call.cost.unwrap().pico_usd, 10_500_000_000);
    let tokens =
        Tokens { input: 10, cache_read: 60, cache_write: 30, output: 9, reasoning: Some(4), ..Tokens::default() };
    assert_eq!((call.tokens, call.status, call.source.as_deref()), (tokens, CallStatus::Ok, Some("gateway")));
}

#[test]
fn what_a_line_does_not_say_is_not_made_up() {
    let call = call(&with("tenant = \"/team\"\nsession = \"/s\"\nduration = \"/ms\"\ncost_usd = \"/usd\""), "");
    assert_eq!((call.tokens, call.status), (Tokens::default(), CallStatus::Ok));
    assert_eq!((call.model, call.session_id, call.duration_ms, call.cost), (None, None, None, None));
    assert_eq!((call.tenant_id.as_str(), call.operation.as_str()), ("local", "chat"));
    let options = Options { tenant: "blue".to_owned(), ..Options::default() };
    let log = r#"{"id":1,"at":"2026-01-01T12:00:00Z"}"#;
    assert_eq!(calls(&import_with(BASE, log, options).events)[0].tenant_id, "blue");
}

#[test]
fn who_pays_and_how_it_ended_is_not_guessed_where_it_is_told_badly() {
    let mapping = with("tenant = [\"/team\", \"nobody\"]\nstatus = \"/status\"");
    for (fields, why) in [
        (r#""team":{"id":"x"}"#, "/team is no name"),
        (r#""team":["x"]"#, "/team is no name"),
        (r#""status":{"code":"failed"}"#, "/status is no name"),
    ] {
        assert_eq!(reason(&mapping, fields), why);
    }
    assert_eq!(call(&mapping, r#""team":"""#).tenant_id, "nobody");
}

#[test]
fn sums_of_tokens_have_the_limit_that_statistics_have() {
    let beside = BASE.replace("tokens = {", "tokens = { input_excludes_cache = true,");
    assert_eq!(call(&beside, r#""in":500000000000,"read":500000000000"#).tokens.input_total(), 1_000_000_000_000);
    assert_eq!(reason(&beside, r#""in":900000000000,"read":900000000000"#), "has more tokens than there can be");
}

/// "Cached tokens counted inside and beside input": a mapping says which it is; more cached tokens than input tell it too.
#[test]
fn cached_tokens_are_a_part_of_the_input_unless_they_are_told_beside_it() {
    let inclusive = call(BASE, r#""in":100,"read":60"#).tokens;
    assert_eq!((inclusive.input, inclusive.input_total()), (40, 100));
    let beside = BASE.replace("tokens = {", "tokens = { input_excludes_cache = true,");
    let exclusive = call(&beside, r#""in":100,"read":60"#).tokens;
    assert_eq!((exclusive.input, exclusive.input_total()), (100, 160));
    let import = import(BASE, "{\"id\":1,\"at\":\"2026-01-01T12:00:00Z\",\"in\":10,\"read\":60}\n");
    assert_eq!(calls(&import.events)[0].tokens.input_total(), 70);
    assert_eq!(import.events[0].metadata.value("token_convention"), Some("exclusive"));
}

#[test]
fn reasoning_is_a_part_of_the_output_unless_it_is_told_beside_it() {
    assert_eq!(call(BASE, r#""out":9,"think":4"#).tokens.output, 9);
    assert_eq!(call(BASE, r#""out":5,"think":10"#).tokens.output, 15, "it cannot be a part of less");
    let beside = BASE.replace("tokens = {", "tokens = { output_excludes_reasoning = true,");
    let tokens = call(&beside, r#""out":9,"think":4"#).tokens;
    assert_eq!((tokens.output, tokens.reasoning), (13, Some(4)));
}

/// "1h cache writes at the 5m rate": both or neither.
#[test]
fn the_two_prices_of_cache_writes_are_told_apart_when_they_are_all_of_it() {
    let mapping = BASE.replace("tokens = {", "tokens = { cache_write_5m = \"/five\", cache_write_1h = \"/hour\",");
    let writes = |fields: &str| {
        let tokens = call(&mapping, fields).tokens;
        (tokens.cache_write, tokens.cache_write_5m, tokens.cache_write_1h)
    };
    assert_eq!(writes(r#""in":99,"five":1,"hour":2"#), (0, 1, 2));
    assert_eq!(writes(r#""in":99,"write":3,"five":1,"hour":2"#), (0, 1, 2));
    assert_eq!(writes(r#""in":99,"write":9,"five":1,"hour":2"#), (9, 0, 0));
}

#[test]
fn a_start_an_end_and_a_duration_follow_from_each_other() {
    let mapping = |times: &str| BASE.replace("started_at = \"/at\"", times);
    let told = |times: &str, fields: &str| {
        let call = call(&mapping(times), fields);
        (call.started_at.micros_since(noon()), call.duration_ms.map(|millis| millis.get()))
    };
    assert_eq!(told("started_at = \"/at\"", ""), (0, None));
    assert_eq!(told("ended_at = \"/at\"", ""), (0, None));
    assert_eq!(told("ended_at = \"/at\"\nduration = \"/ms\"", "\"ms\":2000"), (-2_000_000, Some(2_000.0)));
    let both = "started_at = \"/at\"\nended_at = { at = \"/end\", unit = \"ms\" }";
    assert_eq!(told(both, "\"end\":1767268801500"), (0, Some(1_500.0)));
    // A clock that ran backwards measures nothing.
    assert_eq!(told(both, "\"end\":1767268799000"), (0, None));
    // Nothing takes more than a year: nanoseconds that were taken for milliseconds, a clock that began in 1970.
    assert_eq!(told("ended_at = \"/at\"\nduration = \"/ms\"", "\"ms\":45000000000"), (0, None));
    assert_eq!(told("ended_at = \"/at\"\nstarted_at = { at = \"/end\", unit = \"s\" }", "\"end\":0").1, None);
    let all = "started_at = \"/at\"\nended_at = { at = \"/end\", unit = \"ms\" }\nduration = \"/ms\"";
    assert_eq!(told(all, "\"end\":1767268801500,\"ms\":45000000000"), (0, Some(1_500.0)));
    assert_eq!(reason(&mapping("started_at = \"/nowhere\""), ""), "has no time");
}

#[test]
fn calls_end_as_their_status_class_or_code_says() {
    let mapping = with(
        "status = \"/status\"\nerror_class = \"/class\"\nhttp_status = \"/code\"\n\
         [call.statuses]\nfinished = \"ok\"\nthrottled = \"limit\"\nbroken = \"error\"\n",
    );
    let ended = |fields: &str| {
        let call = call(&mapping, fields);
        (call.status, call.error_class)
    };
    let failed = |status, class: &str| (status, Some(class.to_owned()));
    for (fields, expected) in [
        ("", (CallStatus::Ok, None)),
        (r#""status":"SUCCESS""#, (CallStatus::Ok, None)),
        (r#""status":true"#, (CallStatus::Ok, None)),
        (r#""status":"finished""#, (CallStatus::Ok, None)),
        (r#""status":"cancelled""#, (CallStatus::Cancelled, None)),
        (r#""status":"throttled""#, failed(CallStatus::Limit, "limit")),
        (r#""status":"broken","class":"overloaded""#, failed(CallStatus::Error, "overloaded")),
        (r#""status":false"#, failed(CallStatus::Error, "unknown")),
        (r#""class":"ReadTimeout""#, failed(CallStatus::Timeout, "ReadTimeout")),
        (r#""code":429"#, failed(CallStatus::Limit, "http_429")),
        (r#""status":"failed","code":504"#, failed(CallStatus::Timeout, "http_504")),
        (r#""class":"what was said","code":200"#, (CallStatus::Ok, None)),
    ] {
        assert_eq!(ended(fields), expected, "{fields}");
    }
    let unknown = reason(&mapping, r#""status":"what was said""#);
    assert_eq!(unknown, "has a status that no one knows; say in [call.statuses] what it means");
}

/// "Streaming partials": the largest observation counts, in whatever order.
#[test]
fn a_repeated_key_is_one_call_and_the_largest_observation_counts() {
    let line = |input: u64, more: &str| format!("{{\"id\":7,\"at\":\"2026-01-01T12:00:00Z\",\"in\":{input}{more}}}\n");
    let lines = [line(1, ""), line(100, ""), line(50, ""), line(100, ",\"model\":\"m\"")];
    let whole = import(BASE, &lines.concat());
    let report = &whole.report;
    assert_eq!((report.usage, report.superseding, report.duplicates, report.calls), (1, 2, 1, 1));
    let mut events: Vec<_> = lines.iter().flat_map(|line| import(BASE, line).events).collect();
    for _ in 0..2 {
        let [call] = &calls(&events)[..] else { panic!() };
        assert_eq!((call.tokens.input, call.model.as_deref()), (100, Some("m")));
        events.reverse();
    }
    assert_eq!(calls(&whole.events), calls(&events));
}

#[test]
fn a_key_may_have_several_parts_and_all_must_be_there() {
    let mapping = BASE.replace("key = \"/id\"", "key = [\"/id\", \"/n\"]");
    let log: String = [1, 2, 2].map(|n| format!("{{\"id\":1,\"n\":{n},\"at\":\"2026-01-01T12:00:00Z\"}}\n")).concat();
    assert_eq!(import(&mapping, &log).report.calls, 2);
    assert_eq!(reason(&mapping, "\"model\":\"m\""), "has no key: /n is missing");
}

#[test]
fn logs_of_two_sources_never_mix() {
    let log = "{\"id\":1,\"at\":\"2026-01-01T12:00:00Z\",\"in\":1}\n";
    let other = BASE.replace("gateway", "proxy");
    let both = [import(BASE, log).events, import(&other, log).events].concat();
    assert_eq!(calls(&both).len(), 2);
    assert!(Importer::new(&mapped(BASE), Options { tenant: String::new(), ..Options::default() }).is_err());
}

#[test]
fn lines_that_the_rule_is_not_about_are_no_usage() {
    let mapping = with("when = { \"/event\" = [\"completion\", \"embedding\"] }\nhas = \"/in\"");
    let line = |n: u32, more: &str| format!("{{\"id\":{n},\"at\":\"2026-01-01T12:00:00Z\",{more}}}\n");
    let log = [
        line(1, r#""event":"completion","in":1"#),
        line(2, r#""event":"embedding","in":1"#),
        line(3, r#""event":"completion""#),
        line(4, r#""event":"tool","in":1"#),
    ];
    let report = import(&mapping, &log.concat()).report;
    assert_eq!((report.lines, report.usage, report.other, report.bad_lines), (4, 2, 2, 0));
}
