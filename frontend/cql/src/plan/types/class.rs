//! Types by their Java class names, as old tools and restored schemas write them:
//! `'org.apache.cassandra.db.marshal.MapType(UTF8Type, Int32Type)'`. Read as Cassandra's parser
//! of types does, which takes names without their package and nothing after the type.

use cellar_schema::{CqlType, Frozen};

use super::Resolver;
use crate::ast::{Ident, QualifiedName};
use crate::limits::NESTING_MAX;
use crate::plan::PlanError;

/// The package of a name without one.
const PACKAGE: &str = "org.apache.cassandra.db.marshal.";

/// Class names without a type of CQL: values of theirs have no literals and no order here.
const FOREIGN: [&str; 6] = [
    "CompositeType",
    "DynamicCompositeType",
    "EmptyType",
    "FrozenType",
    "LexicalUUIDType",
    "PartitionerDefinedOrder",
];

/// Whether a column of this class sorts from the last value to the first.
pub(in crate::plan) fn is_reversed(class: &str) -> bool {
    let name = class.trim().split('(').next().unwrap_or_default().trim();
    name.strip_prefix(PACKAGE).unwrap_or(name) == "ReversedType"
}

/// The type of a class name.
pub(super) fn resolve(
    resolver: &Resolver<'_, '_>,
    class: &str,
    frozen: Frozen,
) -> Result<CqlType, PlanError> {
    let mut reader = Reader { resolver, class, rest: class };
    reader.skip_blank();
    let starts = reader.rest.chars().next().is_some_and(is_of_name);
    if starts { reader.class(frozen, 0) } else { Ok(CqlType::Blob) }
}

struct Reader<'c, 's, 'a> {
    resolver: &'c Resolver<'s, 'a>,
    class: &'c str,
    rest: &'c str,
}

impl<'c> Reader<'c, '_, '_> {
    fn class(&mut self, frozen: Frozen, depth: usize) -> Result<CqlType, PlanError> {
        if depth > NESTING_MAX {
            return Err(self.wrong("it is nested too deep"));
        }
        let written = self.word();
        let name = written.strip_prefix(PACKAGE).unwrap_or(written);
        if let Some(native) = native(name) {
            return self.skip_parameters().map(|()| native);
        }
        let deeper = depth.saturating_add(1);
        let boxed = |types: Result<CqlType, PlanError>| types.map(Box::new);
        let found = match name {
            "FrozenType" | "ReversedType" => {
                let inner = if name == "FrozenType" { Frozen::Yes } else { frozen };
                self.open(name)?;
                self.class(inner, deeper)?
            }
            "ListType" | "SetType" => {
                self.open(name)?;
                let element = boxed(self.class(Frozen::Yes, deeper))?;
                match name {
                    "ListType" => CqlType::List(element, frozen),
                    _ => CqlType::Set(element, frozen),
                }
            }
            "MapType" => {
                self.open(name)?;
                let key = boxed(self.class(Frozen::Yes, deeper))?;
                self.comma(name)?;
                CqlType::Map(key, boxed(self.class(Frozen::Yes, deeper))?, frozen)
            }
            "VectorType" => {
                self.open(name)?;
                let element = boxed(self.class(Frozen::Yes, deeper))?;
                self.comma(name)?;
                let dimensions = self.word().parse::<u16>().ok().filter(|count| *count > 0);
                CqlType::Vector(element, dimensions.ok_or_else(|| self.definition(name))?)
            }
            "TupleType" => self.tuple(deeper)?,
            "UserType" => return self.user(frozen),
            _ => return Err(self.unknown(written, name)),
        };
        self.close(name)?;
        Ok(found)
    }

    fn tuple(&mut self, deeper: usize) -> Result<CqlType, PlanError> {
        self.open("TupleType")?;
        let mut types = vec![self.class(Frozen::Yes, deeper)?];
        while self.eat(',') {
            types.push(self.class(Frozen::Yes, deeper)?);
        }
        Ok(CqlType::Tuple(types))
    }

    /// Keyspace, name in hexadecimal, then fields: what the type is says its definition.
    fn user(&mut self, frozen: Frozen) -> Result<CqlType, PlanError> {
        self.open("UserType")?;
        let keyspace = self.word();
        self.comma("UserType")?;
        let name = from_hexadecimal(self.word()).ok_or_else(|| self.definition("UserType"))?;
        let written =
            QualifiedName { keyspace: Some(Ident::exact(keyspace)), name: Ident::exact(name) };
        let found = self.resolver.scope.user_type(&written, self.resolver.keyspace)?;
        self.skip_fields()?;
        Ok(CqlType::Udt(found, frozen))
    }

    /// Reads to the parenthesis that closes the one before.
    fn skip_fields(&mut self) -> Result<(), PlanError> {
        let mut open = 1_usize;
        for (at, symbol) in self.rest.char_indices() {
            match symbol {
                '(' => open = open.saturating_add(1),
                ')' => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                self.rest = self.rest.get(at..).and_then(|rest| rest.get(1..)).unwrap_or_default();
                return Ok(());
            }
        }
        Err(self.wrong("unexpected end of string"))
    }

    fn skip_parameters(&mut self) -> Result<(), PlanError> {
        if self.eat('(') { self.skip_fields() } else { Ok(()) }
    }

    fn open(&mut self, name: &str) -> Result<(), PlanError> {
        if self.eat('(') { Ok(()) } else { Err(self.definition(name)) }
    }

    fn comma(&mut self, name: &str) -> Result<(), PlanError> {
        if self.eat(',') { Ok(()) } else { Err(self.definition(name)) }
    }

    fn close(&mut self, name: &str) -> Result<(), PlanError> {
        match self.eat(')') {
            true => Ok(()),
            false if self.rest.is_empty() => Err(self.wrong("unexpected end of string")),
            false => Err(self.definition(name)),
        }
    }

    fn word(&mut self) -> &'c str {
        self.skip_blank();
        let end = self.rest.find(|symbol| !is_of_name(symbol)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        word
    }

    fn eat(&mut self, symbol: char) -> bool {
        self.skip_blank();
        let rest = self.rest.strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn unknown(&self, written: &str, name: &str) -> PlanError {
        if FOREIGN.contains(&name) {
            return PlanError::not_built(format!("the custom type '{}'", self.class));
        }
        let package = if written.contains('.') { "" } else { PACKAGE };
        self.setting(&format!("Unable to find abstract-type class '{package}{written}'"))
    }

    fn definition(&self, name: &str) -> PlanError {
        self.setting(&format!("Invalid definition for comparator {PACKAGE}{name}."))
    }

    fn setting(&self, why: &str) -> PlanError {
        PlanError::syntax(format!("Error setting type {}: {why}", self.class))
    }

    fn wrong(&self, why: &str) -> PlanError {
        let at = self.class.len().saturating_sub(self.rest.len());
        PlanError::syntax(format!(
            "Cannot parse type {}: Syntax error parsing '{}' at char {at}: {why}",
            self.class, self.class
        ))
    }
}

fn is_of_name(symbol: char) -> bool {
    symbol.is_ascii_alphanumeric() || matches!(symbol, '-' | '+' | '.' | '_' | '&')
}

fn from_hexadecimal(digits: &str) -> Option<String> {
    let pairs = (0..digits.len()).step_by(2);
    let bytes = pairs.map(|at| {
        let pair = digits.get(at..)?.get(..2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}

fn native(name: &str) -> Option<CqlType> {
    Some(match name {
        "AsciiType" => CqlType::Ascii,
        "LongType" => CqlType::Bigint,
        "BytesType" => CqlType::Blob,
        "BooleanType" => CqlType::Boolean,
        "CounterColumnType" => CqlType::Counter,
        "SimpleDateType" => CqlType::Date,
        "DecimalType" => CqlType::Decimal,
        "DoubleType" => CqlType::Double,
        "DurationType" => CqlType::Duration,
        "FloatType" => CqlType::Float,
        "InetAddressType" => CqlType::Inet,
        "Int32Type" => CqlType::Int,
        "ShortType" => CqlType::Smallint,
        "UTF8Type" => CqlType::Text,
        "TimeType" => CqlType::Time,
        // The older class has the same values; only times before 1970 sort otherwise there.
        "DateType" | "TimestampType" => CqlType::Timestamp,
        "TimeUUIDType" => CqlType::Timeuuid,
        "ByteType" => CqlType::Tinyint,
        "UUIDType" => CqlType::Uuid,
        "IntegerType" => CqlType::Varint,
        _ => return None,
    })
}
