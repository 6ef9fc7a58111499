//! `<change string><target string><keyspace string>[<name string>[<argument types>]]`, the same
//! in a RESULT and in an EVENT. v3 has no functions: their change is that of the keyspace.

use crate::Version;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaChangeKind {
    /// It is new.
    Created,
    /// It is different.
    Updated,
    /// It is gone.
    Dropped,
}

/// What it was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaTarget {
    /// The keyspace itself.
    Keyspace,
    /// A table, also for its indexes, or a view.
    Table(String),
    /// A user type.
    Type(String),
    /// A function.
    Function {
        /// Its name.
        name: String,
        /// CQL types of its arguments.
        argument_types: Vec<String>,
    },
    /// An aggregate.
    Aggregate {
        /// Its name.
        name: String,
        /// CQL types of its arguments.
        argument_types: Vec<String>,
    },
}

/// The schema has been changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaChange {
    /// What was done.
    pub change: SchemaChangeKind,
    /// The keyspace it was done in.
    pub keyspace: String,
    /// What it was done to.
    pub target: SchemaTarget,
}

impl SchemaChangeKind {
    const ALL: [Self; 3] = [Self::Created, Self::Updated, Self::Dropped];

    const fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Updated => "UPDATED",
            Self::Dropped => "DROPPED",
        }
    }
}

impl SchemaChange {
    pub(super) fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let word = reader.string()?;
        let change = SchemaChangeKind::ALL.into_iter().find(|change| change.name() == word);
        let change = change.ok_or(DecodeError::UnknownWord { what: "schema change", word })?;
        let word = reader.string()?;
        let keyspace = reader.string()?;
        let target = match word.as_str() {
            "KEYSPACE" => SchemaTarget::Keyspace,
            "TABLE" => SchemaTarget::Table(reader.string()?),
            "TYPE" => SchemaTarget::Type(reader.string()?),
            "FUNCTION" => SchemaTarget::Function {
                name: reader.string()?,
                argument_types: reader.string_list()?,
            },
            "AGGREGATE" => SchemaTarget::Aggregate {
                name: reader.string()?,
                argument_types: reader.string_list()?,
            },
            _ => return Err(DecodeError::UnknownWord { what: "schema target", word }),
        };
        Ok(Self { change, keyspace, target })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let (word, name, argument_types) = match &self.target {
            SchemaTarget::Keyspace => ("KEYSPACE", None, None),
            SchemaTarget::Table(name) => ("TABLE", Some(name), None),
            SchemaTarget::Type(name) => ("TYPE", Some(name), None),
            SchemaTarget::Function { .. } | SchemaTarget::Aggregate { .. }
                if writer.version() < Version::V4 =>
            {
                writer.string(SchemaChangeKind::Updated.name());
                writer.string("KEYSPACE");
                writer.string(&self.keyspace);
                return;
            }
            SchemaTarget::Function { name, argument_types } => {
                ("FUNCTION", Some(name), Some(argument_types))
            }
            SchemaTarget::Aggregate { name, argument_types } => {
                ("AGGREGATE", Some(name), Some(argument_types))
            }
        };
        writer.string(self.change.name());
        writer.string(word);
        writer.string(&self.keyspace);
        if let Some(name) = name {
            writer.string(name);
        }
        if let Some(argument_types) = argument_types {
            writer.string_list(argument_types);
        }
    }
}
