//! PostgreSQL servers.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::address::{Address, with_database, with_setting};
use crate::home::Home;
use crate::{ports, programs};

/// Names a running server that [`Postgres::shared`] uses.
const URL: &str = "LEDGER_TEST_POSTGRES_URL";

/// What differs from a server that was just installed. Commits are durable, as there.
const SETTINGS: [(&str, &str); 8] = [
    ("listen_addresses", "127.0.0.1"),
    ("max_connections", "600"),
    ("shared_buffers", "128MB"),
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("wal_level", "replica"),
    ("max_wal_senders", "10"),
    ("hot_standby", "on"),
];

/// A PostgreSQL server. It stops when this is dropped or the process ends.
pub struct Postgres {
    url: String,
    port: u16,
    /// None for a server that somebody else runs.
    home: Option<Home>,
}

impl Postgres {
    /// The one server of this process, or the one that `LEDGER_TEST_POSTGRES_URL` names.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var(URL) {
            Ok(url) => Self { port: Address::of(&url).port.unwrap_or(5432), url, home: None },
            Err(_) => Self::start(),
        })
    }

    /// A server of its own, for a test that stops or configures it.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server of its own, with these lines more in postgresql.conf.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let home = new_home();
        let mut initdb = programs::as_postgres("initdb");
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        home.set_up(initdb.arg("--pgdata").arg(home.folder().join("data")));
        append(&home, &SETTINGS);
        append(&home, settings);
        Self::launched(home)
    }

    /// Where it answers; every user is let in without a password.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The URL of a schema that nobody uses and that does not exist yet.
    pub fn fresh(&self) -> String {
        with_setting(&self.url, "schema", &ports::unique_name())
    }

    /// The URL of a new, empty database, for a test that looks at all connections to it.
    #[track_caller]
    pub fn database(&self) -> String {
        let name = ports::unique_name();
        self.sql(&format!("CREATE DATABASE {name}"));
        with_database(&self.url, &name)
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its temporary folder: in it the folder `data`, the file `server.log` and the Unix socket.
    pub fn folder(&self) -> &Path {
        self.home().folder()
    }

    /// Puts a file into its folder that only the server's user may read, as it wants its keys to be kept.
    pub fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder().join(name);
        let mut file = OpenOptions::new();
        let file = file.write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(content.as_bytes())).expect("a file can be written for the server");
        programs::hand_over(&path, "postgres");
        path
    }

    /// Writes these lines before those that say who is let in and how (pg_hba.conf), for every later connection.
    pub fn let_in(&self, lines: &str) {
        let path = self.folder().join("data/pg_hba.conf");
        let others = std::fs::read_to_string(&path).expect("pg_hba.conf can be read");
        std::fs::write(&path, format!("{lines}\n{others}")).expect("pg_hba.conf can be written");
        self.configure(&[]);
    }

    /// Runs `statement` by psql and returns what it printed: a row a line, `|` between columns.
    #[track_caller]
    pub fn sql(&self, statement: &str) -> String {
        programs::run(&mut self.psql(statement))
    }

    /// The same for a statement that may fail; then what psql said.
    ///
    /// # Errors
    /// When the server refuses the statement.
    pub fn try_sql(&self, statement: &str) -> Result<String, String> {
        programs::attempt(&mut self.psql(statement))
    }

    fn psql(&self, statement: &str) -> Command {
        let mut psql = Command::new(programs::postgres("psql"));
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, &self.url]);
        psql
    }

    /// Stops it in order; its clients are disconnected.
    pub fn stop(&self) {
        self.pg_ctl(&["stop", "--mode=fast"]);
    }

    /// Stops it as a crash does: it recovers from its log when it starts again.
    pub fn stop_now(&self) {
        self.pg_ctl(&["stop", "--mode=immediate"]);
    }

    /// Starts it after a stop; returns when it accepts connections.
    pub fn start_again(&self) {
        for _ in 0..100 {
            if launch(self.home(), self.port) {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("somebody else took port {} of the stopped PostgreSQL server", self.port);
    }

    /// Adds settings, which every later connection sees, and a stopped server when it starts again.
    pub fn configure(&self, settings: &[(&str, &str)]) {
        append(self.home(), settings);
        if !self.folder().join("data/postmaster.pid").exists() {
            return;
        }
        let loaded = || self.sql("SELECT pg_conf_load_time()");
        let before = loaded();
        self.pg_ctl(&["reload"]);
        eventually("the PostgreSQL server reads its settings", || loaded() != before);
    }

    /// A copy that follows this server by streaming, under this `application_name`.
    pub fn standby(&self, name: &str) -> Self {
        let home = new_home();
        let source = format!("host=127.0.0.1 port={} user=postgres application_name={name}", self.port);
        let mut backup = programs::as_postgres("pg_basebackup");
        backup.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--dbname", &source]);
        home.set_up(backup.arg("--pgdata").arg(home.folder().join("data")));
        // Copied from a server that waits for this standby, it would wait for itself once promoted.
        append(&home, &[("synchronous_standby_names", "")]);
        let standby = Self::launched(home);
        let streams = format!(
            "SELECT count(*) FROM pg_stat_replication WHERE application_name = '{name}' AND state = 'streaming'"
        );
        eventually("the PostgreSQL standby streams", || self.sql(&streams) == "1");
        standby
    }

    /// Makes a standby a primary; returns when it takes writes.
    pub fn promote(&self) {
        self.pg_ctl(&["promote"]);
    }

    fn launched(home: Home) -> Self {
        append(&home, &[("unix_socket_directories", &home.folder().to_string_lossy())]);
        for _ in 0..20 {
            let port = ports::free();
            if launch(&home, port) {
                return Self { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), port, home: Some(home) };
            }
        }
        panic!("every port that was free was taken before PostgreSQL could use it");
    }

    #[track_caller]
    fn home(&self) -> &Home {
        self.home.as_ref().expect("the server that LEDGER_TEST_POSTGRES_URL names is not ours to manage")
    }

    #[track_caller]
    fn pg_ctl(&self, args: &[&str]) {
        programs::run(pg_ctl(self.home()).args(args));
    }
}

fn new_home() -> Home {
    // SIGQUIT is what `pg_ctl stop --mode=immediate` sends.
    let home = Home::new("postgres", "data/postmaster.pid", "QUIT");
    programs::hand_over(home.folder(), "postgres");
    home
}

fn append(home: &Home, settings: &[(&str, &str)]) {
    let lines: String =
        settings.iter().map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''"))).collect();
    let file = OpenOptions::new().append(true).open(home.folder().join("data/postgresql.conf"));
    file.and_then(|mut file| file.write_all(lines.as_bytes())).expect("postgresql.conf can be written");
}

/// Starts the server; false if the port is taken.
fn launch(home: &Home, port: u16) -> bool {
    let logged = home.log(0).len();
    let mut start = pg_ctl(home);
    start.args(["start", "--options", &format!("-p {port}"), "--log"]).arg(home.log_file());
    let output = programs::output(&mut start);
    if output.status.success() {
        return true;
    }
    let log = String::from_utf8_lossy(&output.stderr).into_owned() + &home.log(logged);
    assert!(log.contains("Address already in use"), "the PostgreSQL server did not start: {log}");
    false
}

fn pg_ctl(home: &Home) -> Command {
    let mut command = programs::as_postgres("pg_ctl");
    command.current_dir(home.folder()).args(["--wait", "--silent", "--pgdata"]).arg(home.folder().join("data"));
    command
}

#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < end, "within 30 seconds {what}");
        sleep(Duration::from_millis(20));
    }
}
