//! `GET …/rows` as a SELECT: `select=a,b`, `order=at.desc`, `limit=100`, and conditions
//! `column=operator.value` with `eq`, `gt`, `gte`, `lt`, `lte`, `in` (`in.[1,2]`), `contains`.

use bytes::Bytes;
use cellar_schema::{Column, CqlType, Table, value};
use serde_json::Value;

use super::{key::Key, statement::Statement};
use crate::http::{
    problem::HttpError,
    uri::Pairs,
    value::{read_json, read_segment},
};

/// Parameters that are not conditions. A column of such a name can be asked for in a query.
const RESERVED: &[&str] = &[
    "key",
    "select",
    "order",
    "limit",
    "consistency",
    "keyspace",
    "page_size",
    "page_state",
    "timeout_ms",
    "timestamp",
    "ttl",
    "numbers",
    "rows",
];

/// The SELECT that a request means.
pub(super) fn select(key: &Key, pairs: &Pairs) -> Result<Statement, HttpError> {
    let table = &*key.table;
    let mut statement = Statement::new("SELECT ");
    selected(&mut statement, table, pairs)?;
    statement.add(" FROM ");
    statement.place(table);
    key.add_where(&mut statement);
    let mut first = key.is_empty();
    for (name, condition) in pairs.iter().filter(|(name, _)| !RESERVED.contains(name)) {
        statement.join(&mut first, " WHERE ", " AND ");
        add_condition(&mut statement, column(table, name)?, condition)?;
    }
    order(&mut statement, table, pairs)?;
    if let Some(text) = pairs.get("limit") {
        let rows = text.parse::<i32>().ok().filter(|rows| *rows > 0);
        let rows =
            rows.ok_or_else(|| HttpError::malformed("limit is a positive number of rows"))?;
        statement.add(" LIMIT ");
        statement.marker(Some(value::int(rows)));
    }
    Ok(statement)
}

/// The column of this name.
pub(super) fn column<'t>(table: &'t Table, name: &str) -> Result<&'t Column, HttpError> {
    table.column(name).ok_or_else(|| {
        let names: Vec<&str> = table.columns.iter().map(|column| &*column.name).collect();
        HttpError::with_hint(
            format!("{}.{} has no column '{name}'", table.keyspace, table.name),
            format!("it has: {}", names.join(", ")),
        )
    })
}

fn selected(statement: &mut Statement, table: &Table, pairs: &Pairs) -> Result<(), HttpError> {
    let Some(names) = pairs.get("select") else {
        statement.add("*");
        return Ok(());
    };
    let mut first = true;
    for name in names.split(',') {
        statement.join(&mut first, "", ", ");
        statement.name(&column(table, name)?.name);
    }
    Ok(())
}

fn order(statement: &mut Statement, table: &Table, pairs: &Pairs) -> Result<(), HttpError> {
    let Some(wanted) = pairs.get("order") else { return Ok(()) };
    let mut first = true;
    for part in wanted.split(',') {
        let (name, direction) = match part.rsplit_once('.') {
            Some((name, "asc")) => (name, " ASC"),
            Some((name, "desc")) => (name, " DESC"),
            _ => (part, " ASC"),
        };
        statement.join(&mut first, " ORDER BY ", ", ");
        statement.name(&column(table, name)?.name);
        statement.add(direction);
    }
    Ok(())
}

fn add_condition(
    statement: &mut Statement,
    column: &Column,
    condition: &str,
) -> Result<(), HttpError> {
    let unknown = || {
        HttpError::with_hint(
            format!("'{condition}' is no condition on {}", column.name),
            "write operator.value, with eq, gt, gte, lt, lte, in or contains",
        )
    };
    let (operator, text) = condition.split_once('.').ok_or_else(unknown)?;
    let comparison = match operator {
        "eq" => "=",
        "gt" => ">",
        "gte" => ">=",
        "lt" => "<",
        "lte" => "<=",
        "contains" => "CONTAINS",
        "in" => return any_of(statement, column, text),
        _ => return Err(unknown()),
    };
    let operand = match (operator, &column.cql_type) {
        ("contains", CqlType::List(element, _) | CqlType::Set(element, _)) => element,
        ("contains", CqlType::Map(_, value, _)) => value,
        (_, cql_type) => cql_type,
    };
    let value = read_segment(operand, text);
    let value = value.map_err(|error| HttpError::value(&column.name, &error))?;
    statement.compare(&column.name, comparison, Some(value));
    Ok(())
}

/// `"c" IN (?, ?)`, from a JSON array.
fn any_of(statement: &mut Statement, column: &Column, text: &str) -> Result<(), HttpError> {
    let wrong = || HttpError::malformed(format!("{}: in. takes a JSON array", column.name));
    let values: Vec<Value> = serde_json::from_str(text).map_err(|_| wrong())?;
    let value = |json: &Value| -> Result<Bytes, HttpError> {
        let value = read_json(&column.cql_type, json);
        let value = value.map_err(|error| HttpError::value(&column.name, &error))?;
        value.ok_or_else(wrong)
    };
    statement.name(&column.name);
    statement.add(" IN (");
    let mut first = true;
    for json in &values {
        statement.join(&mut first, "", ", ");
        statement.marker(Some(value(json)?));
    }
    statement.add(")");
    Ok(())
}
