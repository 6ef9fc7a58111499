//! Statements about the schema: they become commands of the metadata service, and are answered
//! once every live frontend serves the new schema.

use cellar_cql::{ast, plan::ddl};
use cellar_metadata_api::Command;
use cellar_schema::Table;

use super::{Answer, Done, Executor};
use crate::error::RequestError;

impl Executor {
    pub(super) async fn change_schema(
        &self,
        statement: &ast::Statement,
        keyspace: Option<&str>,
    ) -> Result<Done, RequestError> {
        let view = self.system.view(self.route.catalog());
        let id = uuid::Uuid::from_u128(fastrand::u128(..));
        let (command, mut warnings) =
            ddl::command(&view, keyspace, statement, id, self.clock.now_us())?;
        let mut done = self.submit(command).await?;
        warnings.append(&mut done.warnings);
        done.warnings = warnings;
        Ok(done)
    }

    pub(super) async fn truncate(&self, table: &Table) -> Result<Done, RequestError> {
        let (keyspace, name) = (table.keyspace.clone(), table.name.clone());
        let mut done = self.submit(Command::TruncateTable { keyspace, name }).await?;
        done.answer = Answer::Void;
        Ok(done)
    }

    async fn submit(&self, command: Command) -> Result<Done, RequestError> {
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
