//! The Rust SDK of Cellar, over its HTTP API.
//!
//! Guarantees:
//! - No method gives only the first page of a result unless it says so in its name.
//! - Every [`Error`] says whether the request was applied ([`Error::outcome`]), and a request is
//!   sent again by itself only where that cannot do anything twice: reads, writes that were
//!   certainly not applied, and writes that the caller calls idempotent.
//! - Every answer says what it cost ([`Consumed`]).
//! - Memory is bounded: one page for a stream, [`limits`] for everything else.
//!
//! Start at [`Client::connect`].
//!
//! ```no_run
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Reading {
//!     sensor: String,
//!     temp: f32,
//! }
//!
//! # async fn run() -> Result<(), cellar_sdk::Error> {
//! let db = cellar_sdk::Client::connect("http://127.0.0.1:8080").await?;
//! let rows = db
//!     .query("SELECT sensor, temp FROM demo.readings WHERE sensor = ?")
//!     .bind("a1")
//!     .send()
//!     .await?;
//! for reading in rows.typed::<Reading>()? {
//!     println!("{}: {} °C", reading.sensor, reading.temp);
//! }
//! println!("that cost {}", rows.consumed());
//! # Ok(())
//! # }
//! ```

mod answer;
mod client;
mod clock;
mod error;
pub mod limits;
mod query;
mod table;
mod value;

pub use answer::{Column, Consumed, Problem, Row, Rows};
pub use client::{Client, ClientBuilder};
pub use error::{Error, Outcome};
pub use query::{Query, RowStream, TypedRows};
pub use table::{Found, RowWrite, Table, Written};
pub use value::{Value, ValueError};
