//! The e-mail event pipeline of the ConvertKit story: claims, events, timelines, and their oracle.
//!
//! Start at [`Pipeline`]. One *message* is one e-mail to one subscriber; it has an index, and
//! everything about it (who, when, what became of it, every row in every table) is a function of
//! the [`Shape`] and that index. Guarantees, each proven in `tests/email.rs`:
//! * no two messages share a (campaign, subscriber), so that claims are unique;
//! * no two rows of a table share a primary key, so that what was written can be counted;
//! * the oracle of a range is the sum of the oracles of its parts.
//!
//! ```
//! use cellar_workload::email::{Filter, Oracle, Pipeline, Shape};
//!
//! let pipeline = Pipeline::new(Shape { emails: 1_000, ..Shape::ci(7) });
//! let message = pipeline.message(3);
//! assert_eq!(message, pipeline.message(3));
//! let oracle = Oracle::of(&pipeline, 0..pipeline.messages(), &Filter::default());
//! assert_eq!(oracle.claims.sum.rows, 1_000);
//! ```

mod accounts;
mod arrival;
mod life;
mod message;
mod oracle;
mod pipeline;
mod row;
pub mod schema;
mod shape;
mod table;
mod texts;
pub mod webhook;

pub use arrival::Arrival;
pub use life::EventKind;
pub use message::{Message, Send};
pub use oracle::{Filter, Oracle, ReportKey, Totals, reports, timelines};
pub use pipeline::{Pipeline, RowId};
pub use row::{ClaimRow, EventRow, ProfileRow, Row, SuppressionRow, TimelineRow};
pub use shape::Shape;
pub use table::Table;
