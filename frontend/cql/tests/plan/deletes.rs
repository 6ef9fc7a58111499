//! `DELETE`: partitions, ranges, rows, columns.

use bytes::Bytes;
use cellar_schema::{ChangeKind, Operation, keys, value};

use crate::schema::*;

fn change(text: &str) -> ChangeKind {
    let write = bind(text, &[]);
    assert_eq!(write.mutations.len(), 1, "{text}");
    assert_eq!(write.mutations[0].changes.len(), 1, "{text}");
    write.mutations[0].changes[0].kind.clone()
}

fn range((start, end): (Bytes, Bytes)) -> ChangeKind {
    ChangeKind::DeleteRange { start, end }
}

#[test]
fn the_partition_key_alone_deletes_the_partition() {
    assert_eq!(change("DELETE FROM log WHERE k = 'k'"), ChangeKind::DeletePartition);
    assert_eq!(change("DELETE FROM simple WHERE k = 1"), ChangeKind::DeletePartition);
}

#[test]
fn the_whole_key_deletes_a_row() {
    let suffix = row("two", &[int(1), int(2)]);
    assert_eq!(
        change("DELETE FROM two WHERE k = 0 AND c1 = 1 AND c2 = 2"),
        ChangeKind::DeleteRow { suffix }
    );
    let write = bind("DELETE FROM two WHERE k = 0 AND c1 = 1 AND c2 IN (2, 3)", &[]);
    assert_eq!(write.mutations[0].changes.len(), 2);
}

#[test]
fn a_prefix_or_a_range_deletes_a_range() {
    let two = table_of("two");
    assert_eq!(
        change("DELETE FROM two WHERE k = 0 AND c1 = 1"),
        range(keys::suffix_range(&two, &[int(1)], None, None).unwrap())
    );
    assert_eq!(
        change("DELETE FROM two WHERE k = 0 AND c1 = 1 AND c2 > 2 AND c2 <= 9"),
        range(
            keys::suffix_range(&two, &[int(1)], Some((int(2), false)), Some((int(9), true)))
                .unwrap()
        )
    );
    assert_eq!(
        change("DELETE FROM two WHERE k = 0 AND c1 BETWEEN 3 AND 4"),
        range(keys::suffix_range(&two, &[], Some((int(3), true)), Some((int(4), true))).unwrap())
    );
    assert_eq!(
        change("DELETE FROM two WHERE k = 0 AND (c1, c2) >= (1, 2)"),
        range(
            keys::suffix_range_tuple(&two, Some((&[int(1), int(2)], true)), None).unwrap()[0]
                .clone()
        )
    );
}

#[test]
fn ranges_follow_descending_columns() {
    let wide = table_of("wide");
    let lower = Some((int(5), false));
    assert_eq!(
        change("DELETE FROM wide WHERE a = 1 AND b = 'b' AND c > 5"),
        range(keys::suffix_range(&wide, &[], lower, None).unwrap())
    );
    let inside = row("wide", &[int(6), text("x")]);
    let outside = row("wide", &[int(5), text("x")]);
    let ChangeKind::DeleteRange { start, end } =
        change("DELETE FROM wide WHERE a = 1 AND b = 'b' AND c > 5")
    else {
        panic!()
    };
    assert!(start <= inside && inside < end);
    assert!(!(start <= outside && outside < end));
}

#[test]
fn columns_and_elements_are_deleted_without_the_row() {
    let suffix = row("simple", &[]);
    assert_eq!(
        change("DELETE v FROM simple WHERE k = 1"),
        upsert("simple", suffix, false, &[("v", Operation::Delete)])
    );
    let suffix = row("things", &[]);
    let key =
        |text: &str| keys::element_key(&cellar_schema::CqlType::Text, text.as_bytes()).unwrap();
    assert_eq!(
        change("DELETE s['a'], m['b'], l[3], a.zip FROM things WHERE k = 1"),
        upsert(
            "things",
            suffix,
            false,
            &[
                ("s", Operation::Remove(vec![key("a")])),
                ("m", Operation::Remove(vec![key("b")])),
                ("l", Operation::ListSet(3, None)),
                ("a", Operation::Remove(vec![Bytes::from_static(&[0, 1])])),
            ]
        )
    );
    assert_eq!(
        change("DELETE s FROM log WHERE k = 'k'"),
        upsert("log", keys::static_suffix(), false, &[("s", Operation::Delete)])
    );
}

#[test]
fn a_deletion_takes_a_timestamp() {
    let write = bind("DELETE FROM simple USING TIMESTAMP ? WHERE k = 1", &[some(value::bigint(5))]);
    assert_eq!(write.mutations[0].changes[0].timestamp_us, Some(5));
}
