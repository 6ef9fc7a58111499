//! Why a value could not be read, written or turned into a Rust type.

use std::fmt;

use thiserror::Error;

/// What is wrong with a value, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{message}", Place(place))]
pub struct ValueError {
    place: Vec<String>,
    message: String,
}

/// Shown as `column "a", field "b": `, outermost first.
struct Place<'a>(&'a [String]);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().rev().enumerate() {
            write!(f, "{}{name:?}", if index == 0 { "" } else { "." })?;
        }
        if self.0.is_empty() { Ok(()) } else { f.write_str(": ") }
    }
}

impl ValueError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { place: Vec::new(), message: message.into() }
    }

    /// The same error, one level further out.
    pub(crate) fn within(mut self, name: &str) -> Self {
        self.place.push(name.to_owned());
        self
    }
}

impl serde::de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

impl serde::ser::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}
