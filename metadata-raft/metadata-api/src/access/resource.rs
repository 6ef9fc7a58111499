//! What permissions there are, and what they can be about: a tree whose inner nodes stand for all
//! that is below them.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// What a role may do with a resource, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// Make things below it.
    Create,
    /// Change its definition.
    Alter,
    /// Remove it.
    Drop,
    /// Read it.
    Select,
    /// Write and truncate it.
    Modify,
    /// Grant and revoke on it.
    Authorize,
    /// List it.
    Describe,
    /// Call it.
    Execute,
    /// Read masked columns in the clear.
    Unmask,
    /// Restrict by masked columns.
    SelectMasked,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Create,
        Self::Alter,
        Self::Drop,
        Self::Select,
        Self::Modify,
        Self::Authorize,
        Self::Describe,
        Self::Execute,
        Self::Unmask,
        Self::SelectMasked,
    ];
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "CREATE",
            Self::Alter => "ALTER",
            Self::Drop => "DROP",
            Self::Select => "SELECT",
            Self::Modify => "MODIFY",
            Self::Authorize => "AUTHORIZE",
            Self::Describe => "DESCRIBE",
            Self::Execute => "EXECUTE",
            Self::Unmask => "UNMASK",
            Self::SelectMasked => "SELECT_MASKED",
        })
    }
}

/// What a permission is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Resource {
    /// Every keyspace.
    AllKeyspaces,
    /// A keyspace.
    Keyspace(String),
    /// Every table of a keyspace.
    AllTables(String),
    /// A table: its keyspace and its name.
    Table(String, String),
    /// Every role.
    AllRoles,
    /// A role.
    Role(String),
    /// Every function.
    AllFunctions,
    /// Every function of a keyspace.
    FunctionsOf(String),
    /// A function: keyspace, name, types of its arguments.
    Function(String, String, Vec<String>),
    /// Every managed bean; there are none, and scripts grant on them.
    AllMBeans,
    /// A managed bean or a pattern of them.
    MBean(String),
}

const DATA: &[Permission] = &[
    Permission::Create,
    Permission::Alter,
    Permission::Drop,
    Permission::Select,
    Permission::Modify,
    Permission::Authorize,
    Permission::Unmask,
    Permission::SelectMasked,
];
const TABLE: &[Permission] = &[
    Permission::Alter,
    Permission::Drop,
    Permission::Select,
    Permission::Modify,
    Permission::Authorize,
    Permission::Unmask,
    Permission::SelectMasked,
];
const ALL_ROLES: &[Permission] = &[
    Permission::Create,
    Permission::Alter,
    Permission::Drop,
    Permission::Authorize,
    Permission::Describe,
];
const ROLE: &[Permission] = &[Permission::Alter, Permission::Drop, Permission::Authorize];
const FUNCTIONS: &[Permission] = &[
    Permission::Create,
    Permission::Alter,
    Permission::Drop,
    Permission::Authorize,
    Permission::Execute,
];
const FUNCTION: &[Permission] =
    &[Permission::Alter, Permission::Drop, Permission::Authorize, Permission::Execute];
const MBEANS: &[Permission] = &[
    Permission::Select,
    Permission::Modify,
    Permission::Authorize,
    Permission::Describe,
    Permission::Execute,
];

impl Resource {
    /// The permissions that make sense on it.
    #[must_use]
    pub fn applicable(&self) -> &'static [Permission] {
        match self {
            Self::AllKeyspaces | Self::Keyspace(_) | Self::AllTables(_) => DATA,
            Self::Table(..) => TABLE,
            Self::AllRoles => ALL_ROLES,
            Self::Role(_) => ROLE,
            Self::AllFunctions | Self::FunctionsOf(_) => FUNCTIONS,
            Self::Function(..) => FUNCTION,
            Self::AllMBeans | Self::MBean(_) => MBEANS,
        }
    }

    /// All that makes sense on it, as it is granted to who made it.
    #[must_use]
    pub fn everything(&self) -> BTreeSet<Permission> {
        self.applicable().iter().copied().collect()
    }

    /// What stands for it and for more besides.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::AllKeyspaces | Self::AllRoles | Self::AllFunctions | Self::AllMBeans => None,
            Self::Keyspace(_) => Some(Self::AllKeyspaces),
            Self::AllTables(keyspace) => Some(Self::Keyspace(keyspace.clone())),
            Self::Table(keyspace, _) => Some(Self::AllTables(keyspace.clone())),
            Self::Role(_) => Some(Self::AllRoles),
            Self::FunctionsOf(_) => Some(Self::AllFunctions),
            Self::Function(keyspace, ..) => Some(Self::FunctionsOf(keyspace.clone())),
            Self::MBean(_) => Some(Self::AllMBeans),
        }
    }

    /// Itself, what stands for it, and so on to the root.
    pub fn chain(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self.clone()), Self::parent)
    }

    /// Its name as `system_auth.role_permissions` has it.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::AllKeyspaces => "data".to_owned(),
            Self::Keyspace(keyspace) => format!("data/{keyspace}"),
            Self::AllTables(keyspace) => format!("data/{keyspace}/*"),
            Self::Table(keyspace, table) => format!("data/{keyspace}/{table}"),
            Self::AllRoles => "roles".to_owned(),
            Self::Role(role) => format!("roles/{role}"),
            Self::AllFunctions => "functions".to_owned(),
            Self::FunctionsOf(keyspace) => format!("functions/{keyspace}"),
            Self::Function(keyspace, function, types) => {
                format!("functions/{keyspace}/{function}[{}]", types.join("^"))
            }
            Self::AllMBeans => "mbean".to_owned(),
            Self::MBean(name) => format!("mbean/{name}"),
        }
    }

    /// What Cassandra calls resources of its sort in errors.
    #[must_use]
    pub fn sort(&self) -> &'static str {
        match self {
            Self::AllKeyspaces | Self::Keyspace(_) | Self::AllTables(_) | Self::Table(..) => {
                "DataResource"
            }
            Self::AllRoles | Self::Role(_) => "RoleResource",
            Self::AllFunctions | Self::FunctionsOf(_) | Self::Function(..) => "FunctionResource",
            Self::AllMBeans | Self::MBean(_) => "JMXResource",
        }
    }

    /// Whether it is in this keyspace or is the keyspace.
    #[must_use]
    pub fn is_in_keyspace(&self, name: &str) -> bool {
        match self {
            Self::Keyspace(keyspace)
            | Self::AllTables(keyspace)
            | Self::Table(keyspace, _)
            | Self::FunctionsOf(keyspace)
            | Self::Function(keyspace, ..) => keyspace == name,
            _ => false,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllKeyspaces => f.write_str("<all keyspaces>"),
            Self::Keyspace(keyspace) => write!(f, "<keyspace {keyspace}>"),
            Self::AllTables(keyspace) => write!(f, "<all tables in {keyspace}>"),
            Self::Table(keyspace, table) => write!(f, "<table {keyspace}.{table}>"),
            Self::AllRoles => f.write_str("<all roles>"),
            Self::Role(role) => write!(f, "<role {role}>"),
            Self::AllFunctions => f.write_str("<all functions>"),
            Self::FunctionsOf(keyspace) => write!(f, "<all functions in {keyspace}>"),
            Self::Function(keyspace, function, types) => {
                write!(f, "<function {keyspace}.{function}({})>", types.join(", "))
            }
            Self::AllMBeans => f.write_str("<all mbeans>"),
            Self::MBean(name) => write!(f, "<mbean {name}>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_below_all_tables_of_its_keyspace_which_is_below_all_keyspaces() {
        let table = Resource::Table("ks".to_owned(), "t".to_owned());
        let paths: Vec<String> = table.chain().map(|resource| resource.path()).collect();
        assert_eq!(paths, ["data/ks/t", "data/ks/*", "data/ks", "data"]);
        let shown: Vec<String> = table.chain().map(|resource| resource.to_string()).collect();
        assert_eq!(
            shown,
            ["<table ks.t>", "<all tables in ks>", "<keyspace ks>", "<all keyspaces>"]
        );
    }

    #[test]
    fn what_cannot_be_done_with_a_thing_is_not_granted_to_who_made_it() {
        let table = Resource::Table("ks".to_owned(), "t".to_owned());
        assert!(!table.everything().contains(&Permission::Create));
        assert!(table.everything().contains(&Permission::Modify));
        assert_eq!(Resource::Role("r".to_owned()).everything().len(), 3);
    }
}
