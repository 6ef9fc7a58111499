//! Terms become expressions of the type that is expected of them.

use std::sync::Arc;

use cellar_schema::CqlType;

use super::assignable;
use super::infer::{argument, arguments};
use super::literal::encode;
use super::{Call, Expr};
use crate::ast::{Arithmetic, Ident, Term};
use crate::plan::function::{self, Argument, ScalarFn};
use crate::plan::select::{is_aggregate, is_token, term_name as named, token_function};
use crate::plan::types::{self, Fit};
use crate::plan::{Binding, ColumnSpec, Env, PlanError, Scope};

/// The expression of `term` where `receiver` expects a value; its markers get their types.
///
/// # Errors
/// A term that cannot be of the receiver's type.
pub fn prepare(
    scope: &mut Scope<'_>,
    term: &Term,
    receiver: &ColumnSpec,
) -> Result<Expr, PlanError> {
    let expr = match term {
        Term::Null => return Ok(Expr::Constant(None)),
        Term::Literal(literal) => return Ok(Expr::Constant(Some(encode(literal, receiver)?))),
        Term::Marker(index) => return scope.marker(*index, receiver),
        Term::List(terms) => list(scope, terms, receiver)?,
        Term::Set(terms) => set(scope, terms, receiver)?,
        Term::Map(entries) => map(scope, entries, receiver)?,
        Term::UserType(fields) => user_type(scope, fields, receiver)?,
        Term::Tuple(terms) => tuple(scope, terms, receiver)?,
        Term::Function(name, terms) => {
            if is_aggregate(name) {
                return Err(PlanError::invalid(
                    "Aggregation function are not supported in the where clause",
                ));
            }
            // The arguments of `token(...)` are of the types of the table's key.
            let table = match is_token(name) {
                true => scope.view().table(&receiver.keyspace, &receiver.table),
                false => None,
            };
            let function = match table {
                Some(table) => token_function(&table),
                None => {
                    let known = arguments(scope, terms)?;
                    function::resolve(name, &known, Some(&receiver.cql_type))?
                }
            };
            call(scope, function, terms, receiver)?
        }
        Term::TypeHint(written, inner) => {
            let hinted = types::resolve(scope, Some(&receiver.keyspace), written)?;
            assignable(&hinted, receiver)?;
            if !matches!(**inner, Term::Marker(_)) {
                prepare(scope, inner, &receiver.part(receiver.name.clone(), hinted))?;
            }
            // The hint is only checked: the value is of the type of its place.
            return prepare(scope, inner, receiver);
        }
        Term::Cast(inner, written) => {
            let target = types::resolve(scope, Some(&receiver.keyspace), written)?;
            assignable(&target, receiver)?;
            cast(scope, inner, &target, receiver)?
        }
        Term::Negate(inner) => {
            let operand = argument(scope, inner)?;
            let function = function::negation(&operand, Some(&receiver.cql_type))?;
            call(scope, function, std::slice::from_ref(&**inner), receiver)?
        }
        Term::Arithmetic(_) => arithmetic(scope, term, receiver)?,
    };
    folded(expr)
}

/// A call of a chosen function; the frontend's selectors use it for calls without columns.
///
/// # Errors
/// Arguments that do not fit, a result that does not fit the receiver.
pub fn prepare_call(
    scope: &mut Scope<'_>,
    function: ScalarFn,
    terms: &[Term],
    receiver: &ColumnSpec,
) -> Result<Expr, PlanError> {
    folded(call(scope, function, terms, receiver)?)
}

fn call(
    scope: &mut Scope<'_>,
    function: ScalarFn,
    terms: &[Term],
    receiver: &ColumnSpec,
) -> Result<Expr, PlanError> {
    if types::fit(&receiver.cql_type, &function.result) == Fit::No {
        return Err(PlanError::invalid(format!(
            "Type error: cannot assign result of function system.{} (type {}) to {} (type {})",
            function.name, function.result, receiver.name, receiver.cql_type
        )));
    }
    if terms.len() != function.arguments.len() {
        return Err(PlanError::invalid(format!(
            "Invalid number of arguments in call to function system.{}: {} required but {} provided",
            function.name,
            function.arguments.len(),
            terms.len()
        )));
    }
    let mut prepared = Vec::with_capacity(terms.len());
    for (index, (term, expected)) in terms.iter().zip(&function.arguments).enumerate() {
        let name = format!("arg{index}(system.{})", function.name);
        prepared.push(prepare(scope, term, &receiver.part(name, expected.clone()))?);
    }
    Ok(Expr::Call(Box::new(Call { function: Arc::new(function), arguments: prepared })))
}

fn assignable(given: &CqlType, receiver: &ColumnSpec) -> Result<(), PlanError> {
    if types::fit(&receiver.cql_type, given) == Fit::No {
        return Err(PlanError::invalid(format!(
            "Cannot assign value of type {given} to {} of type {}",
            receiver.name, receiver.cql_type
        )));
    }
    Ok(())
}

fn cast(
    scope: &mut Scope<'_>,
    inner: &Term,
    target: &CqlType,
    receiver: &ColumnSpec,
) -> Result<Expr, PlanError> {
    let from = match argument(scope, inner)? {
        Argument::Typed(from) | Argument::Constant(from) | Argument::Array(from, _) => from,
        Argument::Unknown => target.clone(),
    };
    if types::same(&from, target) {
        return prepare(scope, inner, &receiver.part(receiver.name.clone(), from));
    }
    let function = function::cast(&from, target)?;
    call(scope, function, std::slice::from_ref(inner), receiver)
}

/// A chain of operators, applied from the left.
fn arithmetic(
    scope: &mut Scope<'_>,
    term: &Term,
    receiver: &ColumnSpec,
) -> Result<Expr, PlanError> {
    let Term::Arithmetic(chain) = term else { return prepare(scope, term, receiver) };
    let last = chain.rest.len().saturating_sub(1);
    if computes_alone(&receiver.cql_type)
        && matches!(argument(scope, term), Ok(Argument::Constant(_)))
    {
        return of_constants(scope, chain, receiver);
    }
    let mut known = argument(scope, &chain.first)?;
    let mut left: Option<Expr> = None;
    for (position, (operator, right_term)) in chain.rest.iter().enumerate() {
        let right_known = argument(scope, right_term)?;
        let wanted = (position == last).then_some(&receiver.cql_type);
        let both_unknown = known == Argument::Unknown && right_known == Argument::Unknown;
        let wanted = if both_unknown { Some(&receiver.cql_type) } else { wanted };
        let function =
            function::operator(*operator, &known, &right_known, wanted).map_err(|refused| {
                refused.of(*operator, &so_far(chain, position), &named(right_term))
            })?;
        let [left_type, right_type] = function.arguments.as_slice() else {
            return Err(PlanError::invalid("an operator takes two operands"));
        };
        let left_expr = match left.take() {
            Some(expr) => expr,
            None => prepare(scope, &chain.first, &operand(receiver, 0, left_type))?,
        };
        let right_expr = prepare(scope, right_term, &operand(receiver, 1, right_type))?;
        known = Argument::Typed(function.result.clone());
        let arguments = vec![left_expr, right_expr];
        let call = Call { function: Arc::new(function), arguments };
        left = Some(folded(Expr::Call(Box::new(call)))?);
    }
    if let Argument::Typed(result) = &known {
        assignable(result, receiver)?;
    }
    left.ok_or_else(|| PlanError::invalid("an operator takes two operands"))
}

/// The text of a chain up to, and without, the operator at this position.
pub(super) fn so_far(chain: &Arithmetic<Term>, position: usize) -> String {
    let rest: Vec<_> = chain.rest.iter().take(position).cloned().collect();
    if rest.is_empty() {
        return named(&chain.first);
    }
    named(&Term::Arithmetic(Box::new(Arithmetic { first: chain.first.clone(), rest })))
}

/// Whether an operator on values of this type gives a value of this type.
fn computes_alone(cql_type: &CqlType) -> bool {
    use CqlType::{
        Ascii, Bigint, Counter, Decimal, Double, Float, Int, Smallint, Text, Tinyint, Varint,
    };
    matches!(
        cql_type,
        Ascii
            | Bigint
            | Counter
            | Decimal
            | Double
            | Float
            | Int
            | Smallint
            | Text
            | Tinyint
            | Varint
    )
}

/// A chain of constants: each is of the type of the result.
fn of_constants(
    scope: &mut Scope<'_>,
    chain: &Arithmetic<Term>,
    receiver: &ColumnSpec,
) -> Result<Expr, PlanError> {
    let of = Argument::Typed(receiver.cql_type.clone());
    let mut left = prepare(scope, &chain.first, &operand(receiver, 0, &receiver.cql_type))?;
    for (operator, term) in &chain.rest {
        let function = function::operator(*operator, &of, &of, Some(&receiver.cql_type))
            .map_err(|refused| refused.of(*operator, &named(&chain.first), &named(term)))?;
        let right = prepare(scope, term, &operand(receiver, 1, &receiver.cql_type))?;
        let call = Call { function: Arc::new(function), arguments: vec![left, right] };
        left = folded(Expr::Call(Box::new(call)))?;
    }
    Ok(left)
}

fn operand(receiver: &ColumnSpec, index: u8, cql_type: &CqlType) -> ColumnSpec {
    receiver.part(format!("arg{index}(operator)"), cql_type.clone())
}

fn list(scope: &mut Scope<'_>, terms: &[Term], receiver: &ColumnSpec) -> Result<Expr, PlanError> {
    let name = format!("value({})", receiver.name);
    match &receiver.cql_type {
        CqlType::List(element, _) => {
            for term in terms {
                assignable::check(scope, term, element, ("list", "value"), receiver)?;
            }
            Ok(Expr::List(each(scope, terms, &receiver.part(name, (**element).clone()))?))
        }
        CqlType::Vector(element, dimensions) => {
            if terms.len() != usize::from(*dimensions) {
                return Err(PlanError::invalid(format!(
                    "Invalid vector literal for {} of type {}; expected {dimensions} elements, \
                     but given {}",
                    receiver.name,
                    receiver.cql_type,
                    terms.len()
                )));
            }
            for term in terms {
                assignable::check(scope, term, element, ("vector", "value"), receiver)?;
            }
            let parts = each(scope, terms, &receiver.part(name, (**element).clone()))?;
            Ok(Expr::Vector(element.clone(), parts))
        }
        _ => Err(wrong_shape("list", receiver)),
    }
}

fn set(scope: &mut Scope<'_>, terms: &[Term], receiver: &ColumnSpec) -> Result<Expr, PlanError> {
    match &receiver.cql_type {
        CqlType::Set(element, _) => {
            let name = format!("value({})", receiver.name);
            for term in terms {
                assignable::check(scope, term, element, ("set", "value"), receiver)?;
            }
            let parts = each(scope, terms, &receiver.part(name, (**element).clone()))?;
            Ok(Expr::Set(element.clone(), parts))
        }
        // `{}` is the empty map too, and a user-defined type without any field.
        CqlType::Map(key, _, _) if terms.is_empty() => Ok(Expr::Map(key.clone(), Vec::new())),
        CqlType::Udt(..) if terms.is_empty() => user_type(scope, &[], receiver),
        _ => Err(wrong_shape("set", receiver)),
    }
}

fn map(
    scope: &mut Scope<'_>,
    entries: &[(Term, Term)],
    receiver: &ColumnSpec,
) -> Result<Expr, PlanError> {
    let CqlType::Map(key, value, _) = &receiver.cql_type else {
        return Err(wrong_shape("map", receiver));
    };
    let key_spec = receiver.part(format!("key({})", receiver.name), (**key).clone());
    let value_spec = receiver.part(format!("value({})", receiver.name), (**value).clone());
    let mut prepared = Vec::with_capacity(entries.len());
    for (k, v) in entries {
        assignable::check(scope, k, key, ("map", "key"), receiver)?;
        assignable::check(scope, v, value, ("map", "value"), receiver)?;
        prepared.push((prepare(scope, k, &key_spec)?, prepare(scope, v, &value_spec)?));
    }
    Ok(Expr::Map(key.clone(), prepared))
}

fn user_type(
    scope: &mut Scope<'_>,
    fields: &[(Ident, Term)],
    receiver: &ColumnSpec,
) -> Result<Expr, PlanError> {
    let CqlType::Udt(udt, _) = &receiver.cql_type else {
        return Err(wrong_shape("user type", receiver));
    };
    for (name, _) in fields {
        if !udt.fields.iter().any(|(field, _)| field == name.as_str()) {
            return Err(PlanError::invalid(format!(
                "Unknown field '{}' in value of user defined type {}",
                name.as_str(),
                udt.name
            )));
        }
    }
    let mut parts = Vec::with_capacity(udt.fields.len());
    for (field, cql_type) in &udt.fields {
        let given = fields.iter().rev().find(|(name, _)| name.as_str() == field);
        let spec = receiver.part(format!("{}.{field}", receiver.name), cql_type.clone());
        parts.push(match given {
            Some((_, term)) => prepare(scope, term, &spec)?,
            None => Expr::Constant(None),
        });
    }
    Ok(Expr::Tuple(parts))
}

fn tuple(scope: &mut Scope<'_>, terms: &[Term], receiver: &ColumnSpec) -> Result<Expr, PlanError> {
    let CqlType::Tuple(types) = &receiver.cql_type else {
        return match terms {
            // A term in parentheses.
            [only] => prepare(scope, only, receiver),
            _ => Err(wrong_shape("tuple", receiver)),
        };
    };
    if terms.len() > types.len() {
        return Err(PlanError::invalid(format!(
            "Invalid tuple literal for {}: too many elements. Type {} expects {} but got {}",
            receiver.name,
            receiver.cql_type,
            types.len(),
            terms.len()
        )));
    }
    for (index, (term, part)) in terms.iter().zip(types).enumerate() {
        let component = format!("component {index}");
        assignable::check(scope, term, part, ("tuple", &component), receiver)?;
    }
    let mut parts = Vec::with_capacity(types.len());
    for (index, cql_type) in types.iter().enumerate() {
        let spec = receiver.part(format!("{}[{index}]", receiver.name), cql_type.clone());
        parts.push(match terms.get(index) {
            Some(term) => prepare(scope, term, &spec)?,
            None => Expr::Constant(None),
        });
    }
    Ok(Expr::Tuple(parts))
}

fn each(scope: &mut Scope<'_>, terms: &[Term], spec: &ColumnSpec) -> Result<Vec<Expr>, PlanError> {
    terms.iter().map(|term| prepare(scope, term, spec)).collect()
}

fn wrong_shape(kind: &str, receiver: &ColumnSpec) -> PlanError {
    PlanError::invalid(format!(
        "Invalid {kind} literal for {} of type {}",
        receiver.name, receiver.cql_type
    ))
}

/// Computes at once what no execution can change.
fn folded(expr: Expr) -> Result<Expr, PlanError> {
    let constant = match &expr {
        Expr::List(parts) | Expr::Set(_, parts) | Expr::Tuple(parts) | Expr::Vector(_, parts) => {
            parts.iter().all(Expr::is_constant)
        }
        Expr::Map(_, entries) => entries.iter().all(|(k, v)| k.is_constant() && v.is_constant()),
        Expr::Call(call) => call.function.pure && call.arguments.iter().all(Expr::is_constant),
        _ => false,
    };
    if !constant {
        return Ok(expr);
    }
    let env = Env { now_us: 0, default_timestamp_us: None, protocol: 4 };
    let binding = Binding { values: &[], json: &[], env: &env };
    Ok(Expr::Constant(expr.evaluate_set(&binding, "a constant")?))
}
