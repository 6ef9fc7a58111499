//! SASI indexes whose analyzer cuts a text into terms: `LIKE` then asks for a text with such a
//! term, rather than for such a text.

use cellar_schema::Index;

use super::pattern::Pattern;

/// How a text is cut into terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Analyzer {
    /// At every such character.
    Delimiter(char),
    /// Into its words; whether letters match in either case.
    Words { lower: bool },
}

impl Analyzer {
    /// The analyzer that the index names, if it cuts texts.
    pub(super) fn of(index: &Index) -> Option<Self> {
        let option = |name: &str| index.options.get(name).map(String::as_str);
        let is = |name: &str| option(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if !index.is_sasi() || option("analyzed").is_some_and(|v| v.eq_ignore_ascii_case("false")) {
            return None;
        }
        match option("analyzer_class")?.rsplit('.').next()? {
            "DelimiterAnalyzer" => {
                let given = option("delimiter").and_then(|text| text.chars().next());
                Some(Self::Delimiter(given.unwrap_or(',')))
            }
            "StandardAnalyzer" => Some(Self::Words {
                lower: is("tokenization_normalize_lowercase")
                    || is("tokenization_normalize_uppercase"),
            }),
            _ => None,
        }
    }

    /// The terms of a text.
    pub(super) fn terms(&self, text: &str) -> Vec<String> {
        let parts = text.split(|c: char| match self {
            Self::Delimiter(delimiter) => c == *delimiter,
            Self::Words { .. } => !c.is_alphanumeric(),
        });
        let lower = matches!(self, Self::Words { lower: true });
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(|part| if lower { part.to_lowercase() } else { part.to_owned() }).collect()
    }

    /// What is asked of terms by a pattern: each of its own terms with the `%` that the pattern
    /// begins or ends with.
    pub(super) fn patterns(&self, pattern: &str) -> Vec<Pattern> {
        let (before, rest) = match pattern.strip_prefix('%') {
            Some(rest) => ("%", rest),
            None => ("", pattern),
        };
        let (after, rest) = match rest.strip_suffix('%') {
            Some(rest) => ("%", rest),
            None => ("", rest),
        };
        let terms = self.terms(rest);
        terms.iter().map(|term| Pattern::of(&format!("{before}{term}{after}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Analyzer;

    fn like(analyzer: &Analyzer, text: &str, pattern: &str) -> bool {
        let (terms, patterns) = (analyzer.terms(text), analyzer.patterns(pattern));
        patterns.iter().all(|pattern| terms.iter().any(|term| pattern.matches(term)))
    }

    #[test]
    fn a_pattern_is_compared_with_each_part_between_delimiters() {
        let bars = Analyzer::Delimiter('░');
        let text = "░error░http.method=GET░http.path=/a b░";
        for found in ["error", "http.method=GET", "http.%", "%GET", "%path%", "http.path=/a b"] {
            assert!(like(&bars, text, found), "{found}");
        }
        for missed in ["err", "http", "GET", "Error", "%methods%", "error%GET"] {
            assert!(!like(&bars, text, missed), "{missed}");
        }
    }

    #[test]
    fn words_are_compared_each_and_in_either_case_only_where_the_index_says_so() {
        let (kept, folded) = (Analyzer::Words { lower: false }, Analyzer::Words { lower: true });
        let text = "It is a Fine day, truly.";
        for found in ["day", "Fine day", "tru%", "%rul%", "day Fine"] {
            assert!(like(&kept, text, found) && like(&folded, text, found), "{found}");
        }
        assert!(like(&folded, text, "FINE") && !like(&kept, text, "FINE"));
        assert!(!like(&folded, text, "fine night"));
    }
}
