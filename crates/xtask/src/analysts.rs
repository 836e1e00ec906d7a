//! Polars and DuckDB, in an environment of Python's under `target`, and the test that opens exported files with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{ALL, Outcome, succeeded};

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../ledger-cli/tests/export/requirements.txt");

/// Whether there is a Python that runs: a name on the path may be a shim that leads nowhere.
fn python_is_there() -> bool {
    runs(Path::new("python3"), "import sys")
}

/// Whether there is a Python that cannot make environments, for which Debian has another package.
pub(crate) fn python_is_not_whole() -> bool {
    python_is_there() && !runs(Path::new("python3"), "import ensurepip, venv")
}

/// A Python that has what the test needs, in an environment that is made when it is not there or has something else;
/// `None` where there is no Python.
pub(crate) fn provision() -> Result<Option<PathBuf>, String> {
    if !python_is_there() {
        return Ok(None);
    }
    let folder = target().join("analysts");
    let (python, installed) = (folder.join("bin/python"), folder.join("installed.txt"));
    let requirements = fs::read(REQUIREMENTS).map_err(|error| format!("{REQUIREMENTS}: {error}"))?;
    // What is installed is noted last. The Python that the environment was made from may be gone.
    let is_made = fs::read(&installed).is_ok_and(|noted| noted == requirements);
    if is_made && runs(&python, "import polars, duckdb") {
        return Ok(Some(python));
    }
    println!("installing Polars and DuckDB from PyPI into {}", folder.display());
    let venv = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).status();
    succeeded(&format!("python3 -m venv {}", folder.display()), venv)
        .map_err(|reason| format!("{reason}; install what it needs, on Debian with: apt-get install python3-venv"))?;
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--requirement"];
    let pip = Command::new(&python).args(pip).arg(REQUIREMENTS).status();
    succeeded(&format!("{} -m pip install --requirement {REQUIREMENTS}", python.display()), pip)
        .map_err(|reason| format!("{reason}; it needs PyPI, or a mirror in PIP_INDEX_URL, and Python 3.9 or newer"))?;
    fs::write(&installed, requirements).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(Some(python))
}

/// Runs the test with that Python.
pub(crate) fn test(python: Option<PathBuf>) -> Outcome {
    let Some(python) = python else {
        println!("skipped: opening exported files with Polars and DuckDB, because there is no python3 here");
        return Ok(());
    };
    let args = [ALL.as_slice(), &["--test", "export", "--", "--ignored"]].concat();
    let cargo = Command::new(env!("CARGO")).args(&args).env("LEDGER_PYTHON", python).status();
    succeeded(&format!("cargo {}", args.join(" ")), cargo)
}

fn runs(python: &Path, script: &str) -> bool {
    let output = Command::new(python).args(["-c", script]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Where this program was built: `target/debug/xtask` is two below.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(2).filter(|folder| folder.is_dir()).unwrap_or(Path::new("target")).into()
}
