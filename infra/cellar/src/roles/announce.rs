//! What a process prints on stdout once it is ready: every endpoint with a line to paste. The
//! last line is `ready`, for those who wait for it.

use std::{fmt::Write as _, io::Write as _, net::SocketAddr};

/// Endpoints in the order they are printed.
#[derive(Default)]
pub(super) struct Announcement {
    text: String,
}

impl Announcement {
    pub(super) fn line(mut self, what: &str, address: SocketAddr, paste: &str) -> Self {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{what:<9} {address:<21} {paste}");
        self
    }

    pub(super) fn print(self) {
        let mut out = std::io::stdout().lock();
        // Nobody reading is no reason to stop serving.
        let _ = writeln!(out, "{}ready", self.text);
        let _ = out.flush();
    }
}
