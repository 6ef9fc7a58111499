//! Any call with any bytes is computed or refused, and what is computed is a value of the type
//! that was announced.

use proptest::prelude::*;
use proptest::strategy::Union;

use super::*;
use crate::ast::ArithmeticOperator;
use crate::plan::function::{cast, negation, operator};

const NAMES: [&str; 38] = [
    "now",
    "uuid",
    "currentTimestamp",
    "currentDate",
    "currentTime",
    "toDate",
    "toTimestamp",
    "toUnixTimestamp",
    "dateOf",
    "minTimeuuid",
    "maxTimeuuid",
    "floor",
    "intAsBlob",
    "textAsBlob",
    "blobAsInt",
    "blobAsText",
    "blobAsDecimal",
    "blobAsDuration",
    "toJson",
    "fromJson",
    "abs",
    "exp",
    "log",
    "log10",
    "round",
    "map_keys",
    "map_values",
    "collection_count",
    "collection_min",
    "collection_max",
    "collection_sum",
    "collection_avg",
    "mask_inner",
    "mask_outer",
    "mask_default",
    "mask_replace",
    "similarity_cosine",
    "token",
];

fn scalars() -> Vec<CqlType> {
    use CqlType::{
        Ascii, Bigint, Blob, Boolean, Counter, Date, Decimal, Double, Duration, Float, Inet, Int,
        Smallint, Text, Time, Timestamp, Timeuuid, Tinyint, Uuid, Varint,
    };
    vec![
        Ascii, Bigint, Blob, Boolean, Counter, Date, Decimal, Double, Duration, Float, Inet, Int,
        Smallint, Text, Time, Timestamp, Timeuuid, Tinyint, Uuid, Varint,
    ]
}

fn any_type() -> impl Strategy<Value = CqlType> {
    let scalar = || prop::sample::select(scalars());
    prop_oneof![
        6 => scalar(),
        1 => scalar().prop_map(list),
        1 => scalar().prop_map(|of| CqlType::Set(Box::new(of), Frozen::No)),
        1 => (scalar(), scalar())
            .prop_map(|(k, v)| CqlType::Map(Box::new(k), Box::new(v), Frozen::Yes)),
        1 => (scalar(), 1..4_u16).prop_map(|(of, n)| CqlType::Vector(Box::new(of), n)),
        1 => Just(CqlType::Vector(Box::new(CqlType::Float), 2)),
        1 => prop::collection::vec(scalar(), 1..3).prop_map(CqlType::Tuple),
    ]
}

/// Bytes that are often a value of the type.
fn any_value(of: &CqlType) -> BoxedStrategy<Option<Bytes>> {
    let number = || any::<i64>().prop_map(|number| number >> (number & 63));
    let good: BoxedStrategy<Bytes> = match of {
        CqlType::List(element, _) | CqlType::Set(element, _) => {
            let elements = prop::collection::vec(any_value(element), 0..4);
            let built = |parts: Vec<Option<Bytes>>| {
                value::build_list(&parts.into_iter().flatten().collect::<Vec<_>>())
            };
            elements.prop_map(built).boxed()
        }
        CqlType::Map(key, part, _) => (any_value(key), any_value(part))
            .prop_map(|(key, part)| {
                value::build_map(
                    &[(key, part)].map(|(k, v)| (k.unwrap_or_default(), v.unwrap_or_default())),
                )
            })
            .boxed(),
        CqlType::Decimal => (number(), any::<i32>(), -40..40_i32, any::<bool>())
            .prop_map(|(unscaled, far, near, wild)| {
                value::decimal(&unscaled.into(), if wild { far } else { near })
            })
            .boxed(),
        CqlType::Varint => number().prop_map(|number| value::varint(&number.into())).boxed(),
        CqlType::Duration => (any::<i32>(), any::<i32>(), number())
            .prop_map(|(months, days, ns)| {
                value::duration(months.wrapping_abs(), days.wrapping_abs(), ns.wrapping_abs())
            })
            .boxed(),
        CqlType::Text | CqlType::Ascii => "[ -~]{0,6}".prop_map(|text| value::text(&text)).boxed(),
        CqlType::Tinyint => any::<i8>().prop_map(value::tinyint).boxed(),
        CqlType::Smallint => any::<i16>().prop_map(value::smallint).boxed(),
        CqlType::Int => any::<i32>().prop_map(value::int).boxed(),
        CqlType::Float => any::<f32>().prop_map(value::float).boxed(),
        CqlType::Date => any::<u32>().prop_map(value::date).boxed(),
        CqlType::Vector(element, n) => {
            let count = usize::from(*n);
            let element = (**element).clone();
            prop::collection::vec(any_value(&element), count)
                .prop_map(move |parts| {
                    let parts = parts.into_iter().map(Option::unwrap_or_default);
                    value::build_vector(&element, &parts.collect::<Vec<_>>())
                })
                .boxed()
        }
        CqlType::Timeuuid | CqlType::Uuid => {
            any::<u128>().prop_map(|bits| value::uuid(uuid::Uuid::from_u128(bits))).boxed()
        }
        _ => number().prop_map(value::bigint).boxed(),
    };
    let bad = prop::collection::vec(any::<u8>(), 0..12).prop_map(|bytes| Some(bytes.into()));
    Union::new_weighted(vec![
        (12, good.prop_map(Some).boxed()),
        (1, Just(None).boxed()),
        (1, bad.boxed()),
    ])
    .boxed()
}

fn arguments() -> impl Strategy<Value = Vec<(CqlType, Option<Bytes>)>> {
    let one = any_type().prop_flat_map(|of| {
        let value = any_value(&of);
        (Just(of), value)
    });
    prop::collection::vec(one, 0..4)
}

/// Runs a function on values that may be none of its types; valid ones must give a valid result.
fn check(function: &ScalarFn, arguments: &[(CqlType, Option<Bytes>)]) {
    let values = arguments.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
    let is_valid = |(of, value): (&CqlType, &Option<Bytes>)| {
        value.as_ref().is_none_or(|bytes| value::validate(of, bytes).is_ok())
    };
    let valid = function.arguments.iter().zip(&values).all(is_valid);
    if let Ok(Some(bytes)) = run(function, &values)
        && valid
    {
        let checked = value::validate(&function.result, &bytes);
        assert!(checked.is_ok(), "{function:?} {values:?}: {bytes:?} {checked:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn calls_are_computed_or_refused(
        name in prop::sample::select(&NAMES[..]), given in arguments(), receiver in any_type(),
        wanted: bool
    ) {
        let types = given.iter().map(|(of, _)| typed(of)).collect::<Vec<_>>();
        if let Ok(function) = resolve(&named(name), &types, wanted.then_some(&receiver)) {
            check(&function, &given);
        }
        if let [(left, _), (right, _), ..] = given.as_slice() {
            for operation in [
                ArithmeticOperator::Add,
                ArithmeticOperator::Subtract,
                ArithmeticOperator::Multiply,
                ArithmeticOperator::Divide,
                ArithmeticOperator::Modulo,
            ] {
                if let Ok(function) = operator(operation, &typed(left), &typed(right), None) {
                    check(&function, &given[..2]);
                }
            }
        }
        if let [(first, _), ..] = given.as_slice() {
            let casts = cast(first, &receiver).into_iter();
            for function in casts.chain(negation(&typed(first), None)) {
                check(&function, &given[..1]);
            }
        }
    }

    #[test]
    fn every_number_can_be_computed_with(
        (of, bytes) in prop::sample::select(&crate::plan::function::number::TYPES[..])
            .prop_flat_map(|of| { let value = any_value(&of); (Just(of), value) }),
        name in prop::sample::select(vec!["abs", "exp", "log", "log10", "round"])
    ) {
        let function = resolve(&named(name), &[typed(&of)], None).unwrap();
        check(&function, &[(of, bytes)]);
    }
}
