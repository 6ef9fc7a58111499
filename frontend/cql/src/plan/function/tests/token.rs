//! `token()`.

use super::*;

#[test]
fn tokens_are_those_of_the_partition_key() {
    assert_eq!(call("token", &[(CqlType::Text, "123")]), "-7468325962851647638");
    let types = vec![CqlType::Int, CqlType::Text];
    let values = [Some(value::int(1)), Some(value::text("a"))];
    let token = run(&crate::plan::function::token(types.clone()), &values).unwrap().unwrap();
    let routing = [0, 4, 0, 0, 0, 1, 0, 0, 1, b'a', 0];
    assert_eq!(value::as_i64(&token), Some(cellar_schema::token::token(&routing)));
    let function = resolve(&named("token"), &[typed(&types[0]), typed(&types[1])], None).unwrap();
    assert_eq!(function.arguments, types);
    assert_eq!(run(&function, &[values[0].clone(), None]).unwrap(), None);
}

#[test]
fn constants_do_not_tell_the_types_of_the_key() {
    let message = unresolved("token", &[Argument::Constant(CqlType::Int)]);
    assert!(message.starts_with("Cannot infer type of an argument"), "{message}");
}
