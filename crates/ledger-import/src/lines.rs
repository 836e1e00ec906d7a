//! JSON values, one per line, from files as they really are.
//!
//! Tolerated: a byte order mark, CR LF, NUL padding (what a crash leaves), blank lines, several values on one line, bytes
//! that are no UTF-8 within texts, and a last line that somebody is still writing. Never holds more than one line, nor
//! one longer than a limit.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use serde::de::DeserializeOwned;

/// Longest line that is read, in bytes; a longer one is bad. Real lines with several images or a whole file in them
/// have some tens of megabytes, and a file that is one line must not fill the memory.
pub const MAX_LINE_BYTES: usize = 256 << 20;

/// Why a line gives no value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not what it should be.
    Bad(String),
    /// It is the last one, and not complete yet.
    Pending,
}

/// How far a file was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// How many bytes there were.
    pub(crate) bytes: u64,
    /// How many of them need not be read again: all, or those before a last line that is not complete yet.
    pub(crate) settled: u64,
    /// The number of the line that the settled bytes end in, or before.
    pub(crate) line: u64,
}

/// Gives each value, or fault, with the number of its line to `each`; the first line has the number after `before`.
/// Lines of more than `longest` bytes are bad, and not kept.
pub(crate) fn for_each_value<T: DeserializeOwned>(
    mut reader: impl BufRead,
    longest: usize,
    before: u64,
    mut each: impl FnMut(u64, Result<T, Fault>),
) -> io::Result<Reached> {
    let (mut line, mut number) = (Vec::new(), before);
    let mut reached = Reached { line: before, ..Reached::default() };
    // One byte more than the longest line, for its line break.
    let limit = count(longest).saturating_add(1);
    loop {
        line.clear();
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(reached);
        }
        number += 1;
        reached.bytes += count(read);
        let mut complete = line.ends_with(b"\n");
        if !complete && read > longest {
            line = Vec::new();
            reached.bytes += skip_line(&mut reader, &mut complete)?;
            let reason = || format!("is longer than {longest} bytes");
            each(number, Err(if complete { Fault::Bad(reason()) } else { Fault::Pending }));
        } else {
            let found = values(&line);
            let pending = !complete && found.iter().any(Result::is_err);
            if pending {
                // All of it comes again when it is complete.
                each(number, Err(Fault::Pending));
            } else {
                found.into_iter().for_each(|value| each(number, value.map_err(Fault::Bad)));
            }
            complete |= !pending;
        }
        if complete {
            // What follows a last line without its line break is in the same line.
            reached = Reached { settled: reached.bytes, line: number - u64::from(!line.ends_with(b"\n")), ..reached };
        }
    }
}

/// Gives the one value, or fault, of a file that is a document over many lines to `each`, as if it were one line; nothing
/// when there is none. A document that does not end yet is pending, and comes again as a whole. One of more than
/// `longest` bytes is bad, and not kept.
pub(crate) fn for_document<T: DeserializeOwned>(
    mut reader: impl BufRead,
    longest: usize,
    mut each: impl FnMut(u64, Result<T, Fault>),
) -> io::Result<Reached> {
    let mut document = Vec::new();
    let read = reader.by_ref().take(count(longest).saturating_add(1)).read_to_end(&mut document)?;
    if read > longest {
        let bytes = count(read) + io::copy(&mut reader, &mut io::sink())?;
        each(1, Err(Fault::Bad(format!("is longer than {longest} bytes"))));
        return Ok(Reached { bytes, settled: bytes, line: 1 });
    }
    let text = String::from_utf8_lossy(&document);
    let text = trimmed(&text);
    let value = match serde_json::from_str(text) {
        _ if text.is_empty() => return Ok(Reached { bytes: count(read), settled: count(read), line: 0 }),
        Ok(value) => Ok(value),
        Err(error) if error.is_eof() => Err(Fault::Pending),
        Err(error) => Err(Fault::Bad(unreadable(&error))),
    };
    let settled = if matches!(value, Err(Fault::Pending)) { 0 } else { count(read) };
    each(1, value);
    Ok(Reached { bytes: count(read), settled, line: 1 })
}

/// Skips the rest of a line; how many bytes that were.
fn skip_line(reader: &mut impl BufRead, complete: &mut bool) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(skipped);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        *complete = end.is_some();
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        skipped += count(used);
        if *complete {
            return Ok(skipped);
        }
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn values<T: DeserializeOwned>(line: &[u8]) -> Vec<Result<T, String>> {
    // What is not UTF-8 is in a text, most likely one that is not read.
    let text = std::str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed);
    let mut rest = trimmed(&text);
    let mut found = Vec::new();
    while !rest.is_empty() {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter();
        match stream.next() {
            Some(Ok(value)) => {
                found.push(Ok(value));
                rest = trimmed(rest.get(stream.byte_offset()..).unwrap_or_default());
            }
            Some(Err(error)) => {
                found.push(Err(unreadable(&error)));
                break;
            }
            None => break,
        }
    }
    found
}

fn unreadable(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "is not usable" } else { "is not JSON" };
    format!("{what}: {error}")
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0' || c == '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn read(bytes: &[u8]) -> Vec<(u64, Result<String, Fault>)> {
        let mut found = Vec::new();
        let read = for_each_value(bytes, 100, 0, |number, value: Result<Value, Fault>| {
            found.push((number, value.map(|value| value.to_string())));
        });
        assert_eq!(read.unwrap().bytes, bytes.len() as u64);
        found
    }

    fn good(number: u64, text: &str) -> (u64, Result<String, Fault>) {
        (number, Ok(text.into()))
    }

    #[test]
    fn marks_padding_and_blank_lines_are_skipped() {
        let bytes = b"\xef\xbb\xbf{\"a\":1}\r\n\r\n\n\0\0\0\0{\"b\":2}\0\0\n  \n{\"c\":3} ";
        assert_eq!(read(bytes), [good(1, r#"{"a":1}"#), good(4, r#"{"b":2}"#), good(6, r#"{"c":3}"#)]);
    }

    #[test]
    fn values_on_one_line_are_all_read() {
        assert_eq!(
            read(b"{\"a\":1}{\"b\":2} \0 [3]\n"),
            [good(1, r#"{"a":1}"#), good(1, r#"{"b":2}"#), good(1, "[3]")]
        );
    }

    #[test]
    fn a_bad_line_harms_no_other() {
        let found = read(b"{\"a\":1}\n{\"a\":\n\xff{\"a\":1}\n{\"b\":2}x\n{\"c\":3}\n");
        assert_eq!(
            (&found[0], &found[3], &found[5]),
            (&good(1, r#"{"a":1}"#), &good(4, r#"{"b":2}"#), &good(5, r#"{"c":3}"#))
        );
        for bad in [1, 2, 4] {
            assert!(matches!(found[bad].1, Err(Fault::Bad(_))), "{:?}", found[bad]);
        }
    }

    #[test]
    fn a_line_longer_than_the_limit_is_bad_and_skipped_to_its_line_break() {
        let longest = format!("\"{}\"", "x".repeat(98));
        let too_long = format!("\"{}\"", "y".repeat(99));
        let far_too_long = "z".repeat(10_000);
        let found = read(format!("{longest}\n{too_long}\n{far_too_long}\n{{\"a\":1}}\n{too_long}").as_bytes());
        assert_eq!((&found[0], &found[3]), (&good(1, &longest), &good(4, r#"{"a":1}"#)));
        for bad in [1, 2] {
            assert_eq!(found[bad].1, Err(Fault::Bad("is longer than 100 bytes".into())));
        }
        assert_eq!(found[4].1, Err(Fault::Pending), "nobody knows how long it will be");
    }

    #[test]
    fn bytes_within_a_text_that_are_no_utf_8_harm_nothing() {
        assert_eq!(read(b"{\"a\":\"\xff\xc3\",\"b\":2}\n"), [good(1, "{\"a\":\"\u{fffd}\u{fffd}\",\"b\":2}")]);
    }

    #[test]
    fn what_is_settled_is_not_read_again_and_what_is_pending_is_read_whole() {
        let bytes = b"{\"a\":1}\n\n{\"b\":2}{\"c\":3} {\"d\":4}\n{\"e\":5}";
        let whole = read(bytes);
        for cut in 0..=bytes.len() {
            let mut found = Vec::new();
            let mut add =
                |number, value: Result<Value, Fault>| found.push((number, value.map(|value| value.to_string())));
            let first = for_each_value(&bytes[..cut], 100, 0, &mut add).unwrap();
            let settled = usize::try_from(first.settled).unwrap();
            for_each_value(&bytes[settled..], 100, first.line, &mut add).unwrap();
            found.retain(|(_, value)| *value != Err(Fault::Pending));
            assert_eq!(found, whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_document_is_one_value_over_many_lines_and_pending_until_it_ends() {
        let read = |bytes: &[u8]| {
            let mut found = Vec::new();
            let reached = for_document(bytes, 20, |number, value: Result<Value, Fault>| {
                found.push((number, value.map(|value| value.to_string())));
            });
            (found, reached.unwrap())
        };
        let all = |bytes, line| Reached { bytes, settled: bytes, line };
        assert_eq!(read(b"\xef\xbb\xbf{\n  \"a\": 1\r\n}\n"), (vec![good(1, r#"{"a":1}"#)], all(17, 1)));
        assert_eq!(read(b"{\n  \"a\":"), (vec![(1, Err(Fault::Pending))], Reached { bytes: 8, settled: 0, line: 1 }));
        assert_eq!(read(b" \n"), (vec![], all(2, 0)));
        for bad in [&b"{\n\"a\" 1}"[..], &b"{\"a\":\"01234567890123\"}"[..]] {
            let (found, reached) = read(bad);
            assert!(matches!(found[..], [(1, Err(Fault::Bad(_)))]), "{found:?}");
            assert_eq!(reached.settled, bad.len() as u64);
        }
    }

    #[test]
    fn a_torn_last_line_is_pending() {
        assert_eq!(read(b"{\"a\":1}\n{\"b\":\"\xc3").pop(), Some((2, Err(Fault::Pending))));
        assert_eq!(read(b"{\"a\":1").pop(), Some((1, Err(Fault::Pending))));
        assert_eq!(read(b"{\"a\":1}"), [good(1, r#"{"a":1}"#)]);
    }
}
