//! Which restriction is looked up in an index: the first of one value, else the first of several
//! values or of a range. Rows are tested for all of them in any case.

use cellar_schema::{CqlType, IndexPart, IndexProbe, Table};

use super::filter::{BoundElement, BoundEnd, BoundFilter, BoundTest};
use crate::plan::select::view::ColumnRef;

/// What to look up for these tests, if an index holds any of it.
pub(super) fn probe(table: &Table, filters: &[BoundFilter]) -> Option<IndexProbe> {
    if table.options.indexes.is_empty() {
        return None;
    }
    let found = || filters.iter().filter_map(|filter| looked_up(table, filter));
    found().find(is_one_value).or_else(|| found().next())
}

/// Whether one term is looked up, so that what is found is in order.
pub(super) fn is_one_value(probe: &IndexProbe) -> bool {
    matches!(probe.ranges.as_slice(), [(first, last)] if first == last)
}

fn looked_up(table: &Table, filter: &BoundFilter) -> Option<IndexProbe> {
    let [column] = filter.columns.as_slice() else { return None };
    let id = table.column(&column.name)?.id;
    let target = |part| table.index_target(id, part);
    match &filter.test {
        BoundTest::Values(any) => {
            let target = target(IndexPart::Simple).or_else(|| target(IndexPart::Full))?;
            let values = any.iter().map(|values| values.first());
            let probes = values.map(|value| Some(target.equal(&column.cql_type, value?)));
            let mut all = IndexProbe { target, ranges: Vec::with_capacity(any.len()) };
            for probe in probes {
                all.ranges.extend(probe?.ranges);
            }
            Some(all)
        }
        BoundTest::Slice { lower, upper } => {
            if filter.ignores_case {
                return None;
            }
            fn value(end: &BoundEnd) -> Option<&[u8]> {
                end.as_ref().and_then(|(values, _)| values.first()).map(AsRef::as_ref)
            }
            let target = target(IndexPart::Simple)?;
            Some(target.between(&column.cql_type, value(lower), value(upper)))
        }
        BoundTest::Elements(tests) => tests.iter().find_map(|test| element(column, test, target)),
        BoundTest::Like(_) | BoundTest::NotNull => None,
    }
}

fn element(
    column: &ColumnRef,
    test: &BoundElement,
    target: impl Fn(IndexPart) -> Option<cellar_schema::IndexTarget>,
) -> Option<IndexProbe> {
    match (test, &column.cql_type) {
        (
            BoundElement::Contains(value),
            CqlType::List(part, _) | CqlType::Set(part, _) | CqlType::Map(_, part, _),
        ) => Some(target(IndexPart::Values)?.equal(part, value)),
        (BoundElement::ContainsKey(key), CqlType::Map(part, ..)) => {
            Some(target(IndexPart::Keys)?.equal(part, key))
        }
        (BoundElement::Entry(key, value), CqlType::Map(key_type, value_type, _)) => {
            let target = target(IndexPart::Entries)?;
            Some(target.entry((key_type, value_type), (key, value)))
        }
        _ => None,
    }
}
