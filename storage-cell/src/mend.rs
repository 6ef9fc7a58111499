//! Damage to stored rows: whom it concerns, and writing over it when all of them have given up.
//!
//! Nobody knows what a damaged block held. So it is written over only when every key that it may
//! have held belongs to cells that lack their rows, durably, and get them from other replicas. A
//! block that may hold records of cells or entries of indexes stays: what it hides is on this disk
//! alone.

use std::collections::BTreeSet;

use bytes::Bytes;
use cellar_engine::{Damage, Engine};
use cellar_metadata_api::CellId;
use cellar_schema::keys;

use crate::{
    apply::{ApplyError, CellState},
    records::{self, Descriptor, Kind},
};

/// The damaged blocks that may hold rows or answers of a cell.
pub(crate) fn find(engine: &Engine, cell: &Descriptor) -> Result<Vec<Damage>, ApplyError> {
    let mut found = Vec::new();
    for (start, end) in requests_of(cell).chain([cell.span()]) {
        found.extend(engine.find_damage(&start, &end)?);
    }
    Ok(found)
}

/// All damaged blocks of this disk.
pub(crate) fn find_all(engine: &Engine) -> Result<Vec<Damage>, ApplyError> {
    Ok(engine.find_damage(&[], &[0xff; 16])?)
}

/// The cells whose rows or answers may be in these blocks, whether they lack them or not.
///
/// # Errors
/// What else may be there is not in any cell.
pub(crate) fn concerned(engine: &Engine, damage: &[Damage]) -> Result<Vec<Descriptor>, ApplyError> {
    if let Some(block) = damage.iter().find(|block| !holds_only_cells(block)) {
        let at = block.start.escape_ascii();
        return Err(ApplyError::Beside(format!(
            "records of this node may be in the same block, near {at}: \
             stop the node, empty its folder and start it again, and it gets everything anew"
        )));
    }
    let (start, end) = records::all_of(Kind::Descriptor);
    let mut found = Vec::new();
    for entry in engine.snapshot().scan(start..end, false) {
        let descriptor = Descriptor::decode(&entry?.1)?;
        let state = CellState::load(engine, descriptor.cell)?;
        let mut spans = state.spans();
        spans.extend(requests_of(&descriptor));
        if damage.iter().any(|block| spans.iter().any(|span| meets(block, span))) {
            found.push(descriptor);
        }
    }
    Ok(found)
}

/// Where what a cell notes of requests is.
fn requests_of(cell: &Descriptor) -> impl Iterator<Item = (Bytes, Bytes)> {
    let of = |kind| records::requests_of(kind, cell.group, cell.range);
    records::REQUEST_KINDS.map(of).into_iter()
}

fn meets(block: &Damage, (start, end): &(Bytes, Bytes)) -> bool {
    block.start < *end && *start <= block.last
}

/// Whether nothing but rows, or nothing but one kind of notes of requests, can be in a block.
fn holds_only_cells(block: &Damage) -> bool {
    let of_user = |key: &[u8]| keys::table_of(key).is_ok_and(|t| t >= keys::FIRST_USER_TABLE);
    let is_of = |kind: Kind| {
        let (start, end) = records::all_of(kind);
        start <= block.start && block.last < end
    };
    (of_user(&block.start) && of_user(&block.last)) || records::REQUEST_KINDS.into_iter().any(is_of)
}

/// Writes over what is damaged of a cell that is about to become `next`, and is given up by that.
///
/// # Errors
/// Cells that have not given up their rows may have some in the same blocks, or more than blocks of
/// rows is damaged; nothing was changed.
pub(crate) fn mend(engine: &Engine, next: &Descriptor) -> Result<(), ApplyError> {
    let stored = CellState::load(engine, next.cell)?;
    let mut damage = find(engine, &stored.descriptor)?;
    for block in find(engine, next)? {
        if !damage.contains(&block) {
            damage.push(block);
        }
    }
    let ends = |other: &Descriptor| {
        let begins = other.group == next.group && next.range.contains(other.range.start);
        begins && other.epoch < next.epoch
    };
    for other in concerned(engine, &damage)? {
        if other.cell != next.cell && !other.lacks_rows && !ends(&other) {
            return Err(ApplyError::Beside(format!("{} has its rows beside it", other.cell)));
        }
    }
    // Before anything goes: a crash leaves a cell that asks for its rows again.
    stored.lose_rows(engine)?;
    tracing::warn!(cell = %next.cell, blocks = damage.len(), "damaged rows are written over");
    Ok(engine.overwrite(&damage)?)
}

/// The ids of cells.
pub(crate) fn ids(cells: &[Descriptor]) -> BTreeSet<CellId> {
    cells.iter().map(|cell| cell.cell).collect()
}
