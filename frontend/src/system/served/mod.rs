//! What frontends know of those they serve.

pub(super) mod clients;
pub(super) mod traces;
