//! DESCRIBE, answered from the catalog.

use cellar_cql::ast;

use super::{Answer, Done, Executor};
use crate::{describe, error::RequestError};

impl Executor {
    pub(super) fn describe(
        &self,
        describe: &ast::Describe,
        keyspace: Option<&str>,
    ) -> Result<Done, RequestError> {
        let view = self.system.view(self.route.catalog());
        let rows = describe::describe(&view, describe, keyspace)?;
        Ok(Done::free(Answer::Rows(rows)))
    }
}
