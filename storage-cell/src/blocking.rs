//! Work that keeps a thread busy for milliseconds, without holding up other tasks.

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::JoinError,
};

/// Runs `work` after telling the runtime that this thread is away for a while, which costs about
/// 15 µs.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let told = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if told { tokio::task::block_in_place(work) } else { work() }
}

/// Runs longer `work` on a thread of its own, unless the runtime has but one.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        tokio::task::spawn_blocking(work).await
    } else {
        Ok(work())
    }
}
