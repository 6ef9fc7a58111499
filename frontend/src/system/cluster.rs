//! `system.local`, `system.peers` and `system.peers_v2`: the frontends as drivers see nodes.

use std::net::SocketAddr;

use uuid::Uuid;

use super::{Facts, record::Record};

/// The release that Cellar answers like. Drivers and cqlsh choose what they ask by it.
pub(crate) const RELEASE: &str = "5.0.5";
/// What the cluster is called.
pub(super) const NAME: &str = "cellar";
/// How keys become tokens.
pub(super) const PARTITIONER: &str = "org.apache.cassandra.dht.Murmur3Partitioner";
/// Tokens of each frontend: a few, so that drivers spread requests over all of them evenly.
const TOKENS: u64 = 8;

pub(super) fn local(facts: &Facts<'_>) -> Vec<Record> {
    let own = facts.identity;
    let (ip, port) = (own.cql_address.ip(), i32::from(own.cql_address.port()));
    vec![
        Record::new()
            .text("key", "local")
            .text("bootstrapped", "COMPLETED")
            .inet("broadcast_address", ip)
            .int("broadcast_port", 7000)
            .text("cluster_name", NAME)
            .text("cql_version", "3.4.7")
            .text("data_center", &own.datacenter)
            .int("gossip_generation", 1)
            .uuid("host_id", own.host_id)
            .inet("listen_address", ip)
            .int("listen_port", 7000)
            .text("native_protocol_version", "5")
            .text("partitioner", PARTITIONER)
            .text("rack", &own.rack)
            .text("release_version", RELEASE)
            .inet("rpc_address", ip)
            .int("rpc_port", port)
            .uuid("schema_version", facts.catalog.schema_version())
            .texts("tokens", &tokens(own.host_id)),
    ]
}

/// Every other frontend.
fn others<'a>(
    facts: &'a Facts<'_>,
) -> impl Iterator<Item = (&'a cellar_metadata_api::Frontend, SocketAddr)> {
    facts
        .catalog
        .frontends
        .values()
        .filter(|frontend| frontend.host_id != facts.identity.host_id)
        .map(|frontend| (frontend, frontend.cql_address))
}

pub(super) fn peers(facts: &Facts<'_>) -> Vec<Record> {
    others(facts)
        .map(|(peer, address)| {
            Record::new()
                .inet("peer", address.ip())
                .text("data_center", &peer.datacenter)
                .uuid("host_id", peer.host_id)
                .inet("preferred_ip", address.ip())
                .text("rack", &peer.rack)
                .text("release_version", RELEASE)
                .inet("rpc_address", address.ip())
                .uuid("schema_version", facts.catalog.schema_version())
                .texts("tokens", &tokens(peer.host_id))
        })
        .collect()
}

pub(super) fn peers_v2(facts: &Facts<'_>) -> Vec<Record> {
    others(facts)
        .map(|(peer, address)| {
            Record::new()
                .inet("peer", address.ip())
                .int("peer_port", i32::from(address.port()))
                .text("data_center", &peer.datacenter)
                .uuid("host_id", peer.host_id)
                .inet("preferred_ip", address.ip())
                .int("preferred_port", i32::from(address.port()))
                .text("rack", &peer.rack)
                .text("release_version", RELEASE)
                .inet("native_address", address.ip())
                .int("native_port", i32::from(address.port()))
                .uuid("schema_version", facts.catalog.schema_version())
                .texts("tokens", &tokens(peer.host_id))
        })
        .collect()
}

/// Tokens of a frontend, spread over the ring by its id. Any frontend answers for any token; they
/// only make token-aware drivers choose evenly and always the same for a key.
fn tokens(host_id: Uuid) -> Vec<String> {
    let token = |n: u64| {
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(host_id.as_bytes(), n);
        i64::from_be_bytes(hash.to_be_bytes()).to_string()
    };
    let mut tokens: Vec<String> = (0..TOKENS).map(token).collect();
    tokens.sort_unstable();
    tokens
}
