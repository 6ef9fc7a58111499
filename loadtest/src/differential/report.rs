//! Counts what was compared, and prints each difference and the sum.

use std::collections::BTreeMap;

use super::{compare::Difference, explained::Explained, side::Outcome};

/// Everything found so far.
pub(super) struct Report {
    explained: Vec<Explained>,
    /// Statements by what they returned on Cassandra.
    outcomes: BTreeMap<&'static str, u64>,
    /// How often each entry of the list explained something.
    uses: BTreeMap<usize, u64>,
    unexplained: BTreeMap<String, Group>,
    /// Differences of messages where the class is equal, for those who want them as clear.
    messages: BTreeMap<(String, String), u64>,
    /// Why Cassandra refused.
    refused: BTreeMap<String, u64>,
}

/// Differences with one cause, as far as the text of the errors tells.
struct Group {
    count: u64,
    statement: String,
    difference: Difference,
}

impl Report {
    pub(super) fn new(explained: Vec<Explained>) -> Report {
        Report {
            explained,
            outcomes: BTreeMap::new(),
            uses: BTreeMap::new(),
            unexplained: BTreeMap::new(),
            messages: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    /// Counts a statement by what Cassandra made of it.
    pub(super) fn count(&mut self, cassandra: &Outcome, cellar: &Outcome) {
        let kind = match cassandra {
            Outcome::Error { .. } => "refused",
            Outcome::Void => "done",
            Outcome::Rows(rows) if rows.rows.is_empty() => "no rows",
            Outcome::Rows(_) => "rows",
            Outcome::Driver(_) => "driver failed",
        };
        let count = self.outcomes.entry(kind).or_default();
        *count = count.saturating_add(1);
        if let Outcome::Error { message, .. } = cassandra {
            let count = self.refused.entry(pattern(message)).or_default();
            *count = count.saturating_add(1);
        }
        if let (Outcome::Error { message: one, .. }, Outcome::Error { message: other, .. }) =
            (cassandra, cellar)
            && one != other
        {
            let count = self.messages.entry((pattern(one), pattern(other))).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Takes a difference; `what` is the statement, with its values.
    pub(super) fn add(&mut self, what: &str, difference: Difference) {
        let explains = |entry: &Explained| entry.explains(what, &difference);
        if let Some(entry) = self.explained.iter().position(explains) {
            let count = self.uses.entry(entry).or_default();
            *count = count.saturating_add(1);
            return;
        }
        println!(
            "\ndifference: {}\n  {what}\n  Cassandra: {}\n  Cellar:    {}",
            difference.kind,
            short(&difference.cassandra),
            short(&difference.cellar)
        );
        let key = group(what, &difference);
        let group = self.unexplained.entry(key).or_insert_with(|| Group {
            count: 0,
            statement: what.to_owned(),
            difference: difference.clone(),
        });
        group.count = group.count.saturating_add(1);
        if what.len() < group.statement.len() {
            group.statement = what.to_owned();
            group.difference = difference;
        }
    }

    /// Prints the sum and returns the number of differences that nothing explains.
    pub(super) fn close(&self, messages: bool) -> u64 {
        let total: u64 = self.outcomes.values().sum();
        println!("\n{total} statements: {:?}", self.outcomes);
        if messages {
            let mut all: Vec<_> = self.messages.iter().collect();
            all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for ((one, other), count) in all {
                println!("message, {count} times\n  Cassandra: {one}\n  Cellar:    {other}");
            }
        }
        if messages {
            let mut all: Vec<_> = self.refused.iter().collect();
            all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            all.iter().for_each(|(message, count)| println!("refused, {count} times: {message}"));
        }
        for (entry, count) in &self.uses {
            if let Some(entry) = self.explained.get(*entry) {
                println!("explained, {count} times: {}", entry.reason);
            }
        }
        let mut groups: Vec<&Group> = self.unexplained.values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        for group in &groups {
            println!(
                "unexplained, {} times: {}\n  {}\n  Cassandra: {}\n  Cellar:    {}",
                group.count,
                group.difference.kind,
                group.statement,
                short(&group.difference.cassandra),
                short(&group.difference.cellar)
            );
        }
        let unexplained = groups.iter().map(|group| group.count).sum();
        println!("{total} statements, {unexplained} unexplained differences");
        unexplained
    }
}

/// What differences of one cause have in common.
fn group(what: &str, difference: &Difference) -> String {
    let verb = what.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    let outcome = |text: &str| match text.starts_with("error ") {
        true => pattern(text),
        false => String::new(),
    };
    let (one, other) = (outcome(&difference.cassandra), outcome(&difference.cellar));
    format!("{verb} {} {one} {other}", difference.kind)
}

/// A message without names, numbers and quoted parts.
fn pattern(message: &str) -> String {
    let mut pattern = String::new();
    for word in message.split([' ', '\n']).take(24) {
        let plain =
            word.chars().all(|letter| letter.is_alphabetic() || ".,:;'()`".contains(letter));
        pattern += if plain && word.len() > 2 { word } else { "_" };
        pattern.push(' ');
    }
    pattern
}

/// At most so much of an outcome as can be read.
fn short(text: &str) -> String {
    const MOST: usize = 1500;
    match text.chars().count() > MOST {
        true => text.chars().take(MOST).chain("...".chars()).collect(),
        false => text.to_owned(),
    }
}
