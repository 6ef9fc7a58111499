//! STARTUP: `<string map>`.

use crate::Compression;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;

/// First message of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Startup {
    /// The options as sent; unknown ones are for the session to ignore.
    pub options: Vec<(String, String)>,
}

impl Startup {
    /// The last value given for an option.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.options.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The compression asked for.
    ///
    /// # Errors
    /// An algorithm that does not exist.
    pub fn compression(&self) -> Result<Compression, DecodeError> {
        match self.get("COMPRESSION") {
            None | Some("") => Ok(Compression::None),
            Some(name) => Compression::from_name(name).ok_or_else(|| DecodeError::UnknownWord {
                what: "compression algorithm",
                word: name.to_owned(),
            }),
        }
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self { options: reader.string_map()? })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.string_map(&self.options);
    }
}
