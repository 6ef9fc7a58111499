//! Configuration in four layers: defaults, file, environment, flags; the later one wins.
//!
//! Guarantees: an unknown key in any layer is an error that suggests the nearest known one; every
//! value remembers its origin; [`Settings`] holds only values that were parsed. Start at
//! [`Layers::read`].

mod error;
mod keys;
mod layers;
mod settings;

pub(crate) use error::ConfigError;
pub(crate) use keys::{Flags, SECRET};
pub(crate) use layers::{ENVIRONMENT_PREFIX, Layers};
pub(crate) use settings::{ObjectStoreUrl, Settings};
