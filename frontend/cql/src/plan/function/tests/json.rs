//! Values as JSON and back.

use proptest::prelude::*;

use super::*;

fn from_json(receiver: &CqlType, json: &str) -> Result<Option<Bytes>, PlanError> {
    let function = resolve(&named("fromJson"), &[typed(&CqlType::Text)], Some(receiver))?;
    assert_eq!(&function.result, receiver);
    run(&function, &[Some(value::text(json))])
}

#[test]
fn every_value_has_json() {
    assert_eq!(call("toJson", &[(CqlType::Text, "it's")]), "'\"it''s\"'");
    assert_eq!(call("to_json", &[(list(CqlType::Int), "[1, 2]")]), "'[1, 2]'");
    let function = resolve(&named("toJson"), &[typed(&CqlType::Int)], None).unwrap();
    assert_eq!(run(&function, &[None]).unwrap(), Some(value::text("null")));
    assert_eq!(
        unresolved("toJson", &[Argument::Unknown]),
        "Cannot infer type of argument ? in call to function system.tojson(any): use type casts \
         to disambiguate"
    );
    assert_eq!(
        unresolved("to_json", &[]),
        "Invalid number of arguments for function system.to_json(any)"
    );
}

#[test]
fn json_is_read_as_what_the_receiver_wants() {
    assert_eq!(from_json(&CqlType::Int, "7").unwrap(), Some(value::int(7)));
    assert_eq!(from_json(&CqlType::Int, "null").unwrap(), None);
    let message = from_json(&CqlType::Int, "{").unwrap_err().to_string();
    assert!(
        message.starts_with(
            "execution of 'system.fromjson[text]' failed: Could not decode JSON string '{': "
        ),
        "{message}"
    );
    assert!(matches!(
        from_json(&CqlType::Int, "\"x\"").unwrap_err(),
        PlanError::FunctionFailure { .. }
    ));
    assert_eq!(
        unresolved("fromJson", &[typed(&CqlType::Text)]),
        "fromjson() cannot be used in the selection clause of a SELECT statement"
    );
}

proptest! {
    #[test]
    fn there_and_back_is_the_same_value(numbers: Vec<i32>, text: String) {
        let numbers = serde_json::to_string(&numbers).unwrap();
        let of_ints = list(CqlType::Int);
        let bytes = of(&of_ints, &numbers);
        let json = call("toJson", &[(of_ints.clone(), &numbers)]);
        let back = from_json(&of_ints, json.trim_matches('\'')).unwrap();
        prop_assert_eq!(back, Some(bytes));
        let function = resolve(&named("toJson"), &[typed(&CqlType::Text)], None).unwrap();
        let json = run(&function, &[Some(value::text(&text))]).unwrap().unwrap();
        let back = from_json(&CqlType::Text, value::as_str(&json).unwrap()).unwrap();
        prop_assert_eq!(back, Some(value::text(&text)));
    }
}
