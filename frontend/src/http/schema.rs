//! The schema as documents: `/v1/keyspaces` and what is below it. With
//! `Accept: application/cql`, the statements that make it again.

use std::{collections::BTreeMap, sync::Arc};

use cellar_cql::plan::SchemaView;
use cellar_schema::{ColumnKind, Keyspace, Order, Table, UserType};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::{
    call::Call,
    endpoint::TableName,
    media::{self, Format},
    problem::HttpError,
    reply::Reply,
    rows::statement::{place, quoted},
    value::{CborOut, cbor_document},
};
use crate::{
    execute::Answer,
    system::{View, is_virtual},
};

/// The media type of CQL text.
const CQL: &str = "application/cql";

/// `/v1/keyspaces`
pub(super) async fn keyspaces(call: &Call) -> Result<Reply, HttpError> {
    if media::names(&call.headers, CQL) {
        return described(call, "DESCRIBE SCHEMA").await;
    }
    let view = view(call);
    let all: BTreeMap<&String, &Arc<Keyspace>> =
        view.stored().iter().chain(view.made_up().iter()).collect();
    let short = |keyspace: &&Arc<Keyspace>| {
        json!({
            "name": keyspace.name,
            "replication": keyspace.replication,
            "virtual": view.made_up().contains_key(&keyspace.name),
            "tables": keyspace.tables.keys().collect::<Vec<_>>(),
        })
    };
    let list: Vec<Value> = all.values().map(short).collect();
    Ok(shown(call, &json!({ "keyspaces": list })))
}

/// `/v1/keyspaces/{keyspace}`
pub(super) async fn keyspace(call: &Call, name: &str) -> Result<Reply, HttpError> {
    let statement = format!("DESCRIBE KEYSPACE {}", quoted(name));
    let Some(keyspace) = view(call).keyspace(name) else {
        // The planner words the error, hints included.
        call.plan(&format!("USE {}", quoted(name)), None, false)?;
        return Err(HttpError::unprocessable("the keyspace was made this moment"));
    };
    if media::names(&call.headers, CQL) {
        return described(call, &statement).await;
    }
    let types = keyspace.types.values().map(|udt| user_type(udt)).collect::<Vec<_>>();
    let tables = keyspace.tables.values().map(|of| table_document(of)).collect::<Vec<_>>();
    let document = json!({
        "name": keyspace.name,
        "replication": keyspace.replication,
        "durable_writes": keyspace.durable_writes,
        "types": types,
        "tables": tables,
    });
    Ok(shown(call, &document))
}

/// `/v1/keyspaces/{keyspace}/tables/{table}`
pub(super) async fn table(call: &Call, name: &TableName) -> Result<Reply, HttpError> {
    let table = call.table(name)?;
    if media::names(&call.headers, CQL) {
        let place = place(&name.keyspace, &name.table);
        return described(call, &format!("DESCRIBE TABLE {place}")).await;
    }
    Ok(shown(call, &table_document(&table)))
}

fn view(call: &Call) -> View {
    let executor = &call.shared.executor;
    executor.system.view(executor.catalog())
}

/// A document in the form that was asked for.
pub(super) fn shown(call: &Call, document: &Value) -> Reply {
    let body = match call.style.format {
        Format::Json => document.to_string().into(),
        Format::Cbor => {
            let mut out = CborOut::default();
            cbor_document(&mut out, document);
            out.finish()
        }
    };
    Reply::document(StatusCode::OK, call.style.format, body)
}

/// The last column of what DESCRIBE answers.
async fn described(call: &Call, statement: &str) -> Result<Reply, HttpError> {
    let planned = call.plan(statement, None, false)?;
    let done = call.run(&planned, Vec::new(), call.options()?).await?;
    let mut text = String::new();
    if let Answer::Rows(rows) = &done.answer {
        for statement in rows.rows.iter().filter_map(|row| row.last()?.as_ref()) {
            text.push_str(&String::from_utf8_lossy(statement));
            text.push_str("\n\n");
        }
    }
    Ok(Reply::new(StatusCode::OK).with_body(CQL, text.into()))
}

fn user_type(udt: &UserType) -> Value {
    let field = |(name, cql_type): &(String, _)| field(name, cql_type);
    json!({ "name": udt.name, "fields": udt.fields.iter().map(field).collect::<Vec<_>>() })
}

fn field(name: &str, cql_type: &cellar_schema::CqlType) -> Value {
    json!({ "name": name, "type": cql_type.to_string() })
}

fn table_document(table: &Table) -> Value {
    let names = |kind: fn(&ColumnKind) -> bool| {
        let columns = table.columns.iter().filter(|column| kind(&column.kind));
        columns.map(|column| column.name.as_str()).collect::<Vec<_>>()
    };
    let clustering = table.clustering().map(|(column, order)| {
        let order = if order == Order::Desc { "desc" } else { "asc" };
        json!({ "name": column.name, "order": order })
    });
    let columns = table.columns.iter().map(|column| field(&column.name, &column.cql_type));
    json!({
        "keyspace": table.keyspace,
        "name": table.name,
        "id": table.uuid,
        "virtual": is_virtual(table.id),
        "columns": columns.collect::<Vec<_>>(),
        "partition_key": names(|kind| matches!(kind, ColumnKind::PartitionKey(_))),
        "clustering_key": clustering.collect::<Vec<_>>(),
        "static": names(|kind| matches!(kind, ColumnKind::Static)),
        "options": table.options.text,
    })
}
