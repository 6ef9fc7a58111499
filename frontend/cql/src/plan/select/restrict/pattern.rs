//! Patterns of `LIKE`: `%` stands for any characters, `_` for any one, `\` takes the meaning from
//! the one after it.

use cellar_schema::CqlType;

use super::operand::{Operand, Receiver};
use super::relation::Test;
use crate::ast::Term;
use crate::plan::{PlanError, Scope};

/// Plans a `LIKE`; `written` is the relation, for messages.
pub(super) fn plan(
    scope: &mut Scope<'_>,
    receiver: Receiver<'_>,
    term: &Term,
    written: String,
) -> Result<Test, PlanError> {
    let ([column], false) = (receiver.columns, receiver.tuple) else {
        return Err(refused(&written));
    };
    if !matches!(column.cql_type, CqlType::Text | CqlType::Ascii) {
        return Err(refused(&written));
    }
    match Operand::plan(scope, receiver, term)? {
        Operand::Columns(mut exprs) => match exprs.pop() {
            Some(expr) => Ok(Test::Like(vec![(expr, written)])),
            None => Err(refused(&written)),
        },
        Operand::Packed(_) => Err(refused(&written)),
    }
}

/// The refusal of `LIKE`, which Cassandra has with an index of its kind only.
pub(super) fn refused(written: &str) -> PlanError {
    PlanError::invalid(format!(
        "LIKE restriction is only supported on properly indexed columns. {written} is not valid."
    ))
}

/// Refuses patterns without any text, which indexes cannot look up.
pub(super) fn refuse_empty(pattern: &[u8]) -> Result<(), PlanError> {
    match pattern {
        b"" | b"%" | b"%%" => Err(PlanError::invalid("LIKE value can't be empty.")),
        _ => Ok(()),
    }
}

/// Refuses patterns that do not say how a text begins, as indexes that know nothing else do.
pub(super) fn refuse_inner(name: &str, pattern: &[u8]) -> Result<(), PlanError> {
    let text = String::from_utf8_lossy(pattern);
    let Some(rest) = text.strip_prefix('%') else { return Ok(()) };
    let (term, end) = match rest.strip_suffix('%') {
        Some(term) => (term, "%"),
        None => (rest, ""),
    };
    Err(PlanError::invalid(format!(
        "{name} LIKE '%<term>{end}' {term} is only supported on properly indexed columns"
    )))
}

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// This character.
    One(char),
    /// `_`
    AnyOne,
    /// `%`
    Any,
}

impl Pattern {
    /// The pattern that a text is.
    pub(super) fn of(text: &str) -> Self {
        let mut parts = Vec::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '%' if parts.last() == Some(&Part::Any) => continue,
                '%' => Part::Any,
                '_' => Part::AnyOne,
                // A backslash at the end is one.
                '\\' => Part::One(characters.next().unwrap_or('\\')),
                other => Part::One(other),
            });
        }
        Self(parts)
    }

    /// The pattern that a text is to an index: `%` stands for any characters where the text begins
    /// or ends with it, and every other character for itself.
    pub(super) fn of_index(text: &str) -> Self {
        let (before, rest) = text.strip_prefix('%').map_or((None, text), |r| (Some(Part::Any), r));
        let (rest, after) = rest.strip_suffix('%').map_or((rest, None), |r| (r, Some(Part::Any)));
        let inner = rest.chars().map(Part::One);
        Self(before.into_iter().chain(inner).chain(after).collect())
    }

    /// Whether a text is like this. Takes time in proportion to both lengths at most.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (mut parts, mut rest) = (self.0.as_slice(), text.chars());
        // Where to go on if what follows the last `%` does not match here.
        let mut again: Option<(&[Part], std::str::Chars<'_>)> = None;
        loop {
            let mut next = rest.clone();
            match (parts.split_first(), next.next()) {
                (Some((Part::Any, after)), _) => {
                    again = Some((after, rest.clone()));
                    parts = after;
                    continue;
                }
                (None, None) => return true,
                (Some((Part::AnyOne, after)), Some(_)) => (parts, rest) = (after, next),
                (Some((Part::One(wanted), after)), Some(found)) if *wanted == found => {
                    (parts, rest) = (after, next);
                }
                _ => {
                    let Some((after, from)) = &mut again else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    (parts, rest) = (*after, from.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::of(pattern).matches(text)
    }

    #[test]
    fn a_pattern_without_wildcards_matches_itself_alone() {
        assert!(matches("abc", "abc") && matches("", ""));
        assert!(!matches("abc", "abcd") && !matches("abc", "ab") && !matches("", "a"));
        assert!(!matches("abc", "ABC"));
    }

    #[test]
    fn a_percent_sign_stands_for_any_characters_and_an_underscore_for_one() {
        assert!(matches("ab%", "ab") && matches("ab%", "abc") && !matches("ab%", "xab"));
        assert!(matches("%bc", "abc") && !matches("%bc", "bcd"));
        assert!(matches("%b%", "abc") && matches("%%", "") && matches("a%b%c", "aXbYbZc"));
        assert!(
            matches("_", "ф") && matches("a_c", "a c") && !matches("_", "") && !matches("_", "ab")
        );
        assert!(matches("%_", "a") && !matches("%_", ""));
        assert!(matches("%aab", "aaaab") && !matches("%aab", "aaaba"));
    }

    #[test]
    fn a_backslash_takes_the_meaning_away() {
        assert!(matches(r"a\%", "a%") && !matches(r"a\%", "ab"));
        assert!(matches(r"\_", "_") && !matches(r"\_", "a"));
        assert!(matches(r"\\%", r"\anything") && matches(r"x\", r"x\"));
        assert!(matches(r"\a", "a"));
    }

    #[test]
    fn what_a_slow_matcher_says_is_said() {
        fn slowly(pattern: &[char], text: &[char]) -> bool {
            match (pattern.split_first(), text.split_first()) {
                (None, text) => text.is_none(),
                (Some(('%', after)), text) => {
                    let whole = text.map_or(vec![], |(first, rest)| [&[*first], rest].concat());
                    slowly(after, &whole) || text.is_some_and(|(_, rest)| slowly(pattern, rest))
                }
                (Some(_), None) => false,
                (Some(('_', after)), Some((_, rest))) => slowly(after, rest),
                (Some((wanted, after)), Some((found, rest))) => {
                    wanted == found && slowly(after, rest)
                }
            }
        }
        fn words(letters: &[char], most: usize) -> Vec<Vec<char>> {
            let mut all = vec![vec![]];
            let mut longest = all.clone();
            for _ in 0..most {
                let longer = |word: &Vec<char>| -> Vec<Vec<char>> {
                    letters.iter().map(|letter| [word.as_slice(), &[*letter]].concat()).collect()
                };
                longest = longest.iter().flat_map(longer).collect();
                all.extend(longest.clone());
            }
            all
        }
        let texts = words(&['a', 'b'], 5);
        for pattern in words(&['a', 'b', '%', '_'], 5) {
            let p: String = pattern.iter().collect();
            for text in &texts {
                let t: String = text.iter().collect();
                assert_eq!(matches(&p, &t), slowly(&pattern, text), "{t} LIKE {p}");
            }
        }
    }
}
