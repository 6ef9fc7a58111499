//! Cold rows leave their nodes for the object store, which is one for the whole cluster. Where
//! somebody has said in which region that is, tables whose rows must stay in another are not
//! tiered.

use cellar_metadata_api::{Catalog, Command, MetadataError, Node, TableChange, TieringChange};

use crate::state::State;

/// Refuses a command after which cold rows of a keyspace would lie outside of its regions.
pub(super) fn check(state: &State, command: &Command, store: &str) -> Result<(), MetadataError> {
    let catalog = state.catalog();
    let Some((keyspace, options)) = tiers(catalog, command) else { return Ok(()) };
    // What is wrong with the setting itself, the command will say.
    let Ok(setting) = state.replication(keyspace, options) else { return Ok(()) };
    let nodes: Vec<&Node> = catalog.nodes.values().collect();
    let regions = setting.regions(&nodes);
    let Some(region) = regions.iter().find(|region| *region != store) else { return Ok(()) };
    Err(MetadataError::config(format!(
        "The rows of keyspace {keyspace} must stay in region {region}, and cold ones would go to \
         the object store, which is in region {store}: its tables cannot have a tiering policy"
    )))
}

type Options = std::collections::BTreeMap<String, String>;

/// The keyspace that is tiered after the command, and its replication then.
fn tiers<'a>(catalog: &'a Catalog, command: &'a Command) -> Option<(&'a str, &'a Options)> {
    match command {
        Command::CreateTable { definition, .. } => {
            definition.options.tiering.as_ref()?;
            let keyspace = catalog.keyspace(&definition.keyspace)?;
            Some((&keyspace.name, &keyspace.replication))
        }
        Command::AlterTable { keyspace, changes, .. } => {
            let sets = |change: &TableChange| match change {
                TableChange::Options(options) => {
                    matches!(options.tiering, Some(TieringChange::Set { .. }))
                }
                _ => false,
            };
            let keyspace = catalog.keyspace(keyspace).filter(|_| changes.iter().any(sets))?;
            Some((&keyspace.name, &keyspace.replication))
        }
        Command::AlterKeyspace { name, replication: Some(replication), .. } => {
            let tables = &catalog.keyspace(name)?.tables;
            let tiered = tables.values().any(|table| table.options.tiering.is_some());
            tiered.then_some((name, replication))
        }
        _ => None,
    }
}
