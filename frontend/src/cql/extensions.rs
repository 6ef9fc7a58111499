//! Extensions of the protocol that ScyllaDB made and drivers know: told in SUPPORTED, in use once a
//! client names them in STARTUP. Clients that do not see nothing of them.
//!
//! `TABLETS_ROUTING_V1` is not among them: any frontend serves any key and holds none, so the
//! tokens in `system.peers` already send a key to the same frontend always.

use cellar_wire::{ErrorBody, Extensions, PreparedResult, Startup};

/// A rate limit has an error of its own.
const RATE_LIMIT: &str = "SCYLLA_RATE_LIMIT_ERROR";
/// Conditional statements are marked when they are prepared.
const CONDITIONAL_MARK: &str = "SCYLLA_LWT_ADD_METADATA_MARK";
/// Result metadata have ids before v5, too.
const METADATA_IDS: &str = "SCYLLA_USE_METADATA_ID";

/// What a client has asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Agreement {
    /// What changes messages.
    pub(super) messages: Extensions,
    /// Overload is told as a rate limit.
    pub(super) rate_limit: bool,
    /// Conditional statements are marked.
    pub(super) conditional_mark: bool,
}

impl Agreement {
    pub(super) fn with(startup: &Startup) -> Self {
        let asked = |name: &str| startup.get(name).is_some();
        Self {
            messages: Extensions { metadata_ids: asked(METADATA_IDS) },
            rate_limit: asked(RATE_LIMIT),
            conditional_mark: asked(CONDITIONAL_MARK),
        }
    }
}

/// Their part of SUPPORTED.
pub(super) fn supported() -> Vec<(String, Vec<String>)> {
    let code = format!("ERROR_CODE={}", ErrorBody::RATE_LIMIT_CODE);
    let mask = PreparedResult::CONDITIONAL_MASK;
    let mask = format!("LWT_OPTIMIZATION_META_BIT_MASK={mask}");
    [(RATE_LIMIT, code), (CONDITIONAL_MARK, mask), (METADATA_IDS, String::new())]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), vec![value]))
        .collect()
}
