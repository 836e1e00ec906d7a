//! MariaDB servers.

use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::address::{Address, with_database};
use crate::home::Home;
use crate::{ports, programs};

/// Names a running server, MariaDB or MySQL, that [`MariaDb::shared`] uses.
const URL: &str = "LEDGER_TEST_MYSQL_URL";

/// What differs from a server that was just installed. Commits are durable, as there.
const OPTIONS: [&str; 6] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--max-connections=600",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=128M",
    "--innodb-log-file-size=64M",
];

/// Leaves its process id before it becomes the server, so that the watchdog always knows it.
const WITH_PID: &str = r#"echo $$ >"$0" && exec "$@""#;

/// A MariaDB server. It stops when this is dropped or the process ends.
pub struct MariaDb {
    url: String,
    port: u16,
    /// None for a server that somebody else runs.
    own: Option<Server>,
}

impl MariaDb {
    /// The one server of this process, or the one that `LEDGER_TEST_MYSQL_URL` names.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var(URL) {
            Ok(url) => Self { port: Address::of(&url).port.unwrap_or(3306), url, own: None },
            Err(_) => Self::start(),
        })
    }

    /// A server of its own, for a test that stops, kills or configures it.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server of its own, with these options more, each passed as `--name=value`.
    pub fn start_with(options: &[(&str, &str)]) -> Self {
        let server = Server::installed(options);
        for _ in 0..20 {
            let port = ports::free();
            if server.launch(port) {
                server.allow_ledger();
                return Self { url: format!("mysql://ledger@127.0.0.1:{port}/mysql"), port, own: Some(server) };
            }
        }
        panic!("every port that was free was taken before MariaDB could use it");
    }

    /// Where the user `ledger` may do everything, without a password.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The URL of a new, empty database.
    #[track_caller]
    pub fn fresh(&self) -> String {
        let name = ports::unique_name();
        self.sql(None, &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
        with_database(&self.url, &name)
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its temporary folder: in it the folder `data`, the file `server.log` and the Unix socket `socket`.
    pub fn folder(&self) -> &Path {
        self.own().home.folder()
    }

    /// Runs `statement` by the mariadb client and returns what it printed: a row a line, tabs between columns.
    #[track_caller]
    pub fn sql(&self, database: Option<&str>, statement: &str) -> String {
        programs::run(&mut self.client(database, statement))
    }

    /// The same for a statement that may fail; then what the client said.
    ///
    /// # Errors
    /// When the server refuses the statement.
    pub fn try_sql(&self, database: Option<&str>, statement: &str) -> Result<String, String> {
        programs::attempt(&mut self.client(database, statement))
    }

    /// The same as another user, who has no password.
    ///
    /// # Errors
    /// When the server refuses the statement.
    pub fn try_sql_as(&self, user: &str, database: Option<&str>, statement: &str) -> Result<String, String> {
        programs::attempt(self.client(database, statement).args(["--user", user]))
    }

    fn client(&self, database: Option<&str>, statement: &str) -> Command {
        let Address { user, password, host, .. } = Address::of(&self.url);
        let mut client = client();
        client.args(["--protocol=tcp", "--host", &host, "--port", &self.port.to_string(), "--user", &user]);
        client.args(["--execute", statement]).args(database);
        if let Some(password) = password {
            client.env("MYSQL_PWD", password);
        }
        client
    }

    /// Stops it in order; its clients are disconnected.
    pub fn stop(&self) {
        self.own().stop();
    }

    /// Kills it: it recovers from its log when it starts again.
    pub fn stop_now(&self) {
        assert!(self.own().kill(), "the MariaDB server is not running");
    }

    /// Starts it after a stop; returns when it accepts connections.
    pub fn start_again(&self) {
        for _ in 0..100 {
            if self.own().launch(self.port) {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("somebody else took port {} of the stopped MariaDB server", self.port);
    }

    #[track_caller]
    fn own(&self) -> &Server {
        self.own.as_ref().expect("the server that LEDGER_TEST_MYSQL_URL names is not ours to manage")
    }
}

/// A server that we run.
struct Server {
    process: Mutex<Option<Child>>,
    options: Vec<String>,
    home: Home,
}

impl Server {
    fn installed(options: &[(&str, &str)]) -> Self {
        let home = Home::new("mariadb", "pid", "KILL");
        let folder = home.folder().display();
        let mut all = vec![format!("--datadir={folder}/data"), format!("--tmpdir={folder}")];
        if programs::hand_over(home.folder(), "mysql") {
            all.push("--user=mysql".into());
        }
        all.extend(OPTIONS.map(str::to_owned));
        let mut install = Command::new(programs::mariadb("mariadb-install-db"));
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        home.set_up(install.args(&all));
        all.push(format!("--socket={folder}/socket"));
        all.push(format!("--pid-file={folder}/mariadbd.pid"));
        all.push(format!("--log-error={}", home.log_file().display()));
        all.extend(options.iter().map(|(name, value)| format!("--{name}={value}")));
        Self { process: Mutex::new(None), options: all, home }
    }

    /// Starts the server and waits for it; false if the port is taken.
    fn launch(&self, port: u16) -> bool {
        let logged = self.home.log(0).len();
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(process.is_none(), "the MariaDB server is already running");
        let child = process.insert(self.spawn(port));
        let end = Instant::now() + Duration::from_secs(60);
        // A killed server leaves its socket behind; only a connection shows that one listens.
        while UnixStream::connect(self.home.folder().join("socket")).is_err() {
            if child.try_wait().expect("a child can be waited for").is_some() {
                *process = None;
                let log = self.home.log(logged);
                assert!(log.contains("Address already in use"), "the MariaDB server did not start: {log}");
                return false;
            }
            assert!(Instant::now() < end, "MariaDB did not start in a minute: {}", self.home.log(logged));
            sleep(Duration::from_millis(20));
        }
        true
    }

    fn spawn(&self, port: u16) -> Child {
        Command::new("sh")
            .args(["-c", WITH_PID])
            .arg(self.home.folder().join("pid"))
            .arg(programs::mariadb("mariadbd"))
            .arg("--no-defaults")
            .args(&self.options)
            .arg(format!("--port={port}"))
            .current_dir("/")
            // Away from Ctrl-C, and from the output of the tests, which ends when nobody holds it open.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mariadbd can be started")
    }

    fn allow_ledger(&self) {
        let mut root = client();
        root.arg("--socket").arg(self.home.folder().join("socket")).args(["--user=root", "--execute"]);
        programs::run(root.arg("CREATE USER ledger@127.0.0.1; GRANT ALL ON *.* TO ledger@127.0.0.1 WITH GRANT OPTION"));
    }

    fn stop(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child = process.take().expect("the MariaDB server is running");
        programs::run(Command::new("sh").args(["-c", r#"kill "$0""#, &child.id().to_string()]));
        child.wait().expect("a child can be waited for");
    }

    /// False if there was nothing to kill.
    fn kill(&self) -> bool {
        let child = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        child.is_some_and(|mut child| child.kill().and_then(|()| child.wait()).is_ok())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn client() -> Command {
    let mut command = Command::new(programs::mariadb("mariadb"));
    command.args(["--no-defaults", "--batch", "--raw", "--skip-column-names", "--default-character-set=utf8mb4"]);
    command
}
