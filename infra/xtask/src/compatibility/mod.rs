//! `cargo xtask compatibility`: writes `infra/docs/compatibility.md` from the two files of
//! `infra/tests/compatibility`, so that nothing stands there that was not noted with the run that
//! showed it. A test sees to it that page and files agree.

use std::{
    fmt::{self, Write as _},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use serde::{Deserialize, de::DeserializeOwned};

use crate::places::Places;

const PAGE: &str = "infra/docs/compatibility.md";
const DATA: &str = "infra/tests/compatibility";
const TITLE: &str = "# Compatibility

What Cellar does of Apache Cassandra 5.0's CQL, and how the stock drivers and tools fare against it.
Nothing stands here that was not run. `cargo xtask compatibility` makes this page from
`infra/tests/compatibility/features.json` (statements and what they answer) and `suites.json` (what
the drivers' own tests said); neither the suites nor any part of them is in this repository. Answers
are compared with those of a real Cassandra by `cargo xtask differential`, not here.
";

#[derive(Debug, Deserialize)]
struct Features {
    features: Vec<Feature>,
}

#[derive(Debug, Deserialize)]
struct Feature {
    area: String,
    feature: String,
    cassandra: String,
    keyspaces: String,
    cellar: String,
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize)]
struct Runs {
    #[serde(rename = "where")]
    place: String,
    suites: Vec<Suite>,
    tools: Vec<Tool>,
    how: String,
    design: Vec<String>,
    not_run: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Suite {
    suite: String,
    version: String,
    passed: u32,
    failed: u32,
    skipped: u32,
    causes: Vec<Cause>,
}

#[derive(Debug, Deserialize)]
struct Cause {
    tests: String,
    cause: String,
}

#[derive(Debug, Deserialize)]
struct Tool {
    tool: String,
    did: String,
    result: String,
}

/// Writes the page.
pub(crate) fn run(places: &Places) -> Result<()> {
    let page = page(&places.root)?;
    fs::write(places.root.join(PAGE), page).context("cannot write the page")
}

fn page(root: &Path) -> Result<String> {
    let features: Features = read(root, "features.json")?;
    let runs: Runs = read(root, "suites.json")?;
    let mut page = TITLE.to_owned();
    writeln!(page, "\n{}\n", runs.place)?;
    write_features(&mut page, &features.features)?;
    write_suites(&mut page, &runs.suites)?;
    writeln!(page, "## Tools\n\n| tool | what was done | result |\n|---|---|---|")?;
    for Tool { tool, did, result } in &runs.tools {
        writeln!(page, "| {tool} | {did} | {result} |")?;
    }
    writeln!(page, "\n## How it was run\n\n{}", runs.how.trim())?;
    write_list(&mut page, "Differences by design", &runs.design)?;
    write_list(&mut page, "Not run", &runs.not_run)?;
    Ok(page)
}

fn read<T: DeserializeOwned>(root: &Path, name: &str) -> Result<T> {
    let path = root.join(DATA).join(name);
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is wrong", path.display()))
}

fn write_features(page: &mut String, features: &[Feature]) -> fmt::Result {
    writeln!(page, "## Features\n")?;
    writeln!(
        page,
        "The column for Keyspaces is from its documentation; \"unknown\" is where that says nothing."
    )?;
    let mut area = "";
    for Feature { area: its, feature, cassandra, keyspaces, cellar, note } in features {
        if its != area {
            area = its;
            let mut letters = area.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            let name: String = first.into_iter().chain(letters).collect();
            writeln!(page, "\n### {name}\n")?;
            writeln!(page, "| feature | Cassandra 5.0 | Amazon Keyspaces | Cellar |")?;
            writeln!(page, "|---|---|---|---|")?;
        }
        let feature = feature.replace('|', "\\|");
        let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
        writeln!(page, "| {feature} | {cassandra} | {keyspaces} | {cellar}{note} |")?;
    }
    Ok(())
}

fn write_suites(page: &mut String, suites: &[Suite]) -> fmt::Result {
    writeln!(page, "\n## Drivers' own integration suites\n")?;
    writeln!(page, "| suite | tests | passed | failed | skipped |\n|---|---|---|---|---|")?;
    for Suite { suite, passed, failed, skipped, .. } in suites {
        let tests = [*passed, *failed, *skipped].iter().sum::<u32>();
        writeln!(page, "| {suite} | {tests} | {passed} | {failed} | {skipped} |")?;
    }
    for Suite { suite, version, causes, .. } in suites {
        writeln!(page, "\n**{suite}** ({version}).")?;
        writeln!(page, "What failed, by cause:\n")?;
        for Cause { tests, cause } in causes {
            writeln!(page, "- {tests}: {cause}")?;
        }
    }
    writeln!(page)
}

fn write_list(page: &mut String, title: &str, points: &[String]) -> fmt::Result {
    writeln!(page, "\n## {title}\n")?;
    points.iter().try_for_each(|point| writeln!(page, "- {point}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace")
    }

    #[test]
    fn the_page_is_what_its_data_make() {
        let stands = fs::read_to_string(root().join(PAGE)).expect("the page");
        let made = page(root()).expect("data");
        assert!(stands == made, "run `cargo xtask compatibility`");
    }

    #[test]
    fn every_failed_test_has_a_cause() {
        let runs: Runs = read(root(), "suites.json").expect("data");
        for Suite { suite, failed, causes, .. } in runs.suites {
            let number = |cause: &Cause| {
                let digits: String = cause.tests.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<u32>().expect("causes begin with a number")
            };
            assert_eq!(causes.iter().map(number).sum::<u32>(), failed, "{suite}");
        }
    }
}
