//! Mathematical functions.

use proptest::prelude::*;

use super::*;
use crate::plan::function::number::TYPES;

fn decimal(name: &str, text: &str) -> String {
    call(name, &[(CqlType::Decimal, text)])
}

#[test]
fn results_have_the_type_of_the_argument() {
    for name in ["abs", "exp", "log", "log10", "round"] {
        for of in &TYPES {
            let function = resolve(&named(name), &[typed(of)], None).unwrap();
            assert_eq!(&function.result, of, "{name}");
            assert_eq!(run(&function, &[Some(Bytes::new())]).unwrap(), None);
        }
    }
    use CqlType::{Bigint, Decimal, Double, Float, Int, Tinyint, Varint};
    for (name, of, text, expected) in [
        ("abs", Int, "-5", "5"),
        ("abs", Tinyint, "-128", "-128"),
        ("abs", Varint, "-18446744073709551617", "18446744073709551617"),
        ("abs", Decimal, "-1.50", "1.50"),
        ("abs", Float, "-2.5", "2.5"),
        ("exp", Int, "5", "148"),
        ("exp", Tinyint, "100", "-1"),
        ("exp", Varint, "5", "148"),
        ("log", Int, "148", "4"),
        ("log", Int, "0", "-2147483648"),
        ("log", Double, "0", "-Infinity"),
        ("log10", Bigint, "1000", "3"),
        ("log10", Varint, "1000000000000000000000000", "24"),
        ("round", Double, "2.5", "3.0"),
        ("round", Double, "-2.5", "-2.0"),
        ("round", Double, "0.49999999999999994", "0.0"),
        ("round", Float, "1e10", "2147483600.0"),
        ("round", Double, "NaN", "0.0"),
        ("round", Decimal, "2.5", "3"),
        ("round", Decimal, "-2.5", "-3"),
        ("round", Decimal, "1e3", "1000"),
        ("round", Int, "7", "7"),
    ] {
        assert_eq!(call(name, &[(of.clone(), text)]), expected, "{name} {of} {text}");
    }
}

#[test]
fn decimals_have_32_digits() {
    // Digits from any table of constants.
    assert_eq!(decimal("exp", "1"), "2.7182818284590452353602874713527");
    assert_eq!(decimal("exp", "0"), "1");
    assert_eq!(decimal("exp", "-1"), "0.36787944117144232159552377016146");
    assert_eq!(decimal("log", "2"), "0.69314718055994530941723212145818");
    assert_eq!(decimal("log", "10"), "2.3025850929940456840179914546844");
    assert_eq!(decimal("log", "1"), "0");
    assert_eq!(decimal("log10", "2"), "0.30102999566398119521373889472449");
    assert_eq!(decimal("log10", "0.00100"), "-3");
    assert_eq!(decimal("log", "1e2000000000"), "4605170185.9880913680359829093687");
    assert!(decimal("exp", "100").starts_with("26881171418161354484126255515800"));
    // The logarithm of a number near one loses no digits.
    let near = decimal("log", "1.00000000000000000000000000000001");
    assert_eq!(near, format!("0.{}999999999999999999999999999999995", "0".repeat(32)));
    let near = decimal("log", "0.9999999999999999999999999999999999");
    assert_eq!(near, format!("-0.{}1000000000000000000000000000000000", "0".repeat(33)));
}

#[test]
fn logarithms_of_nothing_and_numbers_out_of_reach_fail() {
    for (name, text, reason) in [
        ("log", "0", "Natural log of number zero or less"),
        ("log", "-1", "Natural log of number zero or less"),
        ("log10", "0", "Log10 of number zero or less"),
        ("exp", "1e12", "Overflow"),
        ("exp", "-1e12", "Underflow"),
        ("exp", "1e2000000000", "Overflow"),
        ("round", "1e2000000000", "Overflow"),
    ] {
        let message = refused(name, &[(CqlType::Decimal, text)]);
        assert!(message.ends_with(&format!("failed: {reason}")), "{name} {text}: {message}");
    }
}

#[test]
fn long_decimals_take_no_more_than_a_moment() {
    let long = format!("1.{}", "7".repeat(5_000));
    let digits = |text: String| text.trim_start_matches("0.").len();
    assert_eq!(digits(decimal("log", &long)), 1_000);
    assert_eq!(digits(decimal("exp", &long)), 1_001);
    for near_one in [format!("1.{}1", "0".repeat(30_000)), format!("0.{}", "9".repeat(30_000))] {
        let near = decimal("log", &near_one);
        let digits = near.split('e').next().unwrap();
        let leading = digits.trim_start_matches(['-', '0', '.']);
        assert!((32..=1_000).contains(&leading.len()), "{}", leading.len());
    }
}

proptest! {
    #[test]
    fn logarithms_undo_powers(unscaled in -1_000_000_000_i64..1_000_000_000, scale in 4..9_i32) {
        let power = value::to_text(&CqlType::Decimal, &value::decimal(&unscaled.into(), scale));
        let raised = decimal("exp", &power);
        let undone = decimal("log", &raised).parse::<f64>().unwrap();
        let power = power.parse::<f64>().unwrap();
        prop_assert!((undone - power).abs() <= power.abs().max(1.0) * 1e-15, "{power} {undone}");
    }

    #[test]
    fn decimals_agree_with_doubles(number in 1e-6_f64..600.0) {
        let text = format!("{number:?}");
        for (name, expected) in
            [("exp", number.exp()), ("log", number.ln()), ("log10", number.log10())]
        {
            let found = decimal(name, &text).parse::<f64>().unwrap();
            prop_assert!((found - expected).abs() <= expected.abs() * 1e-15 * number.max(10.0), "{name} {number}");
        }
    }
}
