//! Secondary indexes: which restrictions need no `ALLOW FILTERING`. The rules are Cassandra's:
//! indexes of `CREATE INDEX` stand alone, those that are storage-attached work together.

use cellar_schema::{CqlType, Index, IndexPart, Table};

use super::analyzed::Analyzer;
use super::pattern;
use super::relation::{ElementTest, Restriction, Test};
use super::{Clustering, FILTERING};
use crate::plan::PlanError;
use crate::plan::select::view::ColumnRef;

/// The indexes of a table, in groups that can answer several restrictions together.
pub(super) struct Indexes<'t> {
    table: &'t Table,
    groups: Vec<Vec<&'t Index>>,
}

/// What `WHERE` restricts, before it is decided what rows are tested for.
pub(super) struct Restricted<'r> {
    pub(super) partition: &'r [Restriction],
    /// Whether all of the partition key has values.
    pub(super) known: bool,
    /// Whether a range of tokens is given.
    pub(super) token: bool,
    pub(super) clustering: &'r Clustering,
    /// Static and regular columns.
    pub(super) rest: &'r [Restriction],
    /// The vector that rows are ordered by their likeness to.
    pub(super) nearest: Option<&'r ColumnRef>,
}

impl<'t> Indexes<'t> {
    pub(super) fn of(table: &'t Table) -> Self {
        let (together, alone): (Vec<&Index>, Vec<&Index>) =
            table.options.indexes.iter().partition(|index| index.is_storage_attached());
        let mut groups: Vec<Vec<&Index>> = alone.into_iter().map(|index| vec![index]).collect();
        if !together.is_empty() {
            groups.push(together);
        }
        Self { table, groups }
    }

    /// Whether an index takes any of these restrictions; without `allow_filtering`, refuses what
    /// indexes and keys do not answer.
    pub(super) fn check(
        &self,
        restricted: &Restricted<'_>,
        allow_filtering: bool,
    ) -> Result<bool, PlanError> {
        let Restricted { partition, known, token, clustering, rest, nearest: _ } = *restricted;
        self.check_vectors(restricted)?;
        if !allow_filtering {
            let all = partition.iter().chain(clustering.all()).chain(rest);
            for part in all.filter(|part| !self.helps(part)) {
                if let Test::Like(patterns) = &part.test
                    && let Some((_, written)) = patterns.first()
                {
                    return Err(pattern::refused(written));
                }
            }
        }
        let helps = |part: &Restriction| self.helps(part);
        let clustering_helped = clustering.all().any(helps);
        let usable = clustering_helped || partition.iter().any(helps) || rest.iter().any(helps);
        let refuse = !allow_filtering && !usable;
        let partial = !known && !partition.is_empty();
        if partial && refuse {
            return Err(PlanError::invalid(FILTERING));
        }
        let mut used = usable && !known && !token;
        let mut tested: Vec<&Restriction> = Vec::new();
        if used || partial {
            tested.extend(partition);
        }
        if !clustering.filters.is_empty() {
            if refuse {
                clustering.refuse_filtering(self.table)?;
            }
            used |= usable;
        }
        used |= !known && clustering_helped;
        if used || !clustering.filters.is_empty() {
            tested.extend(clustering.all());
        }
        if !rest.is_empty() && refuse {
            return Err(PlanError::invalid(FILTERING));
        }
        used |= usable && !rest.is_empty();
        tested.extend(rest);
        if used && partition.iter().any(|part| part.values().is_some_and(|v| v.is_in())) {
            return Err(PlanError::invalid(
                "Select on indexed columns and with IN clause for the PRIMARY KEY are not \
                 supported",
            ));
        }
        let answered = match tested.as_slice() {
            [] => clustering.is_empty(),
            tested => self.groups.iter().any(|group| self.answers(group, tested)),
        };
        if !allow_filtering && (!known || used) && !answered {
            return Err(PlanError::invalid(FILTERING));
        }
        let by_index = |slice: &Restriction| slice.tuple && self.helps(slice);
        if used && clustering.slice.as_ref().is_some_and(by_index) {
            return Err(PlanError::invalid(
                "Multi-column slice restrictions cannot be used for filtering.",
            ));
        }
        Ok(used)
    }

    /// Vectors that are indexed are only good for `ANN OF`, which wants every other restriction to
    /// be answered by an index.
    fn check_vectors(&self, restricted: &Restricted<'_>) -> Result<(), PlanError> {
        let rest = restricted.rest.iter().flat_map(|part| &part.columns);
        let indexed = |column: &ColumnRef| {
            self.groups.iter().flatten().any(|index| self.is_on(index, column))
        };
        let Some(nearest) = restricted.nearest else {
            let mut rest = rest;
            let vector = rest.find(|column| matches!(column.cql_type, CqlType::Vector(..)));
            return match vector.is_some_and(indexed) {
                true => Err(PlanError::invalid("Vector indexes only support ANN queries")),
                false => Ok(()),
            };
        };
        if rest.clone().any(|column| column.place == nearest.place) {
            return Err(PlanError::invalid(format!(
                "{} cannot be restricted by more than one relation in an ANN ordering",
                nearest.name
            )));
        }
        let partial = !restricted.known && !restricted.partition.is_empty();
        let clustering = restricted.clustering.all().flat_map(|part| &part.columns);
        if partial || rest.chain(clustering).any(|column| !indexed(column)) {
            return Err(PlanError::invalid(
                "ANN ordering by vector requires all restricted column(s) to be indexed",
            ));
        }
        Ok(())
    }

    /// Whether letters match in either case: an index of the column says so.
    pub(super) fn ignores_case(&self, part: &Restriction) -> bool {
        let [column] = part.columns.as_slice() else { return false };
        self.groups.iter().flatten().any(|index| {
            let folded = index.options.get("case_sensitive");
            self.is_on(index, column) && folded.is_some_and(|v| v.eq_ignore_ascii_case("false"))
        })
    }

    /// Whether its indexes for `LIKE` are not of the mode that finds any part of a text.
    pub(super) fn knows_prefixes_only(&self, part: &Restriction) -> bool {
        let [column] = part.columns.as_slice() else { return false };
        let any = |index: &Index| {
            let mode = index.options.get("mode");
            mode.is_some_and(|mode| mode.eq_ignore_ascii_case("CONTAINS"))
        };
        let mut sasi =
            self.groups.iter().flatten().filter(|i| i.is_sasi() && self.is_on(i, column));
        matches!(part.test, Test::Like(_)) && !sasi.any(|index| any(index))
    }

    /// What cuts the texts of a column into terms for `LIKE`: an index of the column says so.
    pub(super) fn analyzer(&self, part: &Restriction) -> Option<Analyzer> {
        let ([column], Test::Like(_)) = (part.columns.as_slice(), &part.test) else { return None };
        let mut all = self.groups.iter().flatten().filter(|index| self.is_on(index, column));
        all.find_map(|index| Analyzer::of(index))
    }

    fn is_on(&self, index: &Index, column: &ColumnRef) -> bool {
        self.table.column(&column.name).is_some_and(|found| found.id == index.column)
    }

    /// Whether some index takes a part of the restriction.
    fn helps(&self, part: &Restriction) -> bool {
        let all = self.groups.iter().flatten();
        let takes = |index: &&Index| part.columns.iter().any(|c| self.takes(index, c, &part.test));
        all.copied().any(|index| takes(&index))
    }

    /// Whether the indexes of a group answer all the restrictions.
    fn answers(&self, group: &[&Index], parts: &[&Restriction]) -> bool {
        let attached = group.iter().all(|index| index.is_storage_attached());
        let one = |part: &Restriction, column: &ColumnRef| match &part.test {
            Test::Elements(tests) => {
                let takes = |index: &&Index, test| {
                    self.is_on(index, column) && takes_element(index.part, test)
                };
                (attached || !tests_several(tests))
                    && tests.iter().all(|test| group.iter().any(|index| takes(index, test)))
            }
            test => group.iter().any(|index| self.takes(index, column, test)),
        };
        parts.iter().all(|part| part.columns.iter().all(|column| one(part, column)))
    }

    /// Whether the index takes such a test of the column.
    fn takes(&self, index: &Index, column: &ColumnRef, test: &Test) -> bool {
        if !self.is_on(index, column) || matches!(column.cql_type, CqlType::Vector(..)) {
            return false;
        }
        match (index.part, test) {
            (IndexPart::Simple | IndexPart::Full, Test::Values(values)) => !values.is_in(),
            (IndexPart::Simple, Test::Like(_)) => index.is_sasi(),
            (IndexPart::Simple, Test::Slice(_)) => {
                index.is_sasi() || index.is_storage_attached() && has_ranges(&column.cql_type)
            }
            (part, Test::Elements(tests)) => tests.iter().any(|test| takes_element(part, test)),
            _ => false,
        }
    }
}

fn takes_element(part: IndexPart, test: &ElementTest) -> bool {
    match test {
        ElementTest::Contains(_) => part == IndexPart::Values,
        ElementTest::ContainsKey(_) => part == IndexPart::Keys,
        ElementTest::Entry(..) => part == IndexPart::Entries,
    }
}

/// Whether several elements, keys or entries of one collection are asked for.
fn tests_several(tests: &[ElementTest]) -> bool {
    let count = |is: fn(&ElementTest) -> bool| tests.iter().filter(|test| is(test)).count();
    count(|test| matches!(test, ElementTest::Contains(_))) > 1
        || count(|test| matches!(test, ElementTest::ContainsKey(_))) > 1
        || count(|test| matches!(test, ElementTest::Entry(..))) > 1
}

/// Whether storage-attached indexes answer ranges of this type.
fn has_ranges(cql_type: &CqlType) -> bool {
    !matches!(
        cql_type,
        CqlType::Text
            | CqlType::Ascii
            | CqlType::Boolean
            | CqlType::Uuid
            | CqlType::Tuple(_)
            | CqlType::Udt(..)
    )
}
