//! Values as bytes and back.

use proptest::prelude::*;

use super::*;

#[test]
fn values_are_their_bytes_in_both_spellings() {
    assert_eq!(call("intAsBlob", &[(CqlType::Int, "3")]), "0x00000003");
    assert_eq!(call("int_as_blob", &[(CqlType::Int, "3")]), "0x00000003");
    assert_eq!(call("blobAsVarchar", &[(CqlType::Blob, "0x6162")]), "'ab'");
    assert_eq!(call("blob_as_timestamp", &[(CqlType::Blob, "0x")]), "null");
    assert_eq!(unresolved("listAsBlob", &[]), "Unknown function 'listasblob'");
}

#[test]
fn bytes_that_are_no_value_are_refused() {
    assert_eq!(
        refused("blobAsInt", &[(CqlType::Blob, "0x0001")]),
        "In call to function system.blobasint, value 0x0001 is not a valid binary representation \
         for type int"
    );
    let message = refused("blob_as_text", &[(CqlType::Blob, "0xff")]);
    assert!(message.contains("system.blob_as_text, value 0xff"), "{message}");
}

#[test]
fn constants_are_taken_as_the_type_in_the_name() {
    let of = |name: &str, constant| resolve(&named(name), &[Argument::Constant(constant)], None);
    assert_eq!(of("tinyintAsBlob", CqlType::Int).unwrap().arguments, [CqlType::Tinyint]);
    assert_eq!(of("inetAsBlob", CqlType::Text).unwrap().arguments, [CqlType::Inet]);
    assert_eq!(
        of("booleanAsBlob", CqlType::Text).unwrap_err().to_string(),
        "Type error: a constant of type text cannot be passed as argument 0 of function \
         system.booleanasblob of type boolean"
    );
}

proptest! {
    #[test]
    fn there_and_back_is_the_same_value(number: i64, text: String) {
        let number = number.to_string();
        let blob = call("bigintAsBlob", &[(CqlType::Bigint, &number)]);
        prop_assert_eq!(call("blobAsBigint", &[(CqlType::Blob, &blob)]), number);
        let blob = call("textAsBlob", &[(CqlType::Text, &text)]);
        let back = call("blobAsText", &[(CqlType::Blob, &blob)]);
        prop_assert_eq!(back, value::to_text(&CqlType::Text, text.as_bytes()));
    }
}
