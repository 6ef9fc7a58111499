//! Relations as restrictions of columns: typed, and several on one column joined.

use cellar_schema::{CqlType, Table};

use super::analyzed::Analyzer;
use super::operand::{Operand, Receiver, Values, names};
use super::pattern;
use super::text::{only_for_views, unsupported, written};
use super::whole::refuse_whole;
use crate::ast::{Comparison, Ident, InValues, Relation, RelationTest, Target, Term};
use crate::plan::select::selector::term_name;
use crate::plan::select::view::{ColumnRef, Place};
use crate::plan::term::{Expr, prepare};
use crate::plan::{PlanError, Scope, column, pseudo};

/// What `WHERE` says of one column, or of several compared as a tuple.
#[derive(Clone, Debug)]
pub(crate) struct Restriction {
    pub(crate) columns: Vec<ColumnRef>,
    /// Whether the columns are written in parentheses; there may be one alone.
    pub(crate) tuple: bool,
    pub(crate) test: Test,
    /// Whether `LIKE` is answered by an index, to which only `%` around a text means something.
    pub(crate) by_index: bool,
    /// Whether that knows how texts begin and no more.
    pub(crate) prefixes: bool,
    /// Whether texts are equal that differ in the case of letters only.
    pub(crate) ignores_case: bool,
    /// What cuts the text into the terms that `LIKE` asks for.
    pub(crate) analyzer: Option<Analyzer>,
}

/// What must hold.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// `=` and `IN`
    Values(Values),
    /// `< <= > >=`
    Slice(Slice),
    /// Tests of elements of a collection; all must hold.
    Elements(Vec<ElementTest>),
    /// `LIKE`; all must match. Each pattern with the relation as written.
    Like(Vec<(Expr, String)>),
    /// `IS NOT NULL`, in the definition of a view.
    NotNull,
}

/// A range; at least one end is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slice {
    pub(crate) lower: Option<End>,
    pub(crate) upper: Option<End>,
}

/// One end of a range, over the first `width` columns of the restriction.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) operand: Operand,
    pub(crate) width: usize,
    pub(crate) inclusive: bool,
}

/// A test of one element.
#[derive(Clone, Debug)]
pub(crate) enum ElementTest {
    /// `CONTAINS v`
    Contains(Expr),
    /// `CONTAINS KEY k`
    ContainsKey(Expr),
    /// `c[k] = v`
    Entry(Expr, Expr),
}

impl Restriction {
    pub(crate) fn new(columns: Vec<ColumnRef>, tuple: bool, test: Test) -> Self {
        let (by_index, prefixes, ignores_case) = (false, false, false);
        Self { columns, tuple, test, by_index, prefixes, ignores_case, analyzer: None }
    }

    /// Whether it gives values by `=` or `IN`.
    pub(crate) fn values(&self) -> Option<&Values> {
        match &self.test {
            Test::Values(values) => Some(values),
            _ => None,
        }
    }

    /// Whether it is exactly one value.
    pub(crate) fn is_equal(&self) -> bool {
        matches!(&self.test, Test::Values(Values::One(_)))
    }

    /// Position of its first column in the clustering key.
    pub(crate) fn clustering_position(&self) -> Option<usize> {
        match self.columns.first()?.place {
            Place::Clustering(at) => Some(at),
            _ => None,
        }
    }

    pub(crate) fn first_name(&self) -> &str {
        self.columns.first().map_or("", |column| column.name.as_str())
    }

    /// The restriction that a relation is; relations of `token` are not for this.
    pub(crate) fn plan(
        scope: &mut Scope<'_>,
        table: &Table,
        relation: &Relation,
    ) -> Result<Self, PlanError> {
        match &relation.target {
            Target::Column(name) => {
                let columns = vec![ColumnRef::of(column(table, name)?)];
                let test = single(scope, table, &columns, &relation.test)?;
                Ok(Self::new(columns, false, test))
            }
            Target::Tuple(idents) => {
                if let RelationTest::Compare(Comparison::NotEqual, _) = &relation.test {
                    return Err(unsupported(&relation.test, &format!("({})", listed(idents))));
                }
                let columns = tuple_columns(table, idents)?;
                let receiver = Receiver { table, columns: &columns, tuple: true };
                let test = compared(scope, receiver, &relation.test)?;
                Ok(Self::new(columns, true, test))
            }
            Target::Element(name, key) => {
                let target = ColumnRef::of(column(table, name)?);
                let test = entry(scope, table, &target, key, &relation.test)?;
                Ok(Self::new(vec![target], false, test))
            }
            Target::Field(name, _) => {
                column(table, name)?;
                Err(PlanError::not_built("a relation on a field of a user-defined type"))
            }
            Target::Token(_) => Err(PlanError::invalid("token relations restrict partitions")),
        }
    }

    /// Joins another restriction on the same columns with this one.
    pub(crate) fn join(&mut self, other: Self) -> Result<(), PlanError> {
        let name = names(&other.columns);
        let (here, there) = (self.clustering_position(), other.clustering_position());
        let later = if here > there { self.first_name() } else { other.first_name() };
        let later = later.to_owned();
        match (&mut self.test, other.test) {
            (Test::Values(values), _) => Err(twice(&name, values)),
            (_, Test::Values(values)) => Err(twice(&name, &values)),
            (Test::Elements(tests), Test::Elements(more)) => {
                tests.extend(more);
                Ok(())
            }
            (Test::Like(patterns), Test::Like(more)) => {
                patterns.extend(more);
                Ok(())
            }
            (Test::Like(_), _) | (_, Test::Like(_)) => Err(PlanError::invalid(format!(
                "{name} cannot be restricted by more than one relation if it includes a LIKE"
            ))),
            (Test::Slice(slice), Test::Slice(more)) => {
                if here != there {
                    return Err(PlanError::invalid(format!(
                        "Column \"{later}\" cannot be restricted by two inequalities not starting \
                         with the same column"
                    )));
                }
                slice.join(more, &name)?;
                self.tuple |= other.tuple;
                if other.columns.len() > self.columns.len() {
                    self.columns = other.columns;
                }
                Ok(())
            }
            _ => Err(PlanError::invalid(format!(
                "Collection column {name} can only be restricted by CONTAINS, CONTAINS KEY, or \
                 map-entry equality"
            ))),
        }
    }
}

impl Slice {
    pub(crate) fn join(&mut self, other: Self, name: &str) -> Result<(), PlanError> {
        let two = |which: &str| {
            PlanError::invalid(format!(
                "More than one restriction was found for the {which} bound on {name}"
            ))
        };
        if other.lower.is_some() && self.lower.is_some() {
            return Err(two("start"));
        }
        if other.upper.is_some() && self.upper.is_some() {
            return Err(two("end"));
        }
        self.lower = self.lower.take().or(other.lower);
        self.upper = self.upper.take().or(other.upper);
        Ok(())
    }
}

fn twice(name: &str, values: &Values) -> PlanError {
    let kind = if values.is_in() { "a IN" } else { "an Equal" };
    PlanError::invalid(format!(
        "{name} cannot be restricted by more than one relation if it includes {kind}"
    ))
}

fn single(
    scope: &mut Scope<'_>,
    table: &Table,
    columns: &[ColumnRef],
    test: &RelationTest,
) -> Result<Test, PlanError> {
    let Some(target) = columns.first() else { return Err(PlanError::invalid("no column")) };
    match test {
        RelationTest::Contains(term) => {
            let (CqlType::List(element, _)
            | CqlType::Set(element, _)
            | CqlType::Map(_, element, _)) = &target.cql_type
            else {
                return Err(PlanError::invalid(format!(
                    "Cannot use CONTAINS on non-collection column \"{}\"",
                    target.name
                )));
            };
            let spec = pseudo(table, &format!("value({})", target.name), (**element).clone());
            Ok(Test::Elements(vec![ElementTest::Contains(prepare(scope, term, &spec)?)]))
        }
        RelationTest::ContainsKey(term) => {
            let CqlType::Map(key, ..) = &target.cql_type else {
                return Err(PlanError::invalid(format!(
                    "Cannot use CONTAINS KEY on non-map column {}",
                    target.name
                )));
            };
            let spec = pseudo(table, &format!("key({})", target.name), (**key).clone());
            Ok(Test::Elements(vec![ElementTest::ContainsKey(prepare(scope, term, &spec)?)]))
        }
        RelationTest::Compare(Comparison::NotEqual, _) | RelationTest::NotIn(_) => {
            Err(unsupported(test, &target.name))
        }
        RelationTest::IsNull | RelationTest::IsNotNull => Err(only_for_views(test, &target.name)),
        _ => {
            refuse_whole(target, test)?;
            compared(scope, Receiver { table, columns, tuple: false }, test)
        }
    }
}

fn entry(
    scope: &mut Scope<'_>,
    table: &Table,
    target: &ColumnRef,
    key: &crate::ast::Term,
    test: &RelationTest,
) -> Result<Test, PlanError> {
    let CqlType::Map(key_type, value_type, frozen) = &target.cql_type else {
        if matches!(target.cql_type, CqlType::List(..)) {
            return Err(PlanError::invalid(format!(
                "Indexes on list entries ({}[index] = value) are not supported.",
                target.name
            )));
        }
        return Err(PlanError::invalid(format!("Column {} cannot be used as a map", target.name)));
    };
    if *frozen == cellar_schema::Frozen::Yes {
        return Err(PlanError::invalid(format!(
            "Map-entry equality predicates on frozen map column {} are not supported",
            target.name
        )));
    }
    let RelationTest::Compare(Comparison::Equal, term) = test else {
        return Err(match test {
            RelationTest::Compare(comparison, _) if *comparison != Comparison::NotEqual => {
                PlanError::invalid("Only EQ relations are supported on map entries")
            }
            _ => unsupported(test, &format!("{}[{}]", target.name, term_name(key))),
        });
    };
    let key_spec = pseudo(table, &format!("key({})", target.name), (**key_type).clone());
    let value_spec = pseudo(table, &format!("value({})", target.name), (**value_type).clone());
    let key = prepare(scope, key, &key_spec)?;
    Ok(Test::Elements(vec![ElementTest::Entry(key, prepare(scope, term, &value_spec)?)]))
}

/// Tests that compare whole values.
pub(crate) fn compared(
    scope: &mut Scope<'_>,
    receiver: Receiver<'_>,
    test: &RelationTest,
) -> Result<Test, PlanError> {
    let columns = receiver.columns;
    let mut operand = |term: &Term| Operand::plan(scope, receiver, term);
    let width = columns.len();
    let mut end = |term: &Term, inclusive: bool| -> Result<Option<End>, PlanError> {
        Ok(Some(End { operand: operand(term)?, width, inclusive }))
    };
    let slice = match test {
        RelationTest::Compare(Comparison::Greater, term) => {
            Slice { lower: end(term, false)?, upper: None }
        }
        RelationTest::Compare(Comparison::GreaterEqual, term) => {
            Slice { lower: end(term, true)?, upper: None }
        }
        RelationTest::Compare(Comparison::Less, term) => {
            Slice { lower: None, upper: end(term, false)? }
        }
        RelationTest::Compare(Comparison::LessEqual, term) => {
            Slice { lower: None, upper: end(term, true)? }
        }
        RelationTest::Between(low, high) => {
            Slice { lower: end(low, true)?, upper: end(high, true)? }
        }
        RelationTest::Compare(Comparison::Equal, term) => {
            return Ok(Test::Values(Values::One(operand(term)?)));
        }
        RelationTest::In(InValues::Terms(terms)) => {
            let token = columns.iter().any(|column| column.place == Place::Token);
            let values = match terms.as_slice() {
                // `IN` with one value is `=`.
                [only] if !token => Values::One(operand(only)?),
                terms => Values::Each(terms.iter().map(operand).collect::<Result<_, _>>()?),
            };
            return Ok(Test::Values(values));
        }
        RelationTest::In(InValues::Marker(marker)) => {
            let list = scope.marker(*marker, &receiver.list_spec())?;
            return Ok(Test::Values(Values::List(list, receiver.tuple)));
        }
        RelationTest::Like(term) => {
            return pattern::plan(scope, receiver, term, written(&names(columns), test));
        }
        RelationTest::IsNotNull | RelationTest::IsNull => {
            return Err(only_for_views(test, &names(columns)));
        }
        other => return Err(unsupported(other, &names(columns))),
    };
    Ok(Test::Slice(slice))
}

fn tuple_columns(table: &Table, idents: &[Ident]) -> Result<Vec<ColumnRef>, PlanError> {
    let mut columns: Vec<ColumnRef> = Vec::with_capacity(idents.len());
    for ident in idents {
        let found = ColumnRef::of(column(table, ident)?);
        let Place::Clustering(at) = found.place else {
            return Err(PlanError::invalid(format!(
                "Multi-column relations can only be applied to clustering columns but was applied \
                 to: {ident}"
            )));
        };
        let expected = match columns.last().map(|column| column.place) {
            Some(Place::Clustering(before)) => before + 1,
            _ => at,
        };
        if columns.iter().any(|column| column.place == found.place) {
            return Err(PlanError::invalid(format!(
                "Column \"{ident}\" appeared twice in a relation: ({})",
                listed(idents)
            )));
        }
        if at != expected {
            return Err(PlanError::invalid(format!(
                "Clustering columns must appear in the PRIMARY KEY order in multi-column \
                 relations: ({})",
                listed(idents)
            )));
        }
        columns.push(found);
    }
    Ok(columns)
}

fn listed(idents: &[Ident]) -> String {
    idents.iter().map(Ident::to_string).collect::<Vec<_>>().join(", ")
}
