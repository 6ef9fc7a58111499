//! Loads real data into a running service, measures it from outside, and checks what comes back
//! against an oracle. Speaks through a stock driver only; no server code is linked.
//!
//! Start at [`session::connect`]; [`flights`] and [`email`] load and add up, [`bench`] measures.

pub mod bench;
pub mod canonical;
pub mod chaos;
pub mod differential;
pub mod email;
pub mod figures;
pub mod flights;
pub mod history;
pub mod memory;
pub mod raw;
pub mod session;
