//! The answers a cell remembers, oldest first, so that a retry is not applied again.

use std::collections::VecDeque;

use cellar_cell_api::CellError;
use cellar_engine::Engine;
use cellar_metadata_api::{GroupId, KeyRange, Position};
use cellar_schema::RequestId;

use super::{ApplyError, overlay::Overlay};
use crate::{
    commands::{Decided, decode_one, encode_one},
    limits::{ANSWER_AGE_US_MAX, ANSWER_BYTES_MAX, ANSWERS_MAX},
    records::{self, Kind, RememberedAnswer},
};

/// Which answers are remembered; the answers themselves are in the engine.
#[derive(Debug, Default)]
pub(crate) struct RecentAnswers {
    /// By timestamp, which grows from write to write.
    order: VecDeque<Recent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Recent {
    stamp_us: i64,
    position: Position,
    id: RequestId,
}

impl RecentAnswers {
    /// Finds what the engine remembers for a range.
    pub(crate) fn load(
        engine: &Engine,
        group: GroupId,
        range: KeyRange,
    ) -> Result<Self, ApplyError> {
        let (start, end) = records::requests_of(Kind::Answer, group, range);
        let mut order = Vec::new();
        for found in engine.snapshot().scan(start..end, false) {
            let (key, value) = found?;
            let (position, id) = records::request_of(&key)?;
            let stamp_us = RememberedAnswer::decode(&value)?.stamp_us;
            order.push(Recent { stamp_us, position, id });
        }
        order.sort_unstable();
        Ok(Self { order: order.into() })
    }

    /// The answer a request got before.
    pub(crate) fn recall(
        overlay: &Overlay<'_>,
        group: GroupId,
        position: Position,
        id: RequestId,
    ) -> Result<Option<Decided>, ApplyError> {
        let key = records::request_key(Kind::Answer, group, position, id);
        match overlay.record(&key)? {
            None => Ok(None),
            Some(record) => {
                let mut answer = RememberedAnswer::decode(&record)?.answer.into();
                Ok(Some(decode_one(&mut answer)?))
            }
        }
    }

    /// Remembers an answer, and forgets those that are too old or too many.
    pub(crate) fn remember(
        &mut self,
        overlay: &mut Overlay<'_>,
        group: GroupId,
        (position, id): (Position, RequestId),
        (stamp_us, decided): (i64, &Decided),
    ) -> Result<(), ApplyError> {
        let mut answer = Vec::new();
        encode_one(&mut answer, decided)?;
        if answer.len() > ANSWER_BYTES_MAX {
            let reason = "it was decided before, with an answer too large to be kept".to_owned();
            answer.clear();
            encode_one(&mut answer, &Err(CellError::Unknown { reason }))?;
        }
        let record = RememberedAnswer { stamp_us, answer }.encode();
        overlay.put_record(records::request_key(Kind::Answer, group, position, id), record);
        self.order.push_back(Recent { stamp_us, position, id });
        while let Some(oldest) = self.order.front().copied() {
            let old = oldest.stamp_us < stamp_us.saturating_sub(ANSWER_AGE_US_MAX);
            if !old && self.order.len() <= ANSWERS_MAX {
                break;
            }
            self.order.pop_front();
            overlay.remove(records::request_key(Kind::Answer, group, oldest.position, oldest.id));
        }
        Ok(())
    }

    /// Adds one that another cell remembered; to be followed by [`RecentAnswers::sort`].
    pub(crate) fn add(&mut self, stamp_us: i64, position: Position, id: RequestId) {
        self.order.push_back(Recent { stamp_us, position, id });
    }

    /// Puts them in the order of their times.
    pub(crate) fn sort(&mut self) {
        self.order.make_contiguous().sort_unstable();
    }

    /// Keeps those inside the range: the others belong to the other half now.
    pub(crate) fn keep(&mut self, range: KeyRange) {
        self.order.retain(|recent| range.contains(recent.position));
    }
}
