//! PUT, PATCH and DELETE as statements. PUT is an INSERT of every column, so that the row becomes
//! exactly the body; with `If-Match: *` it is an UPDATE, which can ask for an existing row.

use cellar_schema::{Column, ColumnKind, value};

use super::{
    Precondition,
    assign::Assignment,
    filter,
    key::{Key, is_key},
    statement::Statement,
};
use crate::http::{document::Document, problem::HttpError, uri::Pairs};

/// The statement of a PUT.
pub(super) fn put(
    key: &Key,
    body: Document,
    condition: Precondition,
    pairs: &Pairs,
) -> Result<Statement, HttpError> {
    if !key.is_full() {
        return Err(key.too_short("the whole primary key"));
    }
    let given = given(key, body)?;
    let mut columns = Vec::new();
    for column in key.table.columns.iter().filter(|column| !is_key(column)) {
        let found = given.iter().find(|(found, _)| found.id == column.id);
        let value = match found {
            Some((_, document)) => document.value(&column.name, &column.cql_type)?,
            // Statics belong to the partition, and a new row has nothing to delete.
            None if matches!(column.kind, ColumnKind::Static) => continue,
            None if condition == Precondition::Absent => continue,
            None => None,
        };
        columns.push((column, Assignment::Set(value)));
    }
    if key.table.is_counter() {
        return Err(HttpError::with_hint(
            "counters cannot be set",
            "change them with PATCH and {\"column\": {\"$inc\": 1}}",
        ));
    }
    if condition == Precondition::Present {
        return update(key, columns, condition, pairs);
    }
    let mut statement = Statement::new("INSERT INTO ");
    statement.place(&key.table);
    let mut first = true;
    let names = key.columns().map(|(column, _)| column).chain(columns.iter().map(|(c, _)| *c));
    for column in names {
        statement.join(&mut first, " (", ", ");
        statement.name(&column.name);
    }
    let mut first = true;
    let values = key.columns().map(|(_, value)| Some(value.clone()));
    let set = columns.iter().filter_map(|(_, assignment)| match assignment {
        Assignment::Set(value) => Some(value.clone()),
        _ => None,
    });
    for value in values.chain(set) {
        statement.join(&mut first, ") VALUES (", ", ");
        statement.marker(value);
    }
    statement.add(")");
    if condition == Precondition::Absent {
        statement.add(" IF NOT EXISTS");
    }
    using_ttl(&mut statement, pairs)?;
    Ok(statement)
}

/// The statement of a PATCH.
pub(super) fn patch(
    key: &Key,
    body: Document,
    condition: Precondition,
    pairs: &Pairs,
) -> Result<Statement, HttpError> {
    if condition == Precondition::Absent {
        return Err(HttpError::with_hint(
            "PATCH cannot ask that there be no row",
            "make rows with PUT and If-None-Match: *",
        ));
    }
    let given = given(key, body)?;
    let is_static = |column: &Column| matches!(column.kind, ColumnKind::Static);
    let all_static = given.iter().all(|(column, _)| is_static(column) || is_key(column));
    let enough = key.is_full() || (key.is_partition() && all_static);
    if !enough {
        return Err(key.too_short("the whole primary key"));
    }
    let assignments = given.into_iter().filter(|(column, _)| !is_key(column));
    let assignments = assignments
        .map(|(column, document)| Ok((column, Assignment::read(column, document)?)))
        .collect::<Result<Vec<_>, HttpError>>()?;
    update(key, assignments, condition, pairs)
}

/// The statement of a DELETE: of a row, of a range of rows, of a partition.
pub(super) fn delete(key: &Key, condition: Precondition) -> Result<Statement, HttpError> {
    if key.is_empty() {
        return Err(key.too_short("the whole partition key"));
    }
    let mut statement = Statement::new("DELETE FROM ");
    statement.place(&key.table);
    key.add_where(&mut statement);
    match condition {
        Precondition::None => {}
        Precondition::Present => statement.add(" IF EXISTS"),
        Precondition::Absent => {
            return Err(HttpError::malformed("DELETE with If-None-Match: * makes no sense"));
        }
    }
    Ok(statement)
}

fn update(
    key: &Key,
    assignments: Vec<(&Column, Assignment)>,
    condition: Precondition,
    pairs: &Pairs,
) -> Result<Statement, HttpError> {
    if assignments.is_empty() {
        return Err(HttpError::unprocessable("no column would be changed"));
    }
    let mut statement = Statement::new("UPDATE ");
    statement.place(&key.table);
    using_ttl(&mut statement, pairs)?;
    let mut first = true;
    for (column, assignment) in assignments {
        statement.join(&mut first, " SET ", ", ");
        assignment.add(&mut statement, &column.name);
    }
    key.add_where(&mut statement);
    if condition == Precondition::Present {
        statement.add(" IF EXISTS");
    }
    Ok(statement)
}

/// The columns that a body names. Key columns may be among them if they say what the path says.
fn given(key: &Key, body: Document) -> Result<Vec<(&Column, Document)>, HttpError> {
    let members = body.members();
    let members = members.ok_or_else(|| HttpError::malformed("the body is not an object"))?;
    let mut given: Vec<(&Column, Document)> = Vec::with_capacity(members.len());
    for (name, document) in members {
        let column = filter::column(&key.table, &name)?;
        if is_key(column) {
            let value = document.value(&name, &column.cql_type)?;
            if value.as_ref() != key.value(column) {
                return Err(HttpError::unprocessable(format!(
                    "{name} in the body is not what the path says"
                )));
            }
        } else if given.iter().any(|(found, _)| found.id == column.id) {
            return Err(HttpError::malformed(format!("{name} comes twice")));
        }
        given.push((column, document));
    }
    Ok(given)
}

fn using_ttl(statement: &mut Statement, pairs: &Pairs) -> Result<(), HttpError> {
    if let Some(text) = pairs.get("ttl") {
        let seconds = text.parse::<i32>().ok().filter(|seconds| *seconds >= 0);
        let wrong = || HttpError::malformed("ttl is a number of seconds");
        statement.add(" USING TTL ");
        statement.marker(Some(value::int(seconds.ok_or_else(wrong)?)));
    }
    Ok(())
}
