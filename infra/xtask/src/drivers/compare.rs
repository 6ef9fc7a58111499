//! Lines of a runner against lines that were expected.

use std::collections::HashSet;

use anyhow::{Context, Result};
use serde_json::Value;

/// Characters of a difference that are shown.
const SHOWN_CHARS: usize = 1_200;

/// What a comparison found.
pub(super) struct Comparison {
    pub(super) steps: usize,
    pub(super) equal: usize,
    pub(super) differences: Vec<String>,
}

/// Compares line by line. The message of an error counts where its step says so; its kind always.
pub(super) fn compare(script: &str, expected: &str, found: &str) -> Result<Comparison> {
    let script: Vec<Value> = serde_json::from_str(script).context("script.json is not JSON")?;
    let with_message: HashSet<&str> = script
        .iter()
        .filter(|step| step.get("message").is_some())
        .filter_map(|step| step.get("name").and_then(Value::as_str))
        .collect();
    let (expected, found) = (lines(expected)?, lines(found)?);
    let mut comparison = Comparison { steps: expected.len(), equal: 0, differences: Vec::new() };
    let mut found = found.into_iter();
    for mut expected in expected {
        let mut found = found.next().unwrap_or_default();
        let name = expected.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let shown = found.clone();
        if !with_message.contains(name.as_str()) {
            without_message(&mut expected);
            without_message(&mut found);
        }
        if expected == found {
            comparison.equal = comparison.equal.saturating_add(1);
        } else {
            let (expected, found) = (cut(&expected), cut(&shown));
            comparison
                .differences
                .push(format!("{name}\n    expected {expected}\n    found    {found}"));
        }
    }
    Ok(comparison)
}

fn lines(text: &str) -> Result<Vec<Value>> {
    let line = |line| serde_json::from_str(line).with_context(|| format!("no JSON line: {line}"));
    text.lines().map(line).collect()
}

fn without_message(line: &mut Value) {
    if let Some(fields) = line.as_object_mut() {
        fields.remove("message");
    }
}

/// The outcome of a line without the name of its step, as far as a reader wants to see it.
fn cut(line: &Value) -> String {
    let mut line = line.clone();
    if let Some(fields) = line.as_object_mut() {
        fields.remove("name");
    }
    line.to_string().chars().take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = r#"[{"name": "a"}, {"name": "b", "message": true}]"#;

    fn equal(expected: &str, found: &str) -> usize {
        compare(SCRIPT, expected, found).unwrap().equal
    }

    #[test]
    fn rows_and_kinds_of_errors_must_be_equal() {
        let line = r#"{"name": "a", "columns": ["x"], "rows": [["1"]]}"#;
        assert_eq!(equal(line, line), 1);
        assert_eq!(equal(line, r#"{"name": "a", "columns": ["x"], "rows": [["2"]]}"#), 0);
        let (invalid, syntax) =
            (r#"{"name": "a", "error": "Invalid"}"#, r#"{"name": "a", "error": "Syntax"}"#);
        assert_eq!((equal(invalid, invalid), equal(invalid, syntax)), (1, 0));
    }

    #[test]
    fn a_message_counts_only_where_the_step_says_so() {
        let line = |name: &str, message: &str| {
            format!(r#"{{"name": "{name}", "error": "Invalid", "message": "{message}"}}"#)
        };
        assert_eq!(equal(&line("a", "one"), &line("a", "two")), 1);
        assert_eq!(equal(&line("b", "one"), &line("b", "two")), 0);
    }

    #[test]
    fn a_line_that_is_missing_is_a_difference() {
        let comparison = compare(SCRIPT, r#"{"name": "a", "void": true}"#, "").unwrap();
        assert_eq!((comparison.steps, comparison.equal), (1, 0));
        assert_eq!(comparison.differences.len(), 1);
    }
}
