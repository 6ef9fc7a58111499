//! Mistakes are reported where they are, with what was expected and advice.

use cellar_cql::{SyntaxErrorKind, parse_statement};

#[test]
fn errors_carry_the_position_and_the_offending_text() {
    let cases = [
        ("SELEC * FROM t", 1, 0, "SELEC"),
        ("SELECT * FORM t", 1, 9, "FORM"),
        ("SELECT *\nFROM t\nWHERE a == 1", 3, 9, "="),
        ("SELECT * FROM table", 1, 14, "table"),
        ("SELECT * FROM t WHERE a = 1 extra", 1, 28, "extra"),
        ("SELECT a FROM true", 1, 14, "true"),
        ("SELECT a FROM t WHERE token(a) IN (1)", 1, 31, "IN"),
        ("SELECT a FROM t WHERE false = 1", 1, 22, "false"),
        ("UPDATE t SET v = 1, v = 2 WHERE k = 1", 1, 20, "v"),
        ("UPDATE t SET l = [1], l = l + [2] WHERE k = 1", 1, 22, "l"),
        ("BEGIN BATCH UPDATE t SET m['a'] = 1, m = {} WHERE k = 1 APPLY BATCH", 1, 37, "m"),
        ("SELECT * FROM t WHERE", 1, 21, "<EOF>"),
        ("UPDATE t SET a = b + 1 WHERE k = 1", 1, 17, "b"),
        ("UPDATE t SET a = 1", 1, 18, "<EOF>"),
        ("DELETE FROM t USING TTL 5 WHERE a = 1", 1, 20, "TTL"),
        ("SELECT * FROM t LIMIT 'x'", 1, 22, "'x'"),
        ("SELECT 'é', # FROM t", 1, 12, "#"),
        ("CREATE TABLE t (a array<int>)", 1, 18, "array"),
        ("SELECT a FROM t WHERE b = 'open", 1, 26, "'open"),
        ("SELECT a FROM t WHERE b = 0xabc", 1, 26, "0xabc"),
        ("SELECT a FROM t WHERE b = 12ab", 1, 26, "12ab"),
        ("SELECT a FROM t; SELECT b FROM t", 1, 17, "SELECT"),
        ("", 1, 0, "<EOF>"),
        ("BEGIN BATCH SELECT a FROM t APPLY BATCH", 1, 12, "SELECT"),
    ];
    for (text, line, column, found) in cases {
        let error = parse_statement(text).expect_err(text);
        assert_eq!(
            (error.line, error.column, error.found.as_str()),
            (line, column, found),
            "{text}"
        );
    }
}

#[test]
fn messages_read_like_those_of_cassandra_and_give_a_hint() {
    let message = |text| parse_statement(text).expect_err(text).to_string();
    assert_eq!(
        message("SELEC * FROM t"),
        "line 1:0 no viable alternative at input 'SELEC', expected a statement such as SELECT or \
         INSERT (hint: did you mean SELECT?)"
    );
    assert_eq!(
        message("SELECT * FROM table"),
        "line 1:14 no viable alternative at input 'table', expected a name (hint: table is a \
         reserved word; as a name write \"table\")"
    );
    assert!(
        message("UPDATE t SET v = 1, v += 2 WHERE k = 1")
            .contains("Multiple incompatible setting of column v")
    );
    assert!(message("SELECT * FROM t WHERE a = \"x\"").contains("text takes single quotes"));
}

#[test]
fn deep_nesting_is_refused_and_not_a_stack_overflow() {
    let open_and_close = [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("f(", ")"),
        ("-", ""),
        ("(int)", ""),
        ("(list<int>)(", ")"),
    ];
    for (open, close) in open_and_close {
        let value = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        for text in [
            format!("SELECT {value} FROM t"),
            format!("INSERT INTO t (a) VALUES ({value})"),
            format!("SELECT a FROM t WHERE {value} = 1"),
            format!("CREATE TABLE t (a int PRIMARY KEY) WITH x = {value}"),
        ] {
            // A minus twice begins a comment, which ends the statement instead.
            assert!(parse_statement(&text).is_err(), "{open}");
        }
    }
    let types = format!("CREATE TYPE t (a {}int{})", "set<".repeat(5_000), ">".repeat(5_000));
    let error = parse_statement(&types).expect_err("too deep");
    assert_eq!(error.kind, SyntaxErrorKind::LimitExceeded);
    let fields = format!("SELECT a{} FROM t", ".b".repeat(5_000));
    assert!(parse_statement(&fields).is_err());
}

#[test]
fn long_chains_of_operators_are_not_deep() {
    let text =
        format!("SELECT 1{} FROM t WHERE a = 1{}", " + 1".repeat(9_000), " * 2".repeat(9_000));
    assert!(parse_statement(&text).is_ok());
}

#[test]
fn too_many_bind_markers_are_refused() {
    let text = |n: usize| format!("SELECT a FROM t WHERE b IN ({}?)", "?,".repeat(n - 1));
    assert_eq!(parse_statement(&text(65_535)).expect("fits").markers.len(), 65_535);
    let error = parse_statement(&text(65_536)).expect_err("one too many");
    assert_eq!(error.kind, SyntaxErrorKind::LimitExceeded);
}

#[test]
fn a_megabyte_of_nested_values_takes_no_quadratic_time() {
    let values = "(1, 'a', (null, [f(2)])), ".repeat(40_000);
    let text = format!("SELECT a FROM t WHERE b IN ({values} (1))");
    let start = std::time::Instant::now();
    assert!(parse_statement(&text).is_ok());
    assert!(parse_statement(&"P1-".repeat(400_000)).is_err());
    // Quadratic work on this text takes minutes; the bound is loose for slow machines.
    assert!(start.elapsed().as_secs() < 20);
}
