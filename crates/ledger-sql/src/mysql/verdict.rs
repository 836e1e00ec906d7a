//! What the error numbers of MySQL and MariaDB mean.

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;

use crate::server::Verdict;

pub(super) fn verdict(said: &dyn DatabaseError) -> (Verdict, String) {
    let number = said.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
    let verdict = match number {
        1062 => Verdict::KnownId,
        // Lock wait timeout, also of a metadata lock.
        1205 => Verdict::Busy,
        1969 | 3024 => Verdict::Slow,
        1213 | 1020 | 3101 => Verdict::Again,
        // Full disk, full table, full tablespace.
        1021 | 1114 | 3675 => Verdict::Full,
        // Too many connections, shutdown, killed, lost.
        1040
        | 1041
        | 1053
        | 1077
        | 1078
        | 1079
        | 1129
        | 1152
        | 1158..=1161
        | 1184
        | 1203
        | 1226
        | 1317
        | 1927
        | 2006
        | 2013
        // Was idle too long, was killed, or the server is offline or not in its cluster.
        | 1047
        | 3032
        | 3169
        | 4031
        // The prepared statement is gone.
        | 1243
        | 1615 => Verdict::Gone,
        // The last: it wants an encrypted connection.
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1410 | 1419 | 1698 | 3118 | 3159 => Verdict::Denied,
        // read_only, super_read_only.
        1290 | 1792 | 1836 => Verdict::ReadOnly,
        1046 | 1049 | 1146 => Verdict::Missing,
        30001 | 30002 | 126 | 127 | 1034 | 1194 | 1712 => Verdict::Damaged,
        _ => Verdict::Other,
    };
    (verdict, message(number, said))
}

/// MySQL quotes values in its messages about values, and a rule of somebody else may quote what it likes.
fn message(number: u16, said: &dyn DatabaseError) -> String {
    match number {
        30001 | 30002 => "a guard of the ledger's tables refused a change".into(),
        _ if said.code().is_some_and(|code| code == "45000") => {
            format!("a rule of this database refused it, error {number}")
        }
        1062 | 1264 | 1265 | 1292 | 1366 | 1367 | 1406 | 1411 | 1525 | 1557 | 1586 | 1690 | 1918 | 3140 => {
            format!("a value was refused, error {number}")
        }
        1064 | 1149 => format!("a statement was not understood, error {number}"),
        1419 => {
            let said = said.message();
            format!("{said}; have the tables made by an administrator, or set log_bin_trust_function_creators")
        }
        _ => said.message().to_owned(),
    }
}
