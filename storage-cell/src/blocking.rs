//! Work that keeps a thread busy for milliseconds, without holding up other tasks.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs `work` after telling the runtime that this thread is away for a while, which costs about
/// 15 µs.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let told = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if told { tokio::task::block_in_place(work) } else { work() }
}
