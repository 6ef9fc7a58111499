//! `token(key) > ...`: a range of the ring.

use bytes::Bytes;
use cellar_schema::{CqlType, Table, TableId, keys, value};

use super::operand::{Operand, Receiver, Values};
use super::relation::{Slice, Test, compared};
use crate::ast::{Ident, RelationTest};
use crate::plan::select::view::{ColumnRef, Place};
use crate::plan::{Binding, PlanError, Scope, column};

/// What is said of tokens.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenRange {
    test: Option<Test>,
    columns: Vec<ColumnRef>,
}

/// Tokens `after < token <= through`; nothing in between if they are the wrong way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BoundTokens {
    pub(crate) after: Option<i64>,
    pub(crate) through: Option<i64>,
}

impl TokenRange {
    /// Whether anything is said.
    pub(crate) fn is_given(&self) -> bool {
        self.test.is_some()
    }

    /// Adds a relation.
    pub(crate) fn add(
        &mut self,
        scope: &mut Scope<'_>,
        table: &Table,
        idents: &[Ident],
        test: &RelationTest,
    ) -> Result<(), PlanError> {
        check_columns(table, idents)?;
        // A token is compared like a column of its own.
        let place = ColumnRef {
            place: Place::Token,
            name: "partition key token".to_owned(),
            cql_type: CqlType::Bigint,
        };
        self.columns = vec![place];
        let listed = idents.iter().map(Ident::to_string).collect::<Vec<_>>().join(", ");
        let more = match compared(
            scope,
            Receiver { table, columns: &self.columns, tuple: false },
            test,
        )? {
            Test::Values(values) if values.is_in() => {
                return Err(PlanError::invalid(format!(
                    "IN cannot be used with the token function: token({listed}) IN"
                )));
            }
            other => other,
        };
        self.test = Some(match (self.test.take(), more) {
            (None, more) => more,
            (Some(Test::Slice(mut slice)), Test::Slice(more)) => {
                slice.join(more, &format!("token({listed})"))?;
                Test::Slice(slice)
            }
            _ => {
                return Err(PlanError::invalid(format!(
                    "{listed} cannot be restricted by more than one relation if it includes an \
                     Equal"
                )));
            }
        });
        Ok(())
    }

    /// The tokens.
    pub(crate) fn bind(&self, binding: &Binding<'_>) -> Result<BoundTokens, PlanError> {
        let read = |operand: &Operand| -> Result<i64, PlanError> {
            let values = operand.bind(&self.columns, binding)?;
            let first = values.first().and_then(|bytes| value::as_i64(bytes));
            first.ok_or_else(|| PlanError::invalid("Invalid token"))
        };
        let mut bound = BoundTokens { after: None, through: None };
        let Slice { lower, upper } = match &self.test {
            None => return Ok(bound),
            Some(Test::Values(Values::One(operand))) => {
                let token = read(operand)?;
                bound.set_lower(token, true);
                bound.set_upper(token, true);
                return Ok(bound);
            }
            Some(Test::Slice(slice)) => slice,
            Some(_) => return Err(PlanError::invalid("Unsupported token relation")),
        };
        if let Some(end) = lower {
            bound.set_lower(read(&end.operand)?, end.inclusive);
        }
        if let Some(end) = upper {
            bound.set_upper(read(&end.operand)?, end.inclusive);
        }
        Ok(bound)
    }
}

impl BoundTokens {
    /// No partition has the least token, which therefore stands for the start of the ring.
    fn set_lower(&mut self, token: i64, inclusive: bool) {
        self.after = token.checked_sub(1).map(|before| if inclusive { before } else { token });
    }

    /// As an upper bound the least token stands for the end of the ring.
    fn set_upper(&mut self, token: i64, inclusive: bool) {
        self.through = token.checked_sub(1).map(|before| if inclusive { token } else { before });
    }

    /// Whether a partition with this token is inside.
    pub(crate) fn holds(&self, token: i64) -> bool {
        self.after.is_none_or(|after| token > after)
            && self.through.is_none_or(|through| token <= through)
    }

    /// Start and end of the engine keys.
    pub(crate) fn range(&self, table: TableId) -> (Bytes, Bytes) {
        let (start, end) = keys::token_range(table, self.after, self.through);
        if start < end { (start, end) } else { (start.clone(), start) }
    }
}

fn check_columns(table: &Table, idents: &[Ident]) -> Result<(), PlanError> {
    for ident in idents {
        column(table, ident)?;
    }
    let key: Vec<&str> = table.partition_key().map(|column| column.name.as_str()).collect();
    let given: Vec<&str> = idents.iter().map(Ident::as_str).collect();
    if given == key {
        return Ok(());
    }
    let repeated = |(at, name): (usize, &&str)| given.iter().take(at).any(|other| other == name);
    if given.iter().enumerate().any(repeated) {
        return Err(PlanError::invalid(
            "The token() function contains duplicate partition key components",
        ));
    }
    let mut sorted = (key.clone(), given);
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    if sorted.0 == sorted.1 {
        return Err(PlanError::invalid(format!(
            "The token function arguments must be in the partition key order: {}",
            key.join(", ")
        )));
    }
    Err(PlanError::invalid(
        "The token() function must be applied to all partition key components or none of them",
    ))
}
