//! Results as documents: `{columns, rows, next, applied?, schema_change?, warnings?, consumed}`.
//!
//! Rows are objects by column name, or arrays with `rows=array`. Of a conditional write,
//! `applied` says what happened and rows are those that stood against it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use cellar_cql::plan::ResultColumn;
use cellar_metadata_api::{SchemaChangeKind, SchemaEvent, SchemaTarget};
use cellar_schema::{Units, value};
use serde_json::{Value, json};

use super::{
    media::Format,
    value::{CborOut, Numbers, cbor_document, json_text, write_cbor, write_json},
};
use crate::{
    execute::{Answer, Done, ResultRows},
    meter::Charge,
};

/// How a client wants rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) format: Format,
    pub(super) numbers: Numbers,
    /// Rows are arrays and not objects.
    pub(super) arrays: bool,
}

type Row = Vec<Option<Bytes>>;

/// A row with its columns, for writing.
struct Shown<'a> {
    columns: &'a [ResultColumn],
    /// This many columns at the start are not shown.
    hidden: usize,
}

/// What `[applied]` says.
const APPLIED: &str = "[applied]";

/// Whether a conditional write was applied.
pub(super) fn applied(rows: &ResultRows) -> Option<bool> {
    let first = rows.columns.first().filter(|column| column.name == APPLIED);
    first?;
    let value = rows.rows.first()?.first()?.as_ref()?;
    value::as_bool(value)
}

/// A paging state as text.
pub(super) fn page_text(state: &Bytes) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(state)
}

/// A paging state from text.
pub(super) fn page_state(text: &str) -> Option<Bytes> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok().map(Bytes::from)
}

/// The document of an answer.
pub(super) fn document(done: &Done, style: Style) -> Bytes {
    let none = ResultRows { columns: std::sync::Arc::from([]), rows: Vec::new(), next: None };
    let (rows, schema) = match &done.answer {
        Answer::Rows(rows) => (rows, None),
        Answer::Schema(event) => (&none, Some(schema_change(event))),
        Answer::Void | Answer::Keyspace(_) => (&none, None),
    };
    let applied = applied(rows);
    let shown = Shown { columns: &rows.columns, hidden: usize::from(applied.is_some()) };
    // An applied write has nothing to show but that.
    let listed: &[Row] = if applied == Some(true) || shown.is_empty() && applied.is_some() {
        &[]
    } else {
        &rows.rows
    };
    let mut rest = vec![("next", json!(rows.next.as_ref().map(page_text)))];
    rest.extend(applied.map(|applied| ("applied", json!(applied))));
    rest.extend(schema.map(|change| ("schema_change", change)));
    if !done.warnings.is_empty() {
        rest.push(("warnings", json!(done.warnings)));
    }
    rest.push(("consumed", consumed(done.charge)));
    match style.format {
        Format::Json => shown.json_document(listed, &rest, style).into(),
        Format::Cbor => shown.cbor_document(listed, &rest, style),
    }
}

/// One row alone, as its object.
pub(super) fn row(columns: &[ResultColumn], row: &[Option<Bytes>], style: Style) -> Bytes {
    let shown = Shown { columns, hidden: 0 };
    match style.format {
        Format::Json => {
            let mut out = Vec::new();
            shown.json_row(&mut out, row, style);
            out.into()
        }
        Format::Cbor => {
            let mut out = CborOut::default();
            shown.cbor_row(&mut out, row, style);
            out.finish()
        }
    }
}

/// The row that stood against a conditional write.
pub(super) fn first_as_json(rows: &ResultRows) -> Option<Value> {
    let shown = Shown { columns: &rows.columns, hidden: 1 };
    let row = rows.rows.first().filter(|_| !shown.is_empty())?;
    let mut out = Vec::new();
    shown.json_row(&mut out, row, Style::default());
    serde_json::from_slice(&out).ok()
}

/// As [`first_as_json`]; whether there was one.
pub(super) fn first_as_cbor(out: &mut CborOut, rows: &ResultRows) -> bool {
    let shown = Shown { columns: &rows.columns, hidden: 1 };
    let row = rows.rows.first().filter(|_| !shown.is_empty());
    if let Some(row) = row {
        shown.cbor_row(out, row, Style::default());
    }
    row.is_some()
}

/// What a request cost, as `{"ru": …, "wu": …}`.
pub(super) fn consumed(charge: Charge) -> Value {
    json!({ "ru": units(charge.read), "wu": units(charge.write) })
}

fn units(units: Units) -> Value {
    if units.halves().is_multiple_of(2) {
        return json!(units.halves() / 2);
    }
    // Exact below 2^32 halves; a single request never comes near.
    json!(f64::from(u32::try_from(units.halves()).unwrap_or(u32::MAX)) / 2.0)
}

fn schema_change(event: &SchemaEvent) -> Value {
    let change = match event.kind {
        SchemaChangeKind::Created => "created",
        SchemaChangeKind::Updated => "updated",
        SchemaChangeKind::Dropped => "dropped",
    };
    let target = match event.target {
        SchemaTarget::Keyspace => "keyspace",
        SchemaTarget::Table => "table",
        SchemaTarget::Type => "type",
    };
    json!({ "change": change, "target": target, "keyspace": event.keyspace, "name": event.name })
}

impl Shown<'_> {
    fn columns(&self) -> impl ExactSizeIterator<Item = &ResultColumn> {
        self.columns.iter().skip(self.hidden)
    }

    fn is_empty(&self) -> bool {
        self.columns().len() == 0
    }

    fn cells<'r>(&self, row: &'r [Option<Bytes>]) -> impl Iterator<Item = Option<&'r Bytes>> {
        row.iter().skip(self.hidden).map(Option::as_ref)
    }

    fn json_document(&self, rows: &[Row], rest: &[(&str, Value)], style: Style) -> Vec<u8> {
        let mut out = b"{\"columns\":[".to_vec();
        for (index, column) in self.columns().enumerate() {
            out.extend_from_slice(if index > 0 { b",{\"name\":" } else { b"{\"name\":" });
            json_text(&mut out, &column.name);
            out.extend_from_slice(b",\"type\":");
            json_text(&mut out, &column.cql_type.to_string());
            out.push(b'}');
        }
        out.extend_from_slice(b"],\"rows\":[");
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.json_row(&mut out, row, style);
        }
        out.push(b']');
        for (name, value) in rest {
            out.push(b',');
            json_text(&mut out, name);
            out.push(b':');
            out.extend_from_slice(value.to_string().as_bytes());
        }
        out.push(b'}');
        out
    }

    fn json_row(&self, out: &mut Vec<u8>, row: &[Option<Bytes>], style: Style) {
        out.push(if style.arrays { b'[' } else { b'{' });
        for (index, (column, cell)) in self.columns().zip(self.cells(row)).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            if !style.arrays {
                json_text(out, &column.name);
                out.push(b':');
            }
            write_json(out, &column.cql_type, cell, style.numbers);
        }
        out.push(if style.arrays { b']' } else { b'}' });
    }

    fn cbor_document(&self, rows: &[Row], rest: &[(&str, Value)], style: Style) -> Bytes {
        let mut out = CborOut::default();
        out.map(rest.len().saturating_add(2));
        out.text("columns");
        out.array(self.columns().len());
        for column in self.columns() {
            out.map(2);
            out.text("name");
            out.text(&column.name);
            out.text("type");
            out.text(&column.cql_type.to_string());
        }
        out.text("rows");
        out.array(rows.len());
        for row in rows {
            self.cbor_row(&mut out, row, style);
        }
        for (name, value) in rest {
            out.text(name);
            cbor_document(&mut out, value);
        }
        out.finish()
    }

    fn cbor_row(&self, out: &mut CborOut, row: &[Option<Bytes>], style: Style) {
        let count = self.columns().len();
        if style.arrays {
            out.array(count)
        } else {
            out.map(count)
        }
        for (column, cell) in self.columns().zip(self.cells(row)) {
            if !style.arrays {
                out.text(&column.name);
            }
            write_cbor(out, &column.cql_type, cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cellar_schema::CqlType;

    use super::*;

    fn column(name: &str, cql_type: CqlType) -> ResultColumn {
        ResultColumn { keyspace: "ks".into(), table: "t".into(), name: name.to_owned(), cql_type }
    }

    fn done(columns: Vec<ResultColumn>, rows: Vec<Row>) -> Done {
        let columns: Arc<[ResultColumn]> = columns.into();
        let next = Some(Bytes::from_static(&[0xfb, 0xff]));
        let charge = Charge::read(5000, true);
        let answer = Answer::Rows(ResultRows { columns, rows, next });
        Done { answer, charge, warnings: vec!["careful".to_owned()] }
    }

    fn json(done: &Done, style: Style) -> Value {
        serde_json::from_slice(&document(done, style)).unwrap()
    }

    #[test]
    fn rows_are_objects_with_everything_a_client_needs_around_them() {
        let columns = vec![column("k\"", CqlType::Text), column("n", CqlType::Bigint)];
        let done = done(columns, vec![vec![Some(value::text("a")), None]]);
        assert_eq!(
            json(&done, Style::default()),
            json!({
                "columns": [{"name": "k\"", "type": "text"}, {"name": "n", "type": "bigint"}],
                "rows": [{"k\"": "a", "n": null}],
                "next": "-_8", "warnings": ["careful"], "consumed": {"ru": 1, "wu": 0},
            })
        );
        let arrays = Style { arrays: true, ..Style::default() };
        assert_eq!(json(&done, arrays)["rows"], json!([["a", null]]));
        assert_eq!(page_state("-_8"), Some(Bytes::from_static(&[0xfb, 0xff])));
    }

    #[test]
    fn cbor_says_the_same_as_json() {
        let columns = vec![column("k", CqlType::Text), column("n", CqlType::Int)];
        let done = done(columns, vec![vec![Some(value::text("a")), Some(value::int(-7))]]);
        let cbor = document(&done, Style { format: Format::Cbor, ..Style::default() });
        let read: Value = cbor4ii::serde::from_slice(&cbor).unwrap();
        assert_eq!(read, json(&done, Style::default()));
    }

    #[test]
    fn a_conditional_write_says_whether_it_was_applied_and_what_stood_against_it() {
        let columns = || vec![column(APPLIED, CqlType::Boolean), column("n", CqlType::Int)];
        let row = |applied, n| vec![Some(value::boolean(applied)), n];
        let refused =
            json(&done(columns(), vec![row(false, Some(value::int(1)))]), Style::default());
        assert_eq!(refused["applied"], json!(false));
        assert_eq!(refused["columns"], json!([{"name": "n", "type": "int"}]));
        assert_eq!(refused["rows"], json!([{"n": 1}]));
        let alone = vec![column(APPLIED, CqlType::Boolean)];
        for (applied, expected) in [(true, json!(true)), (false, json!(false))] {
            let done = done(alone.clone(), vec![vec![Some(value::boolean(applied))]]);
            let document = json(&done, Style::default());
            assert_eq!((&document["applied"], &document["rows"]), (&expected, &json!([])));
        }
    }

    #[test]
    fn halves_of_units_are_kept() {
        assert_eq!(consumed(Charge::read(1, true)), json!({"ru": 0.5, "wu": 0}));
    }
}
