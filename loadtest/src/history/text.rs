//! A history as lines of text, so that one that shows a violation can be kept and checked again.
//!
//! `KEY CLIENT ACTION OUTCOME START_NS END_NS`, such as `7 3 c5>9 refused:8 1200 1900`.

use anyhow::{Context, Result, bail};

use super::{Action, Operation, Outcome};

/// One operation.
#[must_use]
pub fn line(operation: &Operation) -> String {
    let Operation { key, client, action, outcome, start_ns, end_ns } = operation;
    let action = match action {
        Action::Read => "r".to_owned(),
        Action::Write(value) => format!("w{}", shown(*value)),
        Action::Cas { expected, new } => format!("c{}>{new}", shown(*expected)),
        Action::Add(amount) => format!("+{amount}"),
        Action::Count => "n".to_owned(),
    };
    let outcome = match outcome {
        Outcome::Found(value) => format!("found:{}", shown(*value)),
        Outcome::Done => "done".to_owned(),
        Outcome::Refused(value) => format!("refused:{}", shown(*value)),
        Outcome::Failed => "failed".to_owned(),
        Outcome::Unknown => "unknown".to_owned(),
        Outcome::Counted(value) => format!("counted:{value}"),
    };
    format!("{key} {client} {action} {outcome} {start_ns} {end_ns}")
}

fn shown(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Reads a line back.
///
/// # Errors
/// A line that [`line`] does not write.
pub fn parse(text: &str) -> Result<Operation> {
    let mut words = text.split(' ');
    let mut word = || words.next().with_context(|| format!("too few words: {text}"));
    let (key, client, action, outcome) = (word()?, word()?, word()?, word()?);
    let (start_ns, end_ns) = (word()?.parse()?, word()?.parse()?);
    let (key, client) = (key.parse()?, client.parse()?);
    let (action, outcome) = (action_of(action)?, outcome_of(outcome)?);
    Ok(Operation { key, client, action, outcome, start_ns, end_ns })
}

fn action_of(text: &str) -> Result<Action> {
    Ok(match text.split_at_checked(1) {
        Some(("r", "")) => Action::Read,
        Some(("n", "")) => Action::Count,
        Some(("w", value)) => Action::Write(value_of(value)?),
        Some(("+", amount)) => Action::Add(amount.parse()?),
        Some(("c", values)) => {
            let (expected, new) = values.split_once('>').context("a `c` without its `>`")?;
            Action::Cas { expected: value_of(expected)?, new: new.parse()? }
        }
        _ => bail!("no action: {text}"),
    })
}

fn outcome_of(text: &str) -> Result<Outcome> {
    Ok(match text.split_once(':') {
        Some(("found", value)) => Outcome::Found(value_of(value)?),
        Some(("refused", value)) => Outcome::Refused(value_of(value)?),
        Some(("counted", value)) => Outcome::Counted(value.parse()?),
        None if text == "done" => Outcome::Done,
        None if text == "failed" => Outcome::Failed,
        None if text == "unknown" => Outcome::Unknown,
        _ => bail!("no outcome: {text}"),
    })
}

fn value_of(text: &str) -> Result<Option<u64>> {
    if text == "-" { Ok(None) } else { Ok(Some(text.parse()?)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_as_what_was_written() {
        let cas = Action::Cas { expected: None, new: 9 };
        for (action, outcome) in [
            (Action::Read, Outcome::Found(Some(1))),
            (Action::Read, Outcome::Found(None)),
            (Action::Write(Some(2)), Outcome::Done),
            (Action::Write(None), Outcome::Unknown),
            (cas, Outcome::Refused(Some(u64::MAX))),
            (cas, Outcome::Failed),
            (Action::Add(3), Outcome::Done),
            (Action::Count, Outcome::Counted(7)),
        ] {
            let operation =
                Operation { key: 1, client: 2, action, outcome, start_ns: 3, end_ns: 4 };
            assert_eq!(parse(&line(&operation)).unwrap(), operation);
        }
        for wrong in ["", "1 2 r", "1 2 x done 3 4", "1 2 r maybe 3 4", "1 2 c5 done 3 4"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
