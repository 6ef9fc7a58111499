//! `cargo xtask roles`: the same script with every role in its own process. A driver talks to one
//! frontend, another driver to the other one, and both reach the same cells.

use anyhow::Result;

use crate::{
    drivers::{self, Runner},
    places::Places,
    server::Cluster,
};

/// Starts five processes and runs drivers against both frontends.
pub(crate) fn run(places: &Places) -> Result<()> {
    let cluster = Cluster::start(places, "roles")?;
    let [first, second] = cluster.cql;
    drivers::against(places, first, &[Runner::Python4])?;
    drivers::against(places, second, &[Runner::Rust])?;
    cluster.stop()
}
