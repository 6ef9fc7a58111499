//! Rows that share the first part of their key, page by page.

use super::NO_ROW;
use crate::answer::{Meta, Page};
use crate::client::{Call, Client, Effect};
use crate::error::Error;

/// Where the pages of a key prefix come from.
#[derive(Clone, Debug)]
pub(crate) struct Prefix {
    client: Client,
    call: Result<Call, Error>,
}

impl Prefix {
    pub(super) fn new(client: Client, call: Result<Call, Error>) -> Self {
        let call = call.map(|call| Call { effect: Effect::Read, ..call });
        Self { client, call }
    }

    /// Fetches the page that begins there. A whole key gives its row, or none.
    pub(crate) async fn fetch(&self, state: Option<String>) -> Result<Page, Error> {
        let mut call = self.call.clone()?;
        if let Some(state) = state {
            call.set("page_state", &super::key::percent_encode(&state));
        }
        let reply = match self.client.run(&call).await {
            Ok(reply) if !reply.one_row => return Page::read(&reply.body, reply.meta),
            Ok(reply) => reply,
            Err(Error::Problem(problem)) if problem.code == NO_ROW => {
                let (consumed, request_id) = (problem.consumed, problem.request_id);
                return Page::read(&[], Meta { consumed, request_id, warnings: Vec::new() });
            }
            Err(error) => return Err(error),
        };
        Ok(Page::of_one(super::read_row(&reply.body)?, reply.meta))
    }
}
