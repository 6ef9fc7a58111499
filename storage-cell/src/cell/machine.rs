//! The cell as Raft's machine.

use std::sync::Arc;

use bytes::Bytes;
use cellar_metadata_api::{CellId, KeyRange};
use cellar_raft::{Applied, Entry, Flusher, Machine, MachineError, Pieces, Received};

use super::{
    install::{Next, check, install},
    shared::{Events, Shared},
    snapshot,
};
use crate::{
    apply::{Applier, ApplyError, Event, Gate, Scope},
    blocking::blocking,
    commands::Command,
    limits::APPLY_INLINE_BYTES,
    mend::mend,
};

/// Applies one cell's log to the engine.
pub(crate) struct CellMachine {
    applier: Applier,
    applied: Applied,
    gate: Arc<Gate>,
    shared: Arc<Shared>,
    events: Events,
}

impl CellMachine {
    /// # Errors
    /// The stored place in the log cannot be read.
    pub(crate) fn new(
        applier: Applier,
        gate: Arc<Gate>,
        shared: Arc<Shared>,
        events: Events,
    ) -> Result<Self, ApplyError> {
        let applied = applier.progress().applied()?;
        Ok(Self { applier, applied, gate, shared, events })
    }

    /// The answers of a cell that another has taken over: what comes after the freeze is refused.
    /// What came before it was decided, but here nobody knows how.
    fn late(&self, entries: Vec<Entry>) -> Result<Vec<Bytes>, MachineError> {
        let frozen = !self.applier.state().serves();
        let refuse = |entry: Entry| match frozen {
            true => self.applier.refusal(entry.command).map_err(MachineError::new),
            false => Ok(Bytes::new()),
        };
        entries.into_iter().map(refuse).collect()
    }

    /// The range in which the cell may take others over: its own begins where it always has.
    fn reach(&self) -> Scope {
        let descriptor = &self.applier.state().descriptor;
        Scope::Range(descriptor.group, KeyRange { end: None, ..descriptor.range })
    }

    /// Installs a snapshot with `scope` claimed. Damage that is in the way is mended only if that
    /// is everything.
    fn replace(
        &mut self,
        next: &Next,
        snapshot: &Received,
        position: Vec<u8>,
        scope: Scope,
    ) -> Result<(), ApplyError> {
        let machines = Arc::clone(self.applier.machines());
        let _claim = machines.claims().claim(scope);
        let gate = Arc::clone(&self.gate);
        let open = gate.lock();
        if open.is_gone() {
            return Ok(());
        }
        let engine = self.applier.engine().clone();
        let cell = self.applier.state().descriptor.cell;
        // Who reads on learns that the cell is not here now.
        self.shared.publish(&self.applier.state().gone());
        if scope == Scope::Everything {
            mend(&engine, &next.descriptor)?;
        }
        let ended = install(&engine, &machines, next, snapshot, position)?;
        self.applier = Applier::load(&engine, &machines, cell)?;
        self.publish();
        for other in ended {
            let _ = self.events.send((cell, Event::TakenOver(other)));
        }
        let _ = self.events.send((cell, Event::Installed));
        Ok(())
    }

    fn publish(&self) {
        self.shared.clock.observe_us(self.applier.progress().stamp_us);
        self.shared.publish(self.applier.state());
    }
}

/// What failed, as Raft wants to know it; the node hears of damage.
fn failed(events: &Events, cell: CellId, error: ApplyError) -> MachineError {
    if error.is_damage() {
        let _ = events.send((cell, Event::Damaged(cell)));
        return MachineError::damaged(error);
    }
    MachineError::new(error)
}

impl Machine for CellMachine {
    fn applied(&self) -> Applied {
        self.applied.clone()
    }

    fn lacks_beginning(&self) -> bool {
        self.applier.state().descriptor.lacks_rows
    }

    fn apply(
        &mut self,
        entries: Vec<Entry>,
        position: Vec<u8>,
    ) -> Result<Vec<Bytes>, MachineError> {
        let cell = self.applier.state().descriptor.cell;
        let machines = Arc::clone(self.applier.machines());
        let takes_over = entries.iter().any(|entry| Command::takes_over(&entry.command));
        let _claim = takes_over.then(|| machines.claims().claim(self.reach()));
        let gate = Arc::clone(&self.gate);
        let open = gate.lock();
        if open.is_gone() {
            return self.late(entries);
        }
        let shared = Arc::clone(&self.shared);
        let bytes: usize = entries.iter().map(|entry| entry.command.len()).sum();
        let applier = &mut self.applier;
        let apply = || applier.apply(entries, position, move |state| shared.publish(state));
        let applied = if bytes > APPLY_INLINE_BYTES { blocking(apply) } else { apply() };
        let (answers, events) = applied.map_err(|error| {
            tracing::error!(%cell, %error, "cannot apply; the cell stands still on this node");
            failed(&self.events, cell, error)
        })?;
        self.publish();
        for event in events {
            // Without a receiver the node is stopping; the event is found again at start.
            let _ = self.events.send((cell, event));
        }
        Ok(answers)
    }

    fn give_up_beginning(&mut self) -> Result<(), MachineError> {
        let gate = Arc::clone(&self.gate);
        let open = gate.lock();
        if open.is_gone() {
            return Err(MachineError::new("another cell has taken it over"));
        }
        self.applier.lose_rows().map_err(MachineError::new)?;
        self.shared.publish(self.applier.state());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), MachineError> {
        self.applier.engine().flush().map_err(MachineError::new)
    }

    fn flusher(&self) -> Option<Flusher> {
        let engine = self.applier.engine().clone();
        Some(Box::new(move || engine.flush().map_err(MachineError::new)))
    }

    fn snapshot(&mut self) -> Result<Bytes, MachineError> {
        snapshot::take(self.applier.engine(), self.applier.state()).map_err(MachineError::new)
    }

    fn pieces(&mut self) -> Result<Pieces, MachineError> {
        let reading = snapshot::Reading::begin(self.applier.engine(), self.applier.state());
        let cell = self.applier.state().descriptor.cell;
        let events = self.events.clone();
        let reading = reading.map_err(|error| failed(&events, cell, error))?;
        Ok(Box::new(reading.map(move |piece| piece.map_err(|error| failed(&events, cell, error)))))
    }

    fn install(&mut self, bytes: Bytes, position: Vec<u8>) -> Result<(), MachineError> {
        self.install_received(&Received::from(bytes), position)
    }

    fn install_received(
        &mut self,
        snapshot: &Received,
        position: Vec<u8>,
    ) -> Result<(), MachineError> {
        let cell = self.applier.state().descriptor.cell;
        let next = check(snapshot, cell).map_err(MachineError::new)?;
        let (here, there) = (&self.applier.state().descriptor, &next.descriptor);
        let end = here.range.end.zip(there.range.end).map(|(here, there)| here.max(there));
        let scope = Scope::Range(there.group, KeyRange { end, ..there.range });
        let replaced = match self.replace(&next, snapshot, position.clone(), scope) {
            Err(error) if error.is_damage() => {
                self.replace(&next, snapshot, position, Scope::Everything)
            }
            replaced => replaced,
        };
        replaced.map_err(MachineError::new)
    }
}
