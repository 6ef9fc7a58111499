//! Table options as DESCRIBE prints them: what was written, and Cassandra's defaults for the rest.

use cellar_schema::{Table, TableOptions};

use crate::system::text::literal;

/// Options in Cassandra's order, with its defaults.
const OPTIONS: [(&str, &str); 18] = [
    ("additional_write_policy", "'99p'"),
    ("allow_auto_snapshot", "true"),
    ("bloom_filter_fp_chance", "0.01"),
    ("caching", "{'keys': 'ALL', 'rows_per_partition': 'NONE'}"),
    ("cdc", "false"),
    ("comment", "''"),
    (
        "compaction",
        "{'class': 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy', \
         'max_threshold': '32', 'min_threshold': '4'}",
    ),
    (
        "compression",
        "{'chunk_length_in_kb': '16', 'class': 'org.apache.cassandra.io.compress.LZ4Compressor'}",
    ),
    ("memtable", "'default'"),
    ("crc_check_chance", "1.0"),
    ("default_time_to_live", "0"),
    ("extensions", "{}"),
    ("gc_grace_seconds", "864000"),
    ("incremental_backups", "true"),
    ("max_index_interval", "2048"),
    ("memtable_flush_period_in_ms", "0"),
    ("min_index_interval", "128"),
    ("read_repair", "'BLOCKING'"),
];

/// What was written, with numbers bare and no compression said as Cassandra says it.
fn shown<'a>(written: &'a str, default: &str) -> &'a str {
    match default.chars().next() {
        Some('0'..='9') => written.trim_matches('\''),
        Some('{') if written == "{}" && default.contains("io.compress") => "{'enabled': 'false'}",
        _ => written,
    }
}

/// `name = value` for each option.
pub(super) fn of(table: &Table) -> Vec<String> {
    let options = &table.options;
    let value = |name: &str, default: &str| match name {
        "comment" => literal(&options.comment),
        "default_time_to_live" => options.default_ttl_seconds.to_string(),
        "gc_grace_seconds" => {
            options.gc_grace_seconds.map_or_else(|| default.to_owned(), |s| s.to_string())
        }
        _ => options.text.get(name).map_or(default, |text| shown(text, default)).to_owned(),
    };
    let known = OPTIONS.iter().map(|(name, default)| format!("{name} = {}", value(name, default)));
    let mut all: Vec<String> = known.collect();
    all.push(format!("speculative_retry = {}", value("speculative_retry", "'99p'")));
    // Cellar's own, and what others have invented.
    let rest = options.text.iter().filter(|(name, _)| {
        *name != "speculative_retry"
            && *name != TableOptions::COMPACT_STORAGE
            && !OPTIONS.iter().any(|(known, _)| known == name)
    });
    all.extend(rest.map(|(name, value)| format!("{name} = {value}")));
    all
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_number_in_quotes_is_shown_bare_and_no_compression_as_disabled() {
        assert_eq!(shown("'0.5'", "0.01"), "0.5");
        assert_eq!(
            shown("{}", "{'class': 'org.apache.cassandra.io.compress.LZ4Compressor'}"),
            "{'enabled': 'false'}"
        );
        assert_eq!(shown("'NONE'", "'BLOCKING'"), "'NONE'");
    }
}
