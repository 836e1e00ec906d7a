//! JSON values, one per line, from files as they really are.
//!
//! Tolerated: a byte order mark, CR LF, NUL padding (what a crash leaves), blank lines, several values on one line, and a
//! last line that somebody is still writing. Never holds more than one line, nor one longer than a limit.

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

/// Gives each value, or fault, with the number of its line to `each`; returns how many bytes there were. Lines of more
/// than `longest` bytes are bad, and not kept.
pub(crate) fn for_each_value<T: DeserializeOwned>(
    mut reader: impl BufRead,
    longest: usize,
    mut each: impl FnMut(u64, Result<T, Fault>),
) -> io::Result<u64> {
    let (mut line, mut number, mut bytes) = (Vec::new(), 0, 0);
    // One byte more than the longest line, for its line break.
    let limit = count(longest).saturating_add(1);
    loop {
        line.clear();
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(bytes);
        }
        number += 1;
        bytes += count(read);
        let complete = line.ends_with(b"\n");
        if !complete && read > longest {
            line = Vec::new();
            bytes += count(reader.skip_until(b'\n')?);
            each(number, Err(Fault::Bad(format!("is longer than {longest} bytes"))));
            continue;
        }
        values(&line, |value| {
            each(number, value.map_err(|reason| if complete { Fault::Bad(reason) } else { Fault::Pending }));
        });
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn values<T: DeserializeOwned>(line: &[u8], mut each: impl FnMut(Result<T, String>)) {
    let text = match std::str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => return each(Err(format!("is not UTF-8: {error}"))),
    };
    let mut rest = trimmed(text);
    while !rest.is_empty() {
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter();
        match stream.next() {
            Some(Ok(value)) => {
                each(Ok(value));
                rest = trimmed(rest.get(stream.byte_offset()..).unwrap_or_default());
            }
            Some(Err(error)) if error.is_data() => return each(Err(format!("is not usable: {error}"))),
            Some(Err(error)) => return each(Err(format!("is not JSON: {error}"))),
            None => return,
        }
    }
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
        let read = for_each_value(bytes, 100, |number, value: Result<Value, Fault>| {
            found.push((number, value.map(|value| value.to_string())));
        });
        assert_eq!(read.unwrap(), bytes.len() as u64);
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
        let found = read(b"{\"a\":1}\n{\"a\":\n{\"a\xff\":1}\n{\"b\":2}x\n{\"c\":3}\n");
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
        for bad in [1, 2, 4] {
            assert_eq!(found[bad].1, Err(Fault::Bad("is longer than 100 bytes".into())));
        }
    }

    #[test]
    fn a_torn_last_line_is_pending() {
        assert_eq!(read(b"{\"a\":1}\n{\"b\":\"\xc3").pop(), Some((2, Err(Fault::Pending))));
        assert_eq!(read(b"{\"a\":1").pop(), Some((1, Err(Fault::Pending))));
        assert_eq!(read(b"{\"a\":1}"), [good(1, r#"{"a":1}"#)]);
    }
}
