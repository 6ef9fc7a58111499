//! I-11: in the end every batch over several cells is whole or absent, and whole if it was
//! acknowledged.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::client::{
    asking::Asking,
    batches::{Batch, found},
    tables::Known,
};

/// Time after the end of all trouble in which every batch that was begun must be finished.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until every batch is whole or absent; says which are not.
pub(crate) async fn whole(asking: &Asking, table: &Known, batches: &[Batch]) -> Vec<String> {
    let began = Instant::now();
    let mut left: Vec<&Batch> = batches.iter().collect();
    loop {
        let mut partial = Vec::new();
        let mut wrong = Vec::new();
        for batch in left {
            let count = found(asking, table, batch).await;
            let is_fine = match count {
                Some(0) => !batch.done,
                Some(count) => count == batch.keys.len(),
                None => false,
            };
            if !is_fine {
                wrong.push(format!("I-11: {count:?} parts of {batch:?}"));
                partial.push(batch);
            }
        }
        if partial.is_empty() || began.elapsed() > PATIENCE {
            return wrong;
        }
        left = partial;
        sleep(Duration::from_secs(1)).await;
    }
}
