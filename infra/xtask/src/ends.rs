//! End-to-end tests of the real program, each also a verb of its own. [`IN_TEST`] is the list of
//! those that `cargo xtask test` runs.

use anyhow::{Context, Result};

use crate::{doors, drivers, flights, hostile, kill9, places::Places, roles};

/// One end-to-end test.
type EndToEnd = fn(&Places) -> Result<()>;

/// What `cargo xtask test` runs, in this order.
const IN_TEST: &[(&str, EndToEnd)] = &[
    ("drivers", |places| drivers::run(places, &drivers::Options::default())),
    ("HTTP, SDK and cqlsh", doors::run),
    ("hostile input", |places| hostile::run(places, &hostile::Options::default())),
    ("kill -9", |places| kill9::run(places, &kill9::Options { times: 3, seed: 1, hot: false })),
    ("five processes", roles::run),
    ("flights", |places| flights::run(places, &flights::Options::default())),
];

/// Runs each; the first that fails ends the run.
pub(crate) fn run_all(places: &Places) -> Result<()> {
    for (name, test) in IN_TEST {
        println!("xtask: {name} ...");
        test(places).with_context(|| format!("end-to-end test failed: {name}"))?;
        println!("xtask: {name} passed");
    }
    Ok(())
}
