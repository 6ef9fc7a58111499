//! Reading the CQL form of a type.

use std::sync::Arc;

use thiserror::Error;

use super::{CqlType, Frozen, UserType};

/// Types inside types are read to this depth, so that no text can exhaust the stack.
const MAX_DEPTH: u32 = 160;

/// Text that is no type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TypeError {
    /// The text does not have the form of a type.
    #[error("invalid type '{text}': {reason}")]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// No such user-defined type.
    #[error("unknown type {name}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A collection or user-defined type inside a collection, neither of them frozen.
    #[error("non-frozen collections and UDTs are not allowed inside collections: {text}")]
    NotFrozen {
        /// The text.
        text: String,
    },
}

impl CqlType {
    /// Reads a type; `resolve` finds user-defined types by name (lower case unless quoted).
    ///
    /// What is inside a frozen type, a tuple or a vector comes out frozen, as CQL implies.
    ///
    /// # Errors
    /// When the text is no type or names an unknown one.
    pub fn parse(
        text: &str,
        resolve: &dyn Fn(&str) -> Option<Arc<UserType>>,
    ) -> Result<Self, TypeError> {
        let mut parser = Parser { text, rest: text, resolve, depth: 0 };
        let parsed = parser.cql_type()?;
        parser.skip_space();
        if !parser.rest.is_empty() {
            return Err(parser.wrong("text after the type"));
        }
        let nested = match &parsed {
            Self::List(inner, Frozen::No) | Self::Set(inner, Frozen::No) => inner.is_multi_cell(),
            Self::Map(key, value, Frozen::No) => key.is_multi_cell() || value.is_multi_cell(),
            _ => false,
        };
        if nested { Err(TypeError::NotFrozen { text: text.to_owned() }) } else { Ok(parsed) }
    }

    /// This type, frozen, with all that is inside.
    #[must_use]
    pub fn into_frozen(self) -> Self {
        let inside = |inner: Box<Self>| Box::new(inner.into_frozen());
        match self {
            Self::List(element, _) => Self::List(inside(element), Frozen::Yes),
            Self::Set(element, _) => Self::Set(inside(element), Frozen::Yes),
            Self::Map(key, value, _) => Self::Map(inside(key), inside(value), Frozen::Yes),
            Self::Tuple(types) => Self::Tuple(types.into_iter().map(Self::into_frozen).collect()),
            Self::Vector(element, dimensions) => Self::Vector(inside(element), dimensions),
            Self::Udt(udt, _) => Self::Udt(udt, Frozen::Yes),
            scalar => scalar,
        }
    }

    /// The scalar type of this lower case name.
    #[must_use]
    pub fn scalar(name: &str) -> Option<Self> {
        Some(match name {
            "ascii" => Self::Ascii,
            "bigint" => Self::Bigint,
            "blob" => Self::Blob,
            "boolean" => Self::Boolean,
            "counter" => Self::Counter,
            "date" => Self::Date,
            "decimal" => Self::Decimal,
            "double" => Self::Double,
            "duration" => Self::Duration,
            "float" => Self::Float,
            "inet" => Self::Inet,
            "int" => Self::Int,
            "smallint" => Self::Smallint,
            "text" | "varchar" => Self::Text,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "timeuuid" => Self::Timeuuid,
            "tinyint" => Self::Tinyint,
            "uuid" => Self::Uuid,
            "varint" => Self::Varint,
            _ => return None,
        })
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    resolve: &'a dyn Fn(&str) -> Option<Arc<UserType>>,
    depth: u32,
}

impl Parser<'_> {
    fn cql_type(&mut self) -> Result<CqlType, TypeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.wrong("nested too deeply"));
        }
        let (name, quoted) = self.name()?;
        let parsed = self.named(&name, quoted)?;
        self.depth -= 1;
        Ok(parsed)
    }

    fn named(&mut self, name: &str, quoted: bool) -> Result<CqlType, TypeError> {
        if quoted {
            return self.user_type(name);
        }
        if let Some(scalar) = CqlType::scalar(name) {
            return Ok(scalar);
        }
        if !self.next_is('<') {
            return self.user_type(name);
        }
        self.take('<')?;
        let parsed = match name {
            "frozen" => self.frozen()?,
            "list" => CqlType::List(Box::new(self.cql_type()?), Frozen::No),
            "set" => CqlType::Set(Box::new(self.cql_type()?), Frozen::No),
            "map" => {
                let key = Box::new(self.cql_type()?);
                self.take(',')?;
                CqlType::Map(key, Box::new(self.cql_type()?), Frozen::No)
            }
            "tuple" => {
                let mut types = vec![self.cql_type()?.into_frozen()];
                while self.next_is(',') {
                    self.take(',')?;
                    types.push(self.cql_type()?.into_frozen());
                }
                CqlType::Tuple(types)
            }
            "vector" => {
                let element = Box::new(self.cql_type()?.into_frozen());
                self.take(',')?;
                CqlType::Vector(element, self.dimensions()?)
            }
            _ => return Err(self.wrong("this type takes no parameters")),
        };
        self.take('>')?;
        Ok(parsed)
    }

    fn user_type(&self, name: &str) -> Result<CqlType, TypeError> {
        match (self.resolve)(name) {
            Some(found) => Ok(CqlType::Udt(found, Frozen::No)),
            None => Err(TypeError::Unknown { name: name.to_owned() }),
        }
    }

    fn frozen(&mut self) -> Result<CqlType, TypeError> {
        let inner = self.cql_type()?;
        let allowed =
            inner.is_collection() || matches!(inner, CqlType::Tuple(_) | CqlType::Udt(..));
        if allowed || matches!(inner, CqlType::Vector(..)) {
            return Ok(inner.into_frozen());
        }
        Err(self.wrong("frozen<> is only allowed on collections, tuples and user-defined types"))
    }

    fn dimensions(&mut self) -> Result<u16, TypeError> {
        self.skip_space();
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        match digits.parse() {
            Ok(0) | Err(_) => Err(self.wrong("vectors have 1 to 65535 dimensions")),
            Ok(dimensions) => Ok(dimensions),
        }
    }

    /// A name, lower case unless it was quoted.
    fn name(&mut self) -> Result<(String, bool), TypeError> {
        self.skip_space();
        if let Some(mut tail) = self.rest.strip_prefix('"') {
            let mut name = String::new();
            loop {
                let Some((part, after)) = tail.split_once('"') else {
                    return Err(self.wrong("a quoted name without end"));
                };
                name.push_str(part);
                tail = after;
                match after.strip_prefix('"') {
                    Some(more) => tail = more,
                    None => break,
                }
                name.push('"');
            }
            self.rest = tail;
            return Ok((name, true));
        }
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        if name.is_empty() {
            return Err(self.wrong("expected the name of a type"));
        }
        self.rest = rest;
        Ok((name.to_ascii_lowercase(), false))
    }

    fn next_is(&mut self, wanted: char) -> bool {
        self.skip_space();
        self.rest.starts_with(wanted)
    }

    fn take(&mut self, wanted: char) -> Result<(), TypeError> {
        self.skip_space();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.wrong("'<', ',' or '>' is missing")),
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn wrong(&self, reason: &'static str) -> TypeError {
        TypeError::Syntax { text: self.text.to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail loudly")]
    use std::sync::Arc;

    use super::{CqlType, TypeError, UserType};

    fn parse(text: &str) -> Result<CqlType, TypeError> {
        CqlType::parse(text, &|name| {
            let fields = vec![("street".to_owned(), CqlType::Text)];
            let found = UserType { keyspace: "ks".to_owned(), name: name.to_owned(), fields };
            matches!(name, "address" | "Home \"address\"").then(|| Arc::new(found))
        })
    }

    #[test]
    fn types_print_as_system_schema_shows_them() {
        for (written, shown) in [
            ("VARCHAR", "text"),
            ("list<int>", "list<int>"),
            ("map < text , frozen<set<int>>>", "map<text, frozen<set<int>>>"),
            ("frozen<list<set<int>>>", "frozen<list<frozen<set<int>>>>"),
            ("tuple<int,list<text>>", "frozen<tuple<int, frozen<list<text>>>>"),
            ("frozen<tuple<int>>", "frozen<tuple<int>>"),
            ("vector<float,3>", "vector<float, 3>"),
            ("address", "address"),
            ("set<frozen<Address>>", "set<frozen<address>>"),
            ("\"Home \"\"address\"\"\"", "\"Home \"\"address\"\"\""),
        ] {
            let parsed = parse(written).unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(parse(shown).unwrap(), parsed, "what is shown reads back");
        }
    }

    #[test]
    fn text_that_is_no_type_is_refused() {
        for text in [
            "",
            "list",
            "list<>",
            "list<int",
            "list<int>>",
            "int<text>",
            "map<int>",
            "frozen<int>",
            "vector<float>",
            "vector<float, 0>",
            "vector<float, 65536>",
            "list<list<int>>",
            "list<address>",
            "nothing",
            "\"address",
            "é",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"list<".repeat(100_000)).is_err());
    }
}
