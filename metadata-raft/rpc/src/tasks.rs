//! Named, supervised background work: the one place of the product that spawns a task.
//!
//! A [`Tasks`] is a group with a cancellation token. A panic in a task is logged and reported to
//! the group's handler, never lost; shutdown cancels the token, waits, and names what is left.

use std::{
    any::Any,
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A task's name, as it appears in logs.
pub type TaskName = Cow<'static, str>;

/// A panic that ended a task.
#[derive(Clone, Debug)]
pub struct TaskPanic {
    /// The task that panicked.
    pub name: TaskName,
    /// The panic's message.
    pub message: String,
}

/// The tasks that did not end in the time that shutdown allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tasks still running after {after:?}: {}", names.join(", "))]
pub struct Unfinished {
    /// The time that was allowed.
    pub after: Duration,
    /// Names of the tasks that remain.
    pub names: Vec<TaskName>,
}

type PanicHandler = Arc<dyn Fn(&TaskPanic) + Send + Sync>;

/// A group of supervised tasks; clones are the same group.
#[derive(Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    token: CancellationToken,
    on_panic: PanicHandler,
    running: Arc<Running>,
}

#[derive(Default)]
struct Running {
    next: AtomicU64,
    names: Mutex<BTreeMap<u64, TaskName>>,
}

/// Takes the name out of the register when the task ends in whatever way.
struct Registered {
    running: Arc<Running>,
    id: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.running.names.lock().remove(&self.id);
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("running", &self.names()).finish_non_exhaustive()
    }
}

impl Tasks {
    /// A group whose panics are only logged.
    #[must_use]
    pub fn new() -> Self {
        Self::with_panic_handler(|_| ())
    }

    /// A group whose panics are logged and then given to `on_panic`.
    pub fn with_panic_handler(on_panic: impl Fn(&TaskPanic) + Send + Sync + 'static) -> Self {
        Self {
            tracker: TaskTracker::new(),
            token: CancellationToken::new(),
            on_panic: Arc::new(on_panic),
            running: Arc::default(),
        }
    }

    /// A group of its own that is cancelled with this one and reports to the same handler.
    /// Shutting this group down does not wait for the child's tasks.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            tracker: TaskTracker::new(),
            token: self.token.child_token(),
            on_panic: Arc::clone(&self.on_panic),
            running: Arc::default(),
        }
    }

    /// The token that shutdown cancels; tasks watch it to end in order.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Runs `future` as a task of this group, on the current runtime.
    pub fn spawn<F>(&self, name: impl Into<TaskName>, future: F) -> AbortHandle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        let id = self.running.next.fetch_add(1, Ordering::Relaxed);
        self.running.names.lock().insert(id, name.clone());
        let registered = Registered { running: Arc::clone(&self.running), id };
        self.start(name, async move {
            let _registered = registered;
            future.await;
        })
    }

    /// Runs `future` without a place in the register of names: for the many short tasks that
    /// hyper starts per request. Panics are still caught, and shutdown still waits.
    pub(crate) fn start<F>(&self, name: TaskName, future: F) -> AbortHandle
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let on_panic = Arc::clone(&self.on_panic);
        let supervised = async move {
            if let Err(payload) = AssertUnwindSafe(future).catch_unwind().await {
                report(&on_panic, name, payload.as_ref());
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that spawns: the task is named, tracked and its panic caught"
        )]
        let handle = tokio::spawn(self.tracker.track_future(supervised));
        handle.abort_handle()
    }

    /// Logs a caught panic and gives it to the handler.
    pub(crate) fn report_panic(&self, name: TaskName, payload: &(dyn Any + Send)) {
        report(&self.on_panic, name, payload);
    }

    /// Names of the tasks that are running now.
    #[must_use]
    pub fn names(&self) -> Vec<TaskName> {
        self.running.names.lock().values().cloned().collect()
    }

    /// Cancels the token and waits for every task of the group.
    ///
    /// # Errors
    /// The tasks that remain after `grace`; they keep running.
    pub async fn shutdown(&self, grace: Duration) -> Result<(), Unfinished> {
        self.token.cancel();
        self.wait(grace).await
    }

    /// Waits for every task of the group without cancelling them.
    ///
    /// # Errors
    /// The tasks that remain after `grace`; they keep running.
    pub async fn wait(&self, grace: Duration) -> Result<(), Unfinished> {
        self.tracker.close();
        tokio::time::timeout(grace, self.tracker.wait())
            .await
            .map_err(|_elapsed| Unfinished { after: grace, names: self.names() })
    }
}

fn report(on_panic: &PanicHandler, name: TaskName, payload: &(dyn Any + Send)) {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panic without a message".to_owned());
    tracing::error!(task = %name, panic = %message, "task panicked");
    on_panic(&TaskPanic { name, message });
}

/// Lets hyper run its own futures as tasks of a group.
#[derive(Clone)]
pub(crate) struct Executor {
    pub(crate) tasks: Tasks,
    pub(crate) name: &'static str,
}

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, future: F) {
        self.tasks.start(Cow::Borrowed(self.name), future);
    }
}
