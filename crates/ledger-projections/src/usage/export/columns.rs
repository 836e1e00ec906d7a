//! Which columns are exported: a line for each. What is not listed stays inside.

use super::ExportTable;

/// What the values of an exported column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportType {
    /// A key, or another text of which most rows have their own.
    Text,
    /// A name; an empty one is not known.
    Name,
    /// A whole number.
    Int,
    /// True or false.
    Flag,
    /// A point in time, in microseconds, UTC.
    Time,
    /// A duration in whole microseconds.
    Micros,
    /// An exact amount of US dollars.
    Usd,
    /// The same as a whole number of pico-USD.
    PicoUsd,
}

/// A column of exported rows.
#[derive(Clone, Copy, Debug)]
pub struct ExportColumn {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: ExportType,
    /// The column of the projection's table that it is made from.
    pub(super) from: &'static str,
}

const fn new(name: &'static str, kind: ExportType) -> ExportColumn {
    ExportColumn { name, kind, from: name }
}

const fn text(name: &'static str) -> ExportColumn {
    new(name, ExportType::Text)
}

const fn name(name: &'static str) -> ExportColumn {
    new(name, ExportType::Name)
}

const fn int(name: &'static str) -> ExportColumn {
    new(name, ExportType::Int)
}

const fn flag(name: &'static str) -> ExportColumn {
    new(name, ExportType::Flag)
}

const fn time(name: &'static str) -> ExportColumn {
    new(name, ExportType::Time)
}

const fn micros(name: &'static str) -> ExportColumn {
    new(name, ExportType::Micros)
}

const fn usd(name: &'static str, from: &'static str) -> ExportColumn {
    ExportColumn { name, kind: ExportType::Usd, from }
}

const fn pico(name: &'static str) -> ExportColumn {
    new(name, ExportType::PicoUsd)
}

const CALLS: &[ExportColumn] = &[
    text("call_key"),
    name("tenant"),
    name("operation"),
    text("call_id"),
    text("session_id"),
    text("turn_id"),
    name("provider"),
    name("model"),
    name("workspace"),
    time("started_at"),
    time("invoked_at"),
    flag("leads"),
    name("status"),
    name("error_class"),
    int("http_status"),
    int("attempt"),
    micros("duration_us"),
    micros("ttft_us"),
    int("input"),
    int("cache_read"),
    int("cache_write_5m"),
    int("cache_write_1h"),
    int("cache_write"),
    int("output"),
    int("reasoning"),
    int("input_total"),
    usd("cost_usd", "pico_usd"),
    pico("pico_usd"),
    name("cost_source"),
    name("price_version"),
    name("service_tier"),
    name("speed"),
    name("inference_geo"),
    int("web_searches"),
];

const TOOLS: &[ExportColumn] = &[
    text("tool_key"),
    text("session_id"),
    text("turn_id"),
    name("tool_name"),
    name("workspace"),
    time("started_at"),
    time("completed_at"),
    micros("duration_us"),
    name("status"),
    name("error_class"),
];

const TURNS: &[ExportColumn] = &[
    text("turn_key"),
    text("session_id"),
    text("turn_id"),
    name("workspace"),
    time("started_at"),
    time("completed_at"),
    micros("duration_us"),
    name("status"),
    name("error_class"),
];

const SESSIONS: &[ExportColumn] = &[
    text("session_id"),
    text("parent_session_id"),
    name("workspace"),
    name("agent"),
    name("provider"),
    name("model"),
    time("first_at"),
    time("last_at"),
];

impl ExportTable {
    /// Its columns, in their order.
    #[must_use]
    pub const fn columns(self) -> &'static [ExportColumn] {
        match self {
            Self::Calls => CALLS,
            Self::Tools => TOOLS,
            Self::Turns => TURNS,
            Self::Sessions => SESSIONS,
        }
    }
}

impl ExportColumn {
    /// The name in JSON objects, which have durations in milliseconds, and amounts of money once.
    pub(super) fn json_name(self) -> Option<String> {
        match (self.kind, self.name.strip_suffix("_us")) {
            (ExportType::PicoUsd, _) => None,
            (ExportType::Micros, Some(name)) => Some(format!("{name}_ms")),
            _ => Some(self.name.into()),
        }
    }

    /// Whether a row of the projection may have no such value.
    #[cfg(any(feature = "arrow", test))]
    pub(super) fn is_nullable(self, columns: &[crate::store::Column]) -> bool {
        let optional = columns.iter().any(|column| column.name == self.from && column.optional);
        optional || self.kind == ExportType::Name
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::store::Type;

    /// By these events are merged; nobody else needs them.
    const INSIDE: [&str; 7] =
        ["revision", "start_revision", "start_event_id", "end_revision", "end_event_id", "measured_us", "event_id"];

    #[test]
    fn each_column_of_the_tables_is_exported_or_is_of_no_use_outside() {
        for table in ExportTable::ALL {
            let mut exported: Vec<&str> = table.columns().iter().map(|column| column.from).collect();
            // Money is exported twice.
            exported.dedup();
            let columns = table.table().columns.iter().map(|column| column.name);
            let expected: Vec<&str> = columns.filter(|name| !INSIDE.contains(name)).collect();
            assert_eq!(exported, expected, "{table:?}");
        }
    }

    #[test]
    fn values_are_what_the_columns_of_the_tables_hold() {
        for table in ExportTable::ALL {
            for column in table.columns() {
                let from = table.table().columns.iter().find(|from| from.name == column.from).unwrap();
                let expected = match column.kind {
                    ExportType::Text | ExportType::Name => Type::Name,
                    ExportType::Flag => Type::Flag,
                    ExportType::Int | ExportType::Time | ExportType::Micros => Type::Int,
                    ExportType::Usd | ExportType::PicoUsd => Type::Int,
                };
                assert_eq!(from.kind, expected, "{column:?}");
                let unit = |unit: &str| column.name.ends_with(unit);
                assert_eq!(unit("_at"), column.kind == ExportType::Time, "{column:?}");
                assert_eq!(unit("_us"), column.kind == ExportType::Micros, "{column:?}");
                let is_money = matches!(column.kind, ExportType::Usd | ExportType::PicoUsd);
                assert_eq!(unit("_usd"), is_money, "{column:?}");
                assert_eq!(column.is_nullable(table.table().columns), from.optional || column.kind == ExportType::Name);
            }
        }
    }
}
