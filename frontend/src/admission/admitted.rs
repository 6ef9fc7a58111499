//! The place of a request of HTTP among those that are open: taken before its body is read, for
//! the keyspace that its path, query string or headers name, or else for nobody until its statement
//! is known.

use std::sync::Arc;

use cellar_cql::plan::Planned;
use parking_lot::Mutex;

use super::{Admission, Door, Permit, RETRY_AFTER_MS};
use crate::{error::RequestError, execute::Executor};

/// Held while a request is open.
#[derive(Debug)]
pub(crate) struct Admitted {
    bytes: usize,
    permit: Mutex<Permit>,
    /// Whether it is already counted where it belongs.
    is_known: bool,
}

impl Admitted {
    /// Lets a request with a body of so many bytes in.
    pub(crate) fn new(
        admission: &Arc<Admission>,
        keyspace: Option<&str>,
        bytes: usize,
    ) -> Result<Self, RequestError> {
        let permit = enter(admission, keyspace.unwrap_or_default(), bytes)?;
        Ok(Self { bytes, permit: Mutex::new(permit), is_known: keyspace.is_some() })
    }

    /// Its statement is about these tables: it is counted to their keyspace now.
    pub(crate) fn ask_for(
        &self,
        executor: &Executor,
        planned: &Planned,
    ) -> Result<(), RequestError> {
        let catalog = executor.catalog();
        let mut stored = planned.tables.iter().filter_map(|(id, _)| catalog.table_by_id(*id));
        let Some(table) = stored.next().filter(|_| !self.is_known) else { return Ok(()) };
        let permit = enter(&executor.admission, &table.keyspace, self.bytes)?;
        *self.permit.lock() = permit;
        Ok(())
    }
}

fn enter(admission: &Arc<Admission>, keyspace: &str, bytes: usize) -> Result<Permit, RequestError> {
    let refused =
        |reason| RequestError::Overloaded { reason, retry_after_ms: RETRY_AFTER_MS, write: false };
    Door::new(admission, keyspace).enter(bytes).map_err(refused)
}
