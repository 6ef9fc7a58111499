//! Calls: functions, aggregates, casts and operators over selectors.

use std::sync::Arc;

use cellar_schema::CqlType;

use super::{Item, Sel, Selection, name, token};
use crate::ast::{Arithmetic, QualifiedName, Selector, Term};
use crate::plan::function::{self, Argument, ScalarFn};
use crate::plan::select::aggregate::AggregateCall;
use crate::plan::types::{self, Fit};
use crate::plan::{PlanError, Scope};

impl Selection<'_> {
    pub(super) fn function(
        &mut self,
        scope: &mut Scope<'_>,
        name: &QualifiedName,
        arguments: &[Selector],
        expected: Option<&CqlType>,
    ) -> Result<Item, PlanError> {
        if token::is_token(name) {
            return self.token(scope, arguments);
        }
        if AggregateCall::is_named(name) {
            return self.aggregate_of(scope, name, arguments);
        }
        let known =
            arguments.iter().map(|a| self.known(scope, a)).collect::<Result<Vec<_>, _>>()?;
        // What is expected only helps where the arguments alone leave a choice.
        let function = function::resolve(name, &known, expected)
            .or_else(|error| function::resolve(name, &known, None).map_err(|_| error))?;
        let title = function.name.clone();
        let (item, names) = self.call(scope, function, arguments)?;
        Ok(Item { name: format!("system.{title}({})", names.join(", ")), ..item })
    }

    /// A call of a chosen function, yet without a name, and the names of its arguments.
    pub(super) fn call(
        &mut self,
        scope: &mut Scope<'_>,
        function: ScalarFn,
        arguments: &[Selector],
    ) -> Result<(Item, Vec<String>), PlanError> {
        if arguments.len() != function.arguments.len() {
            return Err(PlanError::invalid(format!(
                "Invalid number of arguments in call to function system.{}: {} required but {} \
                 provided",
                function.name,
                function.arguments.len(),
                arguments.len()
            )));
        }
        let mut planned = Vec::with_capacity(arguments.len());
        for (argument, wanted) in arguments.iter().zip(&function.arguments) {
            let wrong = |name: &str| {
                PlanError::invalid(format!(
                    "Type error: {name} cannot be passed as argument {} of function system.{} of \
                     type {wanted}",
                    planned.len(),
                    function.name
                ))
            };
            let item = self.item(scope, argument, Some(wanted)).map_err(|error| {
                // The elements of a literal are part of what is passed.
                match (argument, wanted) {
                    (Selector::List(_), CqlType::Vector(..)) => wrong(&name::selector(argument)),
                    _ => error,
                }
            })?;
            if types::fit(wanted, &item.cql_type) == Fit::No {
                return Err(wrong(&item.name));
            }
            planned.push(item);
        }
        let (sels, names) = planned.into_iter().map(|item| (item.sel, item.name)).unzip();
        let cql_type = function.result.clone();
        let sel = Sel::Call(Arc::new(function), sels);
        Ok((Item { sel, cql_type, name: String::new() }, names))
    }

    fn token(&mut self, scope: &mut Scope<'_>, arguments: &[Selector]) -> Result<Item, PlanError> {
        let key: Vec<&str> = self.table.partition_key().map(|c| c.name.as_str()).collect();
        let is_column = |(argument, column): (&Selector, &&str)| match argument {
            Selector::Column(name) => name.as_str() == *column,
            _ => false,
        };
        let is_key = arguments.len() == key.len() && arguments.iter().zip(&key).all(is_column);
        if is_key {
            self.token = true;
            let name = format!("system.token({})", key.join(", "));
            return Ok(Item { sel: Sel::Token, cql_type: CqlType::Bigint, name });
        }
        let (item, names) = self.call(scope, token::function(self.table), arguments)?;
        Ok(Item { name: format!("system.token({})", names.join(", ")), ..item })
    }

    pub(super) fn aggregate(&mut self, call: AggregateCall, name: String) -> Item {
        let cql_type = call.result.clone();
        self.aggregates.push(call);
        let sel = Sel::Aggregate(self.aggregates.len().saturating_sub(1));
        Item { sel, cql_type, name }
    }

    fn aggregate_of(
        &mut self,
        scope: &mut Scope<'_>,
        name: &QualifiedName,
        arguments: &[Selector],
    ) -> Result<Item, PlanError> {
        let title = name.name.as_str();
        let [argument] = arguments else {
            return Err(PlanError::invalid(format!(
                "Invalid number of arguments in call to function system.{title}: 1 required but \
                 {} provided",
                arguments.len()
            )));
        };
        if title == "count" && matches!(argument, Selector::Term(Term::Literal(_))) {
            return Ok(self.aggregate(AggregateCall::rows(), "count".to_owned()));
        }
        let before = self.aggregates.len();
        let item = self.item(scope, argument, None)?;
        if self.aggregates.len() > before {
            return Err(PlanError::invalid(
                "aggregate functions cannot be used as arguments of aggregate functions",
            ));
        }
        let call = AggregateCall::over(name, item.sel, &item.cql_type)?;
        Ok(self.aggregate(call, format!("system.{title}({})", item.name)))
    }

    pub(super) fn cast(
        &mut self,
        scope: &mut Scope<'_>,
        inner: &Selector,
        target: &CqlType,
    ) -> Result<Item, PlanError> {
        if let Selector::Term(term @ Term::Literal(_)) = inner {
            return Err(super::untyped(&name::term(term)));
        }
        let from = match self.known(scope, inner)? {
            Argument::Typed(from) | Argument::Constant(from) | Argument::Array(from, _) => from,
            Argument::Unknown => target.clone(),
        };
        if types::same(&from, target) {
            return self.item(scope, inner, Some(target));
        }
        let function = function::cast(&from, target)?;
        let (item, names) = self.call(scope, function, std::slice::from_ref(inner))?;
        let name = format!("cast({} as {target})", names.join(", "));
        Ok(Item { name, ..item })
    }

    pub(super) fn negation(
        &mut self,
        scope: &mut Scope<'_>,
        inner: &Selector,
        expected: Option<&CqlType>,
    ) -> Result<Item, PlanError> {
        let function = function::negation(&self.known(scope, inner)?, expected)?;
        let (item, names) = self.call(scope, function, std::slice::from_ref(inner))?;
        Ok(Item { name: format!("-{}", names.join(", ")), ..item })
    }

    /// A chain of operators, applied from the left.
    pub(super) fn arithmetic(
        &mut self,
        scope: &mut Scope<'_>,
        chain: &Arithmetic<Selector>,
        expected: Option<&CqlType>,
    ) -> Result<Item, PlanError> {
        let mut known = self.known(scope, &chain.first)?;
        let mut left: Option<Item> = None;
        for (operator, right) in &chain.rest {
            let right_known = self.known(scope, right)?;
            let function =
                function::operator(*operator, &known, &right_known, expected).map_err(|no| {
                    no.of(*operator, &name::selector(&chain.first), &name::selector(right))
                })?;
            let [left_type, right_type] = function.arguments.as_slice() else {
                return Err(PlanError::invalid("an operator takes two operands"));
            };
            let left_item = match left.take() {
                Some(item) => item,
                None => self.item(scope, &chain.first, Some(left_type))?,
            };
            let right_item = self.item(scope, right, Some(right_type))?;
            let cql_type = function.result.clone();
            known = Argument::Typed(cql_type.clone());
            let symbol = name::symbol(*operator);
            let name = format!("{} {symbol} {}", left_item.name, right_item.name);
            let sel = Sel::Call(Arc::new(function), vec![left_item.sel, right_item.sel]);
            left = Some(Item { sel, cql_type, name });
        }
        left.ok_or_else(|| PlanError::invalid("an operator takes two operands"))
    }
}
