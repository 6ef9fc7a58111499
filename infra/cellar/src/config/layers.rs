//! The layers put on top of each other, each value with its origin.

use std::fs;
use std::path::Path;

use super::ConfigError;
use super::keys::{Flags, KEYS, suggestion};

/// Environment variables with this prefix are settings: `CELLAR__OBJECT_STORE`.
pub(crate) const ENVIRONMENT_PREFIX: &str = "CELLAR__";

/// A value as text and the layer it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) origin: String,
}

/// All settings after every layer has been read.
#[derive(Debug)]
pub(crate) struct Layers {
    values: Vec<(&'static str, Value)>,
}

impl Layers {
    /// Reads defaults, the file if one is named, the environment and the flags, in this order.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read or a layer holds an unknown key.
    pub(crate) fn read(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let default = |text: &str| Value { text: text.to_owned(), origin: "default".to_owned() };
        let values = KEYS.iter().map(|key| (key.name, default(key.default))).collect();
        let mut layers = Self { values };
        if let Some(path) = file {
            layers.read_file(path)?;
        }
        for (name, text) in environment {
            if let Some(key) = name.strip_prefix(ENVIRONMENT_PREFIX) {
                let key = key.to_lowercase().replace('_', "-");
                layers.set(&key, text, format!("environment variable {name}"))?;
            }
        }
        for (key, text) in flags.given() {
            layers.set(key, text.clone(), format!("flag --{key}"))?;
        }
        Ok(layers)
    }

    /// A setting's value; every known key has one.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.values.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// All settings in the order they are shown.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(key, value)| (*key, value))
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            ConfigError::NotToml { path: path.to_owned(), detail: error.to_string() }
        })?;
        for (key, value) in table {
            let origin = format!("file {}", path.display());
            let toml::Value::String(text) = value else {
                return Err(ConfigError::NotText { key, origin });
            };
            self.set(&key, text, origin)?;
        }
        Ok(())
    }

    fn set(&mut self, key: &str, text: String, origin: String) -> Result<(), ConfigError> {
        match self.values.iter_mut().find(|(name, _)| *name == key) {
            Some((_, value)) => {
                *value = Value { text, origin };
                Ok(())
            }
            None => {
                let hint = suggestion(key);
                Err(ConfigError::UnknownKey { key: key.to_owned(), origin, hint })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_layer_wins_and_every_value_names_its_origin() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cellar.toml");
        fs::write(&file, "cql = \"127.0.0.1:1\"\nhttp = \"127.0.0.1:2\"\n").unwrap();
        let environment = [
            ("CELLAR__CQL".to_owned(), "127.0.0.1:3".to_owned()),
            ("PATH".to_owned(), "ignored".to_owned()),
        ];
        let layers = Layers::read(Some(&file), environment.into_iter(), &Flags::default()).unwrap();
        let shown = |key: &str| {
            let value = layers.get(key).unwrap();
            (value.text.as_str(), value.origin.split(' ').next().unwrap())
        };
        assert_eq!(shown("cql"), ("127.0.0.1:3", "environment"));
        assert_eq!(shown("http"), ("127.0.0.1:2", "file"));
        assert_eq!(shown("datacenter"), ("dc1", "default"));
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest_known_one() {
        let environment = [("CELLAR__DATACENTRE".to_owned(), "eu".to_owned())];
        let error = Layers::read(None, environment.into_iter(), &Flags::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown setting `datacentre` in environment variable CELLAR__DATACENTRE; \
             did you mean `datacenter`?"
        );
    }
}
