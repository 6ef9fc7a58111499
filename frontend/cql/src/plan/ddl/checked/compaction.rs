//! How files would be merged.

use super::{Map, class};
use crate::plan::PlanError;

const PACKAGE: &str = "org.apache.cassandra.db.compaction.";
const THRESHOLDS: [(&str, &str); 2] = [("min_threshold", "4"), ("max_threshold", "32")];
const COMMON: [&str; 8] = [
    "enabled",
    "log_all",
    "max_threshold",
    "min_threshold",
    "only_purge_repaired_tombstones",
    "tombstone_compaction_interval",
    "tombstone_threshold",
    "unchecked_tombstone_compaction",
];
const SIZE_TIERED: [&str; 3] = ["bucket_high", "bucket_low", "min_sstable_size"];
const LEVELED: [&str; 3] = ["fanout_size", "single_sstable_uplevel", "sstable_size_in_mb"];
const TIME_WINDOW: [&str; 8] = [
    "bucket_high",
    "bucket_low",
    "compaction_window_size",
    "compaction_window_unit",
    "expired_sstable_check_frequency_seconds",
    "min_sstable_size",
    "timestamp_resolution",
    "unsafe_aggressive_sstable_expiration",
];
const UNIFIED: [&str; 12] = [
    "base_shard_count",
    "expired_sstable_check_frequency_seconds",
    "flush_size_override",
    "max_sstables_to_compact",
    "min_sstable_size",
    "num_shards",
    "overlap_inclusion_method",
    "parallelize_output_shards",
    "scaling_parameters",
    "sstable_growth",
    "target_sstable_size",
    "unsafe_aggressive_sstable_expiration",
];

/// Reads the sub-options; gives them as Cassandra shows them.
pub(super) fn read(mut given: Map) -> Result<Map, PlanError> {
    let written = given.remove("class").ok_or_else(|| {
        PlanError::config("Missing sub-option 'class' for the 'compaction' option.")
    })?;
    let (full, short) = class(&written, PACKAGE);
    let own: &[&str] = match short.as_str() {
        "SizeTieredCompactionStrategy" => &SIZE_TIERED,
        "LeveledCompactionStrategy" => &LEVELED,
        "TimeWindowCompactionStrategy" => &TIME_WINDOW,
        "UnifiedCompactionStrategy" => &UNIFIED,
        _ => {
            return Err(PlanError::config(format!(
                "Unable to find compaction strategy class '{full}'"
            )));
        }
    };
    check_common(&given)?;
    check_own(&given)?;
    let known = |name: &&String| COMMON.contains(&name.as_str()) || own.contains(&name.as_str());
    let unknown: Vec<&str> = given.keys().filter(|name| !known(name)).map(String::as_str).collect();
    if !unknown.is_empty() {
        return Err(PlanError::config(format!(
            "Properties specified [{}] are not understood by {short}",
            unknown.join(", ")
        )));
    }
    if short != "UnifiedCompactionStrategy" {
        for (name, default) in THRESHOLDS {
            given.entry(name.to_owned()).or_insert_with(|| default.to_owned());
        }
    }
    check_thresholds(&given)?;
    given.insert("class".to_owned(), full);
    Ok(given)
}

fn check_common(given: &Map) -> Result<(), PlanError> {
    for name in ["unchecked_tombstone_compaction", "only_purge_repaired_tombstones"] {
        flag(given, name, |written| {
            format!("'{name}' should be either 'true' or 'false', not '{written}'")
        })?;
    }
    flag(given, "log_all", |written| {
        format!("'log_all' should either be 'true' or 'false', not {written}")
    })?;
    flag(given, "enabled", |written| {
        format!("enabled should either be 'true' or 'false', not {written}")
    })?;
    let threshold = number(given, "tombstone_threshold")?;
    if let Some(threshold) = threshold.filter(|threshold| *threshold < 0.0) {
        return Err(PlanError::config(format!(
            "tombstone_threshold must be greater than 0, but was {threshold:.6}"
        )));
    }
    at_least(given, "tombstone_compaction_interval", 0, |name, number| {
        format!("{name} must be greater than 0, but was {number}")
    })
}

fn check_own(given: &Map) -> Result<(), PlanError> {
    at_least(given, "min_sstable_size", 0, |name, number| {
        format!("{name} must be non negative: {number}")
    })?;
    let (low, high) = (number(given, "bucket_low")?, number(given, "bucket_high")?);
    let (low, high) = (low.unwrap_or(0.5), high.unwrap_or(1.5));
    if high <= low {
        return Err(PlanError::config(format!(
            "bucket_high value ({high:?}) is less than or equal to the bucket_low value ({low:?})"
        )));
    }
    for name in ["sstable_size_in_mb", "fanout_size"] {
        at_least(given, name, 1, |name, number| {
            format!("{name} must be larger than 0, but was {number}")
        })?;
    }
    at_least(given, "compaction_window_size", 1, |name, number| {
        format!("{number} must be greater than 1 for {name}")
    })?;
    let units: [(&str, &[&str]); 2] = [
        ("compaction_window_unit", &["MINUTES", "HOURS", "DAYS"]),
        ("timestamp_resolution", &["MICROSECONDS", "MILLISECONDS", "SECONDS"]),
    ];
    for (name, allowed) in units {
        if let Some(unit) = given.get(name).filter(|unit| !allowed.contains(&unit.as_str())) {
            return Err(PlanError::config(format!("{unit} is not valid for {name}")));
        }
    }
    Ok(())
}

fn check_thresholds(given: &Map) -> Result<(), PlanError> {
    let (Some(min), Some(max)) = (whole(given, "min_threshold")?, whole(given, "max_threshold")?)
    else {
        return Ok(());
    };
    if min <= 0 || max <= 0 {
        return Err(PlanError::config(
            "Disabling compaction by setting compaction thresholds to 0 has been removed, set the \
             compaction option 'enabled' to false instead.",
        ));
    }
    if min <= 1 {
        return Err(PlanError::config(format!(
            "Min compaction threshold cannot be less than 2 (got {min})"
        )));
    }
    if min > max {
        return Err(PlanError::config(format!(
            "Min compaction threshold (got {min}) cannot be greater than max compaction threshold \
             (got {max})"
        )));
    }
    Ok(())
}

fn flag(given: &Map, name: &str, message: impl Fn(&str) -> String) -> Result<(), PlanError> {
    match given.get(name) {
        Some(written) if !matches!(written.to_ascii_lowercase().as_str(), "true" | "false") => {
            Err(PlanError::config(message(written)))
        }
        _ => Ok(()),
    }
}

fn at_least(
    given: &Map,
    name: &str,
    least: i64,
    message: impl Fn(&str, i64) -> String,
) -> Result<(), PlanError> {
    match whole(given, name)? {
        Some(number) if number < least => Err(PlanError::config(message(name, number))),
        _ => Ok(()),
    }
}

fn whole(given: &Map, name: &str) -> Result<Option<i64>, PlanError> {
    let read = |written: &String| {
        written.trim().parse().map_err(|_| {
            PlanError::config(format!("{written} is not a parsable int (base10) for {name}"))
        })
    };
    given.get(name).map(read).transpose()
}

fn number(given: &Map, name: &str) -> Result<Option<f64>, PlanError> {
    let read = |written: &String| {
        written.trim().parse().map_err(|_| {
            PlanError::config(format!("{written} is not a parsable double for {name}"))
        })
    };
    given.get(name).map(read).transpose()
}
