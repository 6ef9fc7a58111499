//! `USING TIMESTAMP` and `USING TTL`.

use cellar_schema::{CqlType, Table, limits, value};

use crate::ast::Using;
use crate::plan::term::{Expr, prepare};
use crate::plan::{Binding, BoundValue, ColumnSpec, PlanError, Scope};

/// The attributes of a write.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) timestamp: Option<Expr>,
    pub(crate) ttl: Option<Expr>,
    default_ttl_seconds: u32,
}

impl Attributes {
    /// Types the attributes; a timeout is accepted and has no effect on the plan.
    pub(crate) fn plan(
        scope: &mut Scope<'_>,
        table: &Table,
        using: &Using,
    ) -> Result<Self, PlanError> {
        let place = ColumnSpec::of(table, "[timestamp]", CqlType::Bigint);
        let mut attributes = Self::plan_timestamp(scope, &place, using)?;
        if let Some(term) = &using.ttl {
            let spec = place.part("[ttl]", CqlType::Int);
            attributes.ttl = Some(prepare(scope, term, &spec)?);
        }
        attributes.default_ttl_seconds = table.options.default_ttl_seconds;
        Ok(attributes)
    }

    /// Types a timestamp, and a timeout if there is one.
    pub(crate) fn plan_timestamp(
        scope: &mut Scope<'_>,
        place: &ColumnSpec,
        using: &Using,
    ) -> Result<Self, PlanError> {
        let mut attributes = Self::default();
        if let Some(term) = &using.timestamp {
            let spec = place.part("[timestamp]", CqlType::Bigint);
            attributes.timestamp = Some(prepare(scope, term, &spec)?);
        }
        if let Some(term) = &using.timeout {
            prepare(scope, term, &place.part("[timeout]", CqlType::Duration))?;
        }
        Ok(attributes)
    }

    /// The timestamp the statement itself gives.
    pub(crate) fn timestamp_us(&self, binding: &Binding<'_>) -> Result<Option<i64>, PlanError> {
        let Some(expr) = &self.timestamp else { return Ok(None) };
        match expr.evaluate(binding)? {
            BoundValue::Bytes(bytes) => match value::as_i64(&bytes) {
                Some(i64::MIN) | None => {
                    Err(PlanError::invalid("Invalid timestamp value: out of bound"))
                }
                timestamp => Ok(timestamp),
            },
            BoundValue::Null => Err(PlanError::invalid("Invalid null value of timestamp")),
            BoundValue::Unset => Ok(None),
        }
    }

    /// The TTL of the write in seconds; 0 is none.
    pub(crate) fn ttl_seconds(&self, binding: &Binding<'_>) -> Result<u32, PlanError> {
        let Some(expr) = &self.ttl else { return Ok(self.default_ttl_seconds) };
        let bytes = match expr.evaluate(binding)? {
            BoundValue::Bytes(bytes) => bytes,
            BoundValue::Null => return Ok(0),
            BoundValue::Unset => return Ok(self.default_ttl_seconds),
        };
        let ttl = value::as_i32(&bytes)
            .ok_or_else(|| PlanError::invalid("Invalid empty value of TTL"))?;
        let seconds = u32::try_from(ttl).map_err(|_| {
            PlanError::invalid(format!("A TTL must be greater or equal to 0, but was {ttl}"))
        })?;
        if seconds > limits::TTL_SECONDS_MAX {
            return Err(PlanError::invalid(format!(
                "ttl is too large. requested ({ttl}) maximum ({})",
                limits::TTL_SECONDS_MAX
            )));
        }
        Ok(seconds)
    }
}
