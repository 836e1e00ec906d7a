//! Lines of which everything may be odd but what counts.

use ledger_events::Tokens;

use crate::support::{BASE, calls, import};

const LINES: u64 = 2_000;

/// Whatever may be odd. A tenant and a status are not here: one that is told badly makes its line bad on purpose.
const ODD: [&str; 14] = [
    "operation",
    "session",
    "turn",
    "invocation",
    "model",
    "duration",
    "ttft",
    "service_tier",
    "speed",
    "inference_geo",
    "error_class",
    "http_status",
    "attempt",
    "cost_usd",
];

/// A generator of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[usize::try_from(self.below(texts.len() as u64)).unwrap()]
    }

    /// Any JSON value.
    fn value(&mut self) -> String {
        let number = self.below(u64::MAX) >> self.below(64);
        match self.below(12) {
            0 => "null".to_owned(),
            1 => self.one_of(&["\"\"", "\" \"", "\"null\"", "\"NaN\"", "\"-0\"", "\"inf\""]).to_owned(),
            2 => self.one_of(&["true", "false", "[]", "{}", "[[1]]", "{\"a\":{}}", "[null]"]).to_owned(),
            3 => number.to_string(),
            4 => format!("-{number}"),
            5 => format!("\"{number}\""),
            6 => format!("{number}.5"),
            7 => format!("{number}e{}", self.below(400)),
            8 => format!("1{number}{number}"),
            9 => format!("\"{}\"", "é".repeat(usize::try_from(self.below(300)).unwrap())),
            10 => self.one_of(&["\"\\ud83d\"", "\"two\\nlines\"", "\"\\u0000\"", "\"\\u0085\""]).to_owned(),
            _ => self.one_of(&["\"rate_limit_exceeded\"", "\"ok\"", "429", "500", "0.25", "\"1.5\""]).to_owned(),
        }
    }

    /// A count that is right, and how a line may say it.
    fn count(&mut self) -> (u64, String) {
        let count = self.below(1 << 20);
        match self.below(6) {
            0 => (0, "null".to_owned()),
            1 => (0, "\"\"".to_owned()),
            2 => (count, format!("\"{count}\"")),
            3 => (count, format!("{count}.0")),
            _ => (count, count.to_string()),
        }
    }

    /// A key that no other number has.
    fn key(&mut self, number: u64) -> String {
        match self.below(4) {
            0 => format!("\"{}{number}\"", "long".repeat(100)),
            1 => format!("\"a\\tb\\u0000{number}\""),
            2 => format!("\"key {number}\""),
            _ => number.to_string(),
        }
    }
}

#[test]
fn a_call_whose_key_time_and_tokens_are_right_is_never_lost() {
    let rules = ODD.iter().filter(|field| !BASE.contains(&format!("/{field}\"")));
    let rules: String = rules.map(|field| format!("{field} = \"/{field}\"\n")).collect();
    let mapping = format!("{BASE}{rules}web_searches = \"/searches\"\n");
    let mut random = Random(ledger_conformance::seed());
    let (mut log, mut expected) = (String::new(), Vec::new());
    for number in 0..LINES {
        let key = random.key(number);
        let [(input, told_in), (read, told_read), (output, told_out), (searches, told_searches)] =
            std::array::from_fn(|_| random.count());
        let time = random.one_of(&["2026-01-01T12:00:00Z", "2026-01-01 14:00:00.5+02:00"]);
        log += &format!("{{\"id\":{key},\"at\":\"{time}\",\"in\":{told_in},\"read\":{told_read}");
        log += &format!(",\"out\":{told_out},\"searches\":{told_searches}");
        for field in ODD {
            if random.below(3) > 0 {
                log += &format!(",\"{field}\":{}", random.value());
            }
        }
        log += "}\n";
        // More cached tokens than input were told beside it.
        let fresh = input.checked_sub(read).unwrap_or(input);
        let told = if told_searches.contains(|c: char| c.is_ascii_digit()) { Some(searches) } else { None };
        expected.push((Tokens { input: fresh, cache_read: read, output, ..Tokens::default() }, told));
    }
    let import = import(&mapping, &log);
    let report = &import.report;
    assert_eq!((report.usage, report.bad_lines, report.refused), (LINES, 0, 0), "{:?}", report.bad);
    let calls = calls(&import.events);
    let of = |(tokens, searches): &(Tokens, Option<u64>)| (tokens.input, tokens.cache_read, tokens.output, *searches);
    let mut found: Vec<_> = calls.iter().map(|call| of(&(call.tokens, call.web_searches))).collect();
    let mut expected: Vec<_> = expected.iter().map(of).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    // Statistics leave out what took longer than a year.
    let spans = calls.iter().flat_map(|call| [call.duration_ms, call.ttft_ms]).flatten();
    assert!(spans.into_iter().all(|span| span.get() <= 31_622_400_000.0));
}
