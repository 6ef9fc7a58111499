//! Ranges of row suffixes for restrictions on clustering columns, right for both directions.

use bytes::Bytes;

use super::suffix::{component, prefix};
use super::{Bound, KeyError, TupleBound, after, rows_end, rows_start};
use crate::{Order, Table};

/// Start and end (exclusive) of the rows that have these values of the first clustering columns
/// and a next column within the bounds.
///
/// # Errors
/// When there are more values than columns, or one is not of its column's type.
pub fn suffix_range(
    table: &Table,
    equal: &[Bytes],
    lower: Option<Bound>,
    upper: Option<Bound>,
) -> Result<(Bytes, Bytes), KeyError> {
    let base = prefix(table, equal)?;
    let Some((column, direction)) = table.clustering().nth(equal.len()) else {
        if lower.is_some() || upper.is_some() {
            let expected = table.clustering().count();
            return Err(KeyError::Components { expected, got: equal.len() + 1 });
        }
        let end = after(&base);
        return Ok((Bytes::from(base), end));
    };
    let at = |value: &[u8]| -> Result<Vec<u8>, KeyError> {
        let mut key = base.clone();
        component(&mut key, column, direction, value)?;
        Ok(key)
    };
    let (first, last) = in_key_order(direction, lower, upper);
    let start = match first {
        None => Bytes::copy_from_slice(&base),
        Some((value, true)) => Bytes::from(at(&value)?),
        Some((value, false)) => after(&at(&value)?),
    };
    let end = match last {
        None => after(&base),
        Some((value, true)) => after(&at(&value)?),
        Some((value, false)) => Bytes::from(at(&value)?),
    };
    Ok((start, end))
}

/// Ranges of the rows whose first clustering columns, compared as a tuple in value order, are
/// within the bounds; sorted and disjoint. One range if the columns run in the same direction.
/// The bounds may differ in length: `(a, b, c) > (1, 2, 3)` with `a = 1` is lower `(1, 2, 3)`,
/// upper `(1)` inclusive.
///
/// # Errors
/// When a bound has more values than there are columns, or one is not of its column's type.
pub fn suffix_range_tuple(
    table: &Table,
    lower: Option<TupleBound<'_>>,
    upper: Option<TupleBound<'_>>,
) -> Result<Vec<(Bytes, Bytes)>, KeyError> {
    let above = match lower {
        Some(bound) => one_side(table, bound, Side::Above)?,
        None => vec![(rows_start(), rows_end())],
    };
    let below = match upper {
        Some(bound) => one_side(table, bound, Side::Below)?,
        None => vec![(rows_start(), rows_end())],
    };
    let mut ranges = Vec::new();
    for (start, end) in &above {
        for (other_start, other_end) in &below {
            let (start, end) = (start.max(other_start), end.min(other_end));
            if start < end {
                ranges.push((start.clone(), end.clone()));
            }
        }
    }
    ranges.sort();
    Ok(ranges)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Below,
}

/// All rows above or below a tuple.
fn one_side(
    table: &Table,
    (values, inclusive): TupleBound<'_>,
    side: Side,
) -> Result<Vec<(Bytes, Bytes)>, KeyError> {
    let whole = prefix(table, values)?;
    let mut directions = table.clustering().map(|(_, direction)| direction).take(values.len());
    let first = directions.next().unwrap_or(Order::Asc);
    if directions.all(|direction| direction == first) {
        let forward = (side == Side::Above) == (first == Order::Asc);
        let after_whole = after(&whole);
        let whole = Bytes::from(whole);
        return Ok(vec![match (forward, inclusive) {
            (true, true) => (whole, rows_end()),
            (true, false) => (after_whole, rows_end()),
            (false, true) => (rows_start(), after_whole),
            (false, false) => (rows_start(), whole),
        }]);
    }
    // Equal in the first i columns and beyond the bound in the next, for every i.
    let mut ranges = Vec::with_capacity(values.len());
    for (length, value) in values.iter().enumerate() {
        let (equal, _) = values.split_at_checked(length).unwrap_or((values, &[]));
        let bound = Some((value.clone(), inclusive && length + 1 == values.len()));
        ranges.push(match side {
            Side::Above => suffix_range(table, equal, bound, None)?,
            Side::Below => suffix_range(table, equal, None, bound)?,
        });
    }
    Ok(ranges)
}

/// Which bound comes first among keys.
fn in_key_order<T>(direction: Order, lower: T, upper: T) -> (T, T) {
    match direction {
        Order::Asc => (lower, upper),
        Order::Desc => (upper, lower),
    }
}
