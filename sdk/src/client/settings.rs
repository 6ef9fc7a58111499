//! What a client can be told before it starts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::header::HeaderValue;

use super::{Budget, Client, Shared, Transport};
use crate::error::Error;
use crate::limits::TIMEOUT_DEFAULT;

/// Settings of a [`Client`].
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    settings: Settings,
    authorization: Option<String>,
}

/// What the client remembers of them.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) keyspace: Option<String>,
    pub(crate) timeout: Duration,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl ClientBuilder {
    pub(super) fn new(url: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        let settings = Settings { url, keyspace: None, timeout: TIMEOUT_DEFAULT };
        Self { settings, authorization: None }
    }

    /// The keyspace of unqualified table names.
    pub fn keyspace(mut self, keyspace: &str) -> Self {
        self.settings.keyspace = Some(keyspace.to_owned());
        self
    }

    /// How long a request may take with all its retries.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// The key to show, as `Authorization: Bearer`. It is never logged.
    pub fn api_key(mut self, api_key: &str) -> Self {
        self.authorization = Some(format!("Bearer {api_key}"));
        self
    }

    /// Name and password of the role to log in as, as `Authorization: Basic`. The password is
    /// never logged.
    pub fn credentials(mut self, name: &str, password: &str) -> Self {
        let token = STANDARD.encode(format!("{name}:{password}"));
        self.authorization = Some(format!("Basic {token}"));
        self
    }

    /// The client. It connects with its first request.
    ///
    /// # Errors
    /// [`Error::Settings`] when the URL is none of the form `http://host:port`, or the API key
    /// has characters that no key has.
    pub fn build(self) -> Result<Client, Error> {
        let url = &self.settings.url;
        let wrong = |why: &str| Error::Settings { reason: format!("{url:?}: {why}") };
        let parsed: Uri = url.parse().map_err(|_| wrong("not a URL"))?;
        match parsed.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(wrong("https is not built into this SDK yet")),
            _ => return Err(wrong("the URL must begin with http://")),
        }
        if parsed.host().is_none_or(str::is_empty) {
            return Err(wrong("the URL names no host"));
        }
        if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
            return Err(wrong("the URL must end after the host and the port"));
        }
        let authorization = match &self.authorization {
            Some(shown) => {
                let mut value = HeaderValue::from_str(shown).map_err(|_| Error::Settings {
                    reason: "the API key or the password is malformed".into(),
                })?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let transport = Transport::new(url.clone(), authorization);
        let shared = Shared { transport, budget: Budget::full(), settings: self.settings };
        Ok(Client { shared: Arc::new(shared) })
    }
}
