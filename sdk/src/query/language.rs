//! The little that the SDK must know of CQL: whether a statement only reads.

/// Whether the statement is a SELECT (or DESCRIBE), so that running it again changes nothing.
/// Wrong only to the safe side: what is not understood counts as a write.
pub(super) fn only_reads(statement: &str) -> bool {
    let Some(rest) = after_comments(statement) else {
        return false;
    };
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let word = rest.get(..end).unwrap_or_default();
    ["SELECT", "DESCRIBE", "DESC"].iter().any(|verb| word.eq_ignore_ascii_case(verb))
}

/// The statement from its first word on; none if a comment does not end.
fn after_comments(mut rest: &str) -> Option<&str> {
    loop {
        rest = rest.trim_start();
        let line = rest.strip_prefix("--").or_else(|| rest.strip_prefix("//"));
        rest = match (line, rest.strip_prefix("/*")) {
            (Some(line), _) => line.split_once('\n').map_or("", |(_, rest)| rest),
            (None, Some(block)) => block.split_once("*/")?.1,
            (None, None) => return Some(rest),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_are_found_behind_comments_and_in_any_case() {
        for read in [
            "SELECT * FROM t",
            "  select json x from t",
            "-- why\n// and\r\n /* how */ Select(1)",
            "DESCRIBE TABLES",
            "select\"a\" from t",
        ] {
            assert!(only_reads(read), "{read}");
        }
        for write in [
            "INSERT INTO t (a) VALUES (1)",
            "selection",
            "BEGIN BATCH",
            "/* SELECT",
            "-- SELECT",
            "",
            "(SELECT 1)",
            "UPDATE t SET a = 1 -- SELECT",
        ] {
            assert!(!only_reads(write), "{write}");
        }
    }
}
