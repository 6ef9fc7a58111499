//! Values that columns are compared with: one for each column, or tuples for several columns.

use bytes::Bytes;
use cellar_schema::{CqlType, Frozen, Table, value};

use crate::ast::Term;
use crate::plan::error::invalid;
use crate::plan::select::selector::{is_token, term_name, token_function};
use crate::plan::select::view::{ColumnRef, Place};
use crate::plan::term::{Expr, prepare, prepare_call};
use crate::plan::{Binding, BoundValue, ColumnSpec, PlanError, Scope};

/// One value for each of some columns.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// An expression for each column.
    Columns(Vec<Expr>),
    /// A tuple with a field for each column.
    Packed(Expr),
}

/// The values that `=` or `IN` allow.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    /// `= v`
    One(Operand),
    /// `IN (v, w)`
    Each(Vec<Operand>),
    /// `IN ?`, of tuples or of plain values.
    List(Expr, bool),
}

/// The columns that a relation compares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receiver<'t> {
    pub(crate) table: &'t Table,
    pub(crate) columns: &'t [ColumnRef],
    /// Whether they are written as a tuple; there may be one alone.
    pub(crate) tuple: bool,
}

impl Receiver<'_> {
    /// What a value of these columns is bound to.
    fn spec(&self) -> ColumnSpec {
        match self.columns {
            [only] if !self.tuple => self.part(only),
            columns => {
                let types = columns.iter().map(|column| column.cql_type.clone()).collect();
                let name = format!("({})", names(columns).replace(", ", ","));
                ColumnSpec::of(self.table, name, CqlType::Tuple(types))
            }
        }
    }

    /// What a value of one of the columns is bound to.
    fn part(&self, column: &ColumnRef) -> ColumnSpec {
        ColumnSpec::of(self.table, column.name.clone(), column.cql_type.clone())
    }

    /// What the list of `IN ?` is bound to.
    pub(crate) fn list_spec(&self) -> ColumnSpec {
        let element = self.spec();
        let list = CqlType::List(Box::new(element.cql_type), Frozen::Yes);
        ColumnSpec::of(self.table, format!("in({})", element.name.trim_matches(['(', ')'])), list)
    }
}

/// Names of columns for messages.
pub(crate) fn names(columns: &[ColumnRef]) -> String {
    columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}

impl Operand {
    /// The operand that a term is.
    pub(crate) fn plan(
        scope: &mut Scope<'_>,
        receiver: Receiver<'_>,
        term: &Term,
    ) -> Result<Self, PlanError> {
        let columns = receiver.columns;
        if let ([only], false) = (columns, receiver.tuple) {
            // The arguments of `token(...)` are of the types of this table's key.
            if let (Place::Token, Term::Function(name, terms)) = (only.place, term)
                && is_token(name)
            {
                let function = token_function(receiver.table);
                let call = prepare_call(scope, function, terms, &receiver.spec())?;
                return Ok(Self::Columns(vec![call]));
            }
            return Ok(Self::Columns(vec![prepare(scope, term, &receiver.spec())?]));
        }
        let Term::Tuple(terms) = term else {
            return Ok(Self::Packed(prepare(scope, term, &receiver.spec())?));
        };
        if terms.len() != columns.len() {
            return Err(PlanError::invalid(format!(
                "Expected {} elements in value tuple, but got {}: {}",
                columns.len(),
                terms.len(),
                term_name(term)
            )));
        }
        let one =
            |(term, column): (&Term, &ColumnRef)| prepare(scope, term, &receiver.part(column));
        Ok(Self::Columns(terms.iter().zip(columns).map(one).collect::<Result<_, _>>()?))
    }

    /// The marker this is, when it is nothing else.
    pub(crate) fn marker_index(&self) -> Option<u16> {
        match self {
            Self::Columns(exprs) => match exprs.as_slice() {
                [only] => only.marker_index(),
                _ => None,
            },
            Self::Packed(_) => None,
        }
    }

    /// The values, none of which is null.
    pub(crate) fn bind(
        &self,
        columns: &[ColumnRef],
        binding: &Binding<'_>,
    ) -> Result<Vec<Bytes>, PlanError> {
        match self {
            Self::Columns(exprs) => {
                exprs.iter().zip(columns).map(|(e, column)| component(e, column, binding)).collect()
            }
            Self::Packed(expr) => {
                let what = format!("tuple ({})", names(columns));
                let tuple = expr
                    .evaluate_set(binding, &what)?
                    .ok_or_else(|| null_value(&names(columns)))?;
                unpack(&tuple, columns)
            }
        }
    }
}

impl Values {
    /// Whether several values may be allowed.
    pub(crate) fn is_in(&self) -> bool {
        !matches!(self, Self::One(_))
    }

    /// The values, as given: neither sorted nor without doubles.
    pub(crate) fn bind(
        &self,
        columns: &[ColumnRef],
        binding: &Binding<'_>,
    ) -> Result<Vec<Vec<Bytes>>, PlanError> {
        match self {
            Self::One(operand) => Ok(vec![operand.bind(columns, binding)?]),
            Self::Each(operands) => {
                operands.iter().map(|operand| operand.bind(columns, binding)).collect()
            }
            Self::List(expr, tuples) => {
                let what = format!("column {}", names(columns));
                let list = expr
                    .evaluate_set(binding, &what)?
                    .ok_or_else(|| PlanError::invalid(format!("Invalid null value for {what}")))?;
                let elements = value::list_elements(&list).map_err(invalid)?;
                if !tuples {
                    return Ok(elements.into_iter().map(|element| vec![element]).collect());
                }
                elements.iter().map(|tuple| unpack(tuple, columns)).collect()
            }
        }
    }
}

fn unpack(tuple: &Bytes, columns: &[ColumnRef]) -> Result<Vec<Bytes>, PlanError> {
    let fields = value::tuple_fields(columns.len(), tuple).map_err(invalid)?;
    let pairs = fields.into_iter().zip(columns);
    pairs.map(|(field, column)| field.ok_or_else(|| null_value(&column.name))).collect()
}

fn component(expr: &Expr, column: &ColumnRef, binding: &Binding<'_>) -> Result<Bytes, PlanError> {
    match expr.evaluate(binding)? {
        BoundValue::Bytes(bytes) => Ok(bytes),
        BoundValue::Null if column.place == Place::Token => {
            Err(PlanError::invalid("Invalid null token value"))
        }
        BoundValue::Null if column.is_key() => Err(null_value(&column.name)),
        BoundValue::Null => {
            Err(PlanError::invalid(format!("Unsupported null value for column {}", column.name)))
        }
        BoundValue::Unset => {
            let message = if column.is_key() {
                format!("Invalid unset value for column {}", column.name)
            } else {
                format!("Unsupported unset value for column {}", column.name)
            };
            Err(PlanError::invalid(message))
        }
    }
}

fn null_value(name: &str) -> PlanError {
    PlanError::invalid(format!("Invalid null value in condition for column {name}"))
}
