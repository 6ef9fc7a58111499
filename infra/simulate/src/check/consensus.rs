//! I-15, as far as it is seen from outside: a term has one leader, and positions are in order.

use std::collections::{BTreeMap, BTreeSet};

use cellar_raft::Standing;

/// Who led which group in which term.
#[derive(Default)]
pub(super) struct Consensus {
    leaders: BTreeMap<(String, u64), u64>,
}

impl Consensus {
    pub(super) fn see(
        &mut self,
        group: &str,
        standing: &Standing,
        violations: &mut BTreeSet<String>,
    ) {
        if let Some(leader) = standing.leader {
            let key = (group.to_owned(), standing.term);
            let known = *self.leaders.entry(key).or_insert(leader);
            if known != leader {
                let term = standing.term;
                violations.insert(format!(
                    "I-15: {group} has two leaders in term {term}: {known} and {leader}"
                ));
            }
        }
        let Standing { purged, snapshot, applied, committed, last, .. } = *standing;
        if !(purged <= snapshot && snapshot <= applied && applied <= committed && committed <= last)
        {
            violations.insert(format!("I-15: positions of {group} are out of order: {standing:?}"));
        }
    }
}
