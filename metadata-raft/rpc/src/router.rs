//! Method paths and their handlers, with the types erased to bytes.

use std::{collections::HashMap, fmt, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Refusal, encode_remote},
    payload,
    push::{PushHandler, StreamSender},
};

/// What a handler made of a request.
pub(crate) enum Outcome {
    /// The encoded answer.
    Answer(Bytes),
    /// The handler's encoded error.
    Error(Bytes),
    /// The handler did not run.
    Refused(Refusal),
    /// The answer could not be encoded.
    Failed,
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type CallHandler = Arc<dyn Fn(&[u8]) -> Boxed<Outcome> + Send + Sync>;
type StreamHandler = Arc<dyn Fn(&[u8], StreamSender<()>) -> Option<PushHandler> + Send + Sync>;

/// A method's handler.
#[derive(Clone)]
pub(crate) enum Method {
    Call(CallHandler),
    Stream(StreamHandler),
}

/// Maps method paths such as `/metadata/propose` to handlers.
///
/// A handler is a future of its own connection: when the caller gives up (deadline, dropped
/// future, lost connection) the handler is dropped at its next await. Work that must finish once
/// begun belongs on a task of [`crate::tasks::Tasks`].
#[derive(Clone, Default)]
pub struct Router {
    methods: HashMap<&'static str, Method>,
    duplicate: Option<&'static str>,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.methods.keys()).finish()
    }
}

impl Router {
    /// A router without methods.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers calls of `path` with `handler`; its error reaches the caller as
    /// [`crate::CallError::Remote`].
    #[must_use]
    pub fn call<Req, Resp, E, F, Fut>(self, path: &'static str, handler: F) -> Self
    where
        Req: DeserializeOwned + Send + 'static,
        Resp: Serialize + Send,
        E: Serialize + Send,
        F: Fn(Req) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Resp, E>> + Send + 'static,
    {
        let erased = move |body: &[u8]| -> Boxed<Outcome> {
            let running = match payload::decode::<Req>(body) {
                Ok(request) => handler(request),
                Err(reason) => {
                    tracing::warn!(path, reason, "request does not decode");
                    return Box::pin(async { Outcome::Refused(Refusal::Undecodable) });
                }
            };
            Box::pin(async move {
                match running.await {
                    Ok(answer) => payload::encode(&answer).map_or_else(
                        |reason| {
                            tracing::error!(path, reason, "answer cannot be encoded");
                            Outcome::Failed
                        },
                        Outcome::Answer,
                    ),
                    Err(error) => Outcome::Error(encode_remote(&error)),
                }
            })
        };
        self.insert(path, Method::Call(Arc::new(erased)))
    }

    /// Serves subscriptions of `path`: `handler` pushes messages until it returns, which ends
    /// the stream, with its error if it has one.
    #[must_use]
    pub fn stream<Req, T, E, F, Fut>(self, path: &'static str, handler: F) -> Self
    where
        Req: DeserializeOwned + Send + 'static,
        T: Serialize,
        E: Serialize,
        F: Fn(Req, StreamSender<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
    {
        let erased = move |body: &[u8], sender: StreamSender<()>| -> Option<PushHandler> {
            let request = payload::decode::<Req>(body)
                .map_err(|reason| tracing::warn!(path, reason, "request does not decode"))
                .ok()?;
            let running = handler(request, sender.retyped());
            Some(Box::pin(async move { running.await.map_err(|error| encode_remote(&error)) }))
        };
        self.insert(path, Method::Stream(Arc::new(erased)))
    }

    /// Takes the methods of another router as well.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let duplicate = other.duplicate;
        let mut merged = other
            .methods
            .into_iter()
            .fold(self, |router, (path, method)| router.insert(path, method));
        merged.duplicate = merged.duplicate.or(duplicate);
        merged
    }

    fn insert(mut self, path: &'static str, method: Method) -> Self {
        if self.methods.insert(path, method).is_some() {
            self.duplicate = Some(path);
        }
        self
    }

    /// A path that was given two handlers.
    pub(crate) fn duplicate(&self) -> Option<&'static str> {
        self.duplicate
    }

    /// The handler of a path, with the path as its constant.
    pub(crate) fn find(&self, path: &str) -> Option<(&'static str, &Method)> {
        self.methods.get_key_value(path).map(|(path, method)| (*path, method))
    }
}
