//! When reads and writes are sent once more.

use crate::plan::PlanError;

/// Refuses what is none of the policies.
pub(super) fn check(name: &str, written: &str) -> Result<(), PlanError> {
    let lower = written.trim().to_ascii_lowercase();
    if matches!(lower.as_str(), "always" | "never" | "none") {
        return Ok(());
    }
    let invalid = || PlanError::config(format!("Invalid value {written} for option '{name}'"));
    if let Some(list) = lower
        .strip_prefix("min(")
        .or_else(|| lower.strip_prefix("max("))
        .and_then(|rest| rest.strip_suffix(')'))
    {
        let (left, right) = list.split_once(',').ok_or_else(invalid)?;
        check(name, left)?;
        return check(name, right);
    }
    if let Some(number) = lower.strip_suffix("ms") {
        return digits(number).map(|_| ()).ok_or_else(invalid);
    }
    let number = lower.strip_suffix("percentile").or_else(|| lower.strip_suffix('p'));
    let percentile = number.and_then(digits).ok_or_else(invalid)?;
    if percentile <= 0.0 || percentile >= 100.0 {
        return Err(PlanError::config(format!(
            "Invalid value {written} for PERCENTILE option '{name}': must be between (0.0 and \
             100.0)"
        )));
    }
    Ok(())
}

fn digits(number: &str) -> Option<f64> {
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    number.parse().ok().filter(|_| plain)
}
