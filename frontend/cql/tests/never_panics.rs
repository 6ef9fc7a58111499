//! No text makes the parser panic: token soup, mutated statements, any characters.

use cellar_cql::parse_statement;
use proptest::prelude::*;

const WORDS: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "FROM",
    "WHERE",
    "INTO",
    "VALUES",
    "SET",
    "AND",
    "IN",
    "IF",
    "NOT",
    "EXISTS",
    "CREATE",
    "ALTER",
    "DROP",
    "TABLE",
    "KEYSPACE",
    "TYPE",
    "INDEX",
    "WITH",
    "USING",
    "TTL",
    "TIMESTAMP",
    "BEGIN",
    "BATCH",
    "APPLY",
    "GRANT",
    "REVOKE",
    "ON",
    "TO",
    "LIST",
    "ROLE",
    "DESCRIBE",
    "JSON",
    "DISTINCT",
    "count",
    "token",
    "cast",
    "as",
    "a",
    "b",
    "\"C\"",
    "1",
    "2.5",
    "-",
    "+",
    "*",
    "/",
    "%",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "!=",
    "+=",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "..",
    ":",
    "?",
    ";",
    "'x'",
    "$$y$$",
    "0xab",
    "1mo2d",
    "P1Y",
    "null",
    "NaN",
    "123e4567-e89b-12d3-a456-426614174000",
    "list",
    "map",
    "frozen",
    "int",
    "PRIMARY",
    "KEY",
    "ORDER",
    "BY",
    "ANN",
    "OF",
    "LIMIT",
    "CONTAINS",
    "LIKE",
    "BETWEEN",
    "$",
    "'",
    "\"",
    "/*",
    "é",
];

const VALID: &[&str] = &[
    "SELECT a, count(*), (int) 3 + b FROM ks.t WHERE (a, b) > (1, ?) AND c IN (1, 'x') LIMIT 5",
    "INSERT INTO t (a, b) VALUES ({x: 1, y: [2, 3]}, 1y2mo) IF NOT EXISTS USING TTL 10",
    "UPDATE t SET a = a + 1, b['k'] = -1.5e3, c.d = $$x$$ WHERE k = 0xab IF e != null",
    "DELETE a['x'], b FROM t USING TIMESTAMP 5 WHERE k = :name",
    "BEGIN UNLOGGED BATCH DELETE FROM t WHERE a = 1; APPLY BATCH;",
    "CREATE TABLE t (a int, b map<text, frozen<list<int>>>, PRIMARY KEY ((a), b)) WITH x = {'a': 1}",
    "GRANT SELECT ON ALL TABLES IN KEYSPACE ks TO 'r'",
];

proptest! {
    #[test]
    fn token_soup_is_parsed_or_refused(words in prop::collection::vec(prop::sample::select(WORDS), 0..40)) {
        let _ = parse_statement(&words.join(" "));
        let _ = parse_statement(&words.concat());
    }

    #[test]
    fn mutated_statements_are_parsed_or_refused(
        text in prop::sample::select(VALID),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0..3_u8), 1..6),
    ) {
        let mut chars: Vec<char> = text.chars().collect();
        for (place, c, edit) in edits {
            let at = place.index(chars.len());
            match edit {
                0 => chars[at] = c,
                1 => chars.insert(at, c),
                _ => { chars.truncate(at.max(1)); }
            }
        }
        let mutated: String = chars.into_iter().collect();
        if let Err(error) = parse_statement(&mutated) {
            prop_assert!(error.line >= 1);
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        let _ = parse_statement(&text);
        let _ = parse_statement(&format!("SELECT a FROM t WHERE b = {text}"));
    }
}

#[test]
fn every_prefix_of_a_statement_is_parsed_or_refused() {
    for text in VALID {
        assert!(parse_statement(text).is_ok(), "{text}");
        for (end, _) in text.char_indices() {
            let _ = parse_statement(&text[..end]);
        }
    }
}
