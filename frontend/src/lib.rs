//! The stateless frontend: CQL and HTTP in, requests to cells out. It keeps nothing that another
//! frontend does not have, so any number of them may come and go.
//!
//! Guarantees: errors are truthful about whether a request was applied (I-19); a statement is
//! always planned against one version of the schema (I-20); what a request cost comes back with
//! its answer. Start at [`Frontend::start`].

pub mod access;
mod admission;
pub mod cql;
mod describe;
pub mod error;
pub mod execute;
pub mod http;
pub mod meter;
pub mod route;
pub mod system;
mod trace;

mod start;

pub use start::{Frontend, FrontendOptions, StartError};
pub use trace::Traces;
