//! What one planning run knows and collects: the schema, the current keyspace, the bind
//! variables typed so far, the tables depended on, warnings.

use std::sync::Arc;

use cellar_schema::{Column, ColumnKind, CqlType, Table, TableId, UserType, View};

use super::error::similar;
use super::term::Expr;
use super::{ColumnSpec, PlanError, SchemaView, Variable};
use crate::ast::{Ident, Marker, MarkerIndex, QualifiedName};

/// Keyspaces that exist by themselves and that no statement changes.
const SYSTEM_KEYSPACES: [&str; 8] = [
    "system",
    "system_auth",
    "system_cellar",
    "system_distributed",
    "system_schema",
    "system_traces",
    "system_views",
    "system_virtual_schema",
];

/// Refuses to change a keyspace that is not a user's.
pub(crate) fn user_keyspace(keyspace: &str) -> Result<(), PlanError> {
    if SYSTEM_KEYSPACES.contains(&keyspace) {
        return Err(PlanError::SystemKeyspace { keyspace: keyspace.to_owned() });
    }
    Ok(())
}

/// One planning run.
pub struct Scope<'a> {
    view: &'a dyn SchemaView,
    keyspace: Option<&'a str>,
    markers: &'a [Marker],
    variables: Vec<Option<Variable>>,
    pub(crate) tables: Vec<(TableId, u64)>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Scope<'a> {
    /// A run over a statement with these markers.
    #[must_use]
    pub fn new(view: &'a dyn SchemaView, keyspace: Option<&'a str>, markers: &'a [Marker]) -> Self {
        let variables = vec![None; markers.len()];
        Self { view, keyspace, markers, variables, tables: Vec::new(), warnings: Vec::new() }
    }

    /// The schema.
    #[must_use]
    pub fn view(&self) -> &'a dyn SchemaView {
        self.view
    }

    /// The session's keyspace.
    #[must_use]
    pub fn keyspace(&self) -> Option<&'a str> {
        self.keyspace
    }

    /// Number of bind markers of the statement.
    #[must_use]
    pub fn marker_count(&self) -> usize {
        self.markers.len()
    }

    /// The keyspace a name is looked up in.
    ///
    /// # Errors
    /// Neither the name nor the session has one.
    pub fn keyspace_of(&self, name: &QualifiedName) -> Result<String, PlanError> {
        match (&name.keyspace, self.keyspace) {
            (Some(keyspace), _) => Ok(keyspace.as_str().to_owned()),
            (None, Some(keyspace)) => Ok(keyspace.to_owned()),
            (None, None) => Err(PlanError::NoKeyspace),
        }
    }

    /// The error for a keyspace that is not there.
    #[must_use]
    pub fn unknown_keyspace(&self, keyspace: &str) -> PlanError {
        let names = self.view.keyspace_names();
        PlanError::UnknownKeyspace {
            keyspace: keyspace.to_owned(),
            hint: similar(keyspace, names.iter().map(String::as_str)),
        }
    }

    /// The table of this name, or the base table of the view of this name and the view; the plan
    /// depends on the table from now on.
    ///
    /// # Errors
    /// No such keyspace, table or view.
    pub(crate) fn source(
        &mut self,
        name: &QualifiedName,
    ) -> Result<(Arc<Table>, Option<View>), PlanError> {
        let keyspace = self.keyspace_of(name)?;
        let named = name.name.as_str();
        let (table, of_view) = match self.view.table(&keyspace, named) {
            Some(table) => (table, None),
            None => {
                let Some(found) = self.view.keyspace(&keyspace) else {
                    return Err(self.unknown_keyspace(&keyspace));
                };
                let Some((base, of_view)) = found.view(named) else {
                    let hint = similar(named, found.tables.keys().map(String::as_str));
                    let table = name.name.to_string();
                    return Err(PlanError::UnknownTable { keyspace, table, hint });
                };
                (Arc::clone(base), Some(of_view.clone()))
            }
        };
        let dependency = (table.id, table.version);
        if !self.tables.contains(&dependency) {
            self.tables.push(dependency);
        }
        Ok((table, of_view))
    }

    /// The table of this name; the plan depends on it from now on.
    ///
    /// # Errors
    /// No such keyspace or table; a view.
    pub fn table(&mut self, name: &QualifiedName) -> Result<Arc<Table>, PlanError> {
        match self.source(name)? {
            (table, None) => Ok(table),
            (_, Some(_)) => Err(PlanError::invalid("Cannot directly modify a materialized view")),
        }
    }

    /// As [`Scope::table`], for a table whose rows are to be changed.
    ///
    /// # Errors
    /// As [`Scope::table`]; a table of a system keyspace.
    pub fn writable_table(&mut self, name: &QualifiedName) -> Result<Arc<Table>, PlanError> {
        let table = self.table(name)?;
        if user_keyspace(&table.keyspace).is_err() {
            // They are made up from the schema and the cluster, all of them.
            return Err(PlanError::invalid(format!(
                "Modification is not supported by table {}.{}",
                table.keyspace, table.name
            )));
        }
        Ok(table)
    }

    /// The user-defined type of this name, in `default` unless the name says where.
    ///
    /// # Errors
    /// No such keyspace or type.
    pub fn user_type(
        &self,
        name: &QualifiedName,
        default: Option<&str>,
    ) -> Result<Arc<UserType>, PlanError> {
        let keyspace = match (&name.keyspace, default) {
            (None, Some(keyspace)) => keyspace.to_owned(),
            (Some(other), Some(keyspace)) if other.as_str() != keyspace => {
                return Err(PlanError::invalid(format!(
                    "Statement on keyspace {keyspace} cannot refer to a user type in keyspace \
                     {other}; user types can only be used in the keyspace they are defined in"
                )));
            }
            _ => self.keyspace_of(name)?,
        };
        if let Some(found) = self.view.user_type(&keyspace, name.name.as_str()) {
            return Ok(found);
        }
        let Some(found) = self.view.keyspace(&keyspace) else {
            return Err(self.unknown_keyspace(&keyspace));
        };
        let hint = similar(name.name.as_str(), found.types.keys().map(String::as_str));
        Err(PlanError::UnknownType { keyspace, name: name.name.to_string(), hint })
    }

    /// Gives a marker its type; the expression reads and checks its value.
    ///
    /// # Errors
    /// A marker the parser did not announce.
    pub fn marker(&mut self, index: MarkerIndex, spec: &ColumnSpec) -> Result<Expr, PlanError> {
        let position = usize::from(index.0);
        let (Some(marker), Some(variable)) =
            (self.markers.get(position), self.variables.get_mut(position))
        else {
            return Err(PlanError::invalid("Invalid amount of bind variables"));
        };
        let mut spec = spec.clone();
        if let Some(name) = &marker.name {
            name.as_str().clone_into(&mut spec.name);
        }
        let expr = Expr::marker(index.0, &spec);
        *variable = Some(spec);
        Ok(expr)
    }

    /// The variables in text order.
    ///
    /// # Errors
    /// A marker that nothing typed.
    pub fn take_variables(&mut self) -> Result<Vec<Variable>, PlanError> {
        let variables: Option<Vec<Variable>> =
            std::mem::take(&mut self.variables).into_iter().collect();
        variables.ok_or_else(|| {
            PlanError::invalid("Cannot infer the type of a bind marker; use a type hint")
        })
    }
}

/// The column of this name.
///
/// # Errors
/// No such column.
pub fn column<'t>(table: &'t Table, name: &Ident) -> Result<&'t Column, PlanError> {
    table.column(name.as_str()).ok_or_else(|| PlanError::UnknownColumn {
        column: name.to_string(),
        keyspace: table.keyspace.clone(),
        table: table.name.clone(),
        hint: similar(name.as_str(), table.columns.iter().map(|column| column.name.as_str())),
    })
}

/// What a column receives: its name and type.
#[must_use]
pub fn receiver(table: &Table, column: &Column) -> ColumnSpec {
    ColumnSpec::of(table, column.name.clone(), column.cql_type.clone())
}

/// A receiver of this table for something that is no column, such as `[ttl]`.
#[must_use]
pub fn pseudo(table: &Table, name: &str, cql_type: CqlType) -> ColumnSpec {
    ColumnSpec::of(table, name, cql_type)
}

/// All columns in the order of `SELECT *`: partition key, clustering, then statics and the
/// others, each by name.
#[must_use]
pub fn select_order(table: &Table) -> Vec<&Column> {
    let mut columns: Vec<&Column> = table.columns.iter().collect();
    columns.sort_by_key(|column| match column.kind {
        ColumnKind::PartitionKey(at) => (0, at, ""),
        ColumnKind::Clustering(at, _) => (1, at, ""),
        ColumnKind::Static => (2, 0, column.name.as_str()),
        ColumnKind::Regular => (3, 0, column.name.as_str()),
    });
    columns
}
