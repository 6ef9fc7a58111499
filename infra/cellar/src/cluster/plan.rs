//! Which processes a cluster consists of: roles, addresses, arguments. Pure.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// Most processes of one role: what one machine carries.
const COUNT_MAX: u32 = 100;

/// What a process does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// A member of the metadata service.
    Metadata,
    /// A node that hosts cells.
    Node,
    /// CQL and HTTP for clients.
    Frontend,
}

/// The order in which roles are started; they are stopped in the opposite one.
pub(super) const ROLES: [Role; 3] = [Role::Metadata, Role::Node, Role::Frontend];

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Node => "node",
            Self::Frontend => "frontend",
        }
    }

    /// The verb of the binary.
    fn verb(self) -> &'static str {
        match self {
            Self::Node => "cell",
            other => other.name(),
        }
    }
}

/// How many processes, and from which address on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    pub(super) metadata: u32,
    pub(super) nodes: u32,
    pub(super) frontends: u32,
    /// Of the first frontend; every other process has the next one.
    pub(super) first_address: Ipv4Addr,
}

/// One process of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) role: Role,
    /// Such as `node-1`; also the name of its folder.
    pub(super) id: String,
    pub(super) addresses: Addresses,
    /// The command line after the program's name.
    pub(super) arguments: Vec<String>,
}

/// Where a process listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Addresses {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cql: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http: Option<SocketAddr>,
    pub(super) admin: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) internal: Option<SocketAddr>,
}

impl Shape {
    fn check(&self) -> anyhow::Result<()> {
        if !matches!(self.metadata, 1 | 3 | 5) {
            bail!("a metadata service has 1, 3 or 5 members, not {}", self.metadata);
        }
        for (count, what) in [(self.nodes, "nodes"), (self.frontends, "frontends")] {
            if !(1..=COUNT_MAX).contains(&count) {
                bail!("a cluster has 1 to {COUNT_MAX} {what}, not {count}");
            }
        }
        if !self.first_address.is_loopback() {
            bail!(
                "every process of the cluster needs an address of its own on this machine: \
                 {} is not a loopback address",
                self.first_address
            );
        }
        Ok(())
    }

    /// The processes in the order of their addresses: those that clients reach first, then those
    /// that they never see. `common` are the settings that all processes share, by name.
    pub(super) fn members(
        &self,
        data: &Path,
        common: &[(String, String)],
    ) -> anyhow::Result<Vec<Member>> {
        self.check()?;
        let mut addresses = (u32::from(self.first_address)..).map(Ipv4Addr::from);
        let mut next = |count: u32| -> Vec<Ipv4Addr> {
            addresses.by_ref().take(usize::try_from(count).unwrap_or(0)).collect()
        };
        let (frontends, metadata, nodes) =
            (next(self.frontends), next(self.metadata), next(self.nodes));
        if !nodes.iter().all(Ipv4Addr::is_loopback) {
            bail!("from {} on there are too few loopback addresses", self.first_address);
        }
        let list: Vec<String> = metadata.iter().map(|ip| format!("{ip}:7100")).collect();
        let list = list.join(",");
        let mut members = Vec::new();
        for (role, ips) in
            [(Role::Frontend, frontends), (Role::Metadata, metadata), (Role::Node, nodes)]
        {
            for (number, ip) in (1_u32..).zip(ips) {
                members.push(member(role, number, ip, &list, data, common)?);
            }
        }
        Ok(members)
    }

    /// One more process of a role, with the address after all others.
    pub(super) fn another(
        &mut self,
        role: Role,
        members: &[Member],
        data: &Path,
        common: &[(String, String)],
    ) -> anyhow::Result<Member> {
        let count = match role {
            Role::Node => &mut self.nodes,
            Role::Frontend => &mut self.frontends,
            Role::Metadata => bail!(
                "members of the metadata service are added with `cellar members`: each must be \
                 told of the others"
            ),
        };
        *count += 1;
        let number = *count;
        self.check()?;
        let last = members.iter().filter_map(|member| match member.addresses.admin.ip() {
            IpAddr::V4(ip) => Some(u32::from(ip)),
            IpAddr::V6(_) => None,
        });
        let last = last.max().unwrap_or_else(|| u32::from(self.first_address));
        let ip = Ipv4Addr::from(last.saturating_add(1));
        if !ip.is_loopback() {
            bail!("there is no loopback address after {}", Ipv4Addr::from(last));
        }
        let metadata = members.iter().filter(|member| member.role == Role::Metadata);
        let list: Vec<String> =
            metadata.filter_map(|one| Some(one.addresses.internal?.to_string())).collect();
        member(role, number, ip, &list.join(","), data, common)
    }
}

fn member(
    role: Role,
    number: u32,
    ip: Ipv4Addr,
    metadata: &str,
    data: &Path,
    common: &[(String, String)],
) -> anyhow::Result<Member> {
    let at = |port: u16| SocketAddr::from((ip, port));
    let addresses = match role {
        Role::Frontend => {
            Addresses { cql: Some(at(9042)), http: Some(at(8080)), admin: at(9080), internal: None }
        }
        Role::Metadata => {
            Addresses { cql: None, http: None, admin: at(9080), internal: Some(at(7100)) }
        }
        Role::Node => {
            Addresses { cql: None, http: None, admin: at(9080), internal: Some(at(7000)) }
        }
    };
    let id = format!("{}-{number}", role.name());
    let folder = data.join(&id);
    let folder = folder.to_str().context("the data folder's name is not UTF-8")?;
    let mut arguments = vec![role.verb().to_owned()];
    let mut flag = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
    flag("data", folder.to_owned());
    flag("metadata", metadata.to_owned());
    flag("admin", addresses.admin.to_string());
    for (name, address) in
        [("cql", addresses.cql), ("http", addresses.http), ("listen", addresses.internal)]
    {
        if let Some(address) = address {
            flag(name, address.to_string());
        }
    }
    if !common.iter().any(|(name, _)| name == "rack") {
        // Three zones, so that the copies of a cell have somewhere to spread to.
        flag("rack", format!("rack{}", (number - 1) % 3 + 1));
    }
    for (name, value) in common {
        flag(name, value.clone());
    }
    Ok(Member { role, id, addresses, arguments })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn shape(metadata: u32, first: [u8; 4]) -> Shape {
        Shape { metadata, nodes: 3, frontends: 2, first_address: first.into() }
    }

    #[test]
    fn every_process_has_an_address_of_its_own_and_knows_all_metadata_members() {
        let members = shape(3, [127, 0, 0, 1]).members(Path::new("/d"), &[]).unwrap();
        let ips: BTreeSet<_> = members.iter().map(|m| m.addresses.admin.ip()).collect();
        assert_eq!((members.len(), ips.len()), (8, 8));
        let first = &members[0];
        assert_eq!(first.id, "frontend-1");
        assert_eq!(first.addresses.cql.unwrap().to_string(), "127.0.0.1:9042");
        for member in &members {
            let list = "127.0.0.3:7100,127.0.0.4:7100,127.0.0.5:7100".to_owned();
            assert!(member.arguments.contains(&list), "{member:?}");
        }
    }

    #[test]
    fn another_node_has_the_next_number_and_an_address_that_nobody_has() {
        let (mut shape, data) = (shape(3, [127, 0, 0, 1]), Path::new("/d"));
        let mut members = shape.members(data, &[]).unwrap();
        for (role, id, ip) in
            [(Role::Node, "node-4", "127.0.0.9"), (Role::Frontend, "frontend-3", "127.0.0.10")]
        {
            let member = shape.another(role, &members, data, &[]).unwrap();
            assert_eq!((&*member.id, &*member.addresses.admin.ip().to_string()), (id, ip));
            let list = "127.0.0.3:7100,127.0.0.4:7100,127.0.0.5:7100".to_owned();
            assert!(member.arguments.contains(&list), "{member:?}");
            members.push(member);
        }
        assert_eq!((shape.nodes, shape.frontends), (4, 3));
        assert!(shape.another(Role::Metadata, &members, data, &[]).is_err());
    }

    #[test]
    fn an_even_group_and_addresses_of_other_machines_are_refused() {
        for (shape, said) in [
            (shape(2, [127, 0, 0, 1]), "1, 3 or 5"),
            (shape(3, [10, 0, 0, 1]), "loopback"),
            (shape(3, [127, 255, 255, 253]), "too few"),
            (Shape { nodes: 0, ..shape(1, [127, 0, 0, 1]) }, "nodes"),
        ] {
            let error = shape.members(Path::new("/d"), &[]).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn settings_of_all_processes_are_passed_on_and_a_given_rack_is_kept() {
        let common = [("rack".to_owned(), "r9".to_owned())];
        let members = shape(1, [127, 0, 0, 1]).members(Path::new("/d"), &common).unwrap();
        for member in members {
            let racks = member.arguments.iter().filter(|argument| *argument == "--rack").count();
            assert_eq!((racks, member.arguments.contains(&"r9".to_owned())), (1, true));
        }
    }
}
