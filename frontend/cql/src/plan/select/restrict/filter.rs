//! Tests of single rows: what `ALLOW FILTERING` allows.

use std::borrow::Cow;
use std::cmp::Ordering;

use bytes::Bytes;
use cellar_schema::{CqlType, value};

use super::analyzed::Analyzer;
use super::pattern::{self, Pattern};
use super::relation::{ElementTest, End, Restriction, Test};
use crate::plan::select::view::{ColumnRef, RowView};
use crate::plan::term::Expr;
use crate::plan::{Binding, BoundValue, PlanError};

/// A restriction with its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BoundFilter {
    pub(super) columns: Vec<ColumnRef>,
    pub(super) test: BoundTest,
    pub(super) ignores_case: bool,
    pub(super) analyzer: Option<Analyzer>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum BoundTest {
    Values(Vec<Vec<Bytes>>),
    Slice {
        lower: BoundEnd,
        upper: BoundEnd,
    },
    Elements(Vec<BoundElement>),
    /// A text is like all of these.
    Like(Vec<Pattern>),
    NotNull,
}

pub(super) type BoundEnd = Option<(Vec<Bytes>, bool)>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum BoundElement {
    Contains(Bytes),
    ContainsKey(Bytes),
    Entry(Bytes, Bytes),
}

impl BoundFilter {
    pub(crate) fn bind(
        restriction: &Restriction,
        binding: &Binding<'_>,
    ) -> Result<Self, PlanError> {
        let columns = restriction.columns.clone();
        let test = match &restriction.test {
            Test::Values(values) => BoundTest::Values(values.bind(&columns, binding)?),
            Test::Slice(slice) => BoundTest::Slice {
                lower: end(slice.lower.as_ref(), &columns, binding)?,
                upper: end(slice.upper.as_ref(), &columns, binding)?,
            },
            Test::Elements(tests) => BoundTest::Elements(
                tests
                    .iter()
                    .map(|test| element(test, &columns, binding))
                    .collect::<Result<_, _>>()?,
            ),
            Test::Like(exprs) => {
                let mut all = Vec::with_capacity(exprs.len());
                for (expr, _) in exprs {
                    all.extend(patterns(expr, restriction, binding)?);
                }
                BoundTest::Like(all)
            }
            Test::NotNull => BoundTest::NotNull,
        };
        let analyzer = restriction.analyzer.clone();
        Ok(Self { columns, test, ignores_case: restriction.ignores_case, analyzer })
    }

    /// Whether the row passes; no test holds for null.
    pub(crate) fn passes(&self, row: &RowView<'_>) -> bool {
        match &self.test {
            BoundTest::Values(any) => {
                any.iter().any(|wanted| self.compare(row, wanted) == Some(Ordering::Equal))
            }
            BoundTest::Slice { lower, upper } => {
                let above = lower.as_ref().is_none_or(|(bound, inclusive)| {
                    self.compare(row, bound).is_some_and(|order| match order {
                        Ordering::Equal => *inclusive,
                        order => order.is_gt(),
                    })
                });
                above
                    && upper.as_ref().is_none_or(|(bound, inclusive)| {
                        self.compare(row, bound).is_some_and(|order| match order {
                            Ordering::Equal => *inclusive,
                            order => order.is_lt(),
                        })
                    })
            }
            BoundTest::Elements(tests) => {
                let Some(column) = self.columns.first() else { return false };
                let Some(bytes) = row.value(column) else { return false };
                tests.iter().all(|test| test.passes(&column.cql_type, &bytes))
            }
            BoundTest::Like(patterns) => {
                let Some(bytes) = self.columns.first().and_then(|column| row.value(column)) else {
                    return false;
                };
                let text = match self.ignores_case {
                    true => Cow::Owned(lower_case(&bytes)),
                    false => String::from_utf8_lossy(&bytes),
                };
                match &self.analyzer {
                    Some(analyzer) => {
                        let terms = analyzer.terms(&text);
                        patterns.iter().all(|one| terms.iter().any(|term| one.matches(term)))
                    }
                    None => patterns.iter().all(|pattern| pattern.matches(&text)),
                }
            }
            BoundTest::NotNull => self.columns.iter().all(|column| row.value(column).is_some()),
        }
    }

    /// The length of the longest value it looks for.
    pub(super) fn longest(&self) -> usize {
        let lengths: Vec<usize> = match &self.test {
            BoundTest::Values(any) => any.iter().flatten().map(Bytes::len).collect(),
            BoundTest::Elements(tests) => tests
                .iter()
                .map(|test| match test {
                    BoundElement::Contains(value) | BoundElement::ContainsKey(value) => value.len(),
                    BoundElement::Entry(key, value) => key.len() + value.len(),
                })
                .collect(),
            _ => Vec::new(),
        };
        lengths.into_iter().max().unwrap_or(0)
    }

    /// How the row's columns compare with these values, as tuples; nothing if one is null.
    fn compare(&self, row: &RowView<'_>, wanted: &[Bytes]) -> Option<Ordering> {
        for (column, bound) in self.columns.iter().zip(wanted) {
            let present = row.value(column)?;
            let order = match self.ignores_case {
                true => lower_case(&present).cmp(&lower_case(bound)),
                false => value::compare(&column.cql_type, &present, bound),
            };
            if order.is_ne() {
                return Some(order);
            }
        }
        Some(Ordering::Equal)
    }
}

fn lower_case(text: &[u8]) -> String {
    String::from_utf8_lossy(text).to_lowercase()
}

/// The patterns that one `LIKE` asks for, all of them.
fn patterns(
    expr: &Expr,
    restriction: &Restriction,
    binding: &Binding<'_>,
) -> Result<Vec<Pattern>, PlanError> {
    let bytes = given(expr, "value", &restriction.columns, binding)?;
    if restriction.by_index {
        pattern::refuse_empty(&bytes)?;
    }
    if restriction.prefixes {
        pattern::refuse_inner(restriction.first_name(), &bytes)?;
    }
    let text = match restriction.ignores_case {
        true => Cow::Owned(lower_case(&bytes)),
        false => String::from_utf8_lossy(&bytes),
    };
    Ok(match &restriction.analyzer {
        Some(analyzer) => analyzer.patterns(&text),
        None if restriction.by_index => vec![Pattern::of_index(&text)],
        None => vec![Pattern::of(&text)],
    })
}

fn end(
    end: Option<&End>,
    columns: &[ColumnRef],
    binding: &Binding<'_>,
) -> Result<BoundEnd, PlanError> {
    let Some(end) = end else { return Ok(None) };
    let columns = columns.get(..end.width).unwrap_or(columns);
    Ok(Some((end.operand.bind(columns, binding)?, end.inclusive)))
}

fn element(
    test: &ElementTest,
    columns: &[ColumnRef],
    binding: &Binding<'_>,
) -> Result<BoundElement, PlanError> {
    let given = |expr: &Expr, what: &str| given(expr, what, columns, binding);
    Ok(match test {
        ElementTest::Contains(expr) => BoundElement::Contains(given(expr, "value")?),
        ElementTest::ContainsKey(expr) => BoundElement::ContainsKey(given(expr, "value")?),
        ElementTest::Entry(key, expr) => {
            BoundElement::Entry(given(key, "map key")?, given(expr, "map value")?)
        }
    })
}

/// A value that is there.
fn given(
    expr: &Expr,
    what: &str,
    columns: &[ColumnRef],
    binding: &Binding<'_>,
) -> Result<Bytes, PlanError> {
    let state = match expr.evaluate(binding)? {
        BoundValue::Bytes(bytes) => return Ok(bytes),
        BoundValue::Null => "null",
        BoundValue::Unset => "unset",
    };
    let name = columns.first().map_or("", |column| column.name.as_str());
    Err(PlanError::invalid(format!("Unsupported {state} {what} for column {name}")))
}

impl BoundElement {
    fn passes(&self, cql_type: &CqlType, bytes: &Bytes) -> bool {
        let entries = || value::map_entries(bytes).unwrap_or_default();
        match (self, cql_type) {
            (Self::Contains(wanted), CqlType::List(part, _) | CqlType::Set(part, _)) => {
                let elements = value::list_elements(bytes).unwrap_or_default();
                elements.iter().any(|present| value::compare(part, present, wanted).is_eq())
            }
            (Self::Contains(wanted), CqlType::Map(_, part, _)) => {
                entries().iter().any(|(_, present)| value::compare(part, present, wanted).is_eq())
            }
            (Self::ContainsKey(wanted), CqlType::Map(part, _, _)) => {
                entries().iter().any(|(present, _)| value::compare(part, present, wanted).is_eq())
            }
            (Self::Entry(key, wanted), CqlType::Map(key_type, value_type, _)) => {
                entries().iter().any(|(present_key, present)| {
                    value::compare(key_type, present_key, key).is_eq()
                        && value::compare(value_type, present, wanted).is_eq()
                })
            }
            _ => false,
        }
    }
}
