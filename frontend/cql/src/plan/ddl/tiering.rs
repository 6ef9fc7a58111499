//! `custom_properties = {'tiering': {'mode': 'age', 'column': 'at', 'hot': '90d'}}`.

use cellar_metadata_api::TieringChange;
use cellar_schema::{AgeOf, TieringPolicy};

use super::property;
use crate::ast::PropertyValue;
use crate::plan::PlanError;

/// The policy that `custom_properties` names, if it names one; other properties are put into
/// `ignored`.
pub(super) fn change(
    custom_properties: &PropertyValue,
    ignored: &mut Vec<String>,
) -> Result<Option<TieringChange>, PlanError> {
    let PropertyValue::Map(entries) = custom_properties else {
        return Err(PlanError::config(format!(
            "Invalid value for property 'custom_properties'. It should be a map; got {}",
            property::text(custom_properties)
        )));
    };
    let mut found = None;
    for (key, value) in entries {
        match key.as_text() {
            Some("tiering") => found = Some(policy(value, ignored)?),
            Some(other) => ignored.push(format!("custom_properties['{other}']")),
            None => {
                return Err(PlanError::config("keys of 'custom_properties' must be text"));
            }
        }
    }
    Ok(found)
}

fn policy(value: &PropertyValue, ignored: &mut Vec<String>) -> Result<TieringChange, PlanError> {
    let PropertyValue::Map(entries) = value else {
        return Err(malformed(format!("got {}", property::text(value))));
    };
    let (mut mode, mut column, mut hot, mut seal) = (None, None, None, None);
    for (key, setting) in entries {
        let key = property::plain(key).unwrap_or_default();
        let setting =
            property::plain(setting).ok_or_else(|| malformed(format!("'{key}' must be text")))?;
        let slot = match key.as_str() {
            "mode" => &mut mode,
            "column" => &mut column,
            "hot" => &mut hot,
            "seal" => &mut seal,
            _ => return Err(malformed(format!("'{key}' is not known"))),
        };
        if slot.replace(setting).is_some() {
            return Err(malformed(format!("'{key}' is given twice")));
        }
    }
    let mode = mode.unwrap_or_else(|| "age".to_owned());
    match mode.as_str() {
        "off" | "none" | "hot" => return Ok(TieringChange::Off),
        "age" => {}
        "write_time" if column.is_none() => {}
        "write_time" => return Err(malformed("mode 'write_time' takes no 'column'".to_owned())),
        "idle" => return Err(PlanError::not_built("tiering by idle time (mode 'idle')")),
        other => return Err(malformed(format!("mode '{other}' is not known"))),
    }
    let hot = hot.ok_or_else(|| malformed("'hot' is missing".to_owned()))?;
    let hot_seconds = age_seconds(&hot).ok_or_else(|| {
        malformed(format!("'hot': '{hot}' is no duration such as '90d' or '12h'"))
    })?;
    if let Some(seal) = seal {
        // Rows are sealed as soon as they are cold, whatever it says.
        if age_seconds(&seal).is_none() {
            return Err(malformed(format!("'seal': '{seal}' is no duration such as '1d'")));
        }
        ignored.push("custom_properties['tiering']['seal']".to_owned());
    }
    // The metadata service knows the id of the column and puts it into the policy.
    let policy = TieringPolicy { age_of: AgeOf::WriteTime, hot_seconds };
    Ok(TieringChange::Set { policy, column })
}

fn malformed(reason: String) -> PlanError {
    PlanError::config(format!(
        "Invalid tiering policy: {reason}. It should look like {{'mode': 'age', 'column': \
         'created_at', 'hot': '90d'}}; 'mode' is 'age', 'write_time' or 'off', 'hot' takes s, m, \
         h, d and w"
    ))
}

/// `90d`, `12h`, `1d12h`: more than nothing, in seconds.
fn age_seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit = tail.chars().next()?;
        let seconds: u64 = match unit.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds)?)?;
        rest = tail.get(unit.len_utf8()..)?;
    }
    // Times are milliseconds and microseconds in i64 elsewhere; a thousand years fit them all.
    (total > 0 && total <= 1_000 * 366 * 86_400).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::age_seconds;

    #[test]
    fn ages_are_numbers_with_units() {
        assert_eq!(age_seconds("90d"), Some(90 * 86_400));
        assert_eq!(age_seconds("12h"), Some(12 * 3_600));
        assert_eq!(age_seconds("1w2d3h4m5s"), Some(788_645));
        for wrong in ["", "d", "90", "0s", "-1d", "9x", "99999999999999999999d", "1d 2h", "1é"] {
            assert_eq!(age_seconds(wrong), None, "{wrong}");
        }
    }
}
