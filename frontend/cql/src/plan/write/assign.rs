//! Assignments of `UPDATE` and targets of `DELETE`, checked against the column's type.

use cellar_schema::{Addable, Column, ColumnKind, CqlType, Frozen, Table, UserType};

use super::operation::{ColumnWrite, Shape};
use crate::ast::{Assignment, Deletion, Ident, Term};
use crate::plan::select::term_name;
use crate::plan::term::{Expr, prepare};
use crate::plan::{PlanError, Scope, column, receiver};

/// Plans one assignment. A `conditional` statement may add to what is there.
pub(super) fn assignment<'t>(
    scope: &mut Scope<'_>,
    table: &'t Table,
    assignment: &Assignment,
    conditional: bool,
) -> Result<(&'t Column, ColumnWrite), PlanError> {
    let column = column(table, assignment.column())?;
    if is_key(column) {
        return Err(PlanError::invalid(format!(
            "PRIMARY KEY part {} found in SET part",
            column.name
        )));
    }
    let target = AssignedColumn { table, column };
    let write = match assignment {
        Assignment::Set(_, term) => target.set(scope, term)?,
        Assignment::Add(_, term) if conditional => target.plus(scope, term)?,
        Assignment::Add(_, term) => target.add(scope, term)?,
        Assignment::Subtract(_, term) => target.subtract(scope, term)?,
        Assignment::Prepend(_, term) => target.prepend(scope, term)?,
        Assignment::SetElement(_, key, term) => target.set_element(scope, key, term)?,
        Assignment::SetField(_, field, term) => target.set_field(scope, field, term)?,
    };
    Ok((column, write))
}

/// Plans one target of a `DELETE`.
pub(super) fn deletion<'t>(
    scope: &mut Scope<'_>,
    table: &'t Table,
    deletion: &Deletion,
) -> Result<(&'t Column, ColumnWrite), PlanError> {
    let (Deletion::Column(name) | Deletion::Element(name, _) | Deletion::Field(name, _)) = deletion;
    let column = column(table, name)?;
    if is_key(column) {
        return Err(PlanError::invalid(format!(
            "Invalid identifier {} for deletion (should not be a PRIMARY KEY part)",
            column.name
        )));
    }
    let target = AssignedColumn { table, column };
    let write = match deletion {
        Deletion::Column(_) => ColumnWrite::Delete,
        Deletion::Element(_, key) => target.delete_element(scope, key)?,
        Deletion::Field(_, field) => {
            let (index, _) = target.field(field, None)?;
            ColumnWrite::DeleteField(index)
        }
    };
    Ok((column, write))
}

pub(super) fn is_key(column: &Column) -> bool {
    matches!(column.kind, ColumnKind::PartitionKey(_) | ColumnKind::Clustering(..))
}

struct AssignedColumn<'t> {
    table: &'t Table,
    column: &'t Column,
}

impl AssignedColumn<'_> {
    fn value(&self, scope: &mut Scope<'_>, term: &Term) -> Result<Expr, PlanError> {
        prepare(scope, term, &receiver(self.table, self.column))
    }

    fn part(
        &self,
        scope: &mut Scope<'_>,
        term: &Term,
        what: &str,
        cql_type: &CqlType,
    ) -> Result<Expr, PlanError> {
        let name = format!("{what}({})", self.column.name);
        prepare(scope, term, &receiver(self.table, self.column).part(name, cql_type.clone()))
    }

    fn set(&self, scope: &mut Scope<'_>, term: &Term) -> Result<ColumnWrite, PlanError> {
        if self.column.cql_type == CqlType::Counter {
            return Err(PlanError::invalid(format!(
                "Cannot set the value of counter column {} (counters can only be \
                 incremented/decremented, not set)",
                self.column.name
            )));
        }
        Ok(ColumnWrite::replace(self.column, self.value(scope, term)?))
    }

    fn add(&self, scope: &mut Scope<'_>, term: &Term) -> Result<ColumnWrite, PlanError> {
        if self.column.cql_type == CqlType::Counter {
            return Ok(ColumnWrite::Increment(self.value(scope, term)?));
        }
        match self.element_wise("+", term)? {
            shape @ (Shape::List | Shape::Set(_) | Shape::Map(_)) => {
                Ok(ColumnWrite::Append(shape, self.value(scope, term)?))
            }
            Shape::Fields(_) => Err(self.invalid_operation("+", term, "non collection")),
        }
    }

    /// `v = v + value` of a conditional statement.
    fn plus(&self, scope: &mut Scope<'_>, term: &Term) -> Result<ColumnWrite, PlanError> {
        let cql_type = &self.column.cql_type;
        if cql_type.is_collection()
            || matches!(cql_type, CqlType::Tuple(_) | CqlType::Counter | CqlType::Udt(..))
        {
            return self.add(scope, term);
        }
        match Addable::of(cql_type) {
            Some(kind) => Ok(ColumnWrite::Plus(kind, self.value(scope, term)?)),
            None => Err(PlanError::invalid(format!(
                "Invalid operation ({name} = {name} + {}) for non-numeric and non-text type {name}",
                term_name(term),
                name = self.column.name,
            ))),
        }
    }

    fn subtract(&self, scope: &mut Scope<'_>, term: &Term) -> Result<ColumnWrite, PlanError> {
        if self.column.cql_type == CqlType::Counter {
            return Ok(ColumnWrite::Decrement(self.value(scope, term)?));
        }
        let shape = self.element_wise("-", term)?;
        let expr = match &shape {
            Shape::List | Shape::Set(_) => self.value(scope, term)?,
            Shape::Map(key) => {
                let keys = CqlType::Set(Box::new(key.clone()), Frozen::Yes);
                let spec = receiver(self.table, self.column).part(self.column.name.clone(), keys);
                prepare(scope, term, &spec)?
            }
            Shape::Fields(_) => return Err(self.invalid_operation("-", term, "non collection")),
        };
        Ok(ColumnWrite::Discard(shape, expr))
    }

    fn prepend(&self, scope: &mut Scope<'_>, term: &Term) -> Result<ColumnWrite, PlanError> {
        match self.element_wise("+", term)? {
            Shape::List => Ok(ColumnWrite::Prepend(self.value(scope, term)?)),
            _ => Err(self.invalid_operation("+", term, "non list")),
        }
    }

    fn set_element(
        &self,
        scope: &mut Scope<'_>,
        key: &Term,
        term: &Term,
    ) -> Result<ColumnWrite, PlanError> {
        let operation = format!("{}[{}] = {}", self.column.name, term_name(key), term_name(term));
        self.not_frozen(&operation)?;
        match &self.column.cql_type {
            CqlType::List(element, _) => Ok(ColumnWrite::SetIndex(
                self.part(scope, key, "idx", &CqlType::Int)?,
                self.part(scope, term, "value", element)?,
            )),
            CqlType::Map(key_type, value_type, _) => Ok(ColumnWrite::PutEntry(
                (**key_type).clone(),
                self.part(scope, key, "key", key_type)?,
                self.part(scope, term, "value", value_type)?,
            )),
            CqlType::Set(..) => Err(PlanError::invalid(format!(
                "Invalid operation ({operation}) for set column {}",
                self.column.name
            ))),
            _ => Err(PlanError::invalid(format!(
                "Invalid operation ({operation}) for non collection column {}",
                self.column.name
            ))),
        }
    }

    fn set_field(
        &self,
        scope: &mut Scope<'_>,
        field: &Ident,
        term: &Term,
    ) -> Result<ColumnWrite, PlanError> {
        let operation = format!("{}.{field} = {}", self.column.name, term_name(term));
        let (index, cql_type) = self.field(field, Some(&operation))?;
        let name = format!("{}.{}", self.column.name, field.as_str());
        let spec = receiver(self.table, self.column).part(name, cql_type);
        Ok(ColumnWrite::PutField(index, prepare(scope, term, &spec)?))
    }

    fn delete_element(&self, scope: &mut Scope<'_>, key: &Term) -> Result<ColumnWrite, PlanError> {
        if self.column.cql_type.is_collection() && !self.column.cql_type.is_multi_cell() {
            return Err(PlanError::invalid(format!(
                "Invalid deletion operation for frozen collection column {}",
                self.column.name
            )));
        }
        match &self.column.cql_type {
            CqlType::List(..) => {
                Ok(ColumnWrite::DeleteIndex(self.part(scope, key, "idx", &CqlType::Int)?))
            }
            CqlType::Set(element, _) => Ok(ColumnWrite::DeleteElement(
                (**element).clone(),
                self.part(scope, key, "value", element)?,
            )),
            CqlType::Map(key_type, _, _) => Ok(ColumnWrite::DeleteElement(
                (**key_type).clone(),
                self.part(scope, key, "key", key_type)?,
            )),
            _ => Err(PlanError::invalid(format!(
                "Invalid deletion operation for non collection column {}",
                self.column.name
            ))),
        }
    }

    /// A field of the column's user-defined type, which must be stored field by field.
    fn field(&self, field: &Ident, operation: Option<&str>) -> Result<(u16, CqlType), PlanError> {
        let name = &self.column.name;
        let CqlType::Udt(udt, frozen) = &self.column.cql_type else {
            return Err(PlanError::invalid(match operation {
                Some(operation) => {
                    format!("Invalid operation ({operation}) for non-UDT column {name}")
                }
                None => format!("Invalid field deletion operation for non-UDT column {name}"),
            }));
        };
        if *frozen == Frozen::Yes {
            return Err(PlanError::invalid(match operation {
                Some(operation) => {
                    format!("Invalid operation ({operation}) for frozen UDT column {name}")
                }
                None => format!("Frozen UDT column {name} does not support field deletion"),
            }));
        }
        field_of(udt, field).ok_or_else(|| {
            PlanError::invalid(format!(
                "UDT column {} does not have a field named {}",
                self.column.name,
                field.as_str()
            ))
        })
    }

    fn element_wise(&self, operator: &str, term: &Term) -> Result<Shape, PlanError> {
        let name = &self.column.name;
        self.not_frozen(&format!("{name} = {name} {operator} {}", term_name(term)))?;
        let kind = match &self.column.cql_type {
            CqlType::Tuple(_) => "tuple",
            _ => "non counter",
        };
        Shape::of(&self.column.cql_type).ok_or_else(|| self.invalid_operation(operator, term, kind))
    }

    fn not_frozen(&self, operation: &str) -> Result<(), PlanError> {
        let cql_type = &self.column.cql_type;
        if cql_type.is_collection() && !cql_type.is_multi_cell() {
            return Err(PlanError::invalid(format!(
                "Invalid operation ({operation}) for frozen collection column {}",
                self.column.name
            )));
        }
        Ok(())
    }

    fn invalid_operation(&self, operator: &str, term: &Term, kind: &str) -> PlanError {
        let name = &self.column.name;
        PlanError::invalid(format!(
            "Invalid operation ({name} = {name} {operator} {}) for {kind} column {name}",
            term_name(term)
        ))
    }
}

/// Position and type of a field.
pub(super) fn field_of(udt: &UserType, field: &Ident) -> Option<(u16, CqlType)> {
    (0_u16..)
        .zip(&udt.fields)
        .find(|(_, (name, _))| name == field.as_str())
        .map(|(index, (_, cql_type))| (index, cql_type.clone()))
}
