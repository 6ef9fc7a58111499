//! The first superuser, without whom nobody could log in to make others.

use std::{sync::Arc, time::Duration};

use cellar_metadata_api::{Command, Metadata, RoleCommand};

use super::{Access, Who};
use crate::{error::RequestError, execute::Executor};

/// The name of the first superuser, as in Cassandra.
const FIRST: &str = "cassandra";
/// Between attempts while the metadata service is away.
const PAUSE: Duration = Duration::from_secs(1);
/// How long somebody who logs in waits for the first role to be there.
const FIRST_MAX: Duration = Duration::from_secs(30);

/// Makes the first superuser if there is no role at all, however long the metadata service is
/// away. Every frontend does this, and the first one wins.
pub(crate) async fn begin(access: Access, metadata: Arc<dyn Metadata>, password: String) {
    let mut catalog = metadata.catalog();
    let known = catalog.wait_for(|catalog| catalog.version > 0).await;
    if !known.is_ok_and(|catalog| catalog.roles.is_empty()) {
        return;
    }
    loop {
        let made = async {
            let secret = access.hash(password.clone()).await?;
            let begin = RoleCommand::Begin { name: FIRST.to_owned(), secret };
            Ok::<_, RequestError>(metadata.submit(Command::Role(begin)).await?)
        };
        match made.await {
            Ok(_) => {
                tracing::info!(role = FIRST, "the first superuser is there; change its password");
                return;
            }
            Err(error) => tracing::warn!(%error, "the first superuser cannot be made yet"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Executor {
    /// The role of this name, if this is its password. Waits for the first superuser in a cluster
    /// that has just begun.
    pub(crate) async fn log_in(&self, name: &str, password: &str) -> Result<Who, RequestError> {
        let mut catalog = self.metadata.catalog();
        let first = catalog.wait_for(|catalog| !catalog.roles.is_empty());
        // Without it the name is one that does not exist.
        let _known = tokio::time::timeout(FIRST_MAX, first).await.is_ok();
        self.access.login(&self.catalog(), name, password).await
    }
}
