//! One statement and no more.

use ledger_core::Invalid;

/// The text, when it is one statement: SQLite's driver runs all that it is given, and the second one could say that it may
/// write. What follows the first `;` may be space and comments.
///
/// # Errors
/// [`Invalid`] when there is nothing, or anything after the first statement.
pub(super) fn single(sql: &str) -> Result<&str, Invalid> {
    let mut rest = sql;
    let mut is_empty = true;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            ';' => {
                let after = rest.get(1..).unwrap_or_default();
                if is_empty || !is_blank(after) {
                    return Err(Invalid::new("query", "is more than one statement; ask one question at a time"));
                }
                return Ok(sql);
            }
            '\'' | '"' | '`' => after_quote(rest, first),
            '[' => after(rest, "]"),
            _ => match comment(rest) {
                Some(after) => {
                    rest = after;
                    continue;
                }
                None => rest.get(first.len_utf8()..).unwrap_or_default(),
            },
        };
        is_empty = is_empty && first.is_whitespace();
    }
    if is_empty { Err(Invalid::new("query", "is empty")) } else { Ok(sql) }
}

/// What follows a quoted name or text; a quote within it is written twice, which looks like two of them.
fn after_quote(text: &str, quote: char) -> &str {
    let inner = text.get(1..).unwrap_or_default();
    inner.find(quote).and_then(|end| inner.get(end + 1..)).unwrap_or_default()
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.find(end).and_then(|at| text.get(at + end.len()..)).unwrap_or_default()
}

/// What follows a comment, when there is one here.
fn comment(text: &str) -> Option<&str> {
    if text.starts_with("--") {
        return Some(after(text, "\n"));
    }
    text.strip_prefix("/*").map(|inner| after(inner, "*/"))
}

fn is_blank(text: &str) -> bool {
    let mut rest = text.trim_start();
    while let Some(after) = comment(rest) {
        rest = after.trim_start();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_taken_and_a_second_one_is_not() {
        for sql in [
            "SELECT 1",
            "SELECT 1;",
            " SELECT 1 ; -- the end\n /* really */ ",
            "SELECT ';' AS \"a;b\", 'it''s; so', `c;d`, [e;f]",
            "SELECT 1 -- a; b\n + 1",
            "SELECT 1 /* a; b */ + 1",
            "SELECT 5 - -1, 6 / 2",
        ] {
            assert_eq!(single(sql), Ok(sql));
        }
        for sql in
            ["", "  ", "-- nothing", ";", "SELECT 1; SELECT 2", "SELECT 1;;", "/* a */; SELECT 1", "SELECT 1; /*b*/ x"]
        {
            assert!(single(sql).is_err(), "{sql}");
        }
    }
}
