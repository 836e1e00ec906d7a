//! The folder of a server, and the watchdog that clears it away.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::programs;

/// Waits until its stdin ends, and that is when the process that holds the other end closes it or dies.
///
/// Then it lets whoever sets up the folder finish: initdb would leave shared memory behind if its files went away.
/// Only then it looks who runs in the folder: the server may have been restarted since, or be down.
/// A zombie has no command line, and a stranger who got the number of a dead server has another.
const WATCHDOG: &str = r#"
folder=$1 pid_file=$2 signal=$3 tries=0
cat >/dev/null
flock --timeout 30 "$folder/setup" true
while [ -e "$folder" ] && [ $tries -lt 400 ]; do
    if read -r pid <"$pid_file" && grep -aqF "$folder" "/proc/$pid/cmdline"; then
        [ $tries -lt 200 ] || signal=KILL
        kill -s "$signal" "$pid"
        sleep 0.05
    else
        rm -rf "$folder" || sleep 0.05
    fi
    tries=$((tries + 1))
done
"#;

/// A temporary folder with a server in it. When this is dropped, or the process ends in any way, the server is
/// stopped and the folder removed.
pub(crate) struct Home {
    folder: PathBuf,
    watchdog: Child,
}

impl Home {
    /// The server writes its process id to `pid_file` and stops at once when it gets `signal`.
    pub(crate) fn new(name: &str, pid_file: &str, signal: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix(&format!("ledger-{name}-"))
            .tempdir()
            .expect("a temporary folder can be made")
            .keep();
        // In a session of its own, where neither Ctrl-C nor a test runner's signals to its group arrive.
        let watchdog = Command::new("setsid")
            .args(["sh", "-c", WATCHDOG, "watchdog"])
            .args([folder.as_os_str(), folder.join(pid_file).as_os_str(), signal.as_ref()])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the watchdog of a server can be started");
        Self { folder, watchdog }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a command that fills the folder; the watchdog waits for it, even if nobody else does any more.
    #[track_caller]
    pub(crate) fn set_up(&self, command: &Command) {
        let mut locked = Command::new("flock");
        locked.arg(self.folder.join("setup")).arg(command.get_program()).args(command.get_args());
        // The server's user may not enter the folder where we are, and a test runner kills our whole group.
        programs::run(locked.current_dir(&self.folder).process_group(0));
    }

    /// What the server has logged after the first `start` bytes.
    pub(crate) fn log(&self, start: usize) -> String {
        let log = std::fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(log.get(start..).unwrap_or_default()).into_owned()
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Waiting closes the watchdog's stdin first.
        let _ = self.watchdog.wait();
    }
}
