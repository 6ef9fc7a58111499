//! Connections through the stock Rust driver, and many requests in flight.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use anyhow::Context;
use cellar_workload::value::{Kind, Value};
use futures::{Stream, StreamExt, TryStreamExt};
use scylla::{
    client::{PoolSize, session::Session, session_builder::SessionBuilder},
    statement::{Consistency, Statement, prepared::PreparedStatement},
};

use crate::raw::{RawRow, raw};

/// Connects to the endpoints ("host:port").
///
/// # Errors
/// The driver's.
pub async fn connect(endpoints: &[String], connections: usize) -> anyhow::Result<Arc<Session>> {
    let profile = scylla::client::execution_profile::ExecutionProfile::builder()
        .consistency(Consistency::LocalQuorum)
        .request_timeout(Some(Duration::from_secs(30)))
        .build();
    let connections = NonZeroUsize::new(connections).unwrap_or(NonZeroUsize::MIN);
    let session = SessionBuilder::new()
        .known_nodes(endpoints)
        .default_execution_profile_handle(profile.into_handle())
        .pool_size(PoolSize::PerHost(connections))
        .build()
        .await
        .with_context(|| format!("cannot connect to {}", endpoints.join(", ")))?;
    Ok(Arc::new(session))
}

/// Runs statements one after another.
///
/// # Errors
/// The first that fails, named.
pub async fn run(session: &Session, statements: &[&str]) -> anyhow::Result<()> {
    for text in statements {
        session
            .query_unpaged(*text, ())
            .await
            .with_context(|| format!("statement failed: {text}"))?;
    }
    Ok(())
}

/// Inserts rows through a prepared statement, `in_flight` at a time, and reports each.
///
/// # Errors
/// The first insert that fails; those begun are not undone.
pub async fn insert(
    session: &Session,
    statement: &PreparedStatement,
    rows: impl Stream<Item = Vec<Value>>,
    in_flight: usize,
    done: &(dyn Fn(u64) + Sync),
) -> anyhow::Result<u64> {
    rows.map(anyhow::Ok)
        .map_ok(|values| async move {
            session.execute_unpaged(statement, raw(&values)).await.context("insert failed")?;
            done(1);
            Ok(1_u64)
        })
        .try_buffer_unordered(in_flight)
        .try_fold(0, async |total: u64, one| Ok(total.saturating_add(one)))
        .await
}

/// Reads everything a statement returns, page by page.
///
/// # Errors
/// The driver's, or a value that is not of its kind.
pub async fn each_row(
    session: &Session,
    statement: &str,
    kinds: &[Kind],
    page_rows: i32,
    mut row: impl FnMut(Vec<Value>),
) -> anyhow::Result<()> {
    let mut statement = Statement::new(statement);
    statement.set_page_size(page_rows);
    let pager = session.query_iter(statement, ()).await?;
    let mut rows = pager.rows_stream::<RawRow>()?;
    while let Some(read) = rows.try_next().await? {
        let values = read.0.iter().zip(kinds).map(|(bytes, kind)| {
            Value::from_wire(*kind, bytes.as_deref())
                .with_context(|| format!("a value is not of kind {kind:?}"))
        });
        row(values.collect::<anyhow::Result<Vec<Value>>>()?);
    }
    Ok(())
}
