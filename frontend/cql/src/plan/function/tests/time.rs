//! The present, and moments in their forms.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

#[test]
fn the_present_is_the_time_of_the_request() {
    for (name, expected) in [
        ("currentTimestamp", "'2023-11-14T22:13:20.123Z'"),
        ("current_timestamp", "'2023-11-14T22:13:20.123Z'"),
        ("currentDate", "'2023-11-14'"),
        ("current_date", "'2023-11-14'"),
        ("currentTime", "'22:13:20.123000000'"),
        ("current_time", "'22:13:20.123000000'"),
    ] {
        assert_eq!(call(name, &[]), expected, "{name}");
        assert!(!resolve(&named(name), &[], None).unwrap().pure);
    }
}

#[test]
fn new_timeuuids_are_distinct_and_increase_at_the_time_of_the_request() {
    let new = |name: &str| {
        let bytes = run(&resolve(&named(name), &[], None).unwrap(), &[]).unwrap().unwrap();
        value::validate(&CqlType::Timeuuid, &bytes).unwrap();
        bytes
    };
    let made = (0..1000).map(|_| new("now")).collect::<Vec<_>>();
    let rising = made.windows(2).all(|w| value::compare(&CqlType::Timeuuid, &w[0], &w[1]).is_lt());
    assert!(rising);
    assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 1000);
    for (name, bytes) in [("now", &made[0]), ("x", &new("currentTimeUUID"))] {
        let text = value::to_text(&CqlType::Timeuuid, bytes);
        let epoch_ms = call("toUnixTimestamp", &[(CqlType::Timeuuid, &text)]).parse::<i64>();
        assert!((0..=1).contains(&(epoch_ms.unwrap() - NOW_US / 1000)), "{name}");
        let uuid = Uuid::from_slice(bytes).unwrap();
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(uuid.as_bytes()[10] & 1, 1, "the node is no hardware address");
    }
}

#[test]
fn random_uuids_are_of_version_4() {
    let made = call("uuid", &[]).parse::<Uuid>().unwrap();
    assert_eq!(made.get_version_num(), 4);
    assert_ne!(call("uuid", &[]), call("uuid", &[]));
}

#[test]
fn moments_change_form() {
    let id = (CqlType::Timeuuid, "d2177dd0-eaa2-11de-a572-001b779c76e3");
    for (name, argument, expected) in [
        ("toDate", id.clone(), "'2009-12-17'"),
        ("to_timestamp", id.clone(), "'2009-12-17T00:26:29.805Z'"),
        ("dateOf", id.clone(), "'2009-12-17T00:26:29.805Z'"),
        ("toUnixTimestamp", id.clone(), "1261009589805"),
        ("unixTimestampOf", id, "1261009589805"),
        ("to_date", (CqlType::Timestamp, "1970-01-02 23:59"), "'1970-01-02'"),
        ("toDate", (CqlType::Timestamp, "-1"), "'1969-12-31'"),
        ("toUnixTimestamp", (CqlType::Timestamp, "1970-01-02"), "86400000"),
        ("to_unix_timestamp", (CqlType::Date, "1970-01-02"), "86400000"),
        ("toTimestamp", (CqlType::Date, "1969-12-31"), "'1969-12-31T00:00:00.000Z'"),
    ] {
        assert_eq!(call(name, &[argument]), expected, "{name}");
    }
    let far = i64::MAX.to_string();
    assert_eq!(
        refused("toDate", &[(CqlType::Timestamp, &far)]),
        "execution of 'system.todate[timestamp]' failed: value out of the range of type date"
    );
}

#[test]
fn bounds_are_those_cassandra_computes() {
    let at = (CqlType::Timestamp, "1970-01-01");
    let lower = call("minTimeuuid", std::slice::from_ref(&at));
    assert_eq!(lower, "13814000-1dd2-11b2-8080-808080808080");
    assert_eq!(call("max_timeuuid", &[at]), "1381670f-1dd2-11b2-7f7f-7f7f7f7f7f7f");
    // Beyond the year 5236 they begin anew.
    let round = ((1_i64 << 60) / 10_000).to_string();
    let lower = call("minTimeuuid", &[(CqlType::Timestamp, &round)]);
    assert!(lower.ends_with("-1dd2-11b2-8080-808080808080"), "{lower}");
    call("maxTimeuuid", &[(CqlType::Timestamp, &i64::MAX.to_string())]);
}

proptest! {
    #[test]
    fn bounds_enclose_the_timeuuids_of_their_millisecond(
        epoch_ms in -12_000_000_000_000_i64..90_000_000_000_000, ticks in 0..10_000_u64, node: u64
    ) {
        let gregorian = u64::try_from(epoch_ms * 10_000 + 0x01b2_1dd2_1381_4000).unwrap() + ticks;
        let node = node.to_be_bytes();
        let id = uuid::Builder::from_gregorian_timestamp(
            gregorian,
            u16::from_be_bytes([node[0], node[1]]) & 0x3fff,
            node[2..].try_into().unwrap(),
        )
        .into_uuid();
        let at = (CqlType::Timestamp, &*epoch_ms.to_string());
        let between = [call("minTimeuuid", std::slice::from_ref(&at)), id.to_string()];
        let between = [&between[0], &between[1], &call("maxTimeuuid", &[at])]
            .map(|text| text.parse::<Uuid>().unwrap());
        for pair in between.windows(2) {
            let order = value::compare(&CqlType::Timeuuid, pair[0].as_bytes(), pair[1].as_bytes());
            prop_assert!(order.is_le());
        }
        let back = call("toUnixTimestamp", &[(CqlType::Timeuuid, &id.to_string())]);
        prop_assert_eq!(back, epoch_ms.to_string());
    }
}
