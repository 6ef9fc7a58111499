//! Asking the node that leads a cell. Right after a split, an election or a restart nobody may, for
//! a moment: whoever asks then is not told so before that has lasted some seconds.

use std::time::Duration;

use cellar_cell_api::{AdminAnswer, AdminRequest, CellError, CellReport, Target};
use cellar_metadata_api::{CellId, Node};
use tokio::time::{Instant, sleep};

use super::cells::{Operator, TIMEOUT};

/// How long a leader is waited for: an election with everybody in touch takes less than 3 s.
const LEADER_PATIENCE: Duration = Duration::from_secs(8);
/// Pause between two looks.
const LEADER_PAUSE: Duration = Duration::from_millis(200);

/// How long somebody is waited for who leads.
struct Patience {
    until: Instant,
}

impl Patience {
    fn new(patience: Duration) -> Self {
        Self { until: Instant::now() + patience }
    }

    /// Whether to try again: nothing was done, for want of a leader, and the time is not over.
    fn has_for(&self, error: &CellError) -> bool {
        matches!(error, CellError::NotLeader { .. }) && Instant::now() < self.until
    }
}

impl Operator {
    /// Asks whoever leads a cell. What was refused because nobody did, was not done, and is asked
    /// again.
    pub(super) async fn ask_leader(
        &self,
        cell: CellId,
        request: &AdminRequest,
    ) -> Result<AdminAnswer, CellError> {
        let patience = Patience::new(LEADER_PATIENCE);
        loop {
            match self.ask_leader_once(cell, request).await {
                Err(error) if patience.has_for(&error) => sleep(LEADER_PAUSE).await,
                asked => return asked.map_err(|error| led_by_nobody(cell, error)),
            }
        }
    }

    async fn ask_leader_once(
        &self,
        cell: CellId,
        request: &AdminRequest,
    ) -> Result<AdminAnswer, CellError> {
        let (leader, _) = self.leader_of(cell).await?;
        let target = Target { node: leader.id, address: &leader.address };
        self.cells.admin(target, request.clone(), TIMEOUT).await
    }

    /// The node that leads a cell, as soon as one does.
    pub(super) async fn wait_for_leader(
        &self,
        cell: CellId,
    ) -> Result<(Node, CellReport), CellError> {
        let patience = Patience::new(LEADER_PATIENCE);
        loop {
            match self.leader_of(cell).await {
                Err(error) if patience.has_for(&error) => sleep(LEADER_PAUSE).await,
                looked => return looked.map_err(|error| led_by_nobody(cell, error)),
            }
        }
    }
}

/// What an operator is told when no leader has come.
fn led_by_nobody(cell: CellId, error: CellError) -> CellError {
    match error {
        CellError::NotLeader { .. } => {
            let seconds = LEADER_PATIENCE.as_secs();
            let reason = format!("no node has led {cell} for {seconds} s; nothing was done");
            CellError::Unavailable { reason }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_done_for_want_of_a_leader_is_asked_again_and_not_for_ever() {
        let nobody = CellError::NotLeader { leader: None };
        let unknown = CellError::Unknown { reason: "the answer was lost".to_owned() };
        let invalid = CellError::Invalid { message: "not there".to_owned() };
        let patience = Patience::new(Duration::from_secs(60));
        assert!(patience.has_for(&nobody));
        assert!(!patience.has_for(&unknown));
        assert!(!patience.has_for(&invalid));
        assert!(!Patience::new(Duration::ZERO).has_for(&nobody));
        let told = led_by_nobody(CellId(7), nobody).to_string();
        assert!(told.contains("no node has led") && told.contains("nothing was done"), "{told}");
    }
}
