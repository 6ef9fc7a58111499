//! The statements that requests become.

use std::sync::Arc;

use cellar_cql::plan::BoundValue;
use cellar_schema::{
    Column, ColumnId, ColumnKind, CqlType, Frozen, Order, Table, TableId, TableOptions, value,
};
use serde_json::{Value, json};

use super::{key::Key, statement::Statement, *};
use crate::http::{document::Document, uri::Pairs};

fn table() -> Arc<Table> {
    let set = CqlType::Set(Box::new(CqlType::Text), Frozen::No);
    let all = [
        ("Key \"1\"", CqlType::Text, ColumnKind::PartitionKey(0)),
        ("k2", CqlType::Int, ColumnKind::PartitionKey(1)),
        ("c", CqlType::Int, ColumnKind::Clustering(0, Order::Desc)),
        ("s", CqlType::Int, ColumnKind::Static),
        ("v", CqlType::Int, ColumnKind::Regular),
        ("tags", set, ColumnKind::Regular),
    ];
    let column = |(id, (name, cql_type, kind)): (u32, (&str, CqlType, ColumnKind))| Column {
        id: ColumnId(id),
        name: name.to_owned(),
        cql_type,
        kind,
    };
    Arc::new(Table {
        id: TableId(1),
        uuid: uuid::Uuid::nil(),
        keyspace: "ks".to_owned(),
        name: "T".to_owned(),
        version: 1,
        columns: (1..).zip(all).map(column).collect(),
        next_column: ColumnId(7),
        dropped: Vec::new(),
        options: TableOptions::default(),
    })
}

fn key(path: &str) -> Key {
    let segments = crate::http::uri::segments(path).unwrap();
    Key::read(table(), &segments, &Pairs::default()).unwrap()
}

fn pairs(text: &str) -> Pairs {
    Pairs::read(Some(text)).unwrap()
}

fn int(number: i32) -> BoundValue {
    BoundValue::Bytes(value::int(number))
}

fn text(text: &str) -> BoundValue {
    BoundValue::Bytes(value::text(text))
}

fn body(json: Value) -> Document {
    Document::Json(json)
}

#[test]
fn a_put_names_every_column_of_the_row() {
    let put = |condition, json| write::put(&key("/a/1/2"), body(json), condition, &pairs("ttl=9"));
    let Statement { text: written, values } = put(Precondition::None, json!({"v": 3})).unwrap();
    assert_eq!(
        written,
        "INSERT INTO \"ks\".\"T\" (\"Key \"\"1\"\"\", \"k2\", \"c\", \"v\", \"tags\") \
         VALUES (?, ?, ?, ?, ?) USING TTL ?"
    );
    assert_eq!(values, [text("a"), int(1), int(2), int(3), BoundValue::Null, int(9)]);
    let new = put(Precondition::Absent, json!({"s": 1})).unwrap();
    assert_eq!(
        new.text,
        "INSERT INTO \"ks\".\"T\" (\"Key \"\"1\"\"\", \"k2\", \"c\", \"s\") \
         VALUES (?, ?, ?, ?) IF NOT EXISTS USING TTL ?"
    );
    let old = put(Precondition::Present, json!({"k2": 1, "v": 3})).unwrap();
    assert_eq!(
        old.text,
        "UPDATE \"ks\".\"T\" USING TTL ? SET \"v\" = ?, \"tags\" = ? \
         WHERE \"Key \"\"1\"\"\" = ? AND \"k2\" = ? AND \"c\" = ? IF EXISTS"
    );
    assert_eq!(old.values, [int(9), int(3), BoundValue::Null, text("a"), int(1), int(2)]);
}

#[test]
fn a_patch_names_what_the_body_names() {
    let json = json!({"tags": {"$remove": ["x"]}, "v": null});
    let none = pairs("");
    let patch = write::patch(&key("/a/1/2"), body(json), Precondition::None, &none).unwrap();
    assert_eq!(
        patch.text,
        "UPDATE \"ks\".\"T\" SET \"tags\" = \"tags\" - ?, \"v\" = ? \
         WHERE \"Key \"\"1\"\"\" = ? AND \"k2\" = ? AND \"c\" = ?"
    );
    let of_partition = |json| {
        write::patch(&key("/a/1"), body(json), Precondition::None, &none).map(|found| found.text)
    };
    assert_eq!(
        of_partition(json!({"s": 1})).unwrap(),
        "UPDATE \"ks\".\"T\" SET \"s\" = ? WHERE \"Key \"\"1\"\"\" = ? AND \"k2\" = ?"
    );
    assert_eq!(of_partition(json!({"s": 1, "v": 1})).unwrap_err().status(), 422);
}

#[test]
fn a_delete_takes_what_begins_with_the_key() {
    let delete = |path, condition| write::delete(&key(path), condition).map(|found| found.text);
    assert_eq!(
        delete("/a/1", Precondition::None).unwrap(),
        "DELETE FROM \"ks\".\"T\" WHERE \"Key \"\"1\"\"\" = ? AND \"k2\" = ?"
    );
    assert!(delete("/a/1/2", Precondition::Present).unwrap().ends_with(" IF EXISTS"));
    assert_eq!(delete("/a/1/2", Precondition::Absent).unwrap_err().status(), 400);
}

#[test]
fn a_page_is_selected_by_key_conditions_and_order() {
    let select = |path, query| filter::select(&key(path), &pairs(query));
    let found = select("/a/1", "c=gt.5&c=in.[7,8]&select=v,c&order=c.asc&limit=3").unwrap();
    assert_eq!(
        found.text,
        "SELECT \"v\", \"c\" FROM \"ks\".\"T\" WHERE \"Key \"\"1\"\"\" = ? AND \"k2\" = ? \
         AND \"c\" > ? AND \"c\" IN (?, ?) ORDER BY \"c\" ASC LIMIT ?"
    );
    assert_eq!(found.values.len(), 6);
    let contains = select("/a/1", "tags=contains.x.y").unwrap();
    assert!(contains.text.ends_with(" AND \"tags\" CONTAINS ?"), "{}", contains.text);
    assert_eq!(contains.values.last(), Some(&text("x.y")));
}

#[test]
fn keys_are_the_whole_partition_key_or_more() {
    let read = |path: &str, query| {
        let segments = crate::http::uri::segments(path).unwrap();
        Key::read(table(), &segments, &pairs(query)).map_err(|error| error.status())
    };
    assert_eq!(read("/a", "").unwrap_err(), 422);
    assert_eq!(read("/a/1/2/3", "").unwrap_err(), 422);
    assert_eq!(read("/a//2", "").unwrap_err(), 422);
    assert_eq!(read("/a/one", "").unwrap_err(), 422);
    let no_segments =
        |query| Key::read(table(), &[], &pairs(query)).map_err(|error| error.status());
    assert!(no_segments("key=[\"\",1,2]").unwrap().is_full());
    assert_eq!(no_segments("key=[null,1]").unwrap_err(), 422);
    assert_eq!(no_segments("key=a").unwrap_err(), 400);
    assert_eq!(read("/a/1", "key=[]").unwrap_err(), 400);
}
