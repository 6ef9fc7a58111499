//! Restrictions of a materialized view said of its base table: the same columns in other places.

use std::sync::Arc;

use cellar_schema::{ColumnKind, Table};

use super::Restrictions;
use super::relation::{Restriction, Test};
use super::token::TokenRange;
use crate::plan::select::view::{ColumnRef, Place};

impl Restrictions {
    /// All restrictions but those of tokens, and `more` of the base itself, so that they choose
    /// what is read of the base; those that do not become filters.
    pub(in crate::plan::select) fn onto(
        &self,
        base: &Arc<Table>,
        more: &[Restriction],
    ) -> Restrictions {
        let own = self.partition.iter().flatten().chain(&self.clustering);
        let own = own.chain(&self.slice).chain(&self.filters).map(|part| moved(part, base));
        let mut parts: Vec<Restriction> = own.chain(more.iter().cloned()).collect();
        let mut partition = Vec::new();
        for column in base.partition_key() {
            let place = ColumnRef::of(column).place;
            let at = parts.iter().position(|part| is_alone(part, place) && part.values().is_some());
            if let Some(at) = at {
                partition.push(parts.remove(at));
            }
        }
        let known = partition.len() == base.partition_key().count();
        if !known {
            parts.append(&mut partition);
        }
        let mut clustering = Vec::new();
        let mut slice = None;
        for (column, _) in base.clustering().take_while(|_| known) {
            let place = ColumnRef::of(column).place;
            let mut at = |fits: fn(&Restriction) -> bool| {
                let found = parts.iter().position(|part| is_alone(part, place) && fits(part));
                found.map(|at| parts.remove(at))
            };
            match at(Restriction::is_equal) {
                Some(part) => clustering.push(part),
                None => {
                    slice = at(|part| matches!(part.test, Test::Slice(_)));
                    break;
                }
            }
        }
        Restrictions {
            table: Arc::clone(base),
            partition: known.then_some(partition),
            token: TokenRange::default(),
            clustering,
            slice,
            filters: parts,
            rows_chosen: true,
            indexed: false,
        }
    }

    /// The same restrictions, none of which chooses what is read.
    pub(in crate::plan::select) fn as_filters(&self) -> Restrictions {
        let mut all = self.clone();
        let chosen = all.partition.take().into_iter().flatten().chain(all.clustering.drain(..));
        let chosen: Vec<Restriction> = chosen.chain(all.slice.take()).collect();
        all.filters.extend(chosen);
        all
    }

    /// Adds tests that rows must pass.
    pub(in crate::plan::select) fn also(&mut self, tests: Vec<Restriction>) {
        self.filters.extend(tests);
    }
}

/// Whether it restricts this column and no other.
fn is_alone(part: &Restriction, place: Place) -> bool {
    matches!(part.columns.as_slice(), [only] if only.place == place) && !part.ignores_case
}

/// The restriction with its columns where the base has them.
fn moved(part: &Restriction, base: &Table) -> Restriction {
    let mut part = part.clone();
    for column in &mut part.columns {
        if let Some(found) = base.column(&column.name) {
            column.place = ColumnRef::of(found).place;
        }
    }
    part
}

/// Whether a column is in the key, which is never null.
pub(in crate::plan::select) fn is_key(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::PartitionKey(_) | ColumnKind::Clustering(..))
}
