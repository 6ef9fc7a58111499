//! After the load: everything is read back through every frontend, key by key and by a scan.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use futures::{TryStreamExt, stream};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::{Made, Shared, keys::COUNTERS, worker};
use crate::history::{Action, LAST_READER, Operation, Outcome};

/// Reads open at once.
const IN_FLIGHT: usize = 16;
/// How long one read may be tried again and again after all faults have ended.
const WITHIN: Duration = Duration::from_secs(120);
/// Pause between two tries.
const AGAIN: Duration = Duration::from_millis(100);

/// Reads everything back; returns how long it took until every key had been read once.
pub(super) async fn read_back(shared: &Shared, made: &UnboundedSender<Made>) -> Result<Duration> {
    let began = Instant::now();
    let mut served = None;
    for place in 0..shared.frontends.len() {
        let registers = (0..shared.keys.count())
            .flat_map(|key| [false, true].map(|serial| (key, Action::Read, serial)));
        let counters = (0..COUNTERS).map(|key| (key, Action::Count, false));
        stream::iter(registers.chain(counters).map(Ok))
            .try_for_each_concurrent(IN_FLIGHT, |what| read(shared, place, what, made))
            .await?;
        served.get_or_insert_with(|| began.elapsed());
        scan(shared, place, made).await?;
    }
    Ok(served.unwrap_or_default())
}

/// Reads one key until it is answered.
async fn read(
    shared: &Shared,
    place: usize,
    what: (u32, Action, bool),
    made: &UnboundedSender<Made>,
) -> Result<()> {
    let began = Instant::now();
    loop {
        let one = worker::asked(shared, place, LAST_READER, what).await?;
        let Some(failure) = one.failure else {
            made.send(one)?;
            return Ok(());
        };
        if began.elapsed() > WITHIN {
            bail!("key {} cannot be read through frontend {place}: {failure:?}", what.0);
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Reads all registers page by page; what is not in a page is not there.
async fn scan(shared: &Shared, place: usize, made: &UnboundedSender<Made>) -> Result<()> {
    let frontend = shared.frontends.get(place).context("there is no such frontend")?;
    let began = Instant::now();
    let (start_ns, rows) = loop {
        let start_ns = shared.now_ns();
        match frontend.scan().await {
            Ok(rows) => break (start_ns, rows),
            Err(error) if began.elapsed() > WITHIN => return Err(error.context("the scan failed")),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    };
    let end_ns = shared.now_ns();
    let count = rows.len();
    let rows: BTreeMap<u32, Option<u64>> = rows.into_iter().collect();
    if rows.len() < count {
        bail!("I-12: the scan through frontend {place} returned {} rows twice", count - rows.len());
    }
    for key in 0..shared.keys.count() {
        let outcome = Outcome::Found(rows.get(&key).copied().flatten());
        let (client, action) = (LAST_READER, Action::Read);
        let operation = Operation { key, client, action, outcome, start_ns, end_ns };
        made.send(Made { operation, failure: None })?;
    }
    Ok(())
}
