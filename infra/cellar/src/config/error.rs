//! What can be wrong with the configuration, each with where and what to do.

use std::path::PathBuf;

/// A layer that cannot be read, or a value that is not valid.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path} is not valid TOML: {detail}")]
    NotToml { path: PathBuf, detail: String },
    #[error("unknown setting `{key}` in {origin}{hint}")]
    UnknownKey { key: String, origin: String, hint: String },
    #[error("`{key}` in {origin} must be text in quotes")]
    NotText { key: String, origin: String },
    #[error("`{key}` = {text:?} from {origin} is not valid: {expected}")]
    Invalid { key: &'static str, text: String, origin: String, expected: &'static str },
}
