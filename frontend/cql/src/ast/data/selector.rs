//! Selectors: what can stand between `SELECT` and `FROM`.

use crate::ast::{Arithmetic, CqlType, Ident, QualifiedName, Term};

/// An expression over the columns of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Selector {
    /// A column.
    Column(Ident),
    /// A constant or a marker.
    Term(Term),
    /// `COUNT(*)`, `COUNT(1)`
    CountRows,
    /// `name(args)`
    Function(QualifiedName, Vec<Selector>),
    /// `CAST(x AS type)`
    Cast(Box<Selector>, Box<CqlType>),
    /// `(type) x`
    TypeHint(Box<CqlType>, Box<Selector>),
    /// `WRITETIME(x)`
    WriteTime(Box<Selector>),
    /// `MAXWRITETIME(x)`
    MaxWriteTime(Box<Selector>),
    /// `TTL(x)`
    Ttl(Box<Selector>),
    /// `x.field`
    Field(Box<Selector>, Ident),
    /// `x[key]`
    Element(Box<Selector>, Term),
    /// `x[from..to]`
    Slice(Box<Selector>, Option<Term>, Option<Term>),
    /// `(a, b)`; one element is also a selector in parentheses.
    Tuple(Vec<Selector>),
    /// `[a, b]`
    List(Vec<Selector>),
    /// `{a, b}`
    Set(Vec<Selector>),
    /// `{a: b}`
    Map(Vec<(Selector, Selector)>),
    /// `-x`
    Negate(Box<Selector>),
    /// `a + b - c`
    Arithmetic(Box<Arithmetic<Selector>>),
}
