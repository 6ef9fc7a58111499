//! Functions of one collection: the keys and values of a map, and what the aggregates would give
//! over the elements.

use bytes::Bytes;
use cellar_schema::{CqlType, Frozen, value};

use super::ScalarFn;
use super::arithmetic::compute;
use super::choose::Call;
use super::number::{self, Decimal, Number, Reason};
use crate::ast::ArithmeticOperator;
use crate::plan::PlanError;

/// The function of this family that a call means.
pub(super) fn find(call: &Call<'_>) -> Option<Result<ScalarFn, PlanError>> {
    Some(match call.name {
        "map_keys" | "map_values" => of_map(call),
        "collection_count" => count(call),
        "collection_min" | "collection_max" => extreme(call),
        "collection_sum" | "collection_avg" => total(call),
        _ => return None,
    })
}

/// The type of the only argument.
fn argument(call: &Call<'_>, parameter: &str) -> Result<CqlType, PlanError> {
    let types = call.types(&[parameter], 1)?;
    types.into_iter().next().flatten().ok_or_else(|| call.untold(0, &[parameter]))
}

fn wrong(call: &Call<'_>, wanted: &str, given: &CqlType) -> PlanError {
    PlanError::invalid(format!(
        "Function system.{} requires a {wanted} argument, but found argument of type {given}",
        call.name
    ))
}

fn of_map(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    let given = argument(call, "map")?;
    let CqlType::Map(key, element, _) = &given else { return Err(wrong(call, "map", &given)) };
    let keys = call.name == "map_keys";
    let result = if keys {
        CqlType::Set(key.clone(), Frozen::Yes)
    } else {
        CqlType::List(element.clone(), Frozen::Yes)
    };
    Ok(collection(call, &given, result, move |bytes| {
        let entries = value::map_entries(bytes).map_err(|error| error.to_string())?;
        // The keys of a map come sorted and distinct, as the elements of a set must.
        let parts = entries.into_iter().map(|(key, value)| if keys { key } else { value });
        Ok(Some(value::build_list(&parts.collect::<Vec<_>>())))
    }))
}

fn count(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    let given = argument(call, "collection")?;
    if !given.is_collection() {
        return Err(wrong(call, "collection", &given));
    }
    Ok(collection(call, &given, CqlType::Int, |bytes| {
        // All three begin with their count.
        let count = bytes.first_chunk::<4>().map_or(0, |count| i32::from_be_bytes(*count));
        Ok(Some(value::int(count)))
    }))
}

fn elements_of(given: &CqlType) -> Option<CqlType> {
    match given {
        CqlType::List(element, _) | CqlType::Set(element, _) => Some((**element).clone()),
        _ => None,
    }
}

fn extreme(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    let given = argument(call, "set_or_list")?;
    let element = elements_of(&given).ok_or_else(|| wrong(call, "set or list", &given))?;
    let largest = call.name == "collection_max";
    Ok(collection(call, &given, element.clone(), move |bytes| {
        let elements = value::list_elements(bytes).map_err(|error| error.to_string())?;
        let order = |left: &Bytes, right: &Bytes| value::compare(&element, left, right);
        let elements = elements.into_iter();
        Ok(if largest { elements.max_by(order) } else { elements.min_by(order) })
    }))
}

fn total(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    let given = argument(call, "numeric_set_or_list")?;
    let element = elements_of(&given).filter(|element| number::TYPES.contains(element));
    let element = element.ok_or_else(|| wrong(call, "numeric set/list", &given))?;
    let average = call.name == "collection_avg";
    Ok(collection(call, &given, element.clone(), move |bytes| {
        let elements = value::list_elements(bytes).map_err(|error| error.to_string())?;
        let numbers = elements.iter().filter_map(|bytes| Number::read(&element, bytes));
        let numbers = numbers.collect::<Vec<_>>();
        let result = if average { mean(numbers, &element) } else { sum(numbers, &element) };
        result.and_then(|number| number.write(&element)).map(Some).map_err(str::to_owned)
    }))
}

/// In the type of the elements, so that whole numbers may wrap around; fractions are added as
/// doubles.
fn sum(numbers: Vec<Number>, element: &CqlType) -> Result<Number, Reason> {
    if matches!(element, CqlType::Float | CqlType::Double) {
        return Ok(Number::Double(compensated(&numbers)));
    }
    numbers.into_iter().try_fold(zero(element), |sum, number| {
        compute(ArithmeticOperator::Add, sum, number, element)
    })
}

/// Zero when there is nothing to take the mean of. Whole numbers do not wrap around on the way;
/// decimals keep the scale of their sum, halves to even.
fn mean(numbers: Vec<Number>, element: &CqlType) -> Result<Number, Reason> {
    if numbers.is_empty() {
        return Ok(zero(element));
    }
    let count = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
    match element {
        CqlType::Float | CqlType::Double => {
            Ok(Number::Double(compensated(&numbers) / Number::Integer(count).to_f64()))
        }
        CqlType::Decimal => match sum(numbers, element)? {
            Number::Decimal(sum) => Ok(Number::Decimal(sum.divided_by_count(count))),
            other => Ok(other),
        },
        _ => match sum(numbers, &CqlType::Varint)? {
            Number::Varint(sum) => Ok(Number::Varint(sum / count)),
            other => Ok(other),
        },
    }
}

fn zero(element: &CqlType) -> Number {
    match element {
        CqlType::Decimal => Number::Decimal(Decimal::new(0, 0)),
        _ => Number::Integer(0),
    }
}

/// A sum of doubles that carries along what each addition loses.
fn compensated(numbers: &[Number]) -> f64 {
    let (mut sum, mut lost, mut plain) = (0.0_f64, 0.0_f64, 0.0_f64);
    for number in numbers {
        let number = number.to_f64();
        plain += number;
        let corrected = number - lost;
        let next = sum + corrected;
        lost = (next - sum) - corrected;
        sum = next;
    }
    if sum.is_nan() && plain.is_infinite() { plain } else { sum }
}

fn collection(
    call: &Call<'_>,
    given: &CqlType,
    result: CqlType,
    compute: impl Fn(&Bytes) -> Result<Option<Bytes>, String> + Send + Sync + 'static,
) -> ScalarFn {
    let (name, source) = (call.name.to_owned(), given.clone());
    ScalarFn::pure(call.name, vec![given.clone()], result, move |values| {
        let Some(Some(bytes)) = values.first() else { return Ok(None) };
        compute(bytes).map_err(|why| ScalarFn::failure(&name, std::slice::from_ref(&source), why))
    })
}
