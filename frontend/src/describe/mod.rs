//! Server-side DESCRIBE: schema objects as CQL text that makes them again, in the shape that
//! cqlsh expects of a server from release 4 on.

mod create;
mod index;
mod options;
mod view;

pub(crate) use index::stored as stored_index;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use cellar_cql::{
    ast::{self, DescribeTarget, QualifiedName},
    plan::{ColumnSpec, PlanError, SchemaView},
};
use cellar_schema::{CqlType, Keyspace, Table};

use crate::{
    error::RequestError,
    execute::ResultRows,
    system::{View, text::quoted},
};

/// One described object.
struct Described {
    keyspace: String,
    kind: &'static str,
    name: String,
    create: Option<String>,
}

/// Answers a DESCRIBE.
pub(crate) fn describe(
    view: &View,
    describe: &ast::Describe,
    keyspace: Option<&str>,
) -> Result<ResultRows, RequestError> {
    let internals = describe.with_internals;
    let found = match &describe.target {
        DescribeTarget::Cluster => return Ok(cluster()),
        DescribeTarget::Keyspaces => {
            let all = view.stored().values().chain(view.made_up().values());
            all.map(|keyspace| named(keyspace, "keyspace", &keyspace.name)).collect()
        }
        DescribeTarget::Tables => each(view, keyspace, |keyspace| {
            keyspace.tables.keys().map(|name| named(keyspace, "table", name)).collect()
        })?,
        DescribeTarget::Types => each(view, keyspace, |keyspace| {
            keyspace.types.keys().map(|name| named(keyspace, "type", name)).collect()
        })?,
        DescribeTarget::Functions | DescribeTarget::Aggregates => Vec::new(),
        DescribeTarget::Schema { full } => {
            let mut all: Vec<_> = view.stored().values().collect();
            if *full {
                all.extend(view.made_up().values());
            }
            all.into_iter().flat_map(|keyspace| whole(view, keyspace, internals)).collect()
        }
        DescribeTarget::Keyspace { only, name } => {
            let name = name.as_ref().map(ast::Ident::as_str).or(keyspace);
            let keyspace = keyspace_of(view, name.ok_or(PlanError::NoKeyspace)?)?;
            let mut objects = whole(view, &keyspace, internals);
            if *only {
                objects.truncate(1);
            }
            objects
        }
        DescribeTarget::Table(name) => table(view, name, keyspace, internals)?,
        DescribeTarget::Type(name) => vec![user_type(view, name, keyspace)?],
        DescribeTarget::Anything(name) => anything(view, name, keyspace, internals)?,
        DescribeTarget::Index(name) => vec![index(view, name, keyspace)?],
        DescribeTarget::View(name) => vec![materialized(view, name, keyspace, internals)?],
        DescribeTarget::Function(name) => return Err(absent("function", name, keyspace)),
        DescribeTarget::Aggregate(name) => return Err(absent("aggregate", name, keyspace)),
    };
    let with_text = !matches!(
        describe.target,
        DescribeTarget::Keyspaces
            | DescribeTarget::Tables
            | DescribeTarget::Types
            | DescribeTarget::Functions
            | DescribeTarget::Aggregates
    );
    Ok(rows(found, with_text))
}

fn rows(found: Vec<Described>, with_text: bool) -> ResultRows {
    let mut names = vec!["keyspace_name", "type", "name"];
    if with_text {
        names.push("create_statement");
    }
    let text = |text: String| Some(Bytes::from(text));
    let row = |object: Described| {
        let mut row = vec![
            text(quoted(&object.keyspace)),
            text(object.kind.to_owned()),
            text(quoted(&object.name)),
        ];
        if with_text {
            row.push(object.create.map(Bytes::from));
        }
        row
    };
    ResultRows {
        columns: names.into_iter().map(|name| column("describe", name)).collect(),
        rows: found.into_iter().map(row).collect(),
        next: None,
    }
}

fn cluster() -> ResultRows {
    let values = ["cellar", "org.apache.cassandra.dht.Murmur3Partitioner", "cellar"];
    ResultRows {
        columns: ["cluster", "partitioner", "snitch"]
            .into_iter()
            .map(|name| column("describe_cluster", name))
            .collect(),
        rows: vec![values.iter().map(|v| Some(Bytes::from_static(v.as_bytes()))).collect()],
        next: None,
    }
}

fn column(table: &str, name: &str) -> ColumnSpec {
    ColumnSpec {
        keyspace: "system".into(),
        table: table.into(),
        name: name.to_owned(),
        cql_type: CqlType::Text,
    }
}

fn named(keyspace: &Keyspace, kind: &'static str, name: &str) -> Described {
    Described { keyspace: keyspace.name.clone(), kind, name: name.to_owned(), create: None }
}

/// Objects of the current keyspace, or of all.
fn each(
    view: &View,
    keyspace: Option<&str>,
    list: impl Fn(&Keyspace) -> Vec<Described>,
) -> Result<Vec<Described>, RequestError> {
    if let Some(name) = keyspace {
        return Ok(list(&*keyspace_of(view, name)?));
    }
    let all: BTreeMap<&String, &Arc<Keyspace>> =
        view.stored().iter().chain(view.made_up().iter()).collect();
    Ok(all.into_values().flat_map(|keyspace| list(keyspace)).collect())
}

/// The keyspace, its types in the order they need each other, its tables.
fn whole(view: &View, keyspace: &Keyspace, internals: bool) -> Vec<Described> {
    let mut objects = vec![Described {
        create: Some(create::keyspace(keyspace, &view.replication(keyspace))),
        ..named(keyspace, "keyspace", &keyspace.name)
    }];
    objects.extend(create::in_order(keyspace).into_iter().map(|user_type| Described {
        create: Some(create::user_type(user_type)),
        ..named(keyspace, "type", &user_type.name)
    }));
    let tables = keyspace.tables.values();
    objects.extend(tables.flat_map(|table| with_indexes(keyspace, table, internals)));
    objects
}

/// The table, its indexes and its views.
fn with_indexes(keyspace: &Keyspace, table: &Table, internals: bool) -> Vec<Described> {
    let create = Some(create::table(table, internals));
    let mut objects = vec![Described { create, ..named(keyspace, "table", &table.name) }];
    objects.extend(table.options.indexes.iter().map(|index| Described {
        create: Some(index::create(table, index)),
        ..named(keyspace, "index", &index.name)
    }));
    objects.extend(table.options.views.iter().map(|seen| Described {
        create: Some(view::create(table, seen, internals)),
        ..named(keyspace, "materialized_view", &seen.name)
    }));
    objects
}

fn keyspace_of(view: &View, name: &str) -> Result<Arc<Keyspace>, RequestError> {
    view.keyspace(name)
        .ok_or_else(|| RequestError::invalid(format!("'{name}' not found in keyspaces")))
}

fn place(name: &QualifiedName, keyspace: Option<&str>) -> Result<String, RequestError> {
    let given = name.keyspace.as_ref().map(ast::Ident::as_str).or(keyspace);
    Ok(given.ok_or(PlanError::NoKeyspace)?.to_owned())
}

fn table(
    view: &View,
    name: &QualifiedName,
    keyspace: Option<&str>,
    internals: bool,
) -> Result<Vec<Described>, RequestError> {
    let keyspace = keyspace_of(view, &place(name, keyspace)?)?;
    let table = keyspace.tables.get(name.name.as_str()).ok_or_else(|| {
        RequestError::invalid(format!(
            "Table '{}' not found in keyspace '{}'",
            name.name.as_str(),
            keyspace.name
        ))
    })?;
    Ok(with_indexes(&keyspace, table, internals))
}

fn materialized(
    view: &View,
    name: &QualifiedName,
    keyspace: Option<&str>,
    internals: bool,
) -> Result<Described, RequestError> {
    let keyspace = keyspace_of(view, &place(name, keyspace)?)?;
    let name = name.name.as_str();
    let (base, seen) = keyspace.view(name).ok_or_else(|| {
        RequestError::invalid(format!(
            "Materialized view '{name}' not found in keyspace '{}'",
            keyspace.name
        ))
    })?;
    let create = Some(view::create(base, seen, internals));
    Ok(Described { create, ..named(&keyspace, "materialized_view", name) })
}

fn index(
    view: &View,
    name: &QualifiedName,
    keyspace: Option<&str>,
) -> Result<Described, RequestError> {
    let keyspace = keyspace_of(view, &place(name, keyspace)?)?;
    let name = name.name.as_str();
    let found = keyspace.tables.values().find_map(|table| Some((table, table.index(name)?)));
    let (table, index) = found.ok_or_else(|| {
        RequestError::invalid(format!(
            "Table for existing index '{name}' not found in '{}'",
            keyspace.name
        ))
    })?;
    let create = Some(index::create(table, index));
    Ok(Described { create, ..named(&keyspace, "index", name) })
}

fn user_type(
    view: &View,
    name: &QualifiedName,
    keyspace: Option<&str>,
) -> Result<Described, RequestError> {
    let keyspace = keyspace_of(view, &place(name, keyspace)?)?;
    let user_type = keyspace.types.get(name.name.as_str()).ok_or_else(|| {
        RequestError::invalid(format!(
            "User defined type '{}' not found in '{}'",
            name.name.as_str(),
            keyspace.name
        ))
    })?;
    let create = Some(create::user_type(user_type));
    Ok(Described { create, ..named(&keyspace, "type", &user_type.name) })
}

/// `DESCRIBE name`: a keyspace of this name, else a table, an index or a view.
fn anything(
    view: &View,
    name: &QualifiedName,
    keyspace: Option<&str>,
    internals: bool,
) -> Result<Vec<Described>, RequestError> {
    if name.keyspace.is_none()
        && let Some(keyspace) = view.keyspace(name.name.as_str())
    {
        return Ok(whole(view, &keyspace, internals));
    }
    let not_found = |_| {
        let within = keyspace.map(|name| format!(" in keyspace '{name}'")).unwrap_or_default();
        RequestError::invalid(format!("'{}' not found{within}", name.name.as_str()))
    };
    table(view, name, keyspace, internals)
        .or_else(|_| index(view, name, keyspace).map(|index| vec![index]))
        .or_else(|_| materialized(view, name, keyspace, internals).map(|view| vec![view]))
        .map_err(not_found)
}

fn absent(what: &str, name: &QualifiedName, keyspace: Option<&str>) -> RequestError {
    match place(name, keyspace) {
        Ok(keyspace) => RequestError::invalid(format!(
            "{what} '{}' not found in keyspace '{keyspace}'",
            name.name.as_str()
        )),
        Err(error) => error,
    }
}
