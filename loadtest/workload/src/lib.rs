//! Workloads with oracles: rows made again from two numbers, and real ones with goldens.
//!
//! Start at [`email::Pipeline`] for the generated e-mail events and at [`flights::month`] for the
//! flights of January 2013. Guarantees:
//! * a generated row is a pure function of its shape (which holds the seed) and its index, on
//!   every platform: no clock, no order of calls, no library's random numbers, and only floating
//!   point operations that IEEE 754 fixes to the last bit;
//! * what a store must hold is computed here by streaming the same rows again, never by asking
//!   the store, and no server code is linked;
//! * totals do not depend on the order of rows, and see a row that is there twice.

pub mod date;
pub mod draw;
pub mod email;
pub mod flights;
pub mod limits;
pub mod skew;
pub mod totals;
pub mod value;
