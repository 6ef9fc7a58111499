//! Masks.

use cellar_schema::UserType;
use proptest::prelude::*;

use super::*;

fn partly(name: &str, text: &str, begin: &str, end: &str, padding: Option<&str>) -> String {
    let (int, of) = (CqlType::Int, CqlType::Text);
    let mut arguments = vec![(of.clone(), text), (int.clone(), begin), (int, end)];
    arguments.extend(padding.map(|padding| (of, padding)));
    call(name, &arguments)
}

#[test]
fn some_characters_are_hidden() {
    // From the documentation of dynamic data masking.
    assert_eq!(partly("mask_inner", "Alice", "1", "2", None), "'A**ce'");
    assert_eq!(partly("mask_inner", "Alice", "1", "2", Some("#")), "'A##ce'");
    assert_eq!(partly("mask_outer", "Alice", "1", "2", None), "'*li**'");
    assert_eq!(partly("mask_inner", "Alice", "4", "4", None), "'Alice'");
    assert_eq!(partly("mask_outer", "Alice", "4", "4", None), "'*****'");
    assert_eq!(partly("mask_inner", "", "0", "0", None), "''");
    let text = CqlType::Text;
    let int = (CqlType::Int, "1");
    assert_eq!(
        refused("mask_inner", &[(text.clone(), "a"), int.clone(), int, (text, "##")]),
        "The padding argument for function system.mask_inner should be single-character, but '##' \
         has 2 characters."
    );
    let function = resolve(
        &named("mask_outer"),
        &[typed(&CqlType::Ascii), Argument::Unknown, Argument::Constant(CqlType::Int)],
        None,
    )
    .unwrap();
    assert_eq!(function.result, CqlType::Ascii);
    let of_nulls = run(&function, &[Some(value::text("Alice")), None, Some(value::int(1))]);
    assert_eq!(of_nulls.unwrap(), Some(value::text("Alic*")));
    let one = typed(&CqlType::Int);
    assert_eq!(
        unresolved("mask_inner", &[one.clone(), one.clone(), one.clone()]),
        "Function system.mask_inner requires an argument of type [text|varchar|ascii], but found \
         int"
    );
    assert_eq!(
        unresolved("mask_inner", &[one.clone(), one]),
        "Invalid number of arguments for function system.mask_inner([text|varchar|ascii], int, \
         int, [text])"
    );
}

#[test]
fn every_type_has_a_default() {
    let point = UserType {
        keyspace: "ks".into(),
        name: "point".into(),
        fields: vec![("x".into(), CqlType::Int), ("note".into(), CqlType::Text)],
    };
    for (cql_type, given, expected) in [
        (CqlType::Text, "secret", "'****'"),
        (CqlType::Int, "7", "0"),
        (CqlType::Double, "7", "0.0"),
        (CqlType::Decimal, "7.5", "0"),
        (CqlType::Boolean, "true", "false"),
        (CqlType::Blob, "0x01", "0x"),
        (CqlType::Date, "2020-01-01", "'1970-01-01'"),
        (CqlType::Timestamp, "2020-01-01", "'1970-01-01T00:00:00.000Z'"),
        (CqlType::Time, "10:00:00", "'00:00:00.000000000'"),
        (CqlType::Inet, "1.2.3.4", "'0.0.0.0'"),
        (
            CqlType::Timeuuid,
            "d2177dd0-eaa2-11de-a572-001b779c76e3",
            "13814000-1dd2-11b2-8080-808080808080",
        ),
        (list(CqlType::Int), "[1]", "[]"),
        (CqlType::Tuple(vec![CqlType::Int, CqlType::Text]), "[1, \"a\"]", "(0, '****')"),
        (CqlType::Vector(Box::new(CqlType::Float), 2), "[1, 2]", "[0.0, 0.0]"),
        (
            CqlType::Udt(std::sync::Arc::new(point), Frozen::Yes),
            "{\"x\": 1}",
            "{x: 0, note: '****'}",
        ),
    ] {
        assert_eq!(call("mask_default", &[(cql_type.clone(), given)]), expected);
        assert_eq!(call("mask_null", &[(cql_type, given)]), "null");
    }
}

#[test]
fn replacements_are_of_the_type_of_what_they_replace() {
    let int = CqlType::Int;
    assert_eq!(call("mask_replace", &[(int.clone(), "1"), (int.clone(), "2")]), "2");
    let constant = Argument::Constant(CqlType::Int);
    let tiny = resolve(&named("mask_replace"), &[typed(&CqlType::Tinyint), constant], None);
    assert_eq!(tiny.unwrap().arguments, [CqlType::Tinyint, CqlType::Tinyint]);
    let message = unresolved("mask_replace", &[typed(&int), typed(&CqlType::Text)]);
    assert_eq!(
        message,
        "Type error: text cannot be passed as argument 1 of function system.mask_replace of type \
         int"
    );
}

proptest! {
    #[test]
    fn inner_and_outer_hide_each_others_characters(
        text in "[a-z]{0,12}", begin in -2..14_i32, end in -2..14_i32
    ) {
        let (begin, end) = (begin.to_string(), end.to_string());
        let inner = partly("mask_inner", &text, &begin, &end, None);
        let outer = partly("mask_outer", &text, &begin, &end, None);
        let both = inner.trim_matches('\'').chars().zip(outer.trim_matches('\'').chars());
        let shown = both.map(|(inner, outer)| if inner == '*' { outer } else { inner });
        prop_assert_eq!(shown.collect::<String>(), text);
        prop_assert_eq!(inner.len(), outer.len());
    }
}

#[test]
fn digests_are_those_of_cassandra() {
    let text = (CqlType::Text, "abc");
    let md5 = (CqlType::Text, "md5");
    assert_eq!(call("mask_hash", &[text.clone(), md5]), "0x900150983cd24fb0d6963f7d28e17f72");
    let sha = "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(call("mask_hash", std::slice::from_ref(&text)), sha);
    let unknown = refused("mask_hash", &[text, (CqlType::Text, "nosuch")]);
    assert_eq!(unknown, "Hash algorithm not found: nosuch");
}
