//! Processes of the product, wired as the real ones are, on machines that outlive them.

mod member;
mod node;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cellar_raft::log::OnFatal;
use cellar_rpc::{ClientConfig, Pool, Router, ServerLimits, Streams, tasks::Tasks};

pub(crate) use member::{Member, MemberMachine};
pub(crate) use node::{NodeMachine, Running};

use crate::{trace::Trace, world::network::Network};

/// How a process ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The process is killed; what it has written stays.
    Kill,
    /// The machine loses power; what it has not synced is in doubt.
    PowerLoss,
}

/// What every process has: an address, tasks, connections.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) network: Network,
    pub(crate) trace: Trace,
    /// Keeps what is left of dead processes until the run ends.
    pub(crate) graveyard: Tasks,
}

/// A process that runs or has just failed.
pub(crate) struct Life {
    pub(crate) tasks: Tasks,
    pub(crate) pool: Pool,
    failed: Arc<AtomicBool>,
}

impl Surroundings {
    /// Begins a process at an address. A panic of its tasks or a failed log ends it.
    fn begin(&self, address: &str) -> Life {
        let failed = Arc::new(AtomicBool::new(false));
        let fails = self.ends(address, &failed);
        let trace = self.trace.clone();
        let tasks = Tasks::with_panic_handler(move |panic| {
            trace.note(format_args!("panic in {}", panic.name));
            trace.remark(&panic.message);
            fails();
        });
        let pool = Pool::over(self.network.door(address), ClientConfig::default(), &tasks);
        Life { tasks, pool, failed }
    }

    /// What ends the process at an address at once: nobody hears of it any more.
    fn ends(&self, address: &str, failed: &Arc<AtomicBool>) -> impl Fn() + Send + Sync + 'static {
        let (network, address, failed) =
            (self.network.clone(), address.to_owned(), Arc::clone(failed));
        move || {
            failed.store(true, Ordering::SeqCst);
            network.hang_up(&address);
        }
    }

    /// What the log tells when it has failed.
    fn on_fatal(&self, address: &str, life: &Life) -> OnFatal {
        let ends = self.ends(address, &life.failed);
        let (trace, address) = (self.trace.clone(), address.to_owned());
        Arc::new(move |_| {
            trace.note(format_args!("{address}: its log has failed"));
            ends();
        })
    }

    fn listen(&self, address: &str, life: &Life, router: Router) {
        let limits = ServerLimits { drain_ms_max: 100, ..ServerLimits::default() };
        self.network.listen(address, Streams::new(router, limits, &life.tasks));
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.tasks.token().cancel();
    }
}

impl Life {
    /// Whether the process has ended by itself.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// Ends everything it does, out of sight.
    fn bury(&self, surroundings: &Surroundings, rest: impl Future<Output = ()> + Send + 'static) {
        self.tasks.token().cancel();
        let tasks = self.tasks.clone();
        surroundings.graveyard.spawn("a dead process", async move {
            drop(tasks.shutdown(Duration::from_secs(1)).await);
            rest.await;
        });
    }
}
