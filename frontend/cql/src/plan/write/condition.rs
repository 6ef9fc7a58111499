//! `IF`: conditions planned against the table, bound to the one row they are about.

use bytes::Bytes;
use cellar_schema::Comparison as Compared;
use cellar_schema::{Access, Column, ColumnId, ColumnKind, CqlType, Table, Test, limits, value};

use super::assign::{field_of, is_key};
use super::key::list_of;
use super::operation::list_index;
use crate::ast::{Comparison, Condition, InValues, Relation, RelationTest, Target, Term};
use crate::plan::error::invalid;
use crate::plan::term::{Expr, prepare};
use crate::plan::{Binding, BoundValue, ColumnSpec, PlanError, Scope, column, receiver, types};

/// The conditions of a statement.
#[derive(Clone, Debug)]
pub(super) enum Conditions {
    /// Unconditional.
    None,
    /// `IF EXISTS`
    Exists,
    /// `IF NOT EXISTS`
    NotExists,
    /// `IF a = 1 AND ...`
    Columns(Vec<ColumnCondition>),
}

/// A condition on one column.
#[derive(Clone, Debug)]
pub(super) struct ColumnCondition {
    pub(super) column: ColumnId,
    pub(super) is_static: bool,
    cql_type: CqlType,
    access: Part,
    test: PlannedTest,
}

#[derive(Clone, Debug)]
enum Part {
    Whole,
    Entry(Expr),
    Index(Expr),
    Field(u16),
}

#[derive(Clone, Debug)]
enum PlannedTest {
    /// With the kind of collection, if it is one that is stored element by element.
    Compare(Comparison, Expr, Option<&'static str>),
    In(Vec<Expr>),
    InList(Expr),
    Contains(Expr),
    ContainsKey(Expr),
}

impl Conditions {
    /// Plans the conditions of `UPDATE` and `DELETE`.
    pub(super) fn plan(
        scope: &mut Scope<'_>,
        table: &Table,
        condition: Option<&Condition>,
    ) -> Result<Self, PlanError> {
        Ok(match condition {
            None => Self::None,
            Some(Condition::Exists) => Self::Exists,
            Some(Condition::Holds(relations)) => {
                let mut columns = Vec::with_capacity(relations.len());
                for relation in relations {
                    columns.push(ColumnCondition::plan(scope, table, relation)?);
                }
                Self::Columns(columns)
            }
        })
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether only static columns are looked at.
    pub(super) fn only_statics(&self) -> bool {
        match self {
            Self::Columns(columns) => columns.iter().all(|condition| condition.is_static),
            _ => false,
        }
    }
}

impl ColumnCondition {
    fn plan(scope: &mut Scope<'_>, table: &Table, relation: &Relation) -> Result<Self, PlanError> {
        let (Target::Column(name) | Target::Element(name, _) | Target::Field(name, _)) =
            &relation.target
        else {
            return Err(PlanError::invalid("IF conditions are only possible on single columns"));
        };
        let column = column(table, name)?;
        if is_key(column) {
            return Err(PlanError::invalid(format!(
                "PRIMARY KEY column '{}' cannot have IF conditions",
                column.name
            )));
        }
        if column.cql_type == CqlType::Counter {
            return Err(PlanError::invalid("Conditions on counters are not supported"));
        }
        let (access, compared) = part(scope, table, column, &relation.target)?;
        Ok(Self {
            column: column.id,
            is_static: column.kind == ColumnKind::Static,
            cql_type: column.cql_type.clone(),
            access,
            test: test(scope, &relation.test, &compared)?,
        })
    }

    /// The test with its values. Cassandra stops at the first condition that does not hold, so
    /// that an impossible comparison is an error only where it is the `first` to be looked at.
    pub(super) fn bind(&self, binding: &Binding<'_>, first: bool) -> Result<Test, PlanError> {
        let access = match &self.access {
            Part::Whole => Access::Whole,
            Part::Entry(key) => {
                Access::Entry(key.evaluate_set(binding, "map key")?.ok_or_else(|| {
                    PlanError::invalid("Invalid null value for map element access")
                })?)
            }
            Part::Index(index) => Access::Index(list_index(index, binding)?),
            Part::Field(index) => Access::Field(*index),
        };
        Ok(Test::Column {
            column: self.column,
            cql_type: self.cql_type.clone(),
            access,
            comparison: self.test.bind(binding, first)?,
        })
    }
}

/// Which part of the column is tested, and what stands for that part.
fn part(
    scope: &mut Scope<'_>,
    table: &Table,
    column: &Column,
    target: &Target,
) -> Result<(Part, ColumnSpec), PlanError> {
    let whole = receiver(table, column);
    let named = |what: &str| format!("{what}({})", column.name);
    match (target, &column.cql_type) {
        (Target::Element(_, index), CqlType::List(element, _)) => {
            let index = prepare(scope, index, &whole.part(named("idx"), CqlType::Int))?;
            Ok((Part::Index(index), whole.part(named("value"), (**element).clone())))
        }
        (Target::Element(_, key), CqlType::Map(key_type, value_type, _)) => {
            let key = prepare(scope, key, &whole.part(named("key"), (**key_type).clone()))?;
            Ok((Part::Entry(key), whole.part(named("value"), (**value_type).clone())))
        }
        (Target::Element(..), CqlType::Set(..)) => Err(PlanError::invalid(format!(
            "Invalid element access syntax for set column {}",
            column.name
        ))),
        (Target::Element(..), _) => Err(PlanError::invalid(format!(
            "Invalid element access syntax for non-collection column {}",
            column.name
        ))),
        (Target::Field(_, field), CqlType::Udt(udt, _)) => {
            let (index, cql_type) = field_of(udt, field).ok_or_else(|| {
                PlanError::invalid(format!("invalid field {field} for column {}", column.name))
            })?;
            let name = format!("{}.{}", column.name, field.as_str());
            Ok((Part::Field(index), whole.part(name, cql_type)))
        }
        (Target::Field(..), _) => Err(PlanError::invalid(format!(
            "Invalid field access for non-UDT column {}",
            column.name
        ))),
        _ => Ok((Part::Whole, whole)),
    }
}

fn test(
    scope: &mut Scope<'_>,
    written: &RelationTest,
    compared: &ColumnSpec,
) -> Result<PlannedTest, PlanError> {
    Ok(match written {
        RelationTest::Compare(comparison, term) => {
            if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
                refuse_durations(&compared.cql_type, *comparison)?;
            }
            let kind = element_wise(&compared.cql_type);
            PlannedTest::Compare(*comparison, prepare(scope, term, compared)?, kind)
        }
        RelationTest::In(InValues::Terms(terms)) => {
            if terms.len() > limits::CONDITION_VALUES_MAX {
                return Err(too_many());
            }
            let values = terms.iter().map(|term| prepare(scope, term, compared));
            PlannedTest::In(values.collect::<Result<_, _>>()?)
        }
        RelationTest::In(InValues::Marker(marker)) => {
            let name = format!("in({})", compared.name);
            let list = compared.part(name, list_of(compared.cql_type.clone()));
            PlannedTest::InList(scope.marker(*marker, &list)?)
        }
        RelationTest::Contains(term) => {
            PlannedTest::Contains(contained(scope, term, compared, false)?)
        }
        RelationTest::ContainsKey(term) => {
            PlannedTest::ContainsKey(contained(scope, term, compared, true)?)
        }
        _ => {
            return Err(PlanError::invalid(format!(
                "Invalid operator in the IF condition on column {}; =, !=, <, <=, >, >=, IN and \
                 CONTAINS are possible",
                compared.name
            )));
        }
    })
}

fn contained(
    scope: &mut Scope<'_>,
    term: &Term,
    compared: &ColumnSpec,
    key: bool,
) -> Result<Expr, PlanError> {
    let element = match (&compared.cql_type, key) {
        (CqlType::List(element, _) | CqlType::Set(element, _), false)
        | (CqlType::Map(_, element, _), false)
        | (CqlType::Map(element, _, _), true) => (**element).clone(),
        _ => {
            let operator = if key { "CONTAINS KEY" } else { "CONTAINS" };
            return Err(PlanError::invalid(format!(
                "Cannot use {operator} on column {} of type {}",
                compared.name, compared.cql_type
            )));
        }
    };
    let name = format!("{}({})", if key { "key" } else { "value" }, compared.name);
    prepare(scope, term, &compared.part(name, element))
}

impl PlannedTest {
    fn bind(&self, binding: &Binding<'_>, first: bool) -> Result<Compared, PlanError> {
        const WHAT: &str = "a condition";
        Ok(match self {
            Self::Compare(comparison, expr, kind) => {
                match compare(*comparison, expr.evaluate_set(binding, WHAT)?, *kind) {
                    // Equal to one of no values: it never holds.
                    Err(_) if !first => Compared::In(Vec::new()),
                    compared => compared?,
                }
            }
            Self::In(exprs) => {
                let mut values = Vec::with_capacity(exprs.len());
                for expr in exprs {
                    match expr.evaluate(binding)? {
                        BoundValue::Bytes(bytes) => values.push(Some(bytes)),
                        BoundValue::Null => values.push(None),
                        // What is unset is not in the list, as in Cassandra.
                        BoundValue::Unset => {}
                    }
                }
                Compared::In(values)
            }
            Self::InList(expr) => {
                let list = expr
                    .evaluate_set(binding, WHAT)?
                    .ok_or_else(|| PlanError::invalid("Invalid null list in IN condition"))?;
                let elements = value::list_elements(&list).map_err(invalid)?;
                if elements.len() > limits::CONDITION_VALUES_MAX {
                    return Err(too_many());
                }
                Compared::In(elements.into_iter().map(Some).collect())
            }
            Self::Contains(expr) => contains(expr, binding, "CONTAINS", Compared::Contains)?,
            Self::ContainsKey(expr) => {
                contains(expr, binding, "CONTAINS KEY", Compared::ContainsKey)?
            }
        })
    }
}

/// What is unset is in no collection.
fn contains(
    expr: &Expr,
    binding: &Binding<'_>,
    operator: &str,
    of: fn(Bytes) -> Compared,
) -> Result<Compared, PlanError> {
    Ok(match expr.evaluate(binding)? {
        BoundValue::Bytes(bytes) => of(bytes),
        BoundValue::Null => of(not_null(None, operator)?),
        BoundValue::Unset => Compared::In(Vec::new()),
    })
}

/// Values without an order cannot be compared by one, nor can those that hold some.
fn refuse_durations(cql_type: &CqlType, comparison: Comparison) -> Result<(), PlanError> {
    if *cql_type == CqlType::Duration {
        return Err(PlanError::invalid(format!(
            "Slice conditions ( {} ) are not supported on durations",
            symbol(comparison)
        )));
    }
    match types::holding_durations(cql_type) {
        Some(what) => Err(PlanError::invalid(format!(
            "Slice conditions are not supported on {what} containing durations"
        ))),
        None => Ok(()),
    }
}

/// What a collection that is stored element by element is called.
fn element_wise(cql_type: &CqlType) -> Option<&'static str> {
    match cql_type {
        _ if !cql_type.is_multi_cell() => None,
        CqlType::List(..) => Some("list"),
        CqlType::Set(..) => Some("set"),
        CqlType::Map(..) => Some("map"),
        _ => None,
    }
}

/// `kind` is what a collection is called that is null when it is empty.
fn compare(
    comparison: Comparison,
    bound: Option<Bytes>,
    kind: Option<&'static str>,
) -> Result<Compared, PlanError> {
    let with = symbol(comparison);
    let sliced = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    let is_empty = |bytes: &Bytes| value::list_elements(bytes).is_ok_and(|all| all.is_empty());
    if let (Some(kind), true, Some(bytes)) = (kind, sliced, &bound)
        && is_empty(bytes)
    {
        return Err(PlanError::invalid(format!(
            "Invalid comparison with an empty {kind} for operator \"{with}\""
        )));
    }
    Ok(match comparison {
        Comparison::Equal => Compared::Equal(bound),
        Comparison::NotEqual => Compared::NotEqual(bound),
        Comparison::Less => Compared::Less(not_null(bound, with)?),
        Comparison::LessEqual => Compared::LessOrEqual(not_null(bound, with)?),
        Comparison::Greater => Compared::Greater(not_null(bound, with)?),
        Comparison::GreaterEqual => Compared::GreaterOrEqual(not_null(bound, with)?),
    })
}

fn not_null(bound: Option<Bytes>, operator: &str) -> Result<Bytes, PlanError> {
    bound.ok_or_else(|| {
        PlanError::invalid(format!("Invalid comparison with null for operator \"{operator}\""))
    })
}

fn too_many() -> PlanError {
    PlanError::invalid(format!(
        "An IN condition may have at most {} values",
        limits::CONDITION_VALUES_MAX
    ))
}

fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterEqual => ">=",
    }
}
