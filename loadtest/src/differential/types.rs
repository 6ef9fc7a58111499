//! Types of CQL columns as the generator knows them.

use std::{fmt, rc::Rc};

use fastrand::Rng;

/// Every scalar type that a column of a table without counters can have.
pub(super) const SCALARS: [&str; 20] = [
    "int",
    "text",
    "ascii",
    "bigint",
    "blob",
    "boolean",
    "date",
    "decimal",
    "double",
    "duration",
    "float",
    "inet",
    "smallint",
    "time",
    "timestamp",
    "timeuuid",
    "tinyint",
    "uuid",
    "varint",
    "varchar",
];

/// A user-defined type.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Udt {
    pub(super) name: &'static str,
    pub(super) fields: Vec<(&'static str, Type)>,
}

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Scalar(&'static str),
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<(Type, Type)>),
    Tuple(Vec<Type>),
    Udt(Rc<Udt>),
    Vector(Box<Type>, usize),
    Frozen(Box<Type>),
}

impl Type {
    /// The type without `frozen`.
    pub(super) fn inner(&self) -> &Type {
        match self {
            Type::Frozen(inner) => inner.inner(),
            other => other,
        }
    }

    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self, Type::Scalar(own) if *own == name)
    }

    pub(super) fn is_number(&self) -> bool {
        const NUMBERS: [&str; 9] = [
            "tinyint", "smallint", "int", "bigint", "counter", "varint", "decimal", "float",
            "double",
        ];
        matches!(self, Type::Scalar(own) if NUMBERS.contains(own))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Scalar(name) => f.write_str(name),
            Type::List(item) => write!(f, "list<{item}>"),
            Type::Set(item) => write!(f, "set<{item}>"),
            Type::Map(pair) => write!(f, "map<{}, {}>", pair.0, pair.1),
            Type::Tuple(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "tuple<{}>", items.join(", "))
            }
            Type::Udt(udt) => f.write_str(udt.name),
            Type::Vector(item, length) => write!(f, "vector<{item}, {length}>"),
            Type::Frozen(inner) => write!(f, "frozen<{inner}>"),
        }
    }
}

/// One of a slice, evenly; none of an empty one.
pub(super) fn pick<'a, T>(rng: &mut Rng, all: &'a [T]) -> Option<&'a T> {
    all.get(rng.usize(..all.len().max(1)))
}

/// One of several words.
pub(super) fn word<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    pick(rng, all).copied().unwrap_or_default()
}

/// Whether something of this many percent happens.
pub(super) fn percent(rng: &mut Rng, chance: u8) -> bool {
    rng.u8(..100) < chance
}

/// A type that a key column can have.
pub(super) fn key(rng: &mut Rng) -> Type {
    match rng.u8(..100) {
        0..=40 => Type::Scalar("int"),
        41..=55 => Type::Scalar("text"),
        56..=92 => {
            let scalars: Vec<_> = SCALARS.into_iter().filter(|name| *name != "duration").collect();
            Type::Scalar(word(rng, &scalars))
        }
        93..=95 => Type::Frozen(Box::new(Type::Set(Box::new(Type::Scalar("int"))))),
        96..=97 => {
            Type::Frozen(Box::new(Type::Tuple(vec![Type::Scalar("int"), Type::Scalar("text")])))
        }
        _ => Type::Frozen(Box::new(Type::List(Box::new(Type::Scalar("text"))))),
    }
}

/// A scalar type.
pub(super) fn scalar(rng: &mut Rng) -> Type {
    Type::Scalar(word(rng, &SCALARS))
}

/// A collection, tuple, vector or user-defined type.
pub(super) fn composite(rng: &mut Rng, udts: &[Rc<Udt>]) -> Type {
    let plain = match rng.u8(..100) {
        0..=17 => Type::List(Box::new(element(rng, udts))),
        18..=38 => Type::Set(Box::new(key_element(rng))),
        39..=62 => Type::Map(Box::new((key_element(rng), element(rng, udts)))),
        63..=72 => Type::Tuple((0..rng.usize(1..4)).map(|_| element(rng, udts)).collect()),
        73..=82 => {
            let item = word(rng, &["float", "float", "float", "int", "double", "text"]);
            return Type::Vector(Box::new(Type::Scalar(item)), rng.usize(1..4));
        }
        _ => match pick(rng, udts) {
            Some(udt) => Type::Udt(Rc::clone(udt)),
            None => Type::Scalar("text"),
        },
    };
    if rng.bool() { Type::Frozen(Box::new(plain)) } else { plain }
}

fn key_element(rng: &mut Rng) -> Type {
    if percent(rng, 60) { Type::Scalar(word(rng, &["int", "text"])) } else { key(rng) }
}

fn element(rng: &mut Rng, udts: &[Rc<Udt>]) -> Type {
    match rng.u8(..100) {
        0..=49 => Type::Scalar(word(rng, &["int", "text"])),
        50..=89 => scalar(rng),
        _ => match composite(rng, udts) {
            frozen @ (Type::Frozen(_) | Type::Vector(..) | Type::Scalar(_)) => frozen,
            other => Type::Frozen(Box::new(other)),
        },
    }
}
