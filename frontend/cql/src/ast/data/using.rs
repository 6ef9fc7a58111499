//! `USING` and its attributes.

use crate::ast::Term;

/// The attributes after `USING`; each is a constant or a marker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Using {
    /// `TIMESTAMP`, microseconds.
    pub timestamp: Option<Term>,
    /// `TTL`, seconds.
    pub ttl: Option<Term>,
    /// `TIMEOUT`, a duration.
    pub timeout: Option<Term>,
}
