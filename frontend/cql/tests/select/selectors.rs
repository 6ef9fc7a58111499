//! What can be selected, what it is called, and what its value is.

use crate::schema::{int, planned, some, text};
use crate::store::{NOW_SECONDS, Store, names, refusal};

fn things() -> Store {
    Store::of(&[
        "INSERT INTO things (k, l, s, m, fl, fm, fs, a, fa, t, e) VALUES (1, [3, 1, 3],
            {'b', 'a'}, {'x': 1, 'y': 2}, [1, 2], {1: 'one'}, {2, 1},
            {street: 'S', zip: 9}, {street: 'F', tags: {'t'}}, (5, 'five'), [1, 2, 3])",
        "UPDATE things SET a.zip = 10 WHERE k = 2",
    ])
}

#[test]
fn columns_keep_the_order_they_are_asked_in_and_star_follows_cassandra() {
    let of = |text: &str| names(text).join(" ");
    assert_eq!(of("SELECT * FROM wide"), "a b c d s v w");
    assert_eq!(of("SELECT w, a, w FROM wide"), "w a w");
    assert_eq!(of("SELECT \"Value\", plain AS \"Plain\" FROM \"Quoted\""), "Value Plain");
    assert_eq!(of("SELECT count(*) AS n, c FROM wide"), "n c");
    let columns = planned("SELECT * FROM ks.wide").columns.unwrap();
    assert_eq!(&*columns[0].keyspace, "ks");
    assert_eq!(&*columns[0].table, "wide");
}

#[test]
fn selectors_are_named_as_in_cassandra() {
    for (selector, name) in [
        ("count(*)", "count"),
        ("COUNT(1)", "count"),
        ("count(v)", "system.count(v)"),
        ("token(a, b)", "system.token(a, b)"),
        ("max(WRITETIME(v))", "system.max(writetime(v))"),
        ("TTL(v)", "ttl(v)"),
        ("maxwritetime(v)", "maxwritetime(v)"),
        ("(a, c)", "(a, c)"),
        ("(int)(c)", "(int)(c)"),
        ("c * (c + 2)", "c * (c + 2)"),
        ("-(c)", "-(c)"),
        ("[a, c]", "[a, c]"),
        ("{a, c}", "{a, c}"),
        ("(map<int, text>){a: b}", "(map<int, text>){a: b}"),
        ("(int)?", "(int)?"),
        ("(int) -1", "(int)-1"),
        ("(duration)1y2d3h", "(duration)1y2d3h"),
        ("(text)'it'", "(text)'it'"),
        ("CAST(a AS int)", "a"),
    ] {
        assert_eq!(names(&format!("SELECT {selector} FROM wide")), [name], "{selector}");
    }
    for (selector, name) in [
        ("fa.street", "fa.street"),
        ("(frozen<address>){zip: 1}", "(frozen<ks.address>){zip: 1}"),
        ("m['x']", "m['x']"),
        ("m[?]", "m[?]"),
        ("s['a'..'c']", "s['a'..'c']"),
        ("m[..'c']", "m[..'c']"),
        ("writetime(m['x'])", "writetime(m['x'])"),
        ("writetime(a.zip)", "writetime(a.zip)"),
    ] {
        assert_eq!(names(&format!("SELECT {selector} FROM things")), [name], "{selector}");
    }
}

#[test]
fn collections_come_whole() {
    assert_eq!(
        things().read("SELECT k, l, s, m, a FROM things WHERE k IN (1, 2)"),
        [
            "1 [3, 1, 3] {'a', 'b'} {'x': 1, 'y': 2} {street: 'S', zip: 9, tags: null}",
            "2 null null null {street: null, zip: 10, tags: null}",
        ]
    );
}

#[test]
fn parts_of_values() {
    let store = things();
    let of = |selector: &str| store.read(&format!("SELECT {selector} FROM things WHERE k = 1"));
    assert_eq!(of("m['x'], m['z'], fm[1], s['a'], s['z']"), ["1 null 'one' 'a' null"]);
    assert_eq!(of("m['x'..'x'], m['y'..], s[..'a'], fs[5..]"), ["{'x': 1} {'y': 2} {'a'} {}"]);
    assert_eq!(of("m['y'..'x'], s['c'..], fs[7..8], m[..'a']"), ["null null {} null"]);
    assert_eq!(of("a.street, fa.tags, fa.zip, a.tags"), ["'S' {'t'} null null"]);
    assert_eq!(
        of("(k, t), [k, 7], {k}, (map<int, frozen<list<int>>>){k: l}, fm"),
        ["(1, (5, 'five')) [1, 7] {1} {1: [3, 1, 3]} {1: 'one'}"]
    );
    let absent = store.read("SELECT m['x'], s[..], fa.street, a.zip FROM things WHERE k = 2");
    assert_eq!(absent, ["null null null 10"]);
    assert_eq!(store.read_with("SELECT m[?] FROM things WHERE k = 1", &[some(text("y"))]), ["2"]);
}

#[test]
fn tokens_of_keys_and_of_other_values() {
    let store = Store::of(&["INSERT INTO simple (k, v) VALUES (1, 'x')"]);
    let expected = cellar_schema::token::token(&int(1)).to_string();
    assert_eq!(store.read("SELECT token(k) FROM simple"), [expected.as_str()]);
    assert_eq!(store.read("SELECT token(1) FROM simple"), [expected.as_str()]);
}

#[test]
fn write_times_and_times_to_live() {
    let store = Store::of(&[
        "INSERT INTO things (k, l, s, fl) VALUES (1, [1, 2], {'a'}, [1]) USING TIMESTAMP 77",
        "UPDATE things USING TIMESTAMP 99 AND TTL 50 SET s = s + {'b'}, m['x'] = 1 WHERE k = 1",
        "UPDATE things USING TIMESTAMP 55 SET a.zip = 1 WHERE k = 1",
    ]);
    let of = |selector: &str| store.read(&format!("SELECT {selector} FROM things WHERE k = 1"));
    assert_eq!(of("writetime(fl), ttl(fl), writetime(t), ttl(t)"), ["77 null null null"]);
    assert_eq!(of("writetime(l), writetime(s), writetime(m)"), ["[77, 77] [77, 99] [99]"]);
    assert_eq!(of("maxwritetime(s), maxwritetime(l), maxwritetime(fl)"), ["99 77 77"]);
    assert_eq!(of("writetime(s['b']), ttl(s['b']), ttl(s['a'])"), ["99 50 null"]);
    assert_eq!(of("writetime(m['x']), writetime(m['y']), ttl(m['x'])"), ["99 null 50"]);
    assert_eq!(of("writetime(a.zip), writetime(a.street)"), ["55 null"]);
    assert_eq!(of("writetime(fl), writetime(fs[1])"), ["77 null"]);
    assert_eq!(of("writetime(s['b'..]), writetime(m[..'a'])"), ["[99] null"]);
    assert_eq!(of("maxwritetime(s[..'a']), ttl(s['a'..'b'])").len(), 1);
    // A list with an entry for each field, of which only the second is set.
    let fields = "0x00000003ffffffff000000080000000000000037ffffffff 55";
    assert_eq!(of("writetime(a), maxwritetime(a)"), [fields]);
    let store = Store::of(&["INSERT INTO things (k, fa) VALUES (1, {zip: 1}) USING TIMESTAMP 7"]);
    let of = |selector: &str| store.read(&format!("SELECT {selector} FROM things WHERE k = 1"));
    assert_eq!(of("maxwritetime(fa.zip), maxwritetime(fa.street)"), ["7 null"]);
    assert_eq!(NOW_SECONDS, 1);
}

#[test]
fn json_has_the_columns_by_name() {
    let store = things();
    assert_eq!(names("SELECT JSON k, l FROM things"), ["[json]"]);
    let of =
        |selectors: &str| store.read(&format!("SELECT JSON {selectors} FROM things WHERE k = 1"));
    assert_eq!(
        of("k, l, m, t"),
        [r#"'{"k": 1, "l": [3, 1, 3], "m": {"x": 1, "y": 2}, "t": [5, "five"]}'"#]
    );
    assert_eq!(
        of("fa AS \"Home\""),
        [r#"'{"\"Home\"": {"street": "F", "zip": null, "tags": ["t"]}}'"#]
    );
    assert_eq!(of("count(*), max(k) AS top"), [r#"'{"count": 1, "top": 1}'"#]);
    let all = store.read("SELECT JSON * FROM things WHERE k = 2");
    assert!(all[0].starts_with(r#"'{"k": 2, "a": {"street": null, "zip": 10"#), "{all:?}");
    let two = store.read("SELECT JSON k, k AS again FROM things WHERE k = 1");
    assert_eq!(two, [r#"'{"k": 1, "again": 1}'"#]);
}

#[test]
fn what_cannot_be_selected() {
    for (text, words) in [
        ("SELECT nope FROM simple", "Undefined column name nope in table ks.simple"),
        (
            "SELECT ? FROM simple",
            "Cannot infer type for term ? in selection clause (try using a cast to force a type)",
        ),
        (
            "SELECT writetime(k) FROM simple",
            "Cannot use selection function writetime on PRIMARY KEY part k",
        ),
        ("SELECT ttl(c1) FROM two", "Cannot use selection function ttl on PRIMARY KEY part c1"),
        (
            "SELECT l[0] FROM things",
            "Element selection is only allowed on sets and maps, but l is a list",
        ),
        (
            "SELECT k['x'] FROM things",
            "Invalid element selection: k of type int is not a collection",
        ),
        ("SELECT k.x FROM things", "Invalid field selection: k of type int is not a user type"),
        ("SELECT fa.nope FROM things", "fa of type frozen<address> has no field nope"),
        (
            "SELECT sum(max(v)) FROM two",
            "aggregate functions cannot be used as arguments of aggregate functions",
        ),
        (
            "SELECT s, k FROM log WHERE c <= 1 ALLOW FILTERING",
            "Cannot restrict clustering columns when selecting only static columns",
        ),
        (
            "SELECT count(v) FROM log PER PARTITION LIMIT 1",
            "PER PARTITION LIMIT is not allowed with aggregate queries.",
        ),
        (
            "SELECT DISTINCT k, s FROM log WHERE k IN ('a', 'b') ORDER BY c",
            "SELECT DISTINCT queries must only request partition key columns and/or static columns (not c)",
        ),
        ("SELECT nofunction(k) FROM simple", "Unknown function 'nofunction'"),
        (
            "SELECT token(k, k) FROM simple",
            "Invalid number of arguments in call to function system.token: 1 required but 2 provided",
        ),
        (
            "SELECT DISTINCT v FROM log",
            "SELECT DISTINCT queries must only request partition key columns and/or static columns (not v)",
        ),
        (
            "SELECT DISTINCT s FROM log",
            "SELECT DISTINCT queries must request all the partition key columns (missing k)",
        ),
        (
            "SELECT DISTINCT k FROM log WHERE k = 'a' AND c = 1",
            "SELECT DISTINCT with WHERE clause only supports restriction by partition key and/or \
             static columns.",
        ),
    ] {
        assert_eq!(refusal(text), words, "{text}");
    }
}

#[test]
fn functions_of_columns() {
    let store = Store::of(&["INSERT INTO scalars (k, int, text, timestamp, bigint, float)
        VALUES (1, -7, 'it''s $$', 1709210096123, 5, 0.5)"]);
    let of = |selector: &str| store.read(&format!("SELECT {selector} FROM scalars"));
    assert_eq!(of("int + 1, int * bigint, -int"), ["-6 -35 7"]);
    assert_eq!(
        of("CAST(int AS text), toJson(text), blobAsInt(intAsBlob(int))"),
        [r#"'-7' '"it''s $$"' -7"#]
    );
    assert_eq!(
        of("toUnixTimestamp(timestamp), max(int + 1), count(toDate(timestamp))"),
        ["1709210096123 -6 1"]
    );
    assert_eq!(store.read_with("SELECT int + (int)? FROM scalars", &[some(int(9))]), ["2"]);
    for (selector, name) in [
        ("CAST(int AS text)", "cast(int as text)"),
        ("CAST(int AS VARCHAR)", "cast(int as text)"),
        ("blobAsInt(intAsBlob(int))", "system.blobasint(system.intasblob(int))"),
        ("toJson(text)", "system.tojson(text)"),
        ("to_json(text)", "system.to_json(text)"),
        ("toDate(timestamp)", "system.todate(timestamp)"),
        ("int + 1", "int + 1"),
        ("-int", "-int"),
        ("int + bigint * 2", "int + bigint * 2"),
        ("sum(int) + 1", "system.sum(int) + 1"),
    ] {
        assert_eq!(names(&format!("SELECT {selector} FROM scalars")), [name], "{selector}");
    }
}

#[test]
fn to_json_writes_blanks_as_cassandra_does() {
    let store = things();
    assert_eq!(store.read("SELECT toJson(m) FROM things WHERE k = 1"), [r#"'{"x": 1, "y": 2}'"#]);
}

#[test]
fn what_has_no_type_of_its_own_is_not_selected() {
    for constant in ["0x00", "1.5", "true", "'a'", "[1, 2]", "{1: 2}", "{1}", "(1, k)", "(k)"] {
        assert_eq!(
            refusal(&format!("SELECT {constant} FROM simple")),
            format!(
                "Cannot infer type for term {constant} in selection clause (try using a cast to \
                 force a type)"
            )
        );
    }
    assert!(refusal("SELECT CAST(1 AS text) FROM simple").contains("infer type for term 1 in"));
    let store = Store::of(&["INSERT INTO simple (k) VALUES (3)"]);
    assert_eq!(
        store.read("SELECT 1 + 1, -(1), [k, 2], {k}, (k, k), (int) -1, (k + 1) * 2 FROM simple"),
        ["2 -1 [3, 2] {3} (3, 3) -1 8"]
    );
}

#[test]
fn arguments_are_read_as_the_type_that_a_function_takes() {
    let store = things();
    let of = |selector: &str| store.read(&format!("SELECT {selector} FROM things WHERE k = 1"));
    assert_eq!(
        of("mask_replace(fa, {street: 'x', zip: 3})"),
        ["{street: 'x', zip: 3, tags: null}"]
    );
    assert_eq!(of("mask_replace(t, (4, 'x'))"), ["(4, 'x')"]);
    assert_eq!(of("mask_replace(m, {'z': k})"), ["{'z': 1}"]);
    assert_eq!(of("similarity_dot_product(e, [10000000000, Infinity, 1])"), ["Infinity"]);
    assert_eq!(of("similarity_dot_product(e, [1e1, CAST(k AS float), 1])"), ["8.0"]);
}
