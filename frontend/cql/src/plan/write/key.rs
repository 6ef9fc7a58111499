//! The values a statement gives to key columns, and the keys they make when bound: one row for
//! the usual write, several for `IN`.

use bytes::Bytes;
use cellar_schema::{CqlType, Table, keys, limits, value};

use crate::limits::WRITE_KEYS_MAX;
use crate::plan::error::invalid;
use crate::plan::term::Expr;
use crate::plan::{Binding, PlanError};

/// What is given to one key column, or to several at once with a tuple.
#[derive(Clone, Debug)]
pub(crate) struct KeyPart {
    /// Names of the columns, for messages.
    pub(crate) names: Vec<String>,
    /// The values allowed.
    pub(crate) choices: Choices,
}

/// The values allowed for a [`KeyPart`].
#[derive(Clone, Debug)]
pub(crate) enum Choices {
    /// `= v`
    One(Choice),
    /// `IN (v, w)`
    Each(Vec<Choice>),
    /// `IN ?`: a list of values, or of tuples when the part has this many columns.
    List(Expr, Option<u16>),
}

/// Values for the columns of a [`KeyPart`].
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    /// One expression for each column.
    Columns(Vec<Expr>),
    /// A tuple with one field for each of this many columns.
    Packed(Expr, u16),
}

/// One end of a range over the clustering columns after those given by equality.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) names: Vec<String>,
    pub(crate) choice: Choice,
    pub(crate) inclusive: bool,
}

impl KeyPart {
    /// A part that is exactly one expression for one column.
    pub(crate) fn single(name: impl Into<String>, expr: Expr) -> Self {
        Self { names: vec![name.into()], choices: Choices::One(Choice::Columns(vec![expr])) }
    }

    /// Whether several values are allowed.
    pub(crate) fn is_in(&self) -> bool {
        !matches!(self.choices, Choices::One(_))
    }

    /// The marker this part is, when it is nothing else.
    pub(crate) fn marker_index(&self) -> Option<u16> {
        match &self.choices {
            Choices::One(Choice::Columns(exprs)) => match exprs.as_slice() {
                [only] => only.marker_index(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether binding equal values gives equal keys.
    pub(crate) fn is_pure(&self) -> bool {
        match &self.choices {
            Choices::One(choice) => choice.is_pure(),
            Choices::Each(choices) => choices.iter().all(Choice::is_pure),
            Choices::List(expr, _) => expr.is_pure(),
        }
    }

    /// Every allowed combination of values, each once.
    fn values(&self, binding: &Binding<'_>) -> Result<Vec<Vec<Bytes>>, PlanError> {
        let mut all = match &self.choices {
            Choices::One(choice) => return Ok(vec![choice.values(&self.names, binding)?]),
            Choices::Each(choices) => choices
                .iter()
                .map(|choice| choice.values(&self.names, binding))
                .collect::<Result<Vec<_>, _>>()?,
            Choices::List(expr, width) => self.listed(expr, *width, binding)?,
        };
        all.sort();
        all.dedup();
        Ok(all)
    }

    fn listed(
        &self,
        expr: &Expr,
        width: Option<u16>,
        binding: &Binding<'_>,
    ) -> Result<Vec<Vec<Bytes>>, PlanError> {
        let name = self.names.join(",");
        let list = expr
            .evaluate_set(binding, &format!("column {name}"))?
            .ok_or_else(|| PlanError::invalid(format!("Invalid null value for column {name}")))?;
        let elements = value::list_elements(&list).map_err(invalid)?;
        let Some(width) = width else {
            return Ok(elements.into_iter().map(|element| vec![element]).collect());
        };
        elements.into_iter().map(|tuple| unpack(&tuple, width, &self.names)).collect()
    }
}

impl Choice {
    fn is_pure(&self) -> bool {
        match self {
            Self::Columns(exprs) => exprs.iter().all(Expr::is_pure),
            Self::Packed(expr, _) => expr.is_pure(),
        }
    }

    pub(crate) fn values(
        &self,
        names: &[String],
        binding: &Binding<'_>,
    ) -> Result<Vec<Bytes>, PlanError> {
        match self {
            Self::Columns(exprs) => {
                exprs.iter().zip(names).map(|(expr, name)| component(expr, name, binding)).collect()
            }
            Self::Packed(expr, width) => {
                let name = names.join(",");
                let tuple = expr
                    .evaluate_set(binding, &format!("tuple ({name})"))?
                    .ok_or_else(|| null_key(&name))?;
                unpack(&tuple, *width, names)
            }
        }
    }
}

fn unpack(tuple: &Bytes, width: u16, names: &[String]) -> Result<Vec<Bytes>, PlanError> {
    let fields = value::tuple_fields(usize::from(width), tuple).map_err(invalid)?;
    fields.into_iter().zip(names).map(|(field, name)| field.ok_or_else(|| null_key(name))).collect()
}

fn component(expr: &Expr, name: &str, binding: &Binding<'_>) -> Result<Bytes, PlanError> {
    use crate::plan::BoundValue;
    match expr.evaluate(binding)? {
        BoundValue::Bytes(bytes) => Ok(bytes),
        BoundValue::Null => Err(null_key(name)),
        BoundValue::Unset => {
            Err(PlanError::invalid(format!("Invalid unset value for column {name}")))
        }
    }
}

fn null_key(name: &str) -> PlanError {
    PlanError::invalid(format!("Invalid null value in condition for column {name}"))
}

/// Every combination of the parts' values, in column order.
pub(crate) fn combinations(
    parts: &[KeyPart],
    binding: &Binding<'_>,
) -> Result<Vec<Vec<Bytes>>, PlanError> {
    let mut all: Vec<Vec<Bytes>> = vec![Vec::with_capacity(parts.len())];
    for part in parts {
        if let Choices::One(choice) = &part.choices {
            let values = choice.values(&part.names, binding)?;
            for row in &mut all {
                row.extend(values.iter().cloned());
            }
            continue;
        }
        let choices = part.values(binding)?;
        if all.len().saturating_mul(choices.len()) > WRITE_KEYS_MAX {
            return Err(PlanError::invalid(format!(
                "IN restrictions select more than {WRITE_KEYS_MAX} rows for one write"
            )));
        }
        let extend = |row: &Vec<Bytes>| {
            let row = row.clone();
            choices.iter().map(move |choice| [row.as_slice(), choice.as_slice()].concat())
        };
        all = all.iter().flat_map(extend).collect();
    }
    Ok(all)
}

/// The engine keys of the partitions with these values of the partition key columns.
pub(crate) fn partition_key(table: &Table, values: &[Bytes]) -> Result<Bytes, PlanError> {
    if let [only] = values
        && only.is_empty()
    {
        return Err(PlanError::invalid("Key may not be empty"));
    }
    let components: Vec<&[u8]> = values.iter().map(AsRef::as_ref).collect();
    let bytes: usize = components.iter().map(|part| part.len()).sum();
    if bytes > limits::KEY_COMPONENT_BYTES_MAX {
        return Err(PlanError::invalid(format!(
            "Key length of {bytes} is longer than maximum of {}",
            limits::KEY_COMPONENT_BYTES_MAX
        )));
    }
    Ok(keys::partition(table.id, &keys::routing(&components)))
}

/// The type of a list of these, as `IN ?` announces it.
pub(crate) fn list_of(element: CqlType) -> CqlType {
    CqlType::List(Box::new(element), cellar_schema::Frozen::Yes)
}
