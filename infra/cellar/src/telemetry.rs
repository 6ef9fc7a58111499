//! Structured logs on stderr: text on a terminal, JSON lines otherwise; `CELLAR_LOG` filters them.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. Rows' values are never logged.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_env("CELLAR_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,openraft=error,opentelemetry=warn,lsm_tree=warn"));
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.with_target(false).init();
    } else {
        logs.json().init();
    }
}
