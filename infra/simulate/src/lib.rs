//! A cluster in one thread: the real metadata service and the real nodes, over a network, disks
//! and clocks that a seed decides. The same seed is the same run.
//!
//! Real are the code of the metadata service, its client, Raft with its log, the cells, the engine
//! and the internal transport with its HTTP/2. Simulated are the bytes' way between processes, the
//! disk below the log and the metadata's snapshot (which loses what was not synced), time, and
//! the clocks; the engine is on files in memory and loses what it has not flushed. Clients take the
//! place of frontends. Not simulated are the cold tier, compactions, and CQL. Start at [`run`].

mod chance;
mod check;
mod client;
mod cluster;
mod faults;
mod process;
mod run;
mod trace;
mod world;

pub use run::{Report, run};
