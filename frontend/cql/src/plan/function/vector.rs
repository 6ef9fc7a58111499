//! How alike two vectors are, as a number from 0 to 1 (a dot product goes beyond unless the
//! vectors are of length one).

use bytes::Bytes;
use cellar_schema::{CqlType, Frozen, value};

use super::choose::Call;
use super::{Argument, ScalarFn};
use crate::plan::PlanError;

/// Parameters as messages show them.
const PARAMETERS: [&str; 2] = ["vector<float, n>", "vector<float, n>"];

/// Computes the likeness of vectors of the same dimension.
pub(crate) type Similarity = fn(&[f64], &[f64]) -> Option<f64>;

/// The function of this family that a call means.
pub(super) fn find(call: &Call<'_>) -> Option<Result<ScalarFn, PlanError>> {
    similarity(call.name).map(|similarity| build(call, similarity))
}

/// The measure of this name.
pub(crate) fn similarity(name: &str) -> Option<Similarity> {
    match name {
        "similarity_cosine" => Some(cosine),
        "similarity_euclidean" => Some(euclidean),
        "similarity_dot_product" => Some(dot_product),
        _ => None,
    }
}

fn build(call: &Call<'_>, similarity: Similarity) -> Result<ScalarFn, PlanError> {
    call.types(&PARAMETERS, 2)?;
    let mut dimensions = None;
    for argument in call.arguments {
        let found = match argument {
            Argument::Typed(CqlType::Vector(element, n)) if **element == CqlType::Float => *n,
            // Whether it is a vector of floats shows when it is read as one.
            Argument::Array(_, elements) => u16::try_from(*elements).unwrap_or(u16::MAX),
            // A literal with more than constants in it.
            Argument::Typed(CqlType::List(_, Frozen::Yes)) | Argument::Unknown => continue,
            Argument::Typed(other) | Argument::Constant(other) => {
                return Err(PlanError::invalid(format!(
                    "Function system.{} requires a float vector argument, but found argument of \
                     type {other}",
                    call.name
                )));
            }
        };
        if dimensions.is_some_and(|known| known != found) {
            return Err(PlanError::invalid("All arguments must have the same vector dimensions"));
        }
        dimensions = Some(found);
    }
    let dimensions = dimensions.ok_or_else(|| call.untold(0, &PARAMETERS))?;
    let vector = CqlType::Vector(Box::new(CqlType::Float), dimensions);
    let name = call.name.to_owned();
    let arguments = vec![vector.clone(), vector];
    Ok(ScalarFn::pure(call.name, arguments, CqlType::Float, move |values| {
        let [Some(left), Some(right)] = values else { return Ok(None) };
        let (Some(left), Some(right)) = (read(dimensions, left), read(dimensions, right)) else {
            return Ok(None);
        };
        let likeness = similarity(&left, &right).ok_or_else(|| {
            PlanError::invalid(format!("Function system.{name} doesn't support all-zero vectors."))
        })?;
        #[expect(clippy::cast_possible_truncation, reason = "to the nearest float")]
        Ok(Some(value::float(likeness as f32)))
    }))
}

/// The elements of a vector of floats.
pub(crate) fn read(dimensions: u16, bytes: &Bytes) -> Option<Vec<f64>> {
    let elements = value::vector_elements(&CqlType::Float, dimensions, bytes).ok()?;
    elements.iter().map(|element| value::as_f32(element).map(f64::from)).collect()
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}

fn cosine(left: &[f64], right: &[f64]) -> Option<f64> {
    let lengths = (dot(left, left) * dot(right, right)).sqrt();
    let zero = |vector: &[f64]| vector.iter().all(|part| *part == 0.0);
    (!zero(left) && !zero(right)).then(|| f64::midpoint(1.0, dot(left, right) / lengths))
}

fn euclidean(left: &[f64], right: &[f64]) -> Option<f64> {
    let distance = left.iter().zip(right).map(|(l, r)| (l - r) * (l - r)).sum::<f64>();
    Some(1.0 / (1.0 + distance))
}

fn dot_product(left: &[f64], right: &[f64]) -> Option<f64> {
    Some(f64::midpoint(1.0, dot(left, right)))
}
