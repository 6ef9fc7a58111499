//! Every scalar type from its literals.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use cellar_schema::{ChangeKind, Operation, value};

use crate::schema::*;

fn stored(column: &str, literal: &str) -> Bytes {
    let write = bind(&format!("INSERT INTO scalars (k, {column}) VALUES (1, {literal})"), &[]);
    match &write.mutations[0].changes[0].kind {
        ChangeKind::Upsert(change) => match &change.operations[0].1 {
            Operation::Set(bytes) => bytes.clone(),
            other => panic!("{literal}: {other:?}"),
        },
        other => panic!("{literal}: {other:?}"),
    }
}

#[test]
fn whole_numbers() {
    assert_eq!(stored("int", "-5"), value::int(-5));
    assert_eq!(stored("bigint", "9223372036854775807"), value::bigint(i64::MAX));
    assert_eq!(stored("smallint", "-32768"), value::smallint(i16::MIN));
    assert_eq!(stored("tinyint", "127"), value::tinyint(127));
    assert_eq!(stored("varint", "-1"), Bytes::from_static(&[0xFF]));
    assert_eq!(
        stored("varint", "18446744073709551616"),
        Bytes::from_static(&[1, 0, 0, 0, 0, 0, 0, 0, 0])
    );
}

#[test]
fn numbers_with_points() {
    assert_eq!(stored("double", "1.5"), value::double(1.5));
    assert_eq!(stored("double", "3"), value::double(3.0));
    assert_eq!(stored("double", "-1e-3"), value::double(-0.001));
    assert_eq!(stored("double", "-Infinity"), value::double(f64::NEG_INFINITY));
    assert!(value::as_f64(&stored("double", "NaN")).unwrap().is_nan());
    assert_eq!(stored("float", "0.25"), value::float(0.25));
    assert_eq!(stored("float", "Infinity"), value::float(f32::INFINITY));
    assert_eq!(stored("decimal", "1.50"), Bytes::from_static(&[0, 0, 0, 2, 0, 150]));
    assert_eq!(stored("decimal", "-7"), Bytes::from_static(&[0, 0, 0, 0, 0xF9]));
}

#[test]
fn text_and_bytes() {
    assert_eq!(stored("text", "'it''s'"), text("it's"));
    assert_eq!(stored("text", "$$it's$$"), text("it's"));
    assert_eq!(stored("ascii", "'abc'"), text("abc"));
    assert_eq!(stored("text", "''"), Bytes::new());
    assert_eq!(stored("blob", "0xCAfe"), Bytes::from_static(&[0xCA, 0xFE]));
    assert_eq!(stored("blob", "0x"), Bytes::new());
    assert_eq!(stored("boolean", "TRUE"), value::boolean(true));
}

#[test]
fn times() {
    assert_eq!(stored("timestamp", "1500"), value::timestamp(1500));
    assert_eq!(stored("timestamp", "'1970-01-01 00:00:01+0000'"), value::timestamp(1000));
    assert_eq!(stored("timestamp", "'1970-01-02'"), value::timestamp(86_400_000));
    assert_eq!(stored("date", "'1970-01-02'"), value::date((1 << 31) + 1));
    assert_eq!(stored("time", "'00:00:01.5'"), value::time(1_500_000_000));
    assert_eq!(stored("duration", "1mo2d3s"), value::duration(1, 2, 3_000_000_000));
    assert_eq!(stored("duration", "-2h"), value::duration(0, 0, -7_200_000_000_000));
    assert_eq!(stored("duration", "89h9m9s"), value::duration(0, 0, 320_949_000_000_000));
}

#[test]
fn addresses_and_ids() {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert_eq!(stored("inet", "'127.0.0.1'"), value::inet(loopback));
    assert_eq!(stored("inet", "'::1'").len(), 16);
    let uuid = "9c5b94b1-35ad-49bb-b118-8e8fc24abf80";
    assert_eq!(stored("uuid", uuid)[..4], [0x9c, 0x5b, 0x94, 0xb1]);
    let timeuuid = "d2177dd0-eaa2-11de-a572-001b779c76e3";
    assert_eq!(stored("timeuuid", timeuuid)[..4], [0xd2, 0x17, 0x7d, 0xd0]);
}

#[test]
fn constants_of_another_kind_are_refused_in_cassandra_s_words() {
    let refused = |column: &str, literal: &str| {
        refusal(&format!("INSERT INTO scalars (k, {column}) VALUES (1, {literal})"))
    };
    assert_eq!(refused("int", "'1'"), "Invalid STRING constant (1) for \"int\" of type int");
    assert_eq!(refused("text", "1"), "Invalid INTEGER constant (1) for \"text\" of type text");
    assert_eq!(refused("int", "1.5"), "Invalid FLOAT constant (1.5) for \"int\" of type int");
    assert_eq!(refused("uuid", "0x00"), "Invalid HEX constant (0x00) for \"uuid\" of type uuid");
    assert_eq!(
        refused("boolean", "1"),
        "Invalid INTEGER constant (1) for \"boolean\" of type boolean"
    );
    for (column, literal) in [
        ("int", "2147483648"),
        ("tinyint", "128"),
        ("smallint", "32768"),
        ("bigint", "9223372036854775808"),
        ("date", "'1970-13-01'"),
        ("inet", "'no such'"),
        ("timestamp", "'yesterday'"),
        ("ascii", "'é'"),
        ("timeuuid", "9c5b94b1-35ad-49bb-b118-8e8fc24abf80"),
    ] {
        refused(column, literal);
    }
}
