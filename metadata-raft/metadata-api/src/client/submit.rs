//! Asking the leader: again only if nothing ran; and a command is visible here when answered.

use std::time::Duration;

use cellar_rpc::CallError;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Inner,
    protocol::{SUBMIT, SubmitError},
    watch::pause,
};
use crate::{
    Answer, Command, MetadataError,
    limits::{SUBMIT_MS_MAX, SUBMIT_RETRY_MS_MAX, VISIBLE_MS_MAX},
};

impl Inner {
    pub(super) async fn submit(&self, command: Command) -> Result<Answer, MetadataError> {
        let answer = self.ask(SUBMIT, &command, SUBMIT_RETRY_MS_MAX).await?;
        Ok(self.visible(answer).await)
    }

    /// What the leader answers. It is looked for during `retry_ms` at most.
    pub(super) async fn ask<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &str,
        question: &Q,
        retry_ms: u64,
    ) -> Result<A, MetadataError> {
        let began = Instant::now();
        let mut attempt = 0_usize;
        loop {
            let Some(address) = self.address(attempt) else {
                let reason = "no address of a metadata service is known".to_owned();
                return Err(MetadataError::Unavailable { reason });
            };
            let client = self.pool.client(&address);
            let deadline = Duration::from_millis(SUBMIT_MS_MAX);
            let reason = match client.call(path, question, deadline).await {
                Ok(answer) => {
                    self.lead(Some(address));
                    return Ok(answer);
                }
                Err(error) => self.turned_away(&error)?,
            };
            if began.elapsed() > Duration::from_millis(retry_ms) {
                return Err(MetadataError::Unavailable { reason });
            }
            sleep(pause(attempt)).await;
            attempt = attempt.saturating_add(1);
        }
    }

    /// Why the command did not run, if that is certain and another attempt may do better.
    fn turned_away(&self, error: &CallError) -> Result<String, MetadataError> {
        if error.did_not_run() {
            return Ok(error.to_string());
        }
        match error.remote::<SubmitError>() {
            Some(SubmitError::NotLeader { leader }) => {
                self.lead(leader);
                Ok("no member of the metadata service leads".to_owned())
            }
            Some(SubmitError::Failed(error)) => Err(error),
            None => Err(MetadataError::Unknown { reason: error.to_string() }),
        }
    }

    /// The answer, once this client's own catalog has what it says.
    async fn visible(&self, mut answer: Answer) -> Answer {
        let Some(version) = answer.version() else { return answer };
        let mut catalog = self.catalog.subscribe();
        let seen = catalog.wait_for(|catalog| catalog.version >= version);
        let in_time = timeout(Duration::from_millis(VISIBLE_MS_MAX), seen).await;
        if let (Err(_elapsed), Answer::Schema { warnings, .. }) = (in_time, &mut answer) {
            warnings.push("the change is done and not yet visible through this process".to_owned());
        }
        answer
    }
}
