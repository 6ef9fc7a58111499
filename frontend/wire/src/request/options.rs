//! OPTIONS: an empty body.

/// Which STARTUP options exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options;
