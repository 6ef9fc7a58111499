//! A row of a virtual table: values by column name, turned into the stored form.

use bytes::Bytes;
use cellar_schema::{
    Column, ColumnData, ColumnKind, Complex, CqlType, Element, Liveness, Row, Table, Versioned,
    keys, value,
};

use crate::error::RequestError;

/// Values by column name, as CQL wire bytes; columns not named are null.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Vec<(&'static str, Bytes)>);

impl Record {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with(mut self, column: &'static str, value: Bytes) -> Self {
        self.0.push((column, value));
        self
    }

    pub(crate) fn text(self, column: &'static str, text: &str) -> Self {
        self.with(column, Bytes::copy_from_slice(text.as_bytes()))
    }

    pub(crate) fn int(self, column: &'static str, number: i32) -> Self {
        self.with(column, Bytes::copy_from_slice(&number.to_be_bytes()))
    }

    pub(crate) fn bigint(self, column: &'static str, number: i64) -> Self {
        self.with(column, Bytes::copy_from_slice(&number.to_be_bytes()))
    }

    pub(crate) fn double(self, column: &'static str, number: f64) -> Self {
        self.with(column, Bytes::copy_from_slice(&number.to_be_bytes()))
    }

    pub(crate) fn boolean(self, column: &'static str, yes: bool) -> Self {
        self.with(column, Bytes::copy_from_slice(&[u8::from(yes)]))
    }

    pub(crate) fn uuid(self, column: &'static str, uuid: uuid::Uuid) -> Self {
        self.with(column, Bytes::copy_from_slice(uuid.as_bytes()))
    }

    pub(crate) fn inet(self, column: &'static str, address: std::net::IpAddr) -> Self {
        self.with(
            column,
            match address {
                std::net::IpAddr::V4(address) => Bytes::copy_from_slice(&address.octets()),
                std::net::IpAddr::V6(address) => Bytes::copy_from_slice(&address.octets()),
            },
        )
    }

    /// A list or set of texts.
    pub(crate) fn texts(self, column: &'static str, texts: &[String]) -> Self {
        self.with(column, value::build_list(texts))
    }

    /// A map of texts.
    pub(crate) fn text_map<'a>(
        self,
        column: &'static str,
        entries: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Self {
        let entries: Vec<(&[u8], &[u8])> =
            entries.into_iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())).collect();
        self.with(column, value::build_map(&entries))
    }

    fn get(&self, column: &str) -> Option<&Bytes> {
        self.0.iter().find(|(name, _)| *name == column).map(|(_, value)| value)
    }

    /// Engine key and row in a table.
    pub(super) fn stored(&self, table: &Table) -> Result<(Bytes, Row), RequestError> {
        let wrong =
            |what: &str| RequestError::internal(format!("a row of {} has no {what}", table.name));
        let mut partition_key = Vec::new();
        for column in table.partition_key() {
            let value = self.get(&column.name).ok_or_else(|| wrong(&column.name))?;
            partition_key.push(&value[..]);
        }
        let mut clustering = Vec::new();
        for (column, _) in table.clustering() {
            clustering.push(self.get(&column.name).cloned().ok_or_else(|| wrong(&column.name))?);
        }
        let partition = keys::partition(table.id, &keys::routing(&partition_key));
        let suffix = keys::row_suffix(table, &clustering)
            .map_err(|error| RequestError::internal(error.to_string()))?;
        let mut key = partition.to_vec();
        key.extend_from_slice(&suffix);
        let mut row = Row { marker: Some(AT_ONCE), ..Row::default() };
        for column in table.columns.iter().filter(|column| column.kind == ColumnKind::Regular) {
            if let Some(value) = self.get(&column.name) {
                row.columns.push((column.id, data(column, value)?));
            }
        }
        Ok((key.into(), row))
    }
}

const AT_ONCE: Liveness = Liveness { timestamp_us: 0, expiry: None };

fn data(column: &Column, value: &Bytes) -> Result<ColumnData, RequestError> {
    let versioned = |value: Bytes| Versioned { live: AT_ONCE, value: Some(value) };
    let element = |key: &Bytes, name: Bytes, cql_type: &CqlType, data: Bytes| {
        let key = keys::element_key(cql_type, key)
            .map_err(|error| RequestError::internal(error.to_string()))?;
        Ok(Element { key, name, data: versioned(data) })
    };
    let broken = |error: value::ValueError| RequestError::internal(error.to_string());
    let elements: Result<Vec<Element>, RequestError> = match &column.cql_type {
        CqlType::Set(of, cellar_schema::Frozen::No) => value::list_elements(value)
            .map_err(broken)?
            .into_iter()
            .map(|item| element(&item, Bytes::new(), of, item.clone()))
            .collect(),
        CqlType::Map(of, _, cellar_schema::Frozen::No) => value::map_entries(value)
            .map_err(broken)?
            .into_iter()
            .map(|(key, entry)| element(&key, key.clone(), of, entry))
            .collect(),
        _ => return Ok(ColumnData::Simple(versioned(value.clone()))),
    };
    let mut elements = elements?;
    elements.sort_by(|left, right| left.key.cmp(&right.key));
    Ok(ColumnData::Complex(Complex { deletion: None, elements }))
}
