//! Servers start, fail as told, and leave nothing behind.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ledger_servers::{MariaDb, Postgres, Proxy};

/// Set in a process that starts servers in order to be killed.
const VICTIM: &str = "LEDGER_SERVERS_VICTIM";

#[test]
fn postgres_survives_a_crash() {
    let server = Postgres::start_with(&[("log_min_messages", "info"), ("application_name", "it's")]);
    assert_eq!(server.sql("SELECT 1"), "1");
    assert_eq!(server.sql("SHOW fsync"), "on");
    assert_eq!(server.sql("SHOW application_name"), "psql");
    server.sql("CREATE TABLE t (x int); INSERT INTO t VALUES (7)");
    server.stop_now();
    server.start_again();
    assert_eq!(server.sql("SELECT x FROM t"), "7");
    server.stop();
    server.start_again();
    server.configure(&[("work_mem", "5MB")]);
    assert_eq!(server.sql("SHOW work_mem"), "5MB");
    assert_ne!(server.fresh(), server.fresh());
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists() && processes_in(&folder) == 0);
}

#[test]
fn a_postgres_standby_follows_and_takes_over() {
    let primary = Postgres::start();
    primary.sql("CREATE TABLE t (x int)");
    let standby = primary.standby("second");
    primary.configure(&[("synchronous_standby_names", "second"), ("synchronous_commit", "remote_apply")]);
    let sync = "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'second'";
    eventually(|| primary.sql(sync) == "sync");
    primary.sql("INSERT INTO t VALUES (7)");
    assert_eq!(standby.sql("SELECT x FROM t"), "7");
    primary.stop_now();
    standby.promote();
    standby.sql("INSERT INTO t VALUES (8)");
    assert_eq!(standby.sql("SELECT count(*) FROM t"), "2");
    let folders = [primary.folder().to_owned(), standby.folder().to_owned()];
    drop((standby, primary));
    assert!(folders.iter().all(|folder| !folder.exists() && processes_in(folder) == 0));
}

#[test]
fn mariadb_survives_a_crash() {
    let server = MariaDb::start_with(&[("max-allowed-packet", "32M")]);
    assert_eq!(server.sql(None, "SELECT 1, @@innodb_flush_log_at_trx_commit"), "1\t1");
    assert_eq!(server.sql(None, "SELECT @@max_allowed_packet >> 20"), "32");
    let database = server.fresh().rsplit_once('/').unwrap().1.to_owned();
    let charset = "SELECT @@character_set_database";
    assert_eq!(server.sql(Some(&database), charset), "utf8mb4");
    server.sql(Some(&database), "CREATE TABLE t (x int); INSERT INTO t VALUES (7)");
    server.stop_now();
    server.start_again();
    assert_eq!(server.sql(Some(&database), "SELECT x FROM t"), "7");
    server.stop();
    server.start_again();
    assert_eq!(server.sql(Some(&database), "SELECT x FROM t"), "7");
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists() && processes_in(&folder) == 0);
}

#[test]
fn a_client_reaches_its_server_through_a_proxy() {
    let server = Postgres::shared();
    let proxy = Proxy::to(server.port());
    let answer = Command::new("psql").args(["-XAtc", "SELECT 1", &proxy.through(&server.url())]).output().unwrap();
    assert_eq!(answer.stdout, b"1\n");
    assert!(proxy.answered() > 100);
}

#[test]
fn a_killed_process_leaves_no_server_behind() {
    if std::env::var_os(VICTIM).is_some() {
        let folders = [Postgres::shared().folder(), MariaDb::shared().folder()];
        folders.iter().for_each(|folder| println!("\nfolder {}", folder.display()));
        std::io::stdout().flush().unwrap();
        sleep(Duration::from_secs(600));
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_process_leaves_no_server_behind", "--nocapture"])
        .env(VICTIM, "1")
        .env_remove("LEDGER_TEST_POSTGRES_URL")
        .env_remove("LEDGER_TEST_MYSQL_URL")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let folders: Vec<PathBuf> = lines.filter_map(|line| Some(line.strip_prefix("folder ")?.into())).take(2).collect();
    assert!(folders.iter().all(|folder| processes_in(folder) > 1), "a server and its watchdog");
    victim.kill().unwrap();
    victim.wait().unwrap();
    eventually(|| folders.iter().all(|folder| !folder.exists() && processes_in(folder) == 0));
}

/// How many processes have this folder in their command line.
fn processes_in(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let lines = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| std::fs::read(entry.path().join("cmdline")));
    lines.flatten().filter(|line| String::from_utf8_lossy(line).contains(folder)).count()
}

fn eventually(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "not within 30 seconds");
        sleep(Duration::from_millis(20));
    }
}
