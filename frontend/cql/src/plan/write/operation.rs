//! What a statement does to one column: planned with everything that the schema decides, bound
//! by evaluating expressions and cutting collections into elements.

use bytes::Bytes;
use cellar_schema::{Addable, Column, CqlType, NewElement, Operation, keys, limits, value};

use crate::plan::error::invalid;
use crate::plan::term::Expr;
use crate::plan::{Binding, BoundValue, PlanError};

/// What a statement does to one column.
#[derive(Clone, Debug)]
pub(super) enum ColumnWrite {
    /// Replace a simple value; null deletes.
    Set(Expr),
    /// Delete a simple value or a whole collection.
    Delete,
    /// Replace an element-wise value.
    Replace(Shape, Expr),
    /// Append to a list, add to a set, put into a map.
    Append(Shape, Expr),
    /// Prepend to a list.
    Prepend(Expr),
    /// Delete elements of these values (list, set) or keys (map, as a set).
    Discard(Shape, Expr),
    /// Overwrite the list element at an index; null deletes it.
    SetIndex(Expr, Expr),
    /// Put a map entry; null deletes it.
    PutEntry(CqlType, Expr, Expr),
    /// Set a field; null deletes it.
    PutField(u16, Expr),
    /// Delete the list element at an index.
    DeleteIndex(Expr),
    /// Delete a set element or map entry, by element or key of this type.
    DeleteElement(CqlType, Expr),
    /// Delete a field.
    DeleteField(u16),
    /// Add to a counter.
    Increment(Expr),
    /// Subtract from a counter.
    Decrement(Expr),
    /// Add to a number or a text.
    Plus(Addable, Expr),
}

/// How an element-wise value is cut into elements.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// By position.
    List,
    /// By element, of this type.
    Set(CqlType),
    /// By key, of this type.
    Map(CqlType),
    /// By field, of which there are so many.
    Fields(usize),
}

impl Shape {
    /// The shape of an element-wise type.
    pub(super) fn of(cql_type: &CqlType) -> Option<Self> {
        if !cql_type.is_multi_cell() {
            return None;
        }
        Some(match cql_type {
            CqlType::List(..) => Self::List,
            CqlType::Set(element, _) => Self::Set((**element).clone()),
            CqlType::Map(key, _, _) => Self::Map((**key).clone()),
            CqlType::Udt(udt, _) => Self::Fields(udt.fields.len()),
            _ => return None,
        })
    }

    /// The elements of a value that is no list.
    fn elements(&self, bytes: &Bytes) -> Result<Vec<NewElement>, PlanError> {
        match self {
            Self::List => Ok(Vec::new()),
            Self::Set(element) => value::list_elements(bytes)
                .map_err(invalid)?
                .into_iter()
                .map(|part| {
                    let key = element_key(element, &part)?;
                    Ok(NewElement { key, name: Bytes::new(), value: Some(part) })
                })
                .collect(),
            Self::Map(key) => value::map_entries(bytes)
                .map_err(invalid)?
                .into_iter()
                .map(|(name, part)| {
                    Ok(NewElement { key: element_key(key, &name)?, name, value: Some(part) })
                })
                .collect(),
            Self::Fields(count) => {
                let fields = value::tuple_fields(*count, bytes).map_err(invalid)?;
                let present = (0_u16..).zip(fields).filter_map(|(index, field)| {
                    let part = field?;
                    Some(NewElement {
                        key: field_key(index),
                        name: Bytes::new(),
                        value: Some(part),
                    })
                });
                Ok(present.collect())
            }
        }
    }
}

fn element_key(cql_type: &CqlType, bytes: &[u8]) -> Result<Bytes, PlanError> {
    keys::element_key(cql_type, bytes).map_err(invalid)
}

fn field_key(index: u16) -> Bytes {
    Bytes::copy_from_slice(&index.to_be_bytes())
}

impl ColumnWrite {
    /// Replaces the whole value of a column.
    pub(super) fn replace(column: &Column, expr: Expr) -> Self {
        match Shape::of(&column.cql_type) {
            Some(shape) => Self::Replace(shape, expr),
            None => Self::Set(expr),
        }
    }

    /// Whether doing it twice is the same as doing it once.
    pub(super) fn is_idempotent(&self) -> bool {
        match self {
            Self::Delete | Self::DeleteField(_) => true,
            Self::Set(expr) | Self::Replace(_, expr) | Self::PutField(_, expr) => expr.is_pure(),
            Self::Append(Shape::List, _) | Self::Prepend(_) => false,
            Self::Append(_, expr) | Self::Discard(_, expr) => expr.is_pure(),
            Self::SetIndex(..) | Self::DeleteIndex(_) => false,
            Self::PutEntry(_, key, expr) => key.is_pure() && expr.is_pure(),
            Self::DeleteElement(_, expr) => expr.is_pure(),
            Self::Increment(_) | Self::Decrement(_) | Self::Plus(..) => false,
        }
    }

    /// The operation, or nothing when the value is unset.
    pub(super) fn bind(&self, binding: &Binding<'_>) -> Result<Option<Operation>, PlanError> {
        match self {
            Self::Delete => Ok(Some(Operation::Delete)),
            Self::Set(expr) => Ok(match expr.evaluate(binding)? {
                BoundValue::Bytes(bytes) => Some(Operation::Set(bytes)),
                BoundValue::Null => Some(Operation::Delete),
                BoundValue::Unset => None,
            }),
            Self::Replace(shape, expr) => replace(shape, expr.evaluate(binding)?),
            Self::Append(shape, expr) => append(shape, expr.evaluate(binding)?),
            Self::Prepend(expr) => Ok(match expr.evaluate(binding)? {
                BoundValue::Bytes(bytes) => {
                    some_elements(value::list_elements(&bytes).map_err(invalid)?)?
                        .map(Operation::ListPrepend)
                }
                _ => None,
            }),
            Self::Discard(shape, expr) => discard(shape, expr.evaluate(binding)?),
            Self::SetIndex(index, expr) => {
                let index = list_index(index, binding)?;
                Ok(match expr.evaluate(binding)? {
                    BoundValue::Bytes(bytes) => Some(Operation::ListSet(index, Some(bytes))),
                    BoundValue::Null => Some(Operation::ListSet(index, None)),
                    BoundValue::Unset => None,
                })
            }
            Self::DeleteIndex(index) => match index.evaluate(binding)? {
                BoundValue::Unset => Ok(None),
                _ => Ok(Some(Operation::ListSet(list_index(index, binding)?, None))),
            },
            Self::PutEntry(key_type, key, expr) => put_entry(key_type, key, expr, binding),
            Self::DeleteElement(key_type, key) => {
                let name = map_key(key, binding)?;
                Ok(Some(Operation::Remove(vec![element_key(key_type, &name)?])))
            }
            Self::PutField(index, expr) => Ok(match expr.evaluate(binding)? {
                BoundValue::Bytes(bytes) => Some(Operation::Put(vec![NewElement {
                    key: field_key(*index),
                    name: Bytes::new(),
                    value: Some(bytes),
                }])),
                BoundValue::Null => Some(Operation::Remove(vec![field_key(*index)])),
                BoundValue::Unset => None,
            }),
            Self::DeleteField(index) => Ok(Some(Operation::Remove(vec![field_key(*index)]))),
            Self::Increment(expr) => Ok(delta(expr, binding)?.map(Operation::Add)),
            Self::Decrement(expr) => match delta(expr, binding)? {
                Some(i64::MIN) => Err(PlanError::invalid(format!(
                    "The negation of {} overflows supported counter precision \
                     (signed 8 bytes integer)",
                    i64::MIN
                ))),
                delta => Ok(delta.map(|amount| Operation::Add(-amount))),
            },
            Self::Plus(kind, expr) => match expr.evaluate(binding)? {
                BoundValue::Bytes(bytes) => Ok(Some(Operation::Plus(*kind, bytes))),
                BoundValue::Null => Err(PlanError::invalid("Invalid null value for an addition")),
                BoundValue::Unset => Ok(None),
            },
        }
    }
}

/// Elements to write, if there are any.
fn some_elements<T>(parts: Vec<T>) -> Result<Option<Vec<T>>, PlanError> {
    if parts.len() > limits::COLLECTION_ELEMENTS_MAX {
        return Err(PlanError::invalid(format!(
            "a collection of {} elements is larger than the maximum of {}; freeze it or split it",
            parts.len(),
            limits::COLLECTION_ELEMENTS_MAX
        )));
    }
    Ok(if parts.is_empty() { None } else { Some(parts) })
}

/// What replaces a value deletes only what is older, so that of two writes of one time the
/// elements of both stay; null is the same as no elements.
fn replace(shape: &Shape, bound: BoundValue) -> Result<Option<Operation>, PlanError> {
    let bytes = match bound {
        BoundValue::Bytes(bytes) => Some(bytes),
        BoundValue::Null => None,
        BoundValue::Unset => return Ok(None),
    };
    Ok(Some(match (shape, bytes) {
        (Shape::List, Some(bytes)) => {
            let parts = some_elements(value::list_elements(&bytes).map_err(invalid)?)?;
            Operation::ListReplace(parts.unwrap_or_default())
        }
        (Shape::List, None) => Operation::ListReplace(Vec::new()),
        (_, Some(bytes)) => {
            Operation::Replace(some_elements(shape.elements(&bytes)?)?.unwrap_or_default())
        }
        (_, None) => Operation::Replace(Vec::new()),
    }))
}

fn append(shape: &Shape, bound: BoundValue) -> Result<Option<Operation>, PlanError> {
    let BoundValue::Bytes(bytes) = bound else { return Ok(None) };
    Ok(match shape {
        Shape::List => some_elements(value::list_elements(&bytes).map_err(invalid)?)?
            .map(Operation::ListAppend),
        _ => some_elements(shape.elements(&bytes)?)?.map(Operation::Put),
    })
}

fn discard(shape: &Shape, bound: BoundValue) -> Result<Option<Operation>, PlanError> {
    let BoundValue::Bytes(bytes) = bound else { return Ok(None) };
    let parts = value::list_elements(&bytes).map_err(invalid)?;
    Ok(match shape {
        Shape::Set(key_type) | Shape::Map(key_type) => {
            let removed = parts.iter().map(|part| element_key(key_type, part));
            some_elements(removed.collect::<Result<_, _>>()?)?.map(Operation::Remove)
        }
        _ => some_elements(parts)?.map(Operation::ListDiscard),
    })
}

fn put_entry(
    key_type: &CqlType,
    key: &Expr,
    expr: &Expr,
    binding: &Binding<'_>,
) -> Result<Option<Operation>, PlanError> {
    let name = map_key(key, binding)?;
    let key = element_key(key_type, &name)?;
    Ok(match expr.evaluate(binding)? {
        BoundValue::Bytes(bytes) => {
            Some(Operation::Put(vec![NewElement { key, name, value: Some(bytes) }]))
        }
        BoundValue::Null => Some(Operation::Remove(vec![key])),
        BoundValue::Unset => None,
    })
}

fn map_key(key: &Expr, binding: &Binding<'_>) -> Result<Bytes, PlanError> {
    key.evaluate_set(binding, "map key")?.ok_or_else(|| PlanError::invalid("Invalid null map key"))
}

pub(super) fn list_index(index: &Expr, binding: &Binding<'_>) -> Result<i32, PlanError> {
    let bytes = index
        .evaluate_set(binding, "list index")?
        .ok_or_else(|| PlanError::invalid("Invalid null value for list index"))?;
    value::as_i32(&bytes).ok_or_else(|| PlanError::invalid("Invalid empty value for list index"))
}

fn delta(expr: &Expr, binding: &Binding<'_>) -> Result<Option<i64>, PlanError> {
    match expr.evaluate(binding)? {
        BoundValue::Bytes(bytes) => value::as_i64(&bytes)
            .map(Some)
            .ok_or_else(|| PlanError::invalid("Invalid empty value for counter increment")),
        BoundValue::Null => Err(PlanError::invalid("Invalid null value for counter increment")),
        BoundValue::Unset => Ok(None),
    }
}
