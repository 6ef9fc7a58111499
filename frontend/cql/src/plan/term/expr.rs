//! Typed expressions: what a term is once its type is known. Evaluation reads bound values and
//! the request's time, and nothing else.

use std::sync::Arc;

use bytes::Bytes;
use cellar_schema::{CqlType, limits, value};

use super::collection;
use crate::plan::error::invalid;
use crate::plan::function::ScalarFn;
use crate::plan::{Binding, BoundValue, ColumnSpec, PlanError};

/// An expression whose value has a known type.
#[derive(Clone, Debug)]
pub enum Expr {
    /// Encoded already; `None` is null.
    Constant(Option<Bytes>),
    /// A bind marker.
    Marker(Box<Slot>),
    /// A column of the document of `INSERT ... JSON`.
    Json(u16),
    /// A list with parts that are no constants.
    List(Vec<Expr>),
    /// A set of elements of this type.
    Set(Box<CqlType>, Vec<Expr>),
    /// A map with keys of this type.
    Map(Box<CqlType>, Vec<(Expr, Expr)>),
    /// A tuple or user-defined type.
    Tuple(Vec<Expr>),
    /// A vector of elements of this type.
    Vector(Box<CqlType>, Vec<Expr>),
    /// A function call.
    Call(Box<Call>),
}

/// A bind marker with the type its value must have.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Which bound value.
    pub index: u16,
    /// What it is bound to.
    pub name: String,
    /// Its type.
    pub cql_type: CqlType,
    /// Whether equal values may come in different bytes (sets and maps in any order).
    pub unordered: bool,
}

/// A function with its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub function: Arc<ScalarFn>,
    /// One expression for each of its parameters.
    pub arguments: Vec<Expr>,
}

impl Expr {
    /// A bind marker for this receiver.
    #[must_use]
    pub fn marker(index: u16, spec: &ColumnSpec) -> Self {
        Self::Marker(Box::new(Slot {
            index,
            name: spec.name.clone(),
            cql_type: spec.cql_type.clone(),
            unordered: collection::has_free_order(&spec.cql_type),
        }))
    }

    /// The bound value this expression simply is.
    #[must_use]
    pub fn marker_index(&self) -> Option<u16> {
        match self {
            Self::Marker(slot) => Some(slot.index),
            _ => None,
        }
    }

    /// Whether the value is known already.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }

    /// Whether the same bound values always give the same value.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        match self {
            Self::Constant(_) | Self::Marker(_) | Self::Json(_) => true,
            Self::List(parts)
            | Self::Set(_, parts)
            | Self::Tuple(parts)
            | Self::Vector(_, parts) => parts.iter().all(Self::is_pure),
            Self::Map(_, entries) => entries.iter().all(|(k, v)| k.is_pure() && v.is_pure()),
            Self::Call(call) => call.function.pure && call.arguments.iter().all(Self::is_pure),
        }
    }

    /// The value.
    ///
    /// # Errors
    /// A bound value that is not of the marker's type, nulls inside collections, functions that
    /// fail.
    pub fn evaluate(&self, binding: &Binding<'_>) -> Result<BoundValue, PlanError> {
        Ok(match self {
            Self::Constant(constant) => constant.clone().into(),
            Self::Marker(slot) => return slot.read(binding),
            Self::Json(index) => {
                binding.json.get(usize::from(*index)).cloned().unwrap_or(BoundValue::Unset)
            }
            Self::List(parts) => {
                BoundValue::Bytes(value::build_list(&collection::elements(parts, binding)?))
            }
            Self::Set(element, parts) => {
                let elements = collection::elements(parts, binding)?;
                BoundValue::Bytes(collection::sorted_set(element, elements))
            }
            Self::Map(key, entries) => {
                let entries = collection::entries(entries, binding)?;
                BoundValue::Bytes(collection::sorted_map(key, entries))
            }
            Self::Tuple(parts) => {
                BoundValue::Bytes(value::build_tuple(&collection::fields(parts, binding)?))
            }
            Self::Vector(element, parts) => BoundValue::Bytes(value::build_vector(
                element,
                &collection::elements(parts, binding)?,
            )),
            Self::Call(call) => call.evaluate(binding)?.into(),
        })
    }

    /// The value, where leaving it unset makes no sense.
    ///
    /// # Errors
    /// As [`Expr::evaluate`]; an unset value is refused with a message about `what`.
    pub fn evaluate_set(
        &self,
        binding: &Binding<'_>,
        what: &str,
    ) -> Result<Option<Bytes>, PlanError> {
        match self.evaluate(binding)? {
            BoundValue::Bytes(bytes) => Ok(Some(bytes)),
            BoundValue::Null => Ok(None),
            BoundValue::Unset => Err(PlanError::invalid(format!("Invalid unset value for {what}"))),
        }
    }
}

impl Slot {
    fn read(&self, binding: &Binding<'_>) -> Result<BoundValue, PlanError> {
        let bound = binding
            .values
            .get(usize::from(self.index))
            .ok_or_else(|| PlanError::invalid("Invalid amount of bind variables"))?;
        let BoundValue::Bytes(bytes) = bound else { return Ok(bound.clone()) };
        if bytes.len() > limits::VALUE_BYTES_MAX {
            return Err(PlanError::invalid(format!(
                "value of {} bytes for {} is longer than the maximum of {}",
                bytes.len(),
                self.name,
                limits::VALUE_BYTES_MAX
            )));
        }
        value::validate(&self.cql_type, bytes).map_err(|error| {
            PlanError::invalid(format!("Exception while binding column {}: {error}", self.name))
        })?;
        if self.unordered {
            let canonical = collection::canonical(&self.cql_type, bytes).map_err(invalid)?;
            return Ok(BoundValue::Bytes(canonical));
        }
        Ok(bound.clone())
    }
}

impl Call {
    fn evaluate(&self, binding: &Binding<'_>) -> Result<Option<Bytes>, PlanError> {
        let mut values = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            values.push(argument.evaluate_set(binding, "an argument of a function call")?);
        }
        (self.function.compute)(binding.env, &values)
    }
}
