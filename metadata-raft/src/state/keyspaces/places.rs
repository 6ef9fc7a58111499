//! Which nodes a replication setting means, and whether there are any.

use std::collections::{BTreeMap, BTreeSet};

use cellar_metadata_api::{MetadataError, Node};

use super::Replication;

impl Replication {
    /// The nodes that copies may stand on, as (how many at most, which), one for each data centre
    /// or region. A region that is not known yet has none.
    pub(crate) fn shares<'n>(&self, nodes: &[&'n Node]) -> Vec<(u32, Vec<&'n Node>)> {
        let those = |belongs: &dyn Fn(&Node) -> bool| -> Vec<&'n Node> {
            nodes.iter().copied().filter(|node| belongs(node)).collect()
        };
        match self {
            Self::Anywhere(copies) => vec![(*copies, nodes.to_vec())],
            Self::Region(copies, region) => {
                vec![(*copies, those(&|node| Some(&node.region) == region.as_ref()))]
            }
            Self::Datacenters(named) => {
                let share = |(name, copies): (&String, &u32)| {
                    (*copies, those(&|node| place(named, node) == Some(name)))
                };
                named.iter().map(share).collect()
            }
            Self::EveryDatacenter(copies, named) => {
                let mut all: BTreeMap<&str, u32> =
                    nodes.iter().map(|node| (node.datacenter.as_str(), *copies)).collect();
                all.extend(named.iter().map(|(name, copies)| (name.as_str(), *copies)));
                let inside = |name| those(&|node| node.datacenter == name);
                all.into_iter().map(|(name, copies)| (copies, inside(name))).collect()
            }
        }
    }

    /// The regions that the data must not leave, if the setting names any.
    pub(crate) fn regions(&self, nodes: &[&Node]) -> BTreeSet<String> {
        match self {
            Self::Anywhere(_) | Self::EveryDatacenter(..) => BTreeSet::new(),
            Self::Region(_, region) => region.iter().cloned().collect(),
            Self::Datacenters(_) => {
                let shares = self.shares(nodes);
                let wanted = shares.iter().filter(|(copies, _)| *copies > 0);
                wanted.flat_map(|(_, nodes)| nodes).map(|node| node.region.clone()).collect()
            }
        }
    }

    /// Refuses a setting that names a data centre or region without a node, as Cassandra does: the
    /// data would stand where it must not, or nowhere. A single node takes the data of all data
    /// centres, whatever it is called, so that what is written for a cluster runs on a desk; but
    /// not that of another region, if the setting is for one region only.
    pub(crate) fn check_places(
        &self,
        keyspace: &str,
        nodes: &[&Node],
    ) -> Result<(), MetadataError> {
        let known = |of: fn(&Node) -> &str| -> BTreeSet<&str> {
            nodes.iter().map(|node| of(node)).collect()
        };
        let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
        let regions = || known(|node| &node.region);
        if let Self::Region(_, Some(region)) = self
            && !nodes.is_empty()
            && !regions().contains(region.as_str())
        {
            return Err(MetadataError::config(format!(
                "The data of keyspace {keyspace} must stay in region {region}, where no node is: \
                 the regions are {}",
                list(regions())
            )));
        }
        let (Self::Datacenters(named) | Self::EveryDatacenter(_, named)) = self else {
            return Ok(());
        };
        let mut there = known(|node| &node.datacenter);
        if matches!(self, Self::Datacenters(_)) {
            there.extend(regions());
        }
        let wanted = named.iter().filter(|(_, copies)| **copies > 0).map(|(name, _)| name.as_str());
        let missing: BTreeSet<&str> = wanted.filter(|name| !there.contains(name)).collect();
        if nodes.len() < 2 || missing.is_empty() {
            return Ok(());
        }
        Err(MetadataError::config(format!(
            "Unrecognized strategy option {{{}}} passed to NetworkTopologyStrategy for keyspace \
             {keyspace}: no node is there, the data centres are {}, the regions {}",
            list(missing),
            list(known(|node| &node.datacenter)),
            list(regions()),
        )))
    }
}

/// What of a list a node belongs to: its data centre, else its region.
fn place<'s>(named: &'s BTreeMap<String, u32>, node: &Node) -> Option<&'s String> {
    let key = |name: &str| named.get_key_value(name).map(|(name, _)| name);
    key(&node.datacenter).or_else(|| key(&node.region))
}
