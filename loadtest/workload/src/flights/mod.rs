//! Every flight that left New York City in 2013: real rows, whose totals are known beforehand.
//!
//! Start at [`month`], which needs no file. Guarantees: rows come in the order of the source, all
//! 19 of its columns are read and checked, and the whole file is accepted only with the SHA-256
//! its goldens were computed from.
//!
//! ```
//! use cellar_workload::flights::{self, Totals, goldens};
//!
//! let mut totals = Totals::default();
//! for flight in flights::month() {
//!     totals.add(&flight?);
//! }
//! assert_eq!(totals, goldens::JANUARY);
//! # Ok::<(), flights::FlightsError>(())
//! ```

pub mod goldens;
mod read;
mod row;
pub mod schema;
mod totals;
mod unzip;

pub use read::{CSV_SHA256, Flights, FlightsError, ZIP_SHA256, month, open};
pub use row::Flight;
pub use totals::Totals;
