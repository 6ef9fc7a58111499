//! What the server answers: [`Rows`], what they cost ([`Consumed`]), and errors ([`Problem`]).

mod consumed;
mod problem;
mod rows;

pub use consumed::Consumed;
pub use problem::Problem;
pub use rows::{Column, Row, Rows};

pub(crate) use rows::Page;

/// What every answer carries besides its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Meta {
    /// What the request cost.
    pub(crate) consumed: Consumed,
    /// Names the request in the server's logs.
    pub(crate) request_id: String,
    /// What the user should know.
    pub(crate) warnings: Vec<String>,
}
