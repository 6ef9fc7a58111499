//! Rows that share the first part of their key, page by page.

use crate::answer::Page;
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
        let call = call.map(|call| {
            let joint = if call.path.contains('?') { '&' } else { '?' };
            let path = format!("{}{joint}rows=array", call.path);
            Call { path, effect: Effect::Read, ..call }
        });
        Self { client, call }
    }

    /// Fetches the page that begins there. Page states are safe in a URL as they are.
    pub(crate) async fn fetch(&self, state: Option<String>) -> Result<Page, Error> {
        let mut call = self.call.clone()?;
        if let Some(state) = state {
            call.path.push_str("&page_state=");
            call.path.push_str(&super::key::percent_encode(&state));
        }
        let reply = self.client.run(&call).await?;
        Page::read(&reply.body, reply.meta)
    }
}
