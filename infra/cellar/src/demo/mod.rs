//! `cellar demo`: starts the whole service, loads real flights and generated e-mail events through
//! a stock driver, moves old rows to Parquet, and compares everything with the oracle.
//!
//! Ends with an error when one comparison fails. Stays up on a terminal until a signal.

mod checks;
mod email;
mod flights;
mod watch;

use std::{io::IsTerminal as _, net::SocketAddr, path::Path, time::Instant};

use anyhow::Context;
use cellar_cell_api::{AdminAnswer, AdminRequest};
use cellar_frontend::access::AccessOptions;
use cellar_loadtest::session;

use crate::{
    config::{ObjectStoreUrl, Settings},
    roles::dev::{self, Dev},
};
use checks::Checks;

/// Cells split when they grow over this, so that it can be seen with little data.
const CELL_SPLIT_BYTES: u64 = 4 << 20;
/// Inserts in flight while loading.
const IN_FLIGHT: usize = 256;
/// Connections to the service.
const CONNECTIONS: usize = 2;

/// Runs the demo in a folder of its own, which is deleted at the end.
pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("cellar-demo-{}", std::process::id()));
    let result = in_folder(settings, &folder).await;
    let removed = std::fs::remove_dir_all(&folder);
    result?;
    removed.with_context(|| format!("cannot delete {}", folder.display()))
}

async fn in_folder(settings: &Settings, folder: &Path) -> anyhow::Result<()> {
    let settings = Settings {
        data: folder.to_path_buf(),
        cql: free(settings.cql)?,
        http: free(settings.http)?,
        admin: free(settings.admin)?,
        object_store: ObjectStoreUrl::File(folder.join("cold")),
        cell_split_bytes: CELL_SPLIT_BYTES,
        // It is gone with the demo, whose own requests do not log in.
        access: AccessOptions::default(),
        ..settings.clone()
    };
    let begun = Instant::now();
    let dev = dev::start(&settings).await?;
    println!("started in {} ms: CQL on {}", begun.elapsed().as_millis(), dev.cql);
    let mut checks = Checks::default();
    let told = story(&dev, &mut checks).await;
    if told.is_ok() {
        costs(&dev);
        println!("cold segments, plain Parquet: {}", folder.join("cold").display());
        println!("{checks} in {:.1} s", begun.elapsed().as_secs_f64());
        if std::io::stdout().is_terminal() && checks.all_passed() {
            println!("\nstill serving; Ctrl-C ends it and deletes its data");
            return dev.until_stopped().await;
        }
    }
    dev.stop().await?;
    told?;
    anyhow::ensure!(checks.all_passed(), "the demo found wrong answers");
    Ok(())
}

async fn story(dev: &Dev, checks: &mut Checks) -> anyhow::Result<()> {
    let session = session::connect(&[dev.cql.to_string()], CONNECTIONS).await?;
    let splits = watch::splits(dev);
    flights::load(&session, checks).await?;
    let email = email::Part::load(&session, checks).await?;
    println!("cells split {} times as they grew", splits.count());
    checks.that("a cell split while it was written to", splits.count() > 0);

    flights::age(&session).await?;
    let moved = tier(dev).await?;
    println!("moved to Parquet: {moved}");
    checks.equal("rows that are cold now", moved.rows, flights::COLD_ROWS + email.cold_rows());
    flights::verify(&session, "hot and cold together", checks).await?;
    email.verify(&session, "read back from the cold tier", checks).await
}

/// What moved to the cold tier.
struct Moved {
    rows: u64,
    segments: u64,
    bytes: u64,
}

impl std::fmt::Display for Moved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows in {} segments, {} bytes", self.rows, self.segments, self.bytes)
    }
}

async fn tier(dev: &Dev) -> anyhow::Result<Moved> {
    let mut moved = Moved { rows: 0, segments: 0, bytes: 0 };
    for answer in dev.operator.each_node(&AdminRequest::Tier { cell: None }).await? {
        if let AdminAnswer::Tiered { rows, segments, bytes } = answer.1 {
            moved.rows = moved.rows.saturating_add(rows);
            moved.segments = moved.segments.saturating_add(segments);
            moved.bytes = moved.bytes.saturating_add(bytes);
        }
    }
    Ok(moved)
}

fn costs(dev: &Dev) {
    let totals = dev.totals();
    let (read, write) = totals.units();
    println!("cost: {write} write units and {read} read units for {} requests", totals.requests());
}

/// The address, or one with a free port when it is taken.
fn free(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    let any = SocketAddr::new(address.ip(), 0);
    let listener = std::net::TcpListener::bind(address)
        .or_else(|_| std::net::TcpListener::bind(any))
        .with_context(|| format!("cannot listen on {}", address.ip()))?;
    Ok(listener.local_addr()?)
}
