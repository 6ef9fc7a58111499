//! Maps of constants as text, such as options of tables are kept in the schema.

use std::collections::BTreeMap;

use super::cursor::Parser;
use crate::lex::Kind;

/// The entries of a map literal whose keys and values are constants, such as
/// `{'class': 'X', 'enabled': 'true'}`, without quotes; `None` for any other text.
#[must_use]
pub fn literal_map(text: &str) -> Option<BTreeMap<String, String>> {
    let mut parser = Parser::new(text).ok()?;
    parser.expect(b'{').ok()?;
    let mut entries = BTreeMap::new();
    while !parser.is(b'}') {
        if !entries.is_empty() {
            parser.expect(b',').ok()?;
        }
        let key = constant(&mut parser)?;
        parser.expect(b':').ok()?;
        entries.insert(key, constant(&mut parser)?);
    }
    parser.expect(b'}').ok()?;
    parser.at_end().then_some(entries)
}

fn constant(parser: &mut Parser<'_>) -> Option<String> {
    if matches!(parser.peek().kind, Kind::Text | Kind::DollarText) {
        return parser.text_literal().ok().map(String::from);
    }
    let negative = parser.is(b'-');
    let written = parser.text(parser.peek_at(usize::from(negative))).to_owned();
    parser.literal().ok()??;
    Some(if negative { format!("-{written}") } else { written })
}

#[cfg(test)]
mod tests {
    use super::literal_map;

    fn entries(text: &str) -> Option<Vec<(String, String)>> {
        literal_map(text).map(|map| map.into_iter().collect())
    }

    #[test]
    fn texts_numbers_and_booleans_come_without_quotes() {
        let found = entries("{'class': 'a.B', 'it''s': 'x''y', 'n': -3, 'on': true}").unwrap();
        let expected = [("class", "a.B"), ("it's", "x'y"), ("n", "-3"), ("on", "true")];
        let expected: Vec<_> =
            expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(found, expected);
        assert_eq!(entries(" { } "), Some(Vec::new()));
    }

    #[test]
    fn anything_else_is_no_map() {
        for text in ["", "{", "{'a'}", "{'a': }", "{'a': {'b': 'c'}}", "{'a': 'b'} x", "'a'"] {
            assert_eq!(entries(text), None, "{text}");
        }
    }
}
