//! One client: half reads, 45 % writes, 5 % compare-and-set, and counters beside.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::Result;
use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::{
    Made, Shared,
    frontend::Unanswered,
    keys::{COUNTERS, Turn},
    outcome,
};
use crate::history::{Action, Operation, Outcome};

/// Pause after a failure, so that a dead frontend is not asked in a tight loop.
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// Asks until the load is stopped, a request every `pause` if the service keeps up.
pub(super) async fn work(
    shared: Arc<Shared>,
    client: u32,
    seed: u64,
    pause: Duration,
    made: UnboundedSender<Made>,
) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut next = Instant::now() + pause.mul_f64(random.f64());
    while !shared.stopped.load(Ordering::Relaxed) {
        tokio::time::sleep_until(next).await;
        // What was missed while the service stood still is not made up for.
        next = (next + pause).max(Instant::now());
        let one = one(&shared, client, &mut random).await?;
        let failed = one.failure.is_some();
        made.send(one)?;
        if failed {
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }
    Ok(())
}

async fn one(shared: &Shared, client: u32, random: &mut fastrand::Rng) -> Result<Made> {
    // Each client has one frontend, so that one that hangs does not take all clients with it.
    let place = usize::try_from(client)? % shared.frontends.len();
    let draw = random.u32(0..100);
    if draw < 5 {
        let action = if draw == 0 { Action::Count } else { Action::Add(random.u64(1..4)) };
        let key = random.u32(0..COUNTERS);
        return asked(shared, place, client, (key, action, false)).await;
    }
    let turn = shared.keys.turn(random);
    let new = || shared.values.fetch_add(1, Ordering::Relaxed);
    let action = match random.u32(0..100) {
        0..50 => Action::Read,
        50..95 if random.u32(0..40) == 0 && turn.may_delete() => Action::Write(None),
        50..95 => Action::Write(Some(new())),
        _ => Action::Cas { expected: turn.last(), new: new() },
    };
    let serial = random.u32(0..4) == 0;
    let made = asked(shared, place, client, (turn.key, action, serial)).await?;
    learn(&turn, &made.operation);
    if made.operation.outcome == Outcome::Done {
        shared.keys.written(turn.key, made.operation.end_ns);
    }
    Ok(made)
}

/// Remembers what was seen, for the next compare-and-set.
fn learn(turn: &Turn<'_>, operation: &Operation) {
    match (operation.outcome, operation.action) {
        (Outcome::Found(value) | Outcome::Refused(value), _) => turn.saw(value),
        (Outcome::Done, Action::Write(value)) => turn.saw(value),
        (Outcome::Done, Action::Cas { new, .. }) => turn.saw(Some(new)),
        (Outcome::Unknown, Action::Write(None)) => turn.uncertain_deletion(),
        _ => {}
    }
}

/// Makes one request through one frontend.
pub(super) async fn asked(
    shared: &Shared,
    place: usize,
    client: u32,
    (key, action, serial): (u32, Action, bool),
) -> Result<Made> {
    let frontend = shared.frontends.get(place);
    let frontend = frontend.ok_or_else(|| anyhow::anyhow!("there is no frontend {place}"))?;
    let start_ns = shared.now_ns();
    let (outcome, failure) = match frontend.ask(key, action, serial).await {
        Ok(outcome) => (outcome, None),
        Err(Unanswered::Failed(error)) => {
            let failure = outcome::failure(&error);
            let outcome = if failure.definite { Outcome::Failed } else { Outcome::Unknown };
            (outcome, Some(failure))
        }
        Err(Unanswered::Unreadable(error)) => {
            return Err(error.context(format!("an answer to {action:?} is unreadable")));
        }
    };
    let end_ns = shared.now_ns();
    let operation = Operation { key, client, action, outcome, start_ns, end_ns };
    Ok(Made { operation, failure })
}
