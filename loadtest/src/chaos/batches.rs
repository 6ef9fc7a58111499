//! Logged batches over several cells, beside the load: in the end each is whole or absent, and
//! whole if it was acknowledged; absent if it was definitely refused (I-11, I-19).

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep};

use super::{Shared, frontend::Unanswered, outcome};
use crate::history::Violation;

/// Partitions of a batch.
const PARTS: u32 = 6;
/// Batches of one frontend at most: each has partitions of its own.
const BATCHES_MAX: u32 = 50_000;
/// Pause between two batches through one frontend.
const PAUSE: Duration = Duration::from_millis(50);
/// How long after the load a batch may be partial: whoever leads its cell must finish it.
const WITHIN: Duration = Duration::from_secs(120);
/// Pause between two looks.
const AGAIN: Duration = Duration::from_millis(500);

/// What its client was told of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Done,
    Refused,
    Nothing,
}

/// A batch that was sent.
pub(super) struct Sent {
    number: u32,
    told: Told,
}

fn keys(batch: u32) -> impl Iterator<Item = u32> {
    let first = batch.saturating_mul(PARTS);
    (0..PARTS).map(move |part| first.saturating_add(part))
}

fn statement(batch: u32) -> String {
    let insert = |k| format!("INSERT INTO chaos.batches (k, v) VALUES ({k}, {batch});");
    let inserts: Vec<String> = keys(batch).map(insert).collect();
    format!("BEGIN BATCH {} APPLY BATCH", inserts.join(" "))
}

/// Sends batches through one frontend until the load is stopped.
pub(super) async fn work(shared: Arc<Shared>, place: u32) -> Result<Vec<Sent>> {
    let frontend = shared.frontends.get(usize::try_from(place)?);
    let frontend = frontend.context("there is no such frontend")?;
    let mut sent = Vec::new();
    let first = place.saturating_mul(BATCHES_MAX);
    for number in first..first.saturating_add(BATCHES_MAX) {
        if shared.stopped.load(Ordering::Relaxed) {
            break;
        }
        let told = match frontend.run(&statement(number)).await {
            Ok(()) => Told::Done,
            Err(Unanswered::Failed(error)) if outcome::failure(&error).definite => Told::Refused,
            Err(_) => Told::Nothing,
        };
        sent.push(Sent { number, told });
        sleep(PAUSE).await;
    }
    Ok(sent)
}

/// Reads every batch back until all are as they must be; says which are not in time.
pub(super) async fn check(shared: &Shared, sent: Vec<Sent>) -> Result<Vec<Violation>> {
    let frontend = shared.frontends.first().context("no frontend was given")?;
    let began = Instant::now();
    let mut left = sent;
    loop {
        let mut wrong = Vec::new();
        let mut partial = Vec::new();
        for batch in left {
            let keys: Vec<String> = keys(batch.number).map(|key| key.to_string()).collect();
            let found = frontend.count_batch(&keys.join(", ")).await;
            let (number, told) = (batch.number, batch.told);
            let what = match (&found, told) {
                (Ok(0), Told::Refused | Told::Nothing) => continue,
                (Ok(parts), Told::Done | Told::Nothing) if *parts == u64::from(PARTS) => continue,
                (Ok(parts), told) => format!("{parts} of {PARTS} parts of a batch; {told:?}"),
                (Err(error), _) => format!("a batch cannot be read: {error:#}"),
            };
            let witness = vec![statement(number)];
            wrong.push(Violation { invariant: "I-11", key: number, what, witness });
            partial.push(batch);
        }
        if partial.is_empty() || began.elapsed() > WITHIN {
            return Ok(wrong);
        }
        left = partial;
        sleep(AGAIN).await;
    }
}
