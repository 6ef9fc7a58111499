//! The settings as typed values.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{ConfigError, Layers};

/// Where cold segments go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObjectStoreUrl {
    /// A local directory.
    File(PathBuf),
    /// A bucket and a key prefix, which may be empty.
    S3 { bucket: String, prefix: String },
}

/// Every setting, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) cql: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) object_store: ObjectStoreUrl,
    pub(crate) s3_endpoint: Option<String>,
    pub(crate) datacenter: String,
    /// Wall clock at start, milliseconds since the Unix epoch; none means the real one.
    pub(crate) now_ms: Option<i64>,
}

impl Settings {
    /// Parses every value.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for the first value that is not valid, with its origin.
    pub(crate) fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        let data = parse(layers, "data", "a folder", |text| {
            (!text.is_empty()).then(|| PathBuf::from(text))
        })?;
        let address = |key| parse(layers, key, "HOST:PORT with a numeric host", |t| t.parse().ok());
        let expected = "file:DIR or s3://BUCKET/PREFIX";
        let object_store = parse(layers, "object-store", expected, |text| match text {
            "" => Some(ObjectStoreUrl::File(data.join("cold"))),
            _ => object_store(text),
        })?;
        let expected = "an http:// or https:// URL, or empty";
        let s3_endpoint = parse(layers, "s3-endpoint", expected, |text| match text {
            "" => Some(None),
            _ if text.starts_with("http://") || text.starts_with("https://") => {
                Some(Some(text.to_owned()))
            }
            _ => None,
        })?;
        let expected = "a name of letters, digits, - and _";
        let datacenter = parse(layers, "datacenter", expected, |text| {
            let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            (!text.is_empty() && text.chars().all(valid)).then(|| text.to_owned())
        })?;
        let expected = "a time such as 2024-12-31T00:00:00Z, or empty";
        let now_ms = parse(layers, "now", expected, |text| match text {
            "" => Some(None),
            _ => text.parse::<jiff::Timestamp>().ok().map(|time| Some(time.as_millisecond())),
        })?;
        Ok(Self {
            cql: address("cql")?,
            http: address("http")?,
            admin: address("admin")?,
            data,
            object_store,
            s3_endpoint,
            datacenter,
            now_ms,
        })
    }
}

fn parse<T>(
    layers: &Layers,
    key: &'static str,
    expected: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ConfigError> {
    let value = layers.get(key).cloned();
    let (text, origin) = value.map_or_else(Default::default, |v| (v.text, v.origin));
    read(&text).ok_or(ConfigError::Invalid { key, text, origin, expected })
}

fn object_store(text: &str) -> Option<ObjectStoreUrl> {
    if let Some(folder) = text.strip_prefix("file:") {
        return (!folder.is_empty()).then(|| ObjectStoreUrl::File(PathBuf::from(folder)));
    }
    let rest = text.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let store = ObjectStoreUrl::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
    (!bucket.is_empty()).then_some(store)
}

#[cfg(test)]
mod tests {
    use super::super::Flags;
    use super::*;

    fn with(key: &str, text: &str) -> Result<Settings, ConfigError> {
        let name = format!("CELLAR__{}", key.to_uppercase().replace('-', "_"));
        let environment = std::iter::once((name, text.to_owned()));
        Settings::from_layers(&Layers::read(None, environment, &Flags::default())?)
    }

    #[test]
    fn the_defaults_are_valid_and_cold_segments_lie_below_the_data_folder() {
        let settings = with("datacenter", "dc1").unwrap();
        assert_eq!(settings.cql.to_string(), "127.0.0.1:9042");
        assert_eq!(settings.object_store, ObjectStoreUrl::File("./cellar-data/cold".into()));
        assert_eq!(settings.now_ms, None);
    }

    #[test]
    fn object_stores_and_times_are_parsed() {
        let settings = with("object-store", "s3://bucket/a/b").unwrap();
        let expected = ObjectStoreUrl::S3 { bucket: "bucket".into(), prefix: "a/b".into() };
        assert_eq!(settings.object_store, expected);
        assert_eq!(with("now", "1970-01-01T00:00:01Z").unwrap().now_ms, Some(1000));
    }

    #[test]
    fn an_invalid_value_names_its_origin_and_what_is_expected() {
        for (key, text) in [
            ("cql", "nowhere"),
            ("object-store", "ftp://x"),
            ("object-store", "s3:///x"),
            ("s3-endpoint", "localhost"),
            ("now", "yesterday"),
            ("datacenter", "a b"),
        ] {
            let error = with(key, text).unwrap_err().to_string();
            assert!(error.contains("environment variable CELLAR__"), "{error}");
            assert!(error.contains("is not valid: "), "{error}");
        }
    }
}
