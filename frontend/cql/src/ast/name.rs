//! Names: case-folded, and quoted again for display when needed.

use std::fmt;

/// A name as the schema knows it: lower case unless it was quoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(Box<str>);

/// A name with an optional keyspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QualifiedName {
    /// The keyspace, if written.
    pub keyspace: Option<Ident>,
    /// The name in it.
    pub name: Ident,
}

impl Ident {
    /// A name taken exactly as given.
    pub fn exact(name: impl Into<Box<str>>) -> Self {
        Self(name.into())
    }

    /// A name written without quotes: folded to lower case.
    pub fn folded(name: &str) -> Self {
        let mut text: Box<str> = name.into();
        text.make_ascii_lowercase();
        Self(text)
    }

    /// The name without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when the name must be quoted to be read back unchanged.
    pub fn needs_quotes(&self) -> bool {
        let mut bytes = self.0.bytes();
        let plain = bytes.next().is_some_and(|b| b.is_ascii_lowercase())
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        !plain || is_reserved(&self.0)
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.needs_quotes() {
            write!(f, "\"{}\"", self.0.replace('"', "\"\""))
        } else {
            f.write_str(&self.0)
        }
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(keyspace) = &self.keyspace {
            write!(f, "{keyspace}.")?;
        }
        write!(f, "{}", self.name)
    }
}

/// Words that cannot be names without quotes, sorted.
const RESERVED: [&str; 59] = [
    "add",
    "allow",
    "alter",
    "and",
    "apply",
    "asc",
    "authorize",
    "batch",
    "begin",
    "by",
    "columnfamily",
    "create",
    "delete",
    "desc",
    "describe",
    "drop",
    "entries",
    "execute",
    "false",
    "from",
    "full",
    "grant",
    "if",
    "in",
    "index",
    "infinity",
    "insert",
    "into",
    "is",
    "keyspace",
    "limit",
    "materialized",
    "modify",
    "nan",
    "norecursive",
    "not",
    "null",
    "of",
    "on",
    "or",
    "order",
    "primary",
    "rename",
    "revoke",
    "schema",
    "select",
    "set",
    "table",
    "to",
    "token",
    "true",
    "truncate",
    "unlogged",
    "update",
    "use",
    "using",
    "view",
    "where",
    "with",
];

/// True for a reserved keyword of CQL, in any case.
pub fn is_reserved(word: &str) -> bool {
    let folded = word.bytes().map(|b| b.to_ascii_lowercase());
    RESERVED.binary_search_by(|reserved| reserved.bytes().cmp(folded.clone())).is_ok()
}
