//! A move, applied: the descriptor says where the cell is going, and then where it is.

use bytes::Bytes;

use super::{Applier, ApplyError, Event, overlay::Overlay};
use crate::{
    commands::{ChangeAnswer, Move, Moved},
    records::{self, Descriptor, Kind, to_record},
};

impl Applier {
    /// From here on the range stays, so that who joins or leaves the group meanwhile holds the
    /// same cell as everybody else.
    pub(super) fn begin_move(
        &mut self,
        overlay: &mut Overlay<'_>,
        change: Move,
        events: &mut Vec<Event>,
    ) -> Result<Bytes, ApplyError> {
        let now = &self.state.descriptor;
        if change.epoch != now.epoch || change.target.is_empty() || now.frozen.is_some() {
            return Ok(ChangeAnswer::Refused.encode());
        }
        let next = Descriptor { moving: Some(change.target), ..Descriptor::clone(now) };
        overlay.put_record(records::cell_key(Kind::Descriptor, next.cell), next.encode()?);
        self.state.set_descriptor(next);
        events.push(Event::Moving);
        Ok(ChangeAnswer::Done.encode())
    }

    pub(super) fn end_move(
        &mut self,
        overlay: &mut Overlay<'_>,
        change: Moved,
        events: &mut Vec<Event>,
    ) -> Result<Bytes, ApplyError> {
        let now = &self.state.descriptor;
        if change.epoch != now.epoch || now.moving.as_ref() != Some(&change.target) {
            return Ok(ChangeAnswer::Refused.encode());
        }
        let told = to_record("move", &change)?;
        overlay.put_record(records::untold_move_key(now.cell, now.epoch), told);
        let next = Descriptor {
            replicas: change.target,
            moving: None,
            epoch: now.epoch.next(),
            ..Descriptor::clone(now)
        };
        overlay.put_record(records::cell_key(Kind::Descriptor, next.cell), next.encode()?);
        self.state.set_descriptor(next);
        events.push(Event::Moved);
        Ok(ChangeAnswer::Done.encode())
    }
}
