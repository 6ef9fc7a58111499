//! The committed list of differences that are known, each with its reason.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::compare::Difference;

/// The list, beside this file.
const LIST: &str = include_str!("explained.json");

/// One known difference; every part that is given must hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Explained {
    /// The kind of difference.
    #[serde(default)]
    kind: Option<String>,
    /// Texts that the statement has, in any case of letters.
    #[serde(default)]
    statement: Vec<String>,
    /// Texts that Cassandra's outcome has.
    #[serde(default)]
    cassandra: Vec<String>,
    /// Texts that Cellar's outcome has.
    #[serde(default)]
    cellar: Vec<String>,
    /// Why the difference stays.
    pub(super) reason: String,
}

/// Reads the list.
pub(super) fn list() -> Result<Vec<Explained>> {
    serde_json::from_str(LIST).context("explained.json is not a list of differences")
}

impl Explained {
    pub(super) fn explains(&self, statement: &str, difference: &Difference) -> bool {
        let statement = statement.to_ascii_lowercase();
        let has = |text: &str, all: &[String]| all.iter().all(|part| text.contains(part.as_str()));
        self.kind.as_ref().is_none_or(|kind| kind == difference.kind)
            && self.statement.iter().all(|part| statement.contains(&part.to_ascii_lowercase()))
            && has(&difference.cassandra, &self.cassandra)
            && has(&difference.cellar, &self.cellar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_list_says_when_and_why() {
        for entry in list().unwrap() {
            assert!(entry.reason.len() > 20, "{}", entry.reason);
            let texts = entry.statement.iter().chain(&entry.cassandra).chain(&entry.cellar);
            assert!(texts.count() > 0, "{}", entry.reason);
        }
    }

    #[test]
    fn all_parts_of_an_entry_must_hold() {
        let entry = Explained {
            kind: Some("values".into()),
            statement: vec!["TTL".into()],
            cassandra: vec!["1".into()],
            cellar: Vec::new(),
            reason: String::new(),
        };
        let difference = |kind, cassandra: &str| Difference {
            kind,
            cassandra: cassandra.into(),
            cellar: "2".into(),
        };
        assert!(entry.explains("select ttl(v)", &difference("values", "v = 1")));
        assert!(!entry.explains("select ttl(v)", &difference("markers", "v = 1")));
        assert!(!entry.explains("select ttl(v)", &difference("values", "v = 3")));
        assert!(!entry.explains("select v", &difference("values", "v = 1")));
    }
}
