//! In what the engines differ.

use super::schema::Type;

/// Which database software.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    MySql,
}

impl Engine {
    /// A column's type. Names are compared byte by byte everywhere.
    pub(super) const fn column_type(self, kind: Type) -> &'static str {
        match (self, kind) {
            (Self::Sqlite, Type::Name | Type::Text) => "TEXT",
            (Self::Sqlite, Type::Int | Type::Flag) => "INTEGER",
            (Self::Sqlite, Type::Real) => "REAL",
            (Self::Postgres, Type::Name | Type::Text) => "text COLLATE \"C\"",
            (Self::Postgres, Type::Int | Type::Flag) => "bigint",
            (Self::Postgres, Type::Real) => "double precision",
            (Self::MySql, Type::Name) => "VARBINARY(255)",
            (Self::MySql, Type::Text) => "LONGBLOB",
            (Self::MySql, Type::Int | Type::Flag) => "BIGINT",
            (Self::MySql, Type::Real) => "DOUBLE",
        }
    }

    /// The type of a column of bytes.
    pub(super) const fn bytes(self) -> &'static str {
        match self {
            Self::Sqlite => "BLOB",
            Self::Postgres => "bytea",
            Self::MySql => "LONGBLOB",
        }
    }

    /// After `CREATE TABLE (...)`.
    pub(super) const fn table_options(self) -> &'static str {
        match self {
            Self::Sqlite => " STRICT, WITHOUT ROWID",
            Self::Postgres => "",
            Self::MySql => " ENGINE = InnoDB",
        }
    }

    /// A name as it stands in a statement.
    pub(crate) fn quoted(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::MySql => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// The place of the nth value of a statement, from 1.
    pub(super) fn place(self, n: usize) -> String {
        match self {
            Self::Postgres => format!("${n}"),
            Self::Sqlite | Self::MySql => "?".to_owned(),
        }
    }

    /// The whole part of a quotient of whole numbers that are not negative.
    pub(super) fn quotient(self, dividend: &str, divisor: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("({dividend}) / ({divisor})"),
            Self::MySql => format!("({dividend}) DIV ({divisor})"),
        }
    }

    /// A sum of whole numbers as a whole number, which some engines make a decimal; 0 over no rows.
    pub(super) fn sum(self, value: &str) -> String {
        let kind = match self {
            Self::Sqlite => return format!("COALESCE(SUM({value}), 0)"),
            Self::Postgres => "bigint",
            Self::MySql => "SIGNED",
        };
        format!("CAST(COALESCE(SUM({value}), 0) AS {kind})")
    }

    /// Begins a transaction that writes.
    pub(super) const fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
            Self::MySql => "START TRANSACTION",
        }
    }

    /// Begins a transaction that reads what there is at one moment.
    pub(super) const fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Self::MySql => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        }
    }

    /// Said once on each connection.
    pub(super) const fn set_up(self) -> &'static str {
        match self {
            // A projection that a power failure takes back is still the fold up to its checkpoint.
            Self::Sqlite => "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
            // A plan that was made while a table was small would be kept when it is large.
            Self::Postgres => {
                "SET lock_timeout = '10s'; SET client_min_messages = error; SET jit = off; SET plan_cache_mode = force_custom_plan"
            }
            // A server may have another isolation as its default, of which no snapshot is made.
            Self::MySql => {
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION innodb_lock_wait_timeout = 10, \
                 SESSION time_zone = '+00:00'"
            }
        }
    }

    /// Keeps a connection from writing.
    pub(super) const fn only_read(self) -> &'static str {
        match self {
            Self::Sqlite => "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON",
            Self::Postgres => "SET default_transaction_read_only = on",
            Self::MySql => "SET SESSION TRANSACTION READ ONLY",
        }
    }

    /// Locks the rows that a query selects until the transaction ends; a transaction that writes locks all of SQLite.
    pub(super) const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres | Self::MySql => " FOR UPDATE",
        }
    }

    /// Gets the lock under which tables are made; 1 when it was had. On MySQL it outlives the transaction, which DDL ends.
    pub(super) const fn lock_tables(self) -> &'static str {
        match self {
            // The transaction is the lock.
            Self::Sqlite => "SELECT 1",
            Self::Postgres => "SELECT 1::bigint FROM (SELECT pg_advisory_xact_lock(4701234115017721672)) AS locked",
            Self::MySql => "SELECT GET_LOCK(CONCAT('ledger-projections ', MD5(DATABASE())), 30)",
        }
    }

    /// Begins again, where DDL has ended the transaction.
    pub(super) const fn begin_after_ddl(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => "",
            Self::MySql => self.begin(),
        }
    }

    pub(super) const fn unlock_tables(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => "",
            Self::MySql => "SELECT RELEASE_LOCK(CONCAT('ledger-projections ', MD5(DATABASE())))",
        }
    }
}
