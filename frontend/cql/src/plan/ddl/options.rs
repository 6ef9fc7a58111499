//! Options of tables: those Cellar acts on, and the text of all others.

use std::collections::BTreeMap;

use cellar_metadata_api::{OptionChanges, TieringChange};
use cellar_schema::{TableOptions, limits};
use uuid::Uuid;

use super::{checked, property, tiering};
use crate::ast::{Properties, PropertyValue};
use crate::plan::{PlanError, Scope};

/// Options of Cassandra, Amazon Keyspaces and ScyllaDB that are kept and shown and do nothing.
const WITHOUT_EFFECT: [&str; 29] = [
    "additional_write_policy",
    "allow_auto_snapshot",
    "auto_repair",
    "bloom_filter_fp_chance",
    "caching",
    "cdc",
    "compaction",
    "compression",
    "crc_check_chance",
    "dclocal_read_repair_chance",
    "extensions",
    "fast_path",
    "in_memory",
    "incremental_backups",
    "max_index_interval",
    "memtable",
    "memtable_flush_period_in_ms",
    "min_index_interval",
    "nodesync",
    "paxos_grace_seconds",
    "per_partition_rate_limit",
    "pending_drop",
    "read_repair",
    "read_repair_chance",
    "speculative_retry",
    "synchronous_updates",
    "tags",
    "tombstone_gc",
    "transactional_mode",
];

/// What the options of a table say.
pub(super) struct Options {
    pub(super) changes: OptionChanges,
    /// `ID = uuid`, as DESCRIBE WITH INTERNALS prints it.
    pub(super) id: Option<Uuid>,
}

impl Options {
    /// Reads the options; those without effect become one warning.
    pub(super) fn read(scope: &mut Scope<'_>, properties: &Properties) -> Result<Self, PlanError> {
        property::refuse_duplicates(properties)?;
        let mut options = Self { changes: OptionChanges::default(), id: None };
        let mut ignored = Vec::new();
        for (name, value) in properties {
            options.one(name.as_str(), value, &mut ignored)?;
        }
        if !ignored.is_empty() {
            scope.warnings.push(format!(
                "These table options are kept and shown but have no effect in Cellar: {}",
                ignored.join(", ")
            ));
        }
        Ok(options)
    }

    fn one(
        &mut self,
        name: &str,
        value: &PropertyValue,
        ignored: &mut Vec<String>,
    ) -> Result<(), PlanError> {
        let changes = &mut self.changes;
        match name {
            "default_time_to_live" => {
                changes.default_ttl_seconds =
                    Some(property::seconds(name, value, limits::TTL_SECONDS_MAX)?);
            }
            "gc_grace_seconds" => {
                let max = u32::MAX >> 1;
                changes.gc_grace_seconds = Some(property::seconds(name, value, max)?);
            }
            "comment" => {
                let comment = property::plain(value).ok_or_else(|| {
                    PlanError::config("Invalid value for property 'comment'. It should be text")
                })?;
                changes.comment = Some(comment);
            }
            "custom_properties" => {
                changes.tiering = tiering::change(value, ignored)?;
            }
            "id" => {
                let written = property::plain(value).unwrap_or_default();
                self.id = Some(
                    Uuid::try_parse(&written)
                        .map_err(|_| PlanError::config(format!("Invalid table id {written}")))?,
                );
                return Ok(());
            }
            other if WITHOUT_EFFECT.contains(&other) => ignored.push(other.to_owned()),
            other => {
                return Err(PlanError::syntax(format!("Unknown property '{other}'")));
            }
        }
        changes.text.insert(name.to_owned(), checked::text(name, value)?);
        Ok(())
    }

    /// The options of a new table, and the column that its tiering policy counts ages from.
    pub(super) fn of_new_table(self) -> (TableOptions, Option<String>) {
        let (tiering, column) = match self.changes.tiering {
            Some(TieringChange::Set { policy, column }) => (Some(policy), column),
            Some(TieringChange::Off) | None => (None, None),
        };
        let text: BTreeMap<String, String> = self.changes.text;
        let options = TableOptions {
            default_ttl_seconds: self.changes.default_ttl_seconds.unwrap_or(0),
            gc_grace_seconds: self.changes.gc_grace_seconds,
            comment: self.changes.comment.unwrap_or_default(),
            tiering,
            text,
            indexes: Vec::new(),
            views: Vec::new(),
        };
        (options, column)
    }
}
