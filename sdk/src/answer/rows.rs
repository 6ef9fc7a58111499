//! Rows and their columns, and the form of a page on the wire.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Deserializer, Visitor, value::MapAccessDeserializer};
use serde::forward_to_deserialize_any;

use super::{Consumed, Meta};
use crate::error::Error;
use crate::value::{NamedValues, Value, ValueError, ValueReader, decode};

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its CQL type, as CQL writes it.
    pub cql_type: String,
}

/// Every row of a result, however many pages it came in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    pub(crate) columns: Arc<[Column]>,
    pub(crate) rows: Vec<Row>,
    pub(crate) applied: Option<bool>,
    pub(crate) next: Option<String>,
    pub(crate) meta: Meta,
}

impl From<Page> for Rows {
    fn from(page: Page) -> Self {
        let Page { columns, rows, next, applied, meta } = page;
        Self { columns, rows, applied, next, meta }
    }
}

impl Rows {
    /// The columns, in the order of the statement.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows.
    pub fn iter(&self) -> std::slice::Iter<'_, Row> {
        self.rows.iter()
    }

    /// All rows as values of a Rust type; see [`Row::typed`].
    ///
    /// # Errors
    /// [`Error::Row`] for the first row that does not fit.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        self.rows.iter().map(Row::typed).collect()
    }

    /// The first row as a value of a Rust type, if there is a row.
    ///
    /// # Errors
    /// [`Error::Row`] when it does not fit.
    pub fn first<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.rows.first().map(Row::typed).transpose()
    }

    /// For a statement with a condition: whether the condition held and the write was done. If
    /// not, the rows show what stood in its way.
    #[must_use]
    pub fn applied(&self) -> Option<bool> {
        self.applied
    }

    /// After [`crate::Query::page`]: where the next page begins, if there is one.
    #[must_use]
    pub fn next_page(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// What the statement cost, over all pages.
    #[must_use]
    pub fn consumed(&self) -> Consumed {
        self.meta.consumed
    }

    /// The name of the (last) request in the server's logs.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.meta.request_id
    }

    /// What the server thinks the user should know.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.meta.warnings
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = &'a Row;
    type IntoIter = std::slice::Iter<'a, Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    columns: Arc<[Column]>,
    values: Vec<Value>,
}

impl Row {
    /// The row as a value of a Rust type: a struct with the columns' names, a tuple in the order
    /// of the columns, or, if there is one column, the type of that column alone.
    ///
    /// # Errors
    /// [`Error::Row`], naming the column that does not fit.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(RowReader(self)).map_err(Error::Row)
    }

    /// One column as a value of a Rust type.
    ///
    /// # Errors
    /// [`Error::Row`] when there is no such column or its value does not fit.
    pub fn get<T: DeserializeOwned>(&self, column: &str) -> Result<T, Error> {
        let value = self
            .value(column)
            .ok_or_else(|| Error::Row(ValueError::new(format!("there is no column {column:?}"))))?;
        T::deserialize(ValueReader(value)).map_err(|error| Error::Row(error.within(column)))
    }

    /// The value of a column as it came; none if there is no such column.
    #[must_use]
    pub fn value(&self, column: &str) -> Option<&Value> {
        self.named().find(|(name, _)| *name == column).map(|(_, value)| value)
    }

    /// All values, in the order of the columns.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    fn named(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.columns.iter().map(|column| column.name.as_str()).zip(&self.values)
    }

    /// A row of an answer, which is a map by column name or an array in column order.
    fn read(columns: &Arc<[Column]>, row: Value) -> Option<Self> {
        let values = match row {
            Value::List(values) if values.len() == columns.len() => values,
            Value::Map(mut entries) => {
                let mut take = |column: &Column| {
                    let found = entries
                        .iter_mut()
                        .find(|(name, _)| name.as_text().is_some_and(|name| name == column.name));
                    // A column that is left out is null.
                    found.map_or(Value::Null, |(_, value)| std::mem::replace(value, Value::Null))
                };
                columns.iter().map(&mut take).collect()
            }
            _ => return None,
        };
        Some(Self { columns: columns.clone(), values })
    }

    /// A row that came alone, with no description of its columns.
    pub(crate) fn alone(row: Value) -> Option<Self> {
        let Value::Map(entries) = row else {
            return None;
        };
        let (columns, values): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|(name, value)| {
                let name = name.as_text().unwrap_or_default().to_owned();
                (Column { name, cql_type: String::new() }, value)
            })
            .unzip();
        Some(Self { columns: columns.into(), values })
    }
}

struct RowReader<'a>(&'a Row);

impl RowReader<'_> {
    /// The only value, if the row has just one.
    fn only(&self) -> Option<ValueReader<'_>> {
        match self.0.values.as_slice() {
            [value] => Some(ValueReader(value)),
            _ => None,
        }
    }

    fn wrong(&self) -> ValueError {
        ValueError::new(format!(
            "a row of {} columns needs a struct, a map or a tuple",
            self.0.values.len()
        ))
    }
}

macro_rules! scalars {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            self.only().ok_or_else(|| self.wrong())?.$method(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for RowReader<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_map(NamedValues::new(self.0.named()))
    }

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_seq(NamedValues::new(self.0.named()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        if length == self.0.values.len() {
            return self.deserialize_seq(visitor);
        }
        Err(ValueError::new(format!(
            "the row has {} columns, the tuple {length}",
            self.0.values.len()
        )))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let map = MapAccessDeserializer::new(NamedValues::new(self.0.named()));
        map.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        unit unit_struct map struct identifier ignored_any
    }
}

/// One page, as it came.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) columns: Arc<[Column]>,
    pub(crate) rows: Vec<Row>,
    pub(crate) next: Option<String>,
    pub(crate) applied: Option<bool>,
    pub(crate) meta: Meta,
}

impl Page {
    /// A row that came alone.
    pub(crate) fn of_one(row: Row, meta: Meta) -> Self {
        Self { columns: row.columns.clone(), rows: vec![row], next: None, applied: None, meta }
    }

    /// Reads `{columns, rows, next, applied, consumed, warnings}`; an empty body is a result
    /// without rows. `meta` is what the headers said.
    pub(crate) fn read(body: &[u8], mut meta: Meta) -> Result<Self, Error> {
        let mut columns: Arc<[Column]> = Arc::from([]);
        let mut page = Self {
            columns: columns.clone(),
            rows: vec![],
            next: None,
            applied: None,
            meta: Meta::default(),
        };
        if body.is_empty() {
            page.meta = meta;
            return Ok(page);
        }
        let wrong = |what: &str| Error::Answer { reason: what.to_owned() };
        let body = decode(body).map_err(|error| Error::Answer { reason: error.to_string() })?;
        let Value::Map(entries) = body else {
            return Err(wrong("the body is no map"));
        };
        let mut rows = Vec::new();
        for (name, value) in entries {
            match (name.as_text().unwrap_or_default(), value) {
                ("columns", Value::List(described)) => {
                    columns = described
                        .iter()
                        .map(column)
                        .collect::<Option<_>>()
                        .ok_or_else(|| wrong("a column has no name"))?;
                }
                ("rows", Value::List(found)) => rows = found,
                ("next", Value::Text(state)) => page.next = Some(state),
                ("applied", Value::Boolean(applied)) => page.applied = Some(applied),
                ("consumed", value) if meta.consumed == Consumed::default() => {
                    meta.consumed = Consumed::from_value(&value);
                }
                ("warnings", Value::List(found)) => {
                    // Better than the header, which has them in ASCII only.
                    let texts = found.iter().filter_map(Value::as_text);
                    meta.warnings = texts.map(str::to_owned).collect();
                }
                _ => {}
            }
        }
        let rows = rows.into_iter().map(|row| Row::read(&columns, row));
        page.rows = rows
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("a row has not the columns of its result"))?;
        page.columns = columns;
        page.meta = meta;
        Ok(page)
    }
}

fn column(described: &Value) -> Option<Column> {
    let text = |name| described.member(name).and_then(Value::as_text);
    Some(Column {
        name: text("name")?.to_owned(),
        cql_type: text("type").unwrap_or_default().to_owned(),
    })
}
