//! Masking: what may be shown of a value in its place.

mod hash;

use bytes::Bytes;
use cellar_schema::{CqlType, value};
use num_bigint::BigInt;
use uuid::Uuid;

use super::choose::Call;
use super::{Argument, ScalarFn};
use crate::plan::PlanError;
use crate::plan::types::Fit;

/// The lowest timeuuid of 1970.
const EPOCH_TIMEUUID: Uuid = Uuid::from_u128(0x1381_4000_1dd2_11b2_8080_8080_8080_8080);

/// The function of this family that a call means.
pub(super) fn find(call: &Call<'_>) -> Option<Result<ScalarFn, PlanError>> {
    Some(match call.name {
        "mask_null" => null(call),
        "mask_default" => default(call),
        "mask_replace" => replace(call),
        "mask_inner" | "mask_outer" => partial(call),
        "mask_hash" => hash::find(call),
        _ => return None,
    })
}

fn null(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    let of = any(call, 0, &["any"], 1)?;
    Ok(ScalarFn::pure(call.name, vec![of.clone()], of, |_| Ok(None)))
}

fn any(
    call: &Call<'_>,
    index: usize,
    parameters: &[&str],
    needed: usize,
) -> Result<CqlType, PlanError> {
    let types = call.types(parameters, needed)?;
    if let (Some(argument @ Argument::Constant(_)), Some(receiver)) =
        (call.arguments.get(index), call.receiver)
        && argument.fit(receiver) != Fit::No
    {
        return Ok(receiver.clone());
    }
    types.into_iter().nth(index).flatten().ok_or_else(|| call.untold(index, parameters))
}

fn default(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    let of = any(call, 0, &["any"], 1)?;
    let masked = masked(&of);
    Ok(ScalarFn::pure(call.name, vec![of.clone()], of, move |_| Ok(Some(masked.clone()))))
}

/// What a value of a type is shown as.
fn masked(of: &CqlType) -> Bytes {
    match of {
        CqlType::Ascii | CqlType::Text => Bytes::from_static(b"****"),
        CqlType::Blob => Bytes::new(),
        CqlType::Boolean => value::boolean(false),
        CqlType::Tinyint => value::tinyint(0),
        CqlType::Smallint => value::smallint(0),
        CqlType::Int => value::int(0),
        CqlType::Bigint | CqlType::Counter => value::bigint(0),
        CqlType::Float => value::float(0.0),
        CqlType::Double => value::double(0.0),
        CqlType::Varint => value::varint(&BigInt::ZERO),
        CqlType::Decimal => value::decimal(&BigInt::ZERO, 0),
        CqlType::Date => value::date(1 << 31),
        CqlType::Time => value::time(0),
        CqlType::Timestamp => value::timestamp(0),
        CqlType::Duration => value::duration(0, 0, 0),
        CqlType::Inet => value::inet(std::net::Ipv4Addr::UNSPECIFIED.into()),
        CqlType::Uuid => value::uuid(Uuid::nil()),
        CqlType::Timeuuid => value::uuid(EPOCH_TIMEUUID),
        CqlType::List(..) | CqlType::Set(..) => value::build_list(&[] as &[Bytes]),
        CqlType::Map(..) => value::build_map::<Bytes, Bytes>(&[]),
        CqlType::Tuple(types) => {
            value::build_tuple(&types.iter().map(|of| Some(masked(of))).collect::<Vec<_>>())
        }
        CqlType::Udt(udt, _) => {
            let fields = udt.fields.iter().map(|(_, of)| Some(masked(of)));
            value::build_tuple(&fields.collect::<Vec<_>>())
        }
        CqlType::Vector(element, dimensions) => {
            let elements = vec![masked(element); usize::from(*dimensions)];
            value::build_vector(element, &elements)
        }
    }
}

/// The second argument has the type of the first; where that is not known, that of the result.
fn replace(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    const PARAMETERS: [&str; 2] = ["any", "same"];
    call.types(&PARAMETERS, 2)?;
    let of = match (call.arguments.first(), call.receiver) {
        (Some(Argument::Unknown), Some(receiver)) => receiver.clone(),
        _ => any(call, 0, &PARAMETERS, 2)?,
    };
    call.check(&[of.clone(), of.clone()])?;
    Ok(ScalarFn::pure(call.name, vec![of.clone(), of.clone()], of, |values| {
        Ok(values.get(1).cloned().flatten())
    }))
}

/// `mask_inner` and `mask_outer`: some characters at the ends, or all between them.
fn partial(call: &Call<'_>) -> Result<ScalarFn, PlanError> {
    const PARAMETERS: [&str; 4] = ["[text|varchar|ascii]", "int", "int", "[text]"];
    call.types(&PARAMETERS, 3)?;
    let of = match call.arguments.first() {
        Some(Argument::Typed(CqlType::Ascii)) => CqlType::Ascii,
        Some(Argument::Constant(_)) if call.receiver == Some(&CqlType::Ascii) => CqlType::Ascii,
        _ => CqlType::Text,
    };
    let wanted = [&of, &CqlType::Int, &CqlType::Int, &CqlType::Text];
    for (argument, (wanted, shown)) in call.arguments.iter().zip(wanted.iter().zip(PARAMETERS)) {
        if argument.fit(wanted) == Fit::No {
            return Err(PlanError::invalid(format!(
                "Function system.{} requires an argument of type {shown}, but found {argument}",
                call.name
            )));
        }
    }
    let parameters = wanted.into_iter().take(call.arguments.len()).cloned().collect();
    let (name, inner) = (call.name.to_owned(), call.name == "mask_inner");
    Ok(ScalarFn::pure(call.name, parameters, of, move |values: &[Option<Bytes>]| {
        let Some(Some(bytes)) = values.first() else { return Ok(None) };
        let text = value::as_str(bytes).unwrap_or_default();
        let hidden = |index| {
            let given: Option<&Bytes> = values.get(index).and_then(Option::as_ref);
            given.and_then(|bytes| value::as_i32(bytes)).map_or(0, i64::from)
        };
        let padding: Option<&Bytes> = values.get(3).and_then(Option::as_ref);
        let padding = padding.and_then(|bytes| value::as_str(bytes)).unwrap_or("*");
        let masked = mask(text, (hidden(1), hidden(2)), padding, inner);
        masked.map(|text| Some(value::text(&text))).ok_or_else(|| {
            PlanError::invalid(format!(
                "The padding argument for function system.{name} should be single-character, but \
                 '{padding}' has {} characters.",
                padding.chars().count()
            ))
        })
    }))
}

/// Nothing if the padding is not one character.
fn mask(text: &str, (begin, end): (i64, i64), padding: &str, inner: bool) -> Option<String> {
    let mut characters = padding.chars();
    let (Some(padding), None) = (characters.next(), characters.next()) else { return None };
    let last = i64::try_from(text.chars().count()).unwrap_or(i64::MAX) - 1 - end;
    let between = |position: i64| position >= begin && position <= last;
    let shown = (0_i64..).zip(text.chars());
    Some(shown.map(|(at, one)| if between(at) == inner { padding } else { one }).collect())
}
