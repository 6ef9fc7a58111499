//! Likeness of vectors.

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 3] = ["similarity_cosine", "similarity_euclidean", "similarity_dot_product"];

fn vector(dimensions: u16) -> CqlType {
    CqlType::Vector(Box::new(CqlType::Float), dimensions)
}

fn likeness(name: &str, left: &str, right: &str) -> f32 {
    call(name, &[(vector(2), left), (vector(2), right)]).parse().unwrap()
}

#[test]
fn likeness_is_computed_as_in_jvector() {
    for (name, left, right, expected) in [
        (NAMES[0], "[1, 2]", "[1, 2]", 1.0),
        (NAMES[0], "[1, 0]", "[0, 3]", 0.5),
        (NAMES[0], "[1, 0]", "[-2, 0]", 0.0),
        (NAMES[1], "[1, 2]", "[1, 2]", 1.0),
        (NAMES[1], "[0, 0]", "[0, 3]", 0.1),
        (NAMES[2], "[0.5, 0.5]", "[0.5, 0.5]", 0.75),
        (NAMES[2], "[1, 2]", "[0, 0]", 0.5),
    ] {
        let found = likeness(name, left, right);
        assert!((found - expected).abs() < 1e-6, "{name} {left} {right}: {found}");
    }
    assert_eq!(
        refused(NAMES[0], &[(vector(2), "[1, 2]"), (vector(2), "[0, 0]")]),
        "Function system.similarity_cosine doesn't support all-zero vectors."
    );
}

#[test]
fn only_float_vectors_of_one_dimension_are_taken() {
    for name in NAMES {
        let message = |left: &CqlType, right: Argument| unresolved(name, &[typed(left), right]);
        let wanted = format!("Function system.{name} requires a float vector argument, but found ");
        let of_doubles = CqlType::Vector(Box::new(CqlType::Double), 2);
        let column = CqlType::List(Box::new(CqlType::Float), Frozen::No);
        for wrong in [column, of_doubles] {
            let refusal = message(&vector(2), typed(&wrong));
            assert_eq!(refusal, format!("{wanted}argument of type {wrong}"));
        }
        let other = message(&vector(2), typed(&vector(3)));
        assert_eq!(other, "All arguments must have the same vector dimensions");
        // A literal and a marker are what the other argument is.
        let literal = list(CqlType::Int);
        let sized = Argument::Array(literal.clone(), 2);
        let function = resolve(&named(name), &[sized.clone(), sized.clone()], None);
        assert_eq!(function.unwrap().arguments, [vector(2), vector(2)]);
        let refusal = unresolved(name, &[sized, typed(&vector(3))]);
        assert_eq!(refusal, "All arguments must have the same vector dimensions");
        for open in [typed(&literal), Argument::Unknown] {
            let function = resolve(&named(name), &[open.clone(), typed(&vector(2))], None);
            assert_eq!(function.unwrap().arguments, [vector(2), vector(2)]);
            let refusal = unresolved(name, &[open.clone(), open]);
            assert!(refusal.starts_with("Cannot infer type of argument "), "{refusal}");
        }
        let function = resolve(&named(name), &[typed(&vector(2)), Argument::Unknown], None);
        let bytes = of(&vector(2), "[1, 2]");
        assert_eq!(run(&function.unwrap(), &[Some(bytes), None]).unwrap(), None);
    }
}

proptest! {
    #[test]
    fn likeness_is_the_same_both_ways_and_greatest_for_the_same(
        left in prop::array::uniform2(-100.0_f32..100.0),
        right in prop::array::uniform2(-100.0_f32..100.0),
    ) {
        prop_assume!(left != [0.0, 0.0] && right != [0.0, 0.0]);
        let (left, right) = (format!("{left:?}"), format!("{right:?}"));
        for name in NAMES {
            prop_assert_eq!(likeness(name, &left, &right), likeness(name, &right, &left));
        }
        for name in &NAMES[..2] {
            let range = 0.0..=1.000_001;
            prop_assert!(range.contains(&likeness(name, &left, &right)));
            prop_assert!((likeness(name, &left, &left) - 1.0).abs() < 1e-5);
        }
    }
}
