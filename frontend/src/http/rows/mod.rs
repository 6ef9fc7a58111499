//! `…/tables/{table}/rows/{key…}`: rows by key. A full key is one row, a shorter one a page of
//! rows. Everything becomes a prepared statement; see [`statement`].

mod assign;
mod filter;
mod key;
pub(in crate::http) mod statement;
mod write;

use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode, header};
use serde_json::json;
use xxhash_rust::xxh3::Xxh3;

use super::{
    call::Call, endpoint::TableName, problem::HttpError, query, reply::Reply, result, schema,
};
use crate::execute::{Answer, Done};
use key::Key;

/// What a write asks of the row that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Precondition {
    /// Nothing.
    None,
    /// `If-Match: *`
    Present,
    /// `If-None-Match: *`
    Absent,
}

impl Precondition {
    fn of(headers: &HeaderMap) -> Result<Self, HttpError> {
        let named = |name| headers.get(name).map(|value| value.as_bytes());
        match (named(header::IF_MATCH), named(header::IF_NONE_MATCH)) {
            (None, None) => Ok(Self::None),
            (Some(b"*"), None) => Ok(Self::Present),
            (None, Some(b"*")) => Ok(Self::Absent),
            _ => Err(HttpError::with_hint(
                "writes take If-Match: * or If-None-Match: *, and not both",
                "for other conditions use POST /v1/query with UPDATE … IF column = ?",
            )),
        }
    }
}

/// Answers a request.
pub(super) async fn answer(
    call: &Call,
    method: &Method,
    name: &TableName,
    segments: &[String],
) -> Result<Reply, HttpError> {
    let key = Key::read(call.table(name)?, segments, &call.pairs)?;
    match *method {
        Method::PUT | Method::PATCH | Method::DELETE => change(call, method, &key).await,
        _ if key.is_full() => one(call, &key).await,
        _ => {
            let statement = filter::select(&key, &call.pairs)?;
            let done = call.run_own(&statement.text, statement.values, call.options()?).await?;
            Ok(query::reply(call, &done, true))
        }
    }
}

/// The row of a full key.
async fn one(call: &Call, key: &Key) -> Result<Reply, HttpError> {
    let statement = filter::select(key, &call.pairs)?;
    let done = call.run_own(&statement.text, statement.values, call.options()?).await?;
    let no_row = || HttpError::NoRow { charge: done.charge };
    let Answer::Rows(rows) = &done.answer else { return Err(no_row()) };
    let row = rows.rows.first().ok_or_else(no_row)?;
    let tag = entity_tag(row);
    let known = call.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let reply = if known {
        Reply::new(StatusCode::NOT_MODIFIED)
    } else {
        let body = result::row(&rows.columns, row, call.style);
        Reply::document(StatusCode::OK, call.style.format, body)
    };
    Ok(reply.with(header::ETAG, tag).costing(done.charge).warning(&done.warnings))
}

/// Names what the row holds: equal exactly if all selected values are.
fn entity_tag(row: &[Option<Bytes>]) -> String {
    let mut hash = Xxh3::new();
    for value in row {
        let length = value.as_ref().map(Bytes::len);
        let length = length.and_then(|length| u64::try_from(length).ok()).unwrap_or(u64::MAX);
        hash.update(&length.to_be_bytes());
        hash.update(value.as_deref().unwrap_or_default());
    }
    format!("\"{:032x}\"", hash.digest128())
}

async fn change(call: &Call, method: &Method, key: &Key) -> Result<Reply, HttpError> {
    let condition = Precondition::of(&call.headers)?;
    let statement = match *method {
        Method::PUT => write::put(key, call.document()?, condition, &call.pairs)?,
        Method::PATCH => write::patch(key, call.document()?, condition, &call.pairs)?,
        _ => write::delete(key, condition)?,
    };
    let done = call.run_own(&statement.text, statement.values, call.options()?).await?;
    if let Some(error) = refused(&done, condition) {
        return Err(error);
    }
    let made = *method == Method::PUT && condition == Precondition::Absent;
    let reply = match *method {
        Method::DELETE => Reply::new(StatusCode::NO_CONTENT),
        _ => {
            let mut reply =
                schema::shown(call, &json!({ "consumed": result::consumed(done.charge) }));
            if made {
                reply.status = StatusCode::CREATED;
            }
            reply
        }
    };
    Ok(reply.costing(done.charge).warning(&done.warnings))
}

/// The error of a condition that did not hold.
fn refused(done: &Done, condition: Precondition) -> Option<HttpError> {
    let Answer::Rows(rows) = &done.answer else { return None };
    if result::applied(rows) != Some(false) {
        return None;
    }
    let current = Some(rows).filter(|rows| rows.columns.len() > 1).cloned();
    let message = match condition {
        Precondition::Absent => "a row with this key exists",
        _ => "no row has this key",
    };
    Some(HttpError::Condition { message, current, charge: done.charge })
}

#[cfg(test)]
mod tests;
