//! Structured logs on stderr: text on a terminal, JSON lines otherwise; `CELLAR_LOG` filters them.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

/// What a service tells.
pub(crate) const SERVICE: &str = "info,openraft=error,opentelemetry=warn,lsm_tree=warn";
/// What the demo tells beside its story.
pub(crate) const DEMO: &str = "warn,openraft=error,scylla=error";

/// Starts logging with a filter. Rows' values are never logged.
pub(crate) fn start(default: &str) {
    let filter = EnvFilter::try_from_env("CELLAR_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.with_target(false).init();
    } else {
        logs.json().init();
    }
}
