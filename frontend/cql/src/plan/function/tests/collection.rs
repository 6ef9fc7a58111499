//! Functions of one collection.

use proptest::prelude::*;

use super::*;

fn map() -> CqlType {
    CqlType::Map(Box::new(CqlType::Int), Box::new(CqlType::Text), Frozen::No)
}

fn set(element: CqlType) -> CqlType {
    CqlType::Set(Box::new(element), Frozen::No)
}

#[test]
fn maps_have_keys_and_values() {
    let given = (map(), "{\"2\": \"b\", \"1\": \"a\"}");
    assert_eq!(call("map_keys", std::slice::from_ref(&given)), "{1, 2}");
    assert_eq!(call("map_values", std::slice::from_ref(&given)), "['a', 'b']");
    assert_eq!(call("collection_count", &[given]), "2");
    assert_eq!(
        unresolved("map_keys", &[typed(&CqlType::Int)]),
        "Function system.map_keys requires a map argument, but found argument of type int"
    );
}

#[test]
fn elements_are_aggregated_like_rows() {
    let ints = (list(CqlType::Int), "[1, 2, 4]");
    for (name, expected) in [
        ("collection_count", "3"),
        ("collection_min", "1"),
        ("collection_max", "4"),
        ("collection_sum", "7"),
        ("collection_avg", "2"),
    ] {
        assert_eq!(call(name, std::slice::from_ref(&ints)), expected, "{name}");
    }
    let texts = (set(CqlType::Text), "[\"b\", \"a\"]");
    assert_eq!(call("collection_max", std::slice::from_ref(&texts)), "'b'");
    let message = refused("collection_sum", &[texts]);
    assert!(message.contains("requires a numeric set/list argument"), "{message}");
    let message = refused("collection_min", &[(map(), "{}")]);
    assert!(message.contains("requires a set or list argument"), "{message}");
}

#[test]
fn results_have_the_type_of_the_elements() {
    for (element, given, sum, average) in [
        (CqlType::Tinyint, "[100, 100]", "-56", "100"),
        (
            CqlType::Bigint,
            "[9223372036854775807, 1]",
            "-9223372036854775808",
            "4611686018427387904",
        ),
        (CqlType::Float, "[0.1, 0.2]", "0.3", "0.15"),
        (CqlType::Double, "[1, 2]", "3.0", "1.5"),
        (CqlType::Varint, "[1, 2]", "3", "1"),
        (CqlType::Decimal, "[1.50, 2.25]", "3.75", "1.88"),
        (CqlType::Decimal, "[-1.50, -2.75]", "-4.25", "-2.12"),
        (CqlType::Int, "[]", "0", "0"),
        (CqlType::Double, "[]", "0.0", "0.0"),
        (CqlType::Decimal, "[]", "0", "0"),
    ] {
        assert_eq!(call("collection_sum", &[(list(element.clone()), given)]), sum);
        assert_eq!(call("collection_avg", &[(list(element), given)]), average);
    }
    assert_eq!(call("collection_max", &[(list(CqlType::Int), "[]")]), "null");
}

proptest! {
    #[test]
    fn aggregates_are_those_of_the_numbers(numbers in prop::collection::vec(any::<i32>(), 1..50)) {
        let given = (list(CqlType::Bigint), &*serde_json::to_string(&numbers).unwrap());
        let wide = numbers.iter().map(|number| i64::from(*number));
        let total = wide.clone().sum::<i64>();
        for (name, expected) in [
            ("collection_sum", total),
            ("collection_avg", total / i64::try_from(numbers.len()).unwrap()),
            ("collection_min", wide.clone().min().unwrap()),
            ("collection_max", wide.max().unwrap()),
        ] {
            prop_assert_eq!(call(name, std::slice::from_ref(&given)), expected.to_string());
        }
    }
}
