//! Rows over pages: [`RowStream`] fetches a page when the one before is used up.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::{FutureExt, Stream};
use serde::de::DeserializeOwned;

use super::Query;
use crate::answer::{Column, Consumed, Meta, Page, Row, Rows};
use crate::error::Error;
use crate::table::Prefix;

/// Where pages come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A statement.
    Query(Query),
    /// The rows of a table that share the first part of their key.
    Prefix(Prefix),
}

impl Source {
    /// The page that begins there.
    pub(crate) async fn page(&self, state: Option<String>) -> Result<Page, Error> {
        let page = match self {
            Self::Query(query) => query.fetch(state.clone()).await?,
            Self::Prefix(prefix) => prefix.fetch(state.clone()).await?,
        };
        if page.next.is_some() && page.next == state {
            let reason = "the next page begins where this one began".to_owned();
            return Err(Error::Answer { reason });
        }
        Ok(page)
    }
}

/// The rows of a result, page after page. A [`futures::Stream`], which ends after its first error;
/// [`RowStream::try_next`] does without that trait.
#[must_use = "a stream does nothing until it is polled"]
pub struct RowStream {
    source: Arc<Source>,
    state: State,
    columns: Arc<[Column]>,
    applied: Option<bool>,
    meta: Meta,
}

enum State {
    /// A page is to be fetched from here.
    Next(Option<String>),
    /// A page is being fetched.
    Fetching(BoxFuture<'static, Result<Page, Error>>),
    /// Rows of a page, and where the next one begins.
    Rows(std::vec::IntoIter<Row>, Option<String>),
    /// All rows are out, or an error is.
    Ended,
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("source", &self.source).finish_non_exhaustive()
    }
}

impl RowStream {
    pub(crate) fn new(source: Source, state: Option<String>) -> Self {
        Self {
            source: Arc::new(source),
            state: State::Next(state),
            columns: Arc::from([]),
            applied: None,
            meta: Meta::default(),
        }
    }

    /// The next row; none at the end.
    ///
    /// # Errors
    /// See [`Error`]. After an error the stream has ended: it never skips a page.
    pub async fn try_next(&mut self) -> Result<Option<Row>, Error> {
        std::future::poll_fn(|context| self.poll_row(context)).await.transpose()
    }

    /// The rows as values of a Rust type; see [`Row::typed`].
    pub fn typed<T: DeserializeOwned>(self) -> TypedRows<T> {
        TypedRows { rows: self, kind: PhantomData }
    }

    /// The columns; none before the first page.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What the pages so far cost.
    #[must_use]
    pub fn consumed(&self) -> Consumed {
        self.meta.consumed
    }

    /// The name of the last request in the server's logs.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.meta.request_id
    }

    pub(crate) fn into_rows(self, rows: Vec<Row>) -> Rows {
        Rows { columns: self.columns, rows, applied: self.applied, next: None, meta: self.meta }
    }

    fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Row, Error>>> {
        loop {
            self.state = match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Rows(rows, next) => match (rows.next(), next.take()) {
                    (Some(row), after) => {
                        *next = after;
                        return Poll::Ready(Some(Ok(row)));
                    }
                    (None, Some(next)) => State::Next(Some(next)),
                    (None, None) => State::Ended,
                },
                State::Next(from) => {
                    let (source, from) = (self.source.clone(), from.take());
                    State::Fetching(async move { source.page(from).await }.boxed())
                }
                State::Fetching(page) => match ready!(page.poll_unpin(context)) {
                    Ok(page) => self.turn(page),
                    Err(error) => {
                        self.state = State::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
            };
        }
    }

    /// Takes in a page.
    fn turn(&mut self, page: Page) -> State {
        self.columns = page.columns;
        self.applied = page.applied;
        self.meta.consumed += page.meta.consumed;
        self.meta.request_id = page.meta.request_id;
        self.meta.warnings.extend(page.meta.warnings);
        State::Rows(page.rows.into_iter(), page.next)
    }
}

impl Stream for RowStream {
    type Item = Result<Row, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_row(context)
    }
}

/// A [`RowStream`] whose rows are values of a Rust type.
#[must_use = "a stream does nothing until it is polled"]
pub struct TypedRows<T> {
    rows: RowStream,
    kind: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for TypedRows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedRows").field(&self.rows).finish()
    }
}

impl<T: DeserializeOwned> TypedRows<T> {
    /// The next row; none at the end.
    ///
    /// # Errors
    /// See [`Error`]; a row that does not fit is an error, and the row after it can still be read.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.rows.try_next().await?.map(|row| row.typed()).transpose()
    }

    /// What the pages so far cost.
    #[must_use]
    pub fn consumed(&self) -> Consumed {
        self.rows.consumed()
    }
}

impl<T: DeserializeOwned> Stream for TypedRows<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let row = ready!(self.get_mut().rows.poll_row(context));
        Poll::Ready(row.map(|row| row.and_then(|row| row.typed())))
    }
}
