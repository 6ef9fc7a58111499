//! Bringing the cells that this node leads to where the metadata service wants them.
//!
//! Every step is derived from what is: what the catalog wants, what the cell's own log says, who
//! is in its Raft group. So any leader goes on where another stopped, and a step done twice does
//! no harm. The order: the log says that the cell moves, newcomers join without a vote and catch
//! up, those that are to hold it get the votes, a leader that is not among them hands over, the
//! log says that it has moved, and the metadata service is told until it knows.

mod leave;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use cellar_metadata_api::{Catalog, Cell as Placed, CellId, NodeId, NodeState};
use cellar_raft::{Members, ProposeError, RaftError};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::Inner;
use crate::{
    cell::Cell,
    commands::{ChangeAnswer, CommandError, Move, Moved},
    limits::{
        CAUGHT_UP_MS_MAX, METADATA_RETRY_MS, MOVE_IDLE_MS, MOVE_LOOK_MS, MOVES_MAX,
        PREFER_AFTER_MS, PREFER_AGAIN_MS,
    },
    records::Descriptor,
};

/// What is under way.
#[derive(Default)]
pub(super) struct Moves {
    /// Something may have to be done.
    wake: Notify,
    state: Mutex<UnderWay>,
    /// Whether cells that could not leave are looked at again soon.
    looks_again: AtomicBool,
    /// Since when a move of a cell is not told.
    waiting: Mutex<BTreeMap<CellId, Instant>>,
}

#[derive(Default)]
struct UnderWay {
    /// Cells that a task is busy with.
    busy: BTreeSet<CellId>,
    /// Cells led here: since when, and when another was last asked to take over.
    led: BTreeMap<CellId, (Instant, Option<Instant>)>,
    /// The cell begun with last: the others have their turn first.
    last: Option<CellId>,
}

impl Moves {
    /// Has the cells looked at soon.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }
}

/// What to do about one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    /// The log does not say yet that it is to stand there.
    Begin(Vec<NodeId>),
    /// It is on its way there.
    GoOn(Vec<NodeId>),
    /// This node is to lead it.
    HandOver(NodeId),
}

/// Why a step was not taken; it is tried again.
#[derive(Debug, Error)]
enum MoveError {
    #[error(transparent)]
    Raft(#[from] RaftError),
    #[error(transparent)]
    Propose(#[from] ProposeError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("the cell has changed meanwhile")]
    Refused,
    #[error("{0} is not known")]
    UnknownNode(NodeId),
    #[error("{0} has not caught up yet")]
    Behind(NodeId),
}

/// The plan of the metadata service counts once it knows everything that the cell's log has done.
fn next(descriptor: &Descriptor, placed: &Placed, me: NodeId) -> Next {
    let current = placed.epoch == descriptor.epoch;
    match (&descriptor.moving, &placed.target) {
        (Some(moving), _) if !current => Next::GoOn(moving.clone()),
        (Some(moving), target) => {
            // A plan that was taken back leads to where the cell was.
            let wanted = target.as_ref().unwrap_or(&placed.replicas);
            if wanted == moving { Next::GoOn(moving.clone()) } else { Next::Begin(wanted.clone()) }
        }
        (None, Some(target)) if current => Next::Begin(target.clone()),
        (None, Some(_)) => Next::Nothing,
        (None, None) => match placed.replicas.first() {
            Some(first) if current && *first != me => Next::HandOver(*first),
            _ => Next::Nothing,
        },
    }
}

/// What the metadata service knows of a cell.
pub(in crate::node) fn placed<'a>(
    catalog: &'a Catalog,
    descriptor: &Descriptor,
) -> Option<&'a Placed> {
    let placement = catalog.placements.get(&descriptor.group)?;
    placement.lookup(descriptor.range.start).filter(|placed| placed.id == descriptor.cell)
}

impl Inner {
    /// Looks after the cells led here until the node stops.
    pub(super) async fn move_cells(self: Arc<Self>) {
        let mut catalog = self.metadata.catalog();
        loop {
            catalog.mark_unchanged();
            let under_way = self.begin_moves();
            let told = self.tell_moves().await;
            let pause = if under_way || !told { MOVE_LOOK_MS } else { MOVE_IDLE_MS };
            tokio::select! {
                biased;
                () = self.moves.wake.notified() => {}
                changed = catalog.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = sleep(Duration::from_millis(pause)) => {}
            }
        }
    }

    /// Has tasks work on what is to be done, a few at once; says whether any is.
    fn begin_moves(self: &Arc<Self>) -> bool {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let now = Instant::now();
        let mut all = self.cells.all();
        let mut state = self.moves.state.lock();
        let last = state.last;
        let turn = all.iter().position(|cell| Some(cell.id()) > last).unwrap_or(0);
        all.rotate_left(turn);
        all.retain(|cell| cell.group().is_leader());
        let ids: BTreeSet<CellId> = all.iter().map(|cell| cell.id()).collect();
        state.led.retain(|id, _| ids.contains(id));
        for cell in all {
            let led = *state.led.entry(cell.id()).or_insert((now, None));
            let descriptor = &cell.state().descriptor;
            let Some(placed) = placed(&catalog, descriptor) else { continue };
            let next = next(descriptor, placed, self.id);
            let wanted = match &next {
                Next::Nothing => false,
                Next::HandOver(to) => is_up(&catalog, *to) && may_hand_over(now, led),
                Next::Begin(_) | Next::GoOn(_) => true,
            };
            if !wanted || state.busy.len() >= MOVES_MAX || !state.busy.insert(cell.id()) {
                continue;
            }
            if matches!(next, Next::HandOver(_)) {
                state.led.insert(cell.id(), (led.0, Some(now)));
            }
            state.last = Some(cell.id());
            self.spawn("move of a cell", move |inner| inner.work_on(cell));
        }
        // Whoever has just become the leader goes on at once.
        let goes_on = |cell: &Arc<Cell>| cell.state().descriptor.moving.is_some();
        !state.busy.is_empty() || self.cells.all().iter().any(goes_on)
    }

    /// Takes steps until there is nothing to do, or one fails.
    async fn work_on(self: Arc<Self>, cell: Arc<Cell>) {
        while cell.group().is_leader() {
            match self.move_on(&cell).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::info!(cell = %cell.id(), %error, "the move has to wait");
                    sleep(Duration::from_millis(METADATA_RETRY_MS)).await;
                    break;
                }
            }
        }
        self.moves.state.lock().busy.remove(&cell.id());
        self.moves.wake();
    }

    /// Takes one step; says whether to look for another.
    async fn move_on(&self, cell: &Cell) -> Result<bool, MoveError> {
        let catalog = Arc::clone(&self.metadata.catalog().borrow());
        let descriptor = Arc::clone(&cell.state().descriptor);
        let Some(placed) = placed(&catalog, &descriptor) else { return Ok(false) };
        match next(&descriptor, placed, self.id) {
            Next::Nothing => Ok(false),
            Next::Begin(target) => {
                tracing::info!(cell = %cell.id(), ?target, "move begins");
                let entry = Move { epoch: descriptor.epoch, target }.encode()?;
                answered(&cell.group().propose(entry).await?)?;
                Ok(true)
            }
            Next::HandOver(to) => {
                let members = cell.group().members().await?;
                if members.has_voter(to.0) {
                    self.wait_for(cell, to, None).await?;
                    let leader = cell.group().transfer_leader(Some(to.0)).await?;
                    tracing::info!(cell = %cell.id(), leader, "handed over to the preferred one");
                }
                Ok(false)
            }
            Next::GoOn(target) => self.go_on(cell, &descriptor, &target, &catalog).await,
        }
    }

    async fn go_on(
        &self,
        cell: &Cell,
        descriptor: &Descriptor,
        target: &[NodeId],
        catalog: &Catalog,
    ) -> Result<bool, MoveError> {
        let group = cell.group();
        let members = group.members().await?;
        let mut voters: BTreeSet<u64> = target.iter().map(|node| node.0).collect();
        let leaves = voters.insert(self.id.0);
        let strays = strays(&members, &voters);
        if !strays.is_empty() {
            group.remove_learners(strays).await?;
            return Ok(true);
        }
        for node in target.iter().filter(|node| !members.has_voter(node.0)) {
            if !members.all.contains_key(&node.0) {
                let known = catalog.nodes.get(node).ok_or(MoveError::UnknownNode(*node))?;
                group.add_learner(node.0, known.address.clone()).await?;
            }
            // Votes only for those that have everything: nobody waits for a newcomer then.
            self.wait_for(cell, *node, Some(target)).await?;
        }
        if !members.are(&voters) {
            group.change_members(voters).await?;
            return Ok(true);
        }
        if leaves {
            let placed = placed(catalog, descriptor);
            let known = placed.map_or(&[][..], |placed| &placed.replicas);
            self.leave_leading(cell, target, known, catalog).await?;
            return Ok(false);
        }
        let entry = Moved { epoch: descriptor.epoch, target: target.to_vec() }.encode()?;
        answered(&group.propose(entry).await?)?;
        tracing::info!(cell = %cell.id(), ?target, "moved");
        Ok(true)
    }

    /// Hands over to one of those that stay, which goes on: one that held the cell before, as
    /// everybody looks for it there, and that has everything, or it would not be elected.
    async fn leave_leading(
        &self,
        cell: &Cell,
        target: &[NodeId],
        known: &[NodeId],
        catalog: &Catalog,
    ) -> Result<(), MoveError> {
        let up = || target.iter().filter(|node| is_up(catalog, **node));
        if let Some(to) = up().find(|node| known.contains(node)).or_else(|| up().next()) {
            self.wait_for(cell, *to, Some(target)).await?;
            match cell.group().transfer_leader(Some(to.0)).await {
                Ok(_) => return Ok(()),
                Err(error) => tracing::info!(cell = %cell.id(), %error, "the next may take over"),
            }
        }
        cell.group().transfer_leader(None).await?;
        Ok(())
    }

    /// Waits until a member has caught up, for as long as it is to.
    async fn wait_for(
        &self,
        cell: &Cell,
        node: NodeId,
        target: Option<&[NodeId]>,
    ) -> Result<(), MoveError> {
        tokio::select! {
            biased;
            caught_up = cell.group().caught_up(node.0) => Ok(caught_up?),
            () = self.planned_anew(cell, target) => Err(MoveError::Refused),
            // The members go on by themselves; other cells have their turn.
            () = sleep(Duration::from_millis(CAUGHT_UP_MS_MAX)) => Err(MoveError::Behind(node)),
        }
    }

    /// Returns when a cell is to stand elsewhere than at `target` by now.
    async fn planned_anew(&self, cell: &Cell, target: Option<&[NodeId]>) {
        let mut catalog = self.metadata.catalog();
        loop {
            {
                let catalog = catalog.borrow_and_update();
                let descriptor = &cell.state().descriptor;
                let next = placed(&catalog, descriptor).map(|it| next(descriptor, it, self.id));
                let same = match (&next, target) {
                    (Some(Next::GoOn(wanted)), Some(target)) => wanted == target,
                    (Some(Next::HandOver(_)), None) => true,
                    _ => false,
                };
                if !same {
                    return;
                }
            }
            if catalog.changed().await.is_err() {
                return;
            }
        }
    }
}

fn is_up(catalog: &Catalog, node: NodeId) -> bool {
    catalog.nodes.get(&node).is_some_and(|node| node.state == NodeState::Up)
}

/// Not at once after an election, and not again and again.
fn may_hand_over(now: Instant, (since, asked): (Instant, Option<Instant>)) -> bool {
    let long = |from: Instant, ms| now.saturating_duration_since(from).as_millis() >= ms;
    long(since, u128::from(PREFER_AFTER_MS))
        && asked.is_none_or(|at| long(at, u128::from(PREFER_AGAIN_MS)))
}

/// Members without a vote that are not to get one.
fn strays(members: &Members, voters: &BTreeSet<u64>) -> BTreeSet<u64> {
    let learners = members.all.keys().filter(|node| !members.has_voter(**node));
    learners.filter(|node| !voters.contains(node)).copied().collect()
}

fn answered(answer: &[u8]) -> Result<(), MoveError> {
    match ChangeAnswer::decode(answer)? {
        ChangeAnswer::Done => Ok(()),
        ChangeAnswer::Refused => Err(MoveError::Refused),
    }
}
