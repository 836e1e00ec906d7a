//! Values by their three leading digits: a sketch of how values are distributed that any two of can be merged, is made of
//! whole numbers only, and is the same in SQL and in here.

use crate::store::Sql;

/// How far a percentile that was found from three leading digits may be from the exact one, relative to it.
pub const SKETCH_ERROR: f64 = 0.005;

/// How many values have the same three leading digits as this one.
fn width(value: i64) -> i64 {
    let mut width = 1;
    while value / width >= 1_000 {
        width *= 10;
    }
    width
}

/// What a value of a bin, which is the least value with its digits, is taken for: the middle, of which none is further away than half a hundredth of the value.
pub(super) fn middle(bin: i64) -> i64 {
    bin + (width(bin) - 1) / 2
}

/// The bin of a column that is not negative, in SQL: the least value with as many digits and the same three leading ones.
pub(super) fn bin_in_sql(sql: &Sql, value: &str) -> String {
    let mut cases = format!("CASE WHEN {value} < 1000 THEN {value}");
    let mut width: i64 = 10;
    // Up to a million million, which no value exceeds by more than the last case takes.
    while width < 1_000_000_000_000 {
        let cut = format!("{} * {width}", sql.quotient(value, &width.to_string()));
        let next = width.saturating_mul(1_000);
        cases.push_str(&format!(" WHEN {value} < {next} THEN {cut}"));
        width *= 10;
    }
    let last = format!("{} * {width}", sql.quotient(value, &width.to_string()));
    format!("{cases} ELSE {last} END")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is found in SQL.
    fn bin(value: i64) -> i64 {
        value - value % width(value)
    }

    #[test]
    fn three_digits_are_half_a_hundredth_at_most_from_the_value() {
        for value in (0..2_000).chain([12_345, 99_999, 100_000, 31_622_400_000_000, 999_499_999, 123_456_789_012_345]) {
            let found = middle(bin(value));
            assert!((found - value).abs() as f64 <= SKETCH_ERROR * value as f64, "{value} is taken for {found}");
            assert_eq!(bin(bin(value)), bin(value));
        }
        assert_eq!([bin(999), bin(1_234), bin(98_765)], [999, 1_230, 98_700]);
    }
}
