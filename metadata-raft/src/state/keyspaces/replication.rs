//! Replication settings: what CQL says, checked and brought into one form.

use std::collections::BTreeMap;

use cellar_metadata_api::{MetadataError, Node};

/// The package that Cassandra's strategies live in; scripts name them with it or without.
const PACKAGE: &str = "org.apache.cassandra.locator.";
/// Copies of a keyspace whose setting has no number, as in Cassandra.
const DEFAULT_COPIES: &str = "1";
/// Copies of a keyspace of Amazon Keyspaces' `SingleRegionStrategy`.
const SINGLE_REGION_COPIES: u32 = 3;

/// How often and where the data of a keyspace is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replication {
    /// So many copies, wherever.
    Anywhere(u32),
    /// So many copies in every data centre, apart from those that are named.
    EveryDatacenter(u32, BTreeMap<String, u32>),
    /// So many copies in each of these data centres or regions.
    Datacenters(BTreeMap<String, u32>),
    /// So many copies in one region, and none elsewhere: the one named, else the cluster's own.
    Region(u32, Option<String>),
}

impl Replication {
    /// The setting of a new keyspace, with Cassandra's default where it has no number.
    pub(crate) fn with_default(options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut options = options.clone();
        let class = options.get("class").map_or("", String::as_str);
        let short = class.strip_prefix(PACKAGE).unwrap_or(class);
        let open = matches!(short, "SimpleStrategy" | "NetworkTopologyStrategy");
        if open && options.len() == 1 {
            options.insert("replication_factor".to_owned(), DEFAULT_COPIES.to_owned());
        }
        options
    }

    /// Reads the replication map of a keyspace.
    pub(crate) fn parse(
        keyspace: &str,
        options: &BTreeMap<String, String>,
    ) -> Result<Self, MetadataError> {
        let class = options
            .get("class")
            .ok_or_else(|| MetadataError::config("Missing replication strategy class"))?;
        let short = class.strip_prefix(PACKAGE).unwrap_or(class);
        match short {
            "SimpleStrategy" => Self::simple(keyspace, options),
            "NetworkTopologyStrategy" => Self::topology(keyspace, options),
            "SingleRegionStrategy" => Self::single_region(keyspace, options),
            _ => {
                let package = if class.contains('.') { "" } else { PACKAGE };
                Err(MetadataError::config(format!(
                    "Unable to find replication strategy class '{package}{class}'"
                )))
            }
        }
    }

    fn simple(keyspace: &str, options: &BTreeMap<String, String>) -> Result<Self, MetadataError> {
        let unknown = |option: &&String| !matches!(option.as_str(), "class" | "replication_factor");
        if let Some(option) = options.keys().find(unknown) {
            return Err(unrecognized(option, "SimpleStrategy", keyspace));
        }
        let factor = options.get("replication_factor").ok_or_else(|| {
            MetadataError::config("SimpleStrategy requires a replication_factor strategy option.")
        })?;
        Ok(Self::Anywhere(copies(factor)?))
    }

    /// The region is that of the service, as with Amazon Keyspaces, or, in a cluster of several,
    /// the one that `region` names.
    fn single_region(
        keyspace: &str,
        options: &BTreeMap<String, String>,
    ) -> Result<Self, MetadataError> {
        let unknown = |option: &&String| !matches!(option.as_str(), "class" | "region");
        if let Some(option) = options.keys().find(unknown) {
            return Err(unrecognized(option, "SingleRegionStrategy", keyspace));
        }
        let region = options.get("region").cloned();
        if region.as_ref().is_some_and(String::is_empty) {
            return Err(MetadataError::config("SingleRegionStrategy: the region has no name"));
        }
        Ok(Self::Region(SINGLE_REGION_COPIES, region))
    }

    /// The setting with the region it means, in a cluster whose own region is this.
    pub(crate) fn at_home(self, home: Option<&str>) -> Self {
        match self {
            Self::Region(copies, None) => Self::Region(copies, home.map(str::to_owned)),
            other => other,
        }
    }

    fn topology(keyspace: &str, options: &BTreeMap<String, String>) -> Result<Self, MetadataError> {
        let mut datacenters = BTreeMap::new();
        for (datacenter, factor) in options {
            if datacenter != "class" && datacenter != "replication_factor" {
                datacenters.insert(datacenter.clone(), copies(factor)?);
            }
        }
        if let Some(factor) = options.get("replication_factor") {
            return Ok(Self::EveryDatacenter(copies(factor)?, datacenters));
        }
        if datacenters.values().all(|copies| *copies == 0) {
            return Err(MetadataError::config(format!(
                "Configuration for at least one datacenter must be present \
                 (keyspace {keyspace}, NetworkTopologyStrategy)"
            )));
        }
        Ok(Self::Datacenters(datacenters))
    }

    /// The form that is equal exactly for settings that mean the same: names the placement group.
    pub(crate) fn normalised(&self) -> String {
        let list = |datacenters: &BTreeMap<String, u32>| {
            datacenters
                .iter()
                .map(|(name, copies)| format!("{}:{name}={copies}", name.len()))
                .collect::<Vec<_>>()
                .join(",")
        };
        match self {
            Self::Anywhere(copies) => format!("anywhere={copies}"),
            Self::EveryDatacenter(copies, named) => format!("every={copies},{}", list(named)),
            Self::Datacenters(named) => list(named),
            Self::Region(copies, None) => format!("home={copies}"),
            Self::Region(copies, Some(region)) => format!("region={copies},{region}"),
        }
    }

    /// Reads what [`Self::normalised`] made.
    pub(crate) fn from_normalised(text: &str) -> Option<Self> {
        if let Some(copies) = text.strip_prefix("anywhere=") {
            return Some(Self::Anywhere(copies.parse().ok()?));
        }
        if let Some(copies) = text.strip_prefix("home=") {
            return Some(Self::Region(copies.parse().ok()?, None));
        }
        if let Some((copies, region)) =
            text.strip_prefix("region=").and_then(|it| it.split_once(','))
        {
            return Some(Self::Region(copies.parse().ok()?, Some(region.to_owned())));
        }
        match text.strip_prefix("every=") {
            Some(rest) => {
                let (copies, named) = rest.split_once(',')?;
                Some(Self::EveryDatacenter(copies.parse().ok()?, named_list(named)?))
            }
            None => Some(Self::Datacenters(named_list(text)?)),
        }
    }

    /// What a client should know about copies that have no node to stand on.
    pub(crate) fn warnings(&self, keyspace: &str, nodes: &[&Node]) -> Vec<String> {
        let mut warnings = Vec::new();
        for (copies, candidates) in self.shares(nodes) {
            let found = candidates.len();
            if usize::try_from(copies).is_ok_and(|copies| copies > found) {
                warnings.push(format!(
                    "Your replication factor {copies} for keyspace {keyspace} is higher than the \
                     number of nodes {found}; there will be as many copies as nodes"
                ));
            }
        }
        warnings
    }
}

/// Reads `3:dc1=3,3:dc2=1`; a name may have any characters.
fn named_list(mut text: &str) -> Option<BTreeMap<String, u32>> {
    let mut named = BTreeMap::new();
    while !text.is_empty() {
        let (length, rest) = text.split_once(':')?;
        let (name, rest) = rest.split_at_checked(length.parse().ok()?)?;
        let rest = rest.strip_prefix('=')?;
        let (copies, rest) = rest.split_once(',').unwrap_or((rest, ""));
        named.insert(name.to_owned(), copies.parse().ok()?);
        text = rest;
    }
    Some(named)
}

fn copies(factor: &str) -> Result<u32, MetadataError> {
    match factor.trim().parse::<i64>() {
        Ok(copies) if copies < 0 => Err(MetadataError::config(format!(
            "Replication factor must be non-negative, found {copies}"
        ))),
        Ok(copies) => u32::try_from(copies)
            .map_err(|_| MetadataError::config(format!("For input string: \"{factor}\""))),
        Err(_) if factor.contains('/') => {
            Err(MetadataError::config("Transient replication is not enabled on this node"))
        }
        Err(_) => Err(MetadataError::config(format!("For input string: \"{factor}\""))),
    }
}

fn unrecognized(option: &str, strategy: &str, keyspace: &str) -> MetadataError {
    MetadataError::config(format!(
        "Unrecognized strategy option {{{option}}} passed to {strategy} for keyspace {keyspace}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normalised_form_is_read_back_whatever_a_datacenter_is_called() {
        let named = BTreeMap::from([("a=1,2:b".to_owned(), 2), ("ü:".to_owned(), 0)]);
        for setting in [
            Replication::Anywhere(3),
            Replication::EveryDatacenter(3, BTreeMap::new()),
            Replication::EveryDatacenter(1, named.clone()),
            Replication::Datacenters(named),
            Replication::Region(3, None),
            Replication::Region(3, Some("eu-1,x".to_owned())),
        ] {
            assert_eq!(Replication::from_normalised(&setting.normalised()), Some(setting));
        }
        assert_eq!(Replication::from_normalised("3:dc"), None);
    }
}
