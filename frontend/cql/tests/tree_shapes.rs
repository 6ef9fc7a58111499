//! The tree says what the text says: literals, names, markers, precedence, assignments.

#![expect(clippy::panic, reason = "a failing helper fails the test")]

use cellar_cql::ast::{
    ArithmeticOperator, Assignment, CqlType, Duration, Ident, InsertValues, Literal, Permission,
    PermissionSet, QualifiedName, RelationTest, SelectClause, Selector, Statement, Target, Term,
};
use cellar_cql::parse_statement;

/// The one term of `INSERT INTO t (a) VALUES (...)`.
fn term(text: &str) -> Term {
    let statement = format!("INSERT INTO t (a) VALUES ({text})");
    let parsed = parse_statement(&statement).unwrap_or_else(|e| panic!("{text}: {e}"));
    let Statement::Insert(insert) = parsed.statement else { panic!("{text}") };
    let InsertValues::Columns(mut columns) = insert.values else { panic!("{text}") };
    columns.remove(0).1
}

fn selector(text: &str) -> Selector {
    let statement = format!("SELECT {text} FROM t");
    let parsed = parse_statement(&statement).unwrap_or_else(|e| panic!("{text}: {e}"));
    let Statement::Select(select) = parsed.statement else { panic!("{text}") };
    let SelectClause::Items(mut items) = select.clause else { panic!("{text}") };
    items.remove(0).selector
}

fn column(name: &str) -> Selector {
    Selector::Column(Ident::exact(name))
}

#[test]
fn literals_keep_their_value() {
    let duration =
        |months, days, nanoseconds| Literal::Duration(Duration { months, days, nanoseconds });
    let cases = [
        ("'it''s'", Literal::Text("it's".into())),
        ("''", Literal::Text("".into())),
        ("$$it's$ $$", Literal::Text("it's$ ".into())),
        ("$$$$", Literal::Text("".into())),
        ("-9223372036854775808", Literal::Integer(i64::MIN)),
        ("9223372036854775808", Literal::BigInteger("9223372036854775808".into())),
        ("- 12345678901234567890", Literal::BigInteger("-12345678901234567890".into())),
        ("-1.50", Literal::Float("-1.50".into())),
        ("1e10", Literal::Float("1e10".into())),
        ("1.", Literal::Float("1.".into())),
        ("nan", Literal::Float("NaN".into())),
        ("-infinity", Literal::Float("-Infinity".into())),
        ("TRUE", Literal::Boolean(true)),
        ("0xCAfe", Literal::Blob(vec![0xca, 0xfe].into())),
        ("0x", Literal::Blob(Vec::new().into())),
        ("1y2mo3w4d", duration(14, 25, 0)),
        ("-1h2m3s4ms5us6ns", duration(0, 0, -3_723_004_005_006)),
        ("5µs", duration(0, 0, 5_000)),
        ("P1Y2M3DT4H5M6S", duration(14, 3, 14_706_000_000_000)),
        ("P2W", duration(0, 14, 0)),
        ("PT5M", duration(0, 0, 300_000_000_000)),
        ("P0001-02-03T04:05:06", duration(14, 3, 14_706_000_000_000)),
    ];
    for (text, literal) in cases {
        assert_eq!(term(text), Term::Literal(literal), "{text}");
    }
    let uuid = "123e4567-e89b-12d3-a456-426614174000";
    let Term::Literal(Literal::Uuid(value)) = term(uuid) else { panic!("not a uuid") };
    assert_eq!(value.to_string(), uuid);
}

#[test]
fn names_are_folded_unless_quoted_and_display_as_they_are_read() {
    for (text, shown) in [
        ("Abc", "abc"),
        ("\"abc\"", "abc"),
        ("\"Abc\"", "\"Abc\""),
        ("\"a\"\"b\"", "\"a\"\"b\""),
        ("\"select\"", "\"select\""),
        ("key", "key"),
        ("\"1a\"", "\"1a\""),
        ("\"é\"", "\"é\""),
    ] {
        let parsed = parse_statement(&format!("USE {text}")).expect(text);
        let Statement::Use(name) = parsed.statement else { panic!("{text}") };
        assert_eq!(name.to_string(), shown);
        let again = parse_statement(&format!("USE {name}")).expect("reads its own output");
        assert_eq!(again.statement, Statement::Use(name));
    }
}

#[test]
fn every_reserved_word_needs_quotes_and_others_do_not() {
    for word in ["add", "SELECT", "With", "token", "in", "null", "where"] {
        assert!(parse_statement(&format!("USE {word}")).is_err(), "{word}");
        assert!(Ident::folded(word).needs_quotes(), "{word}");
    }
    for word in ["key", "type", "ttl", "json", "counter", "text", "int", "values", "like"] {
        assert!(parse_statement(&format!("SELECT {word} FROM {word}")).is_ok(), "{word}");
        assert!(!Ident::folded(word).needs_quotes(), "{word}");
    }
}

#[test]
fn markers_are_numbered_in_text_order() {
    let text = "UPDATE t USING TTL ? SET a = :x, m[?] = :\"Y\" WHERE k IN ? IF b = ?";
    let markers = parse_statement(text).expect(text).markers;
    let names: Vec<_> =
        markers.iter().map(|m| m.name.as_ref().map(|n| n.as_str().to_owned())).collect();
    let expected = [None, Some("x".to_owned()), None, Some("Y".to_owned()), None, None];
    assert_eq!(names, expected);
    assert!(markers.is_sorted_by_key(|m| m.offset));
    assert_eq!(markers[0].offset, 19);
}

#[test]
fn products_bind_tighter_than_sums_and_chains_run_from_left_to_right() {
    let Selector::Arithmetic(sum) = selector("a - b * c + d") else { panic!("not a sum") };
    assert_eq!(sum.first, column("a"));
    let [(minus, product), (plus, last)] = sum.rest.as_slice() else { panic!("two operators") };
    assert_eq!((*minus, *plus), (ArithmeticOperator::Subtract, ArithmeticOperator::Add));
    assert!(matches!(product, Selector::Arithmetic(p) if p.first == column("b")));
    assert_eq!(*last, column("d"));
}

#[test]
fn ttl_writetime_and_count_are_functions_only_before_parentheses() {
    assert_eq!(selector("ttl"), column("ttl"));
    assert_eq!(selector("ttl(a)"), Selector::Ttl(Box::new(column("a"))));
    assert_eq!(selector("writetime(a)"), Selector::WriteTime(Box::new(column("a"))));
    assert_eq!(selector("count(*)"), Selector::CountRows);
    assert_eq!(selector("count"), column("count"));
    assert!(matches!(selector("count(a)"), Selector::Function(_, args) if args.len() == 1));
    assert!(matches!(selector("a.b[1]"), Selector::Element(inner, _)
        if matches!(*inner, Selector::Field(..))));
}

#[test]
fn braces_tell_sets_maps_and_user_types_apart() {
    assert!(matches!(term("{}"), Term::Set(items) if items.is_empty()));
    assert!(matches!(term("{1, 2}"), Term::Set(items) if items.len() == 2));
    assert!(matches!(term("{'a': 1}"), Term::Map(items) if items.len() == 1));
    assert!(matches!(term("{?: :x}"), Term::Map(items) if items.len() == 1));
    assert!(matches!(term("{a: 1, b: 2}"), Term::UserType(items) if items.len() == 2));
    assert!(matches!(term("(int) 3"), Term::TypeHint(..)));
    assert!(matches!(term("(3, 4)"), Term::Tuple(items) if items.len() == 2));
}

#[test]
fn assignments_know_their_form() {
    let text = "UPDATE t SET a = 1, b = b + 1, c = 1 + c, d = d - 1, e += 1, f -= 1, \
                g[1] = 2, h.i = 3, j = 1 + 2 WHERE k = 1";
    let Statement::Update(update) = parse_statement(text).expect(text).statement else {
        panic!("not an update")
    };
    let forms: String = update
        .assignments
        .iter()
        .map(|assignment| match assignment {
            Assignment::Set(..) => '=',
            Assignment::Add(..) => '+',
            Assignment::Subtract(..) => '-',
            Assignment::Prepend(..) => 'p',
            Assignment::SetElement(..) => '[',
            Assignment::SetField(..) => '.',
        })
        .collect();
    assert_eq!(forms, "=+p-+-[.=");
}

#[test]
fn relations_know_their_target_and_test() {
    let text = "SELECT a FROM t WHERE (a, b) >= (1, 2) AND token(k) < 3 AND m['x'] = 1 \
                AND c BETWEEN 1 AND 2 AND d IN ?";
    let Statement::Select(select) = parse_statement(text).expect(text).statement else {
        panic!("not a select")
    };
    let [tuple, token, element, between, within] = select.filter.as_slice() else {
        panic!("five relations")
    };
    assert!(matches!(&tuple.target, Target::Tuple(names) if names.len() == 2));
    assert!(matches!(&token.target, Target::Token(names) if names.len() == 1));
    assert!(matches!(&element.target, Target::Element(..)));
    assert!(matches!(&between.test, RelationTest::Between(..)));
    assert!(matches!(&within.test, RelationTest::In(_)));
}

#[test]
fn types_display_as_they_are_written() {
    let types = "map<text, frozen<list<ks.u>>>";
    let text =
        format!("CREATE TABLE t (k int PRIMARY KEY, a {types}, b varchar, c vector<float, 3>)");
    let Statement::CreateTable(table) = parse_statement(&text).expect("parses").statement else {
        panic!("not a table")
    };
    let shown: Vec<_> = table.columns.iter().map(|c| c.cql_type.to_string()).collect();
    assert_eq!(shown, ["int", types, "text", "vector<float, 3>"]);
    assert_eq!(CqlType::user(Ident::exact("My")).to_string(), "\"My\"");
}

#[test]
fn nested_properties_can_be_read_by_key() {
    let text = "CREATE TABLE t (k int PRIMARY KEY) WITH custom_properties = \
                {'tiering': {'mode': 'age'}} AND CLUSTERING ORDER BY (k DESC)";
    let Statement::CreateTable(table) = parse_statement(text).expect(text).statement else {
        panic!("not a table")
    };
    let (name, value) = &table.properties[0];
    assert_eq!(name.as_str(), "custom_properties");
    let mode = value.get("tiering").and_then(|t| t.get("mode")).and_then(|m| m.as_text());
    assert_eq!(mode, Some("age"));
    assert_eq!(table.clustering_order, [(Ident::exact("k"), true)]);
}

#[test]
fn grants_tell_roles_and_permissions_apart() {
    let parse = |text| parse_statement(text).expect(text).statement;
    assert!(matches!(parse("GRANT unmask TO r"), Statement::RoleMembership(_)));
    let Statement::Permission(change) = parse("REVOKE SELECT, MODIFY ON ks.t FROM r") else {
        panic!("not a permission")
    };
    assert!(!change.grant);
    let both = vec![Permission::Select, Permission::Modify];
    assert_eq!(change.permissions, PermissionSet::Some(both));
}

#[test]
fn routines_are_named() {
    let parsed = parse_statement("CREATE FUNCTION ks.f(a int) LANGUAGE java AS ';'").expect("ok");
    let Statement::Routine(routine) = parsed.statement else { panic!("not a routine") };
    let expected = QualifiedName { keyspace: Some(Ident::exact("ks")), name: Ident::exact("f") };
    assert_eq!(routine.name, expected);
}
