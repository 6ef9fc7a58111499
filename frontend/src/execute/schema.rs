//! Statements about the schema: they become commands of the metadata service, and are answered
//! once every live frontend serves the new schema.

use cellar_cql::{ast, plan::ddl};
use cellar_metadata_api::{Command, SchemaChangeKind, SchemaEvent, SchemaTarget};
use cellar_schema::Table;

use super::{Answer, Done, Executor, Parameters};
use crate::{access::Who, error::RequestError};

/// Keyspaces of Cassandra's own whose replication operators set; here they are kept elsewhere.
const REPLICATED_BY_CASSANDRA: [&str; 3] = ["system_auth", "system_distributed", "system_traces"];

/// The answer to `DROP FUNCTION IF EXISTS` and its like: there are none.
fn nothing_to_drop(statement: &ast::Statement) -> Option<Done> {
    let ast::Statement::Routine(routine) = statement else { return None };
    routine.is_nothing().then(|| Done::free(Answer::Void))
}

/// The answer to `ALTER KEYSPACE system_auth WITH replication = …` and its like, with which many
/// set-up scripts begin.
fn nothing_to_replicate(statement: &ast::Statement) -> Option<Done> {
    let ast::Statement::AlterKeyspace(alter) = statement else { return None };
    let keyspace = REPLICATED_BY_CASSANDRA.into_iter().find(|name| alter.name.as_str() == *name)?;
    let event = SchemaEvent {
        kind: SchemaChangeKind::Updated,
        target: SchemaTarget::Keyspace,
        keyspace: keyspace.to_owned(),
        name: None,
    };
    let warning = format!("{keyspace} is replicated by Cellar itself: nothing was changed");
    Some(Done { warnings: vec![warning], ..Done::free(Answer::Schema(event)) })
}

/// The command of somebody who has logged in, and who owns what it makes.
fn by(who: &Who, command: Command) -> Command {
    match who.name() {
        Some(role) => Command::By { role: role.to_owned(), command: Box::new(command) },
        None => command,
    }
}

impl Executor {
    pub(super) async fn change_schema(
        &self,
        statement: &ast::Statement,
        parameters: &Parameters,
    ) -> Result<Done, RequestError> {
        let keyspace = parameters.keyspace.as_deref();
        if let Some(done) = nothing_to_replicate(statement).or_else(|| nothing_to_drop(statement)) {
            return Ok(done);
        }
        let view = self.system.view(self.route.catalog());
        let id = uuid::Uuid::from_u128(fastrand::u128(..));
        // What there is to warn of was said when the statement was planned.
        let (command, _) = ddl::command(&view, keyspace, statement, id, self.clock.now_us())?;
        self.authorize_change(&parameters.who, &command)?;
        self.submit(by(&parameters.who, command)).await
    }

    pub(super) async fn truncate(&self, table: &Table) -> Result<Done, RequestError> {
        let (keyspace, name) = (table.keyspace.clone(), table.name.clone());
        let mut done = self.submit(Command::TruncateTable { keyspace, name }).await?;
        done.answer = Answer::Void;
        Ok(done)
    }

    pub(crate) async fn submit(&self, command: Command) -> Result<Done, RequestError> {
        let answer = self.metadata.submit(command).await?;
        let cellar_metadata_api::Answer::Schema { version, change, warnings } = answer else {
            return Ok(Done::free(Answer::Void));
        };
        self.serves(version).await;
        let answer = change.map_or(Answer::Void, Answer::Schema);
        Ok(Done { warnings, ..Done::free(answer) })
    }

    /// Waits until this frontend itself serves that version, which it does when the metadata
    /// service answers; the wait is bounded so that a lost push delays nobody for long.
    async fn serves(&self, version: u64) {
        let mut catalog = self.metadata.catalog();
        let reached = catalog.wait_for(|catalog| catalog.version >= version);
        if tokio::time::timeout(std::time::Duration::from_secs(5), reached).await.is_err() {
            tracing::warn!(version, "the new schema has not been pushed here in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> Option<Done> {
        nothing_to_replicate(&cellar_cql::parse_statement(text).expect("a statement").statement)
    }

    #[test]
    fn the_replication_of_cassandras_own_keyspaces_may_be_set_and_changes_nothing() {
        let text = "ALTER KEYSPACE system_auth WITH replication = \
                    {'class': 'NetworkTopologyStrategy', 'dc1': 3}";
        let done = answered(text).expect("an answer");
        assert!(matches!(done.answer, Answer::Schema(event) if event.keyspace == "system_auth"));
        assert_eq!(done.warnings.len(), 1);
        assert!(answered("ALTER KEYSPACE system WITH durable_writes = true").is_none());
        assert!(answered("DROP KEYSPACE system_auth").is_none());
    }
}
