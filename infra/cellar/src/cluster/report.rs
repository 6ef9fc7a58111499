//! What a cluster consists of, as JSON and as a table.

use serde_json::{Value, json};

use super::{file::Cluster, plan::Member};
use crate::table::Table;

/// The whole cluster.
pub(super) fn cluster(cluster: &Cluster) -> Value {
    let processes: Vec<Value> = cluster.members.iter().map(|m| process(cluster, m)).collect();
    json!({ "data": cluster.folder, "processes": processes })
}

/// One process; its `pid` is null if it is not running.
pub(super) fn process(cluster: &Cluster, member: &Member) -> Value {
    json!({
        "role": member.role,
        "id": member.id,
        "pid": cluster.pid_of(member),
        "addresses": member.addresses,
        "data": cluster.folder_of(member),
        "log": cluster.log_of(member),
    })
}

pub(super) fn print(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A line for each process.
pub(super) fn print_table(cluster: &Cluster) -> anyhow::Result<()> {
    let mut table = Table::new(&["ID", "PID", "CQL", "HTTP", "INTERNAL", "ADMIN"]);
    for member in &cluster.members {
        let shown = |address: Option<std::net::SocketAddr>| {
            address.map_or_else(|| "-".to_owned(), |address| address.to_string())
        };
        let addresses = &member.addresses;
        table.row([
            member.id.clone(),
            cluster.pid_of(member).map_or_else(|| "stopped".to_owned(), |pid| pid.to_string()),
            shown(addresses.cql),
            shown(addresses.http),
            shown(addresses.internal),
            addresses.admin.to_string(),
        ]);
    }
    print!("{table}");
    Ok(())
}
