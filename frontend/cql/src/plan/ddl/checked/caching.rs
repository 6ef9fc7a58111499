//! The option `caching`: what Cassandra keeps in memory of a table.

use super::Map;
use crate::plan::PlanError;

/// Refuses what Cassandra has no meaning for.
pub(super) fn check(map: &Map) -> Result<(), PlanError> {
    let is = |value: &str, word: &str| value.eq_ignore_ascii_case(word);
    let allowed = ["keys", "rows_per_partition"];
    if map.keys().any(|name| !allowed.contains(&name.as_str())) {
        let others: Vec<&str> =
            map.keys().map(String::as_str).filter(|name| !allowed.contains(name)).collect();
        return Err(PlanError::config(format!(
            "Invalid caching sub-options [{}]: only 'keys' and 'rows_per_partition' are allowed",
            others.join(", ")
        )));
    }
    if let Some(keys) = map.get("keys").filter(|keys| !is(keys, "ALL") && !is(keys, "NONE")) {
        return Err(PlanError::config(format!(
            "Invalid value '{keys}' for caching sub-option 'keys': only 'ALL' and 'NONE' are \
             allowed"
        )));
    }
    let number = |rows: &str| !rows.is_empty() && rows.bytes().all(|byte| byte.is_ascii_digit());
    let rows = map.get("rows_per_partition");
    if let Some(rows) = rows.filter(|rows| !is(rows, "ALL") && !is(rows, "NONE") && !number(rows)) {
        return Err(PlanError::config(format!(
            "Invalid value '{rows}' for caching sub-option 'rows_per_partition': only 'ALL', \
             'NONE', and integer values are allowed"
        )));
    }
    Ok(())
}
