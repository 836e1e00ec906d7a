//! Where the servers' programs are, and running one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

const POSTGRES: [&str; 5] = ["initdb", "pg_ctl", "postgres", "pg_basebackup", "psql"];
const MARIADB: [&str; 3] = ["mariadb-install-db", "mariadbd", "mariadb"];

/// Servers refuse to run as root.
static IS_ROOT: LazyLock<bool> =
    LazyLock::new(|| Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0"));

/// Whether the programs that [`Postgres`](crate::Postgres) runs are installed.
pub fn postgres_is_there() -> bool {
    POSTGRES.iter().all(|program| find_postgres(program).is_some())
}

/// Whether the programs that [`MariaDb`](crate::MariaDb) runs are installed.
pub fn mariadb_is_there() -> bool {
    MARIADB.iter().all(|program| find_mariadb(program).is_some())
}

pub(crate) fn postgres(program: &str) -> PathBuf {
    find_postgres(program).expect("the tests need PostgreSQL; install it with: apt-get install postgresql")
}

pub(crate) fn mariadb(program: &str) -> PathBuf {
    find_mariadb(program).expect("the tests need MariaDB; install it with: apt-get install mariadb-server")
}

/// A command of PostgreSQL, run by the user that owns the server's files.
pub(crate) fn as_postgres(program: &str) -> Command {
    let program = postgres(program);
    if !*IS_ROOT {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// Gives `folder` to `user`, where we are not an ordinary user ourselves; says whether it did.
pub(crate) fn hand_over(folder: &Path, user: &str) -> bool {
    if *IS_ROOT {
        run(Command::new("chown").arg(user).arg(folder));
    }
    *IS_ROOT
}

/// Runs `command` to its end and returns what it printed.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    match attempt(command) {
        Ok(printed) => printed,
        Err(said) => panic!("{command:?}: {said}"),
    }
}

/// The same; what it said when it failed.
#[track_caller]
pub(crate) fn attempt(command: &mut Command) -> Result<String, String> {
    let output = output(command);
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{}\n{}", output.status, text(&output.stderr)))
}

#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => panic!("{command:?} could not be started: {error}"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// Debian keeps the programs of each version in a folder of its own, and in PATH only wrappers, or none.
fn find_postgres(program: &str) -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| POSTGRES.iter().all(|program| folder.join(program).is_file()))
        .collect();
    versions.sort();
    match versions.pop() {
        Some((_, newest)) => Some(newest.join(program)),
        None => find(program),
    }
}

fn find_mariadb(program: &str) -> Option<PathBuf> {
    find(program)
}

/// Servers are in the folders for administrators, which PATH often lacks.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
