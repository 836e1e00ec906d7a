//! Progress bars, on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over events, on stderr; nothing is drawn when that is not a terminal.
pub(crate) fn events(what: &'static str) -> ProgressBar {
    bar(what, "{msg} [{bar:40}] {human_pos}/{human_len} events, {per_sec}, {eta} left")
}

/// A bar over bytes, likewise.
pub(crate) fn bytes(what: &'static str, total: u64) -> ProgressBar {
    let bar = bar(what, "{msg} [{bar:40}] {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left");
    bar.set_length(total);
    bar
}

fn bar(what: &'static str, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(what);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// Reports to `bar`, as copies and checks want it.
pub(crate) fn reporter(bar: &ProgressBar) -> impl Fn(u64, u64) + Send + Sync {
    move |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    }
}
