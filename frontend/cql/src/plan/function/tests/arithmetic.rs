//! Operators: types of results, digits of results, failures.

use proptest::prelude::*;

use super::*;
use crate::ast::ArithmeticOperator;
use crate::plan::function::{negation, operator};

const OPERATORS: [(char, ArithmeticOperator); 5] = [
    ('+', ArithmeticOperator::Add),
    ('-', ArithmeticOperator::Subtract),
    ('*', ArithmeticOperator::Multiply),
    ('/', ArithmeticOperator::Divide),
    ('%', ArithmeticOperator::Modulo),
];

fn meant(symbol: char) -> ArithmeticOperator {
    OPERATORS.iter().find(|(known, _)| *known == symbol).unwrap().1
}

fn try_apply(
    left: (&CqlType, &str),
    symbol: char,
    right: (&CqlType, &str),
) -> Result<(CqlType, String), PlanError> {
    let function = operator(meant(symbol), &typed(left.0), &typed(right.0), None).unwrap();
    let values = [Some(of(left.0, left.1)), Some(of(right.0, right.1))];
    let bytes = run(&function, &values)?.unwrap();
    value::validate(&function.result, &bytes).unwrap();
    Ok((function.result.clone(), value::to_text(&function.result, &bytes)))
}

fn apply(left: (&CqlType, &str), symbol: char, right: (&CqlType, &str)) -> String {
    try_apply(left, symbol, right).unwrap().1
}

fn decimals(left: &str, symbol: char, right: &str) -> String {
    apply((&CqlType::Decimal, left), symbol, (&CqlType::Decimal, right))
}

/// The row of Cassandra's OperationFctsTest.
const ROW: [(CqlType, &str); 8] = [
    (CqlType::Tinyint, "1"),
    (CqlType::Smallint, "2"),
    (CqlType::Int, "3"),
    (CqlType::Bigint, "4"),
    (CqlType::Float, "5.5"),
    (CqlType::Double, "6.5"),
    (CqlType::Varint, "7"),
    (CqlType::Decimal, "8.5"),
];

/// Every operand of the row with the operand at `right`.
fn row(symbol: char, right: usize) -> Vec<String> {
    let right = (&ROW[right].0, ROW[right].1);
    ROW.iter().map(|(cql_type, text)| apply((cql_type, text), symbol, right)).collect()
}

#[test]
fn results_are_those_of_cassandras_own_tests() {
    for (symbol, right, expected) in [
        ('+', 0, "2 3 4 5 6.5 7.5 8 9.5"),
        ('+', 4, "6.5 7.5 8.5 9.5 11.0 12.0 12.5 14.0"),
        ('+', 7, "9.5 10.5 11.5 12.5 14.0 15.0 15.5 17.0"),
        ('-', 3, "-3 -2 -1 0 1.5 2.5 3 4.5"),
        ('-', 7, "-7.5 -6.5 -5.5 -4.5 -3.0 -2.0 -1.5 0.0"),
        ('*', 0, "1 2 3 4 5.5 6.5 7 8.50"),
        ('*', 6, "7 14 21 28 38.5 45.5 49 59.5"),
        ('*', 7, "8.50 17.00 25.50 34.00 46.75 55.25 59.5 72.25"),
        ('/', 2, "0 0 1 1 1.8333334 2.1666666666666665 2 2.83333333333333333333333333333333"),
        (
            '/',
            6,
            "0 0 0 0 0.78571428571428571428571428571429 0.92857142857142857142857142857143 1 \
             1.21428571428571428571428571428571",
        ),
        (
            '/',
            7,
            "0.11764705882352941176470588235294 0.23529411764705882352941176470588 \
             0.35294117647058823529411764705882 0.47058823529411764705882352941176 \
             0.64705882352941176470588235294118 0.76470588235294117647058823529412 \
             0.82352941176470588235294117647059 1",
        ),
        ('%', 3, "1 2 3 0 1.5 2.5 3 0.5"),
        ('%', 4, "1.0 2.0 3.0 4.0 0.0 1.0 1.5 3.0"),
        ('%', 6, "1 2 3 4 5.5 6.5 0 1.5"),
        ('%', 7, "1.0 2.0 3.0 4.0 5.5 6.5 7 0.0"),
    ] {
        let expected = expected.split_whitespace().collect::<Vec<_>>();
        assert_eq!(row(symbol, right), expected, "{symbol} {right}");
    }
}

#[test]
fn results_are_as_wide_as_the_wider_operand() {
    use CqlType::{Bigint, Counter, Decimal, Double, Float, Int, Smallint, Tinyint, Varint};
    for (left, right, result) in [
        (Tinyint, Tinyint, Tinyint),
        (Tinyint, Smallint, Smallint),
        (Smallint, Int, Int),
        (Int, Counter, Bigint),
        (Counter, Counter, Bigint),
        (Bigint, Varint, Varint),
        (Tinyint, Float, Float),
        (Bigint, Float, Double),
        (Counter, Float, Double),
        (Float, Double, Double),
        (Float, Varint, Decimal),
        (Tinyint, Decimal, Decimal),
    ] {
        for (left, right) in [(&left, &right), (&right, &left)] {
            let found = operator(meant('+'), &typed(left), &typed(right), None).unwrap();
            assert_eq!(found.result, result, "{left} + {right}");
        }
    }
}

#[test]
fn operators_without_meaning_and_without_clear_meaning_are_refused() {
    let message = |left: Argument, right: Argument, receiver: Option<&CqlType>| {
        let refusal = operator(meant('+'), &left, &right, receiver).unwrap_err();
        refusal.of(meant('+'), &left.to_string(), &right.to_string()).to_string()
    };
    assert_eq!(
        message(typed(&CqlType::Int), typed(&CqlType::Text), None),
        "the '+' operation is not supported between int and text"
    );
    let ambiguous = |arguments| {
        format!(
            "Ambiguous '+' operation with args {arguments}: use type hint to disambiguate, \
             example '(int) ?'"
        )
    };
    let unknown = || Argument::Unknown;
    assert_eq!(message(unknown(), unknown(), None), ambiguous("? and ?"));
    assert_eq!(message(typed(&CqlType::Int), unknown(), None), ambiguous("int and ?"));
    // Of all that give an int, which one is meant?
    let one = Argument::Constant(CqlType::Int);
    assert_eq!(
        message(unknown(), one.clone(), Some(&CqlType::Int)),
        ambiguous("? and a constant of type int")
    );
    // Only one function gives a tinyint.
    let tiny = operator(meant('+'), &one, &unknown(), Some(&CqlType::Tinyint)).unwrap();
    assert_eq!(tiny.arguments, [CqlType::Tinyint, CqlType::Tinyint]);
    let times = operator(meant('*'), &typed(&CqlType::Date), &typed(&CqlType::Duration), None);
    assert!(times.is_err());
}

#[test]
fn constants_become_what_the_receiver_wants() {
    let one = Argument::Constant(CqlType::Int);
    let wanted = |left: &Argument, receiver| {
        operator(meant('+'), left, &one, Some(&receiver)).unwrap().arguments
    };
    assert_eq!(wanted(&one, CqlType::Int), [CqlType::Int, CqlType::Int]);
    assert_eq!(wanted(&one, CqlType::Tinyint), [CqlType::Tinyint, CqlType::Tinyint]);
    assert_eq!(wanted(&one, CqlType::Double), [CqlType::Double, CqlType::Double]);
    let column = typed(&CqlType::Tinyint);
    assert_eq!(wanted(&column, CqlType::Tinyint), [CqlType::Tinyint, CqlType::Tinyint]);
    assert_eq!(operator(meant('+'), &column, &one, None).unwrap().result, CqlType::Int);
    let negated = negation(&one, Some(&CqlType::Smallint)).unwrap();
    assert_eq!(negated.result, CqlType::Smallint);
}

#[test]
fn null_and_the_empty_value_give_null() {
    let plus = operator(meant('/'), &typed(&CqlType::Int), &typed(&CqlType::Int), None).unwrap();
    for right in [None, Some(Bytes::new())] {
        assert_eq!(run(&plus, &[Some(value::int(1)), right.clone()]).unwrap(), None);
        assert_eq!(run(&plus, &[right, Some(value::int(0))]).unwrap(), None);
    }
    let minus = negation(&typed(&CqlType::Decimal), None).unwrap();
    assert_eq!(run(&minus, &[None]).unwrap(), None);
}

#[test]
fn division_by_zero_fails_only_where_there_is_no_infinity() {
    let failed = |cql_type: &CqlType, symbol: char, left: &str| {
        let error = try_apply((cql_type, left), symbol, (cql_type, "0")).unwrap_err();
        assert!(matches!(error, PlanError::OperationFailure { .. }));
        error.to_string()
    };
    assert!(failed(&CqlType::Int, '/', "1").ends_with("'int / int' failed: / by zero"));
    assert!(failed(&CqlType::Tinyint, '%', "1").ends_with("'tinyint % tinyint' failed: / by zero"));
    assert!(failed(&CqlType::Varint, '/', "1").ends_with("failed: BigInteger divide by zero"));
    assert!(failed(&CqlType::Decimal, '/', "1").ends_with("failed: BigInteger divide by zero"));
    assert!(failed(&CqlType::Decimal, '%', "1").ends_with("failed: Division by zero"));
    assert!(failed(&CqlType::Decimal, '%', "0").ends_with("failed: Division undefined"));
    let double = (&CqlType::Double, "1");
    assert_eq!(apply(double, '/', (&CqlType::Int, "0")), "Infinity");
    assert_eq!(apply((&CqlType::Float, "0"), '/', (&CqlType::Int, "0")), "NaN");
    assert!(try_apply((&CqlType::Double, "NaN"), '+', (&CqlType::Varint, "1")).is_err());
}

#[test]
fn moments_move_by_durations() {
    let by = |cql_type: &CqlType, moment, symbol, duration| {
        apply((cql_type, moment), symbol, (&CqlType::Duration, duration))
    };
    assert_eq!(by(&CqlType::Date, "2016-10-04", '-', "2d"), "'2016-10-02'");
    assert_eq!(by(&CqlType::Date, "2016-10-04", '+', "1mo"), "'2016-11-04'");
    assert_eq!(
        by(&CqlType::Timestamp, "2016-10-04 15:27", '+', "1h10m"),
        "'2016-10-04T16:37:00.000Z'"
    );
    let fine = (&CqlType::Duration, "1h");
    assert_eq!(
        try_apply((&CqlType::Date, "2016-10-04"), '-', fine).unwrap_err().to_string(),
        "the operation 'date - duration' failed: The duration must have a day precision. Was: 1h"
    );
    assert!(
        operator(meant('+'), &typed(&CqlType::Duration), &typed(&CqlType::Date), None).is_err()
    );
}

#[test]
fn decimals_keep_the_digits_java_keeps() {
    for (left, symbol, right, expected) in [
        ("1.10", '+', "2", "3.10"),
        ("0.00", '+', "5", "5.00"),
        ("-1.5", '%', "1", "-0.5"),
        ("100", '%', "0.03", "0.01"),
        ("1", '%', "0.25", "0.00"),
        ("123456789112345678921234567893123456", '%', "2", "0"),
        ("123456789112345678921234567893123456", '%', "2.0", "0.0"),
        ("0.25", '%', "1", "0.25"),
        ("1000", '/', "8", "125"),
        ("6", '/', "-0.02", "-300"),
        ("2", '/', "3", "0.66666666666666666666666666666667"),
        ("-2", '/', "3", "-0.66666666666666666666666666666667"),
        ("0", '/', "3", "0"),
    ] {
        assert_eq!(decimals(left, symbol, right), expected, "{left} {symbol} {right}");
    }
}

#[test]
fn numbers_far_apart_take_no_memory_for_the_zeros_between() {
    // Java too fills up with zeros, to 10 000 digits.
    let zeros = "0".repeat(9_999);
    assert_eq!(decimals("1e2000000000", '+', "1"), format!("1{zeros}e1999990001"));
    assert_eq!(decimals("1", '-', "1e-2000000000"), format!("1.{zeros}"));
    assert_eq!(decimals("1", '%', "1e2000000000"), "1");
    assert_eq!(decimals("1", '/', "1e2000000000"), "0");
    let overflow = |left, symbol, right| {
        let operands = ((&CqlType::Decimal, left), (&CqlType::Decimal, right));
        try_apply(operands.0, symbol, operands.1).unwrap_err().to_string()
    };
    assert!(overflow("1e2000000000", '*', "1e2000000000").ends_with("failed: Overflow"));
    assert!(overflow("1e2000000000", '/', "1").ends_with("failed: Overflow"));
    assert!(overflow("1e2000000000", '%', "3").ends_with("failed: Overflow"));
    let long = "9".repeat(30_000);
    let long = (&CqlType::Varint, long.as_str());
    let message = try_apply(long, '*', long).unwrap_err().to_string();
    assert!(message.ends_with("failed: the result has too many digits"), "{message}");
    let precise = decimals(&format!("0.{}", "3".repeat(12_000)), '*', "1");
    assert_eq!(precise.len(), "0.".len() + 10_000);
}

#[test]
fn the_smallest_numbers_negate_to_themselves() {
    for (cql_type, smallest) in [
        (CqlType::Tinyint, "-128"),
        (CqlType::Int, "-2147483648"),
        (CqlType::Bigint, "-9223372036854775808"),
    ] {
        let minus = negation(&typed(&cql_type), None).unwrap();
        let bytes = run(&minus, &[Some(of(&cql_type, smallest))]).unwrap().unwrap();
        assert_eq!(value::to_text(&cql_type, &bytes), smallest);
        let one = (&CqlType::Tinyint, "-1");
        assert_eq!(apply((&cql_type, smallest), '/', one), smallest);
        assert_eq!(apply((&cql_type, smallest), '%', one), "0");
    }
}

fn wide(symbol: char, left: i128, right: i128) -> i128 {
    match symbol {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        '/' => left / right,
        _ => left % right,
    }
}

fn exact(symbol: char, left: f64, right: f64) -> f64 {
    match symbol {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        '/' => left / right,
        _ => left % right,
    }
}

proptest! {
    #[test]
    fn whole_numbers_wrap_like_those_of_128_bits_cut_off(
        left: i64, right: i64, which in 0..5_usize
    ) {
        let symbol = OPERATORS[which].0;
        prop_assume!(right as i8 != 0);
        let texts = (left.to_string(), right.to_string());
        let bigint = apply((&CqlType::Bigint, &texts.0), symbol, (&CqlType::Bigint, &texts.1));
        let expected = wide(symbol, left.into(), right.into());
        prop_assert_eq!(bigint, (expected as i64).to_string());
        let varint = apply((&CqlType::Varint, &texts.0), symbol, (&CqlType::Bigint, &texts.1));
        prop_assert_eq!(varint, expected.to_string());
        let (left, right) = (left as i8, right as i8);
        let texts = (left.to_string(), right.to_string());
        let tinyint = apply((&CqlType::Tinyint, &texts.0), symbol, (&CqlType::Tinyint, &texts.1));
        let expected = wide(symbol, left.into(), right.into()) as i8;
        prop_assert_eq!(tinyint, expected.to_string());
    }

    #[test]
    fn doubles_are_those_of_the_machine(left: f64, right: f64, which in 0..5_usize) {
        let (symbol, operation) = OPERATORS[which];
        let double = typed(&CqlType::Double);
        let function = operator(operation, &double, &double, None).unwrap();
        let values = [Some(value::double(left)), Some(value::double(right))];
        let ours = value::as_f64(&run(&function, &values).unwrap().unwrap()).unwrap();
        let theirs = exact(symbol, left, right);
        prop_assert!(ours == theirs || ours.is_nan() && theirs.is_nan());
    }

    #[test]
    fn decimals_agree_with_whole_numbers_of_the_same_scale(
        left in -1_000_000_000_000_i128..1_000_000_000_000, right in 1..1_000_000_i128,
        scale in 0..12_usize, which in 0..3_usize
    ) {
        let symbol = ['+', '-', '%'][which];
        let written = |number: i128| value::to_text(
            &CqlType::Decimal,
            &value::decimal(&number.into(), i32::try_from(scale).unwrap()),
        );
        let ours = decimals(&written(left), symbol, &written(right));
        prop_assert_eq!(ours, written(wide(symbol, left, right)));
    }

    #[test]
    fn quotients_times_divisors_are_dividends(
        left: i64, right in 1..i64::MAX, scale in -20..20_i32
    ) {
        let dividend = value::to_text(&CqlType::Decimal, &value::decimal(&left.into(), scale));
        let quotient = decimals(&dividend, '/', &right.to_string());
        let product = decimals(&quotient, '*', &right.to_string());
        let error = decimals(&product, '-', &dividend).parse::<f64>().unwrap();
        let size = dividend.parse::<f64>().unwrap().abs().max(right as f64 * 1e-32);
        prop_assert!(error.abs() <= size * 1e-30, "{} / {}: {}", dividend, right, error);
    }
}
