//! The settings as typed values.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf};

use cellar_frontend::access::{AccessOptions, Authentication};

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
    /// Internal listener of a role; none means the role's default port.
    pub(crate) listen: Option<SocketAddr>,
    /// What others reach it by, "host:port"; none means the address listened on.
    pub(crate) advertise: Option<String>,
    /// The members of the metadata service in their order, each "host:port".
    pub(crate) metadata: Vec<String>,
    pub(crate) object_store: ObjectStoreUrl,
    pub(crate) s3_endpoint: Option<String>,
    /// Region of the object store; none if nobody says.
    pub(crate) object_store_region: Option<String>,
    pub(crate) datacenter: String,
    pub(crate) rack: String,
    pub(crate) region: String,
    pub(crate) cell_split_bytes: u64,
    pub(crate) cell_split_requests_per_s: u64,
    /// Room on a node's disk below which it refuses writes.
    pub(crate) disk_reserve_bytes: u64,
    /// How long a write of a node's log may take until the node gives up leading.
    pub(crate) disk_stall_ms: u64,
    /// Whether cells are spread over nodes by the metadata service itself.
    pub(crate) balance: bool,
    /// How long a node is out of touch before its replicas are replaced.
    pub(crate) replace_after_s: u64,
    /// How frontends let clients in.
    pub(crate) access: AccessOptions,
    /// Number of a metadata member that joins; none means its place in the list.
    pub(crate) member: Option<u64>,
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
        let expected = "HOST:PORT with a numeric host, or empty";
        let listen = parse(layers, "listen", expected, |text| match text {
            "" => Some(None),
            _ => text.parse().ok().map(Some),
        })?;
        let advertise = parse(layers, "advertise", "HOST:PORT, or empty", |text| match text {
            "" => Some(None),
            _ => text.contains(':').then(|| Some(text.to_owned())),
        })?;
        let expected = "1, 3 or 5 different HOST:PORT, separated by commas";
        let metadata = parse(layers, "metadata", expected, members)?;
        let cell_split_bytes =
            parse(layers, "cell-split-bytes", "a size such as 64MiB or 8GiB", size_bytes)?;
        let cell_split_requests_per_s = positive(layers, "cell-split-requests-per-s")?;
        let (disk_reserve_bytes, disk_stall_ms) = disk(layers)?;
        let balance = on_or_off(layers, "balance")?;
        let expected = "a number of seconds from 1 to 31536000";
        let replace_after_s = parse(layers, "replace-after-s", expected, |text| {
            text.parse().ok().filter(|seconds| (1..=31_536_000).contains(seconds))
        })?;
        let member = parse(layers, "member", "a number from 1, or empty", |text| match text {
            "" => Some(None),
            _ => text.parse().ok().filter(|number| *number > 0).map(Some),
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
            object_store_region: name_or_none(layers, "object-store-region")?,
            listen,
            advertise,
            metadata,
            datacenter: name(layers, "datacenter")?,
            rack: name(layers, "rack")?,
            region: name(layers, "region")?,
            cell_split_bytes,
            cell_split_requests_per_s,
            disk_reserve_bytes,
            disk_stall_ms,
            balance,
            replace_after_s,
            access: access(layers)?,
            member,
            now_ms,
        })
    }
}

fn positive(layers: &Layers, key: &'static str) -> Result<u64, ConfigError> {
    parse(layers, key, "a number from 1", |text| text.parse().ok().filter(|number| *number > 0))
}

/// What is kept free of a node's disk, in bytes, and how slow it may be, in milliseconds.
fn disk(layers: &Layers) -> Result<(u64, u64), ConfigError> {
    let reserve = parse(layers, "disk-reserve-bytes", "a size such as 256MiB", size_bytes)?;
    let expected = "a number of milliseconds from 100 to 600000";
    let stall = parse(layers, "disk-stall-ms", expected, |text| {
        text.parse().ok().filter(|ms| (100..=600_000).contains(ms))
    })?;
    Ok((reserve, stall))
}

fn on_or_off(layers: &Layers, key: &'static str) -> Result<bool, ConfigError> {
    parse(layers, key, "on or off", |text| match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    })
}

fn access(layers: &Layers) -> Result<AccessOptions, ConfigError> {
    let authentication = parse(layers, "authentication", "none or password", |text| match text {
        "none" => Some(Authentication::None),
        "password" => Some(Authentication::Password),
        _ => None,
    })?;
    let superuser_password = parse(layers, "superuser-password", "a password", |text| {
        (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned())
    })?;
    Ok(AccessOptions { authentication, superuser_password })
}

/// The members of a metadata group. An even number would not survive more failures than one less.
fn members(text: &str) -> Option<Vec<String>> {
    let members: Vec<String> = text.split(',').map(|member| member.trim().to_owned()).collect();
    let valid = members.iter().all(|member| {
        member.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    });
    let different: BTreeSet<&String> = members.iter().collect();
    let count = members.len();
    (valid && matches!(count, 1 | 3 | 5) && different.len() == count).then_some(members)
}

fn name(layers: &Layers, key: &'static str) -> Result<String, ConfigError> {
    parse(layers, key, "a name of letters, digits, - and _", |text| {
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (!text.is_empty() && text.chars().all(valid)).then(|| text.to_owned())
    })
}

fn name_or_none(layers: &Layers, key: &'static str) -> Result<Option<String>, ConfigError> {
    match layers.get(key) {
        Some(value) if !value.text.is_empty() => name(layers, key).map(Some),
        _ => Ok(None),
    }
}

/// Bytes in a text such as `64MiB`; a number alone is bytes.
fn size_bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.trim().parse().ok()?;
    let unit: u64 = match text.get(digits.len()..)? {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(unit).filter(|bytes| *bytes > 0)
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
    fn a_metadata_group_has_one_three_or_five_members() {
        assert_eq!(with("metadata", "a:1").unwrap().metadata, ["a:1"]);
        assert_eq!(with("metadata", "a:1, b:2,c:3").unwrap().metadata, ["a:1", "b:2", "c:3"]);
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
            ("cell-split-bytes", "8 parsecs"),
            ("listen", "7000"),
            ("cell-split-requests-per-s", "0"),
            ("balance", "maybe"),
            ("replace-after-s", "0"),
            ("authentication", "maybe"),
            ("superuser-password", ""),
            ("member", "0"),
            ("metadata", "a:1,b:2"),
            ("metadata", "a:1,b:2,a:1"),
            ("metadata", "a:1,b:2,c"),
        ] {
            let error = with(key, text).unwrap_err().to_string();
            assert!(error.contains("environment variable CELLAR__"), "{error}");
            assert!(error.contains("is not valid: "), "{error}");
        }
    }
}
