//! Terms: everything that can stand where a value is expected.

use super::{CqlType, Ident, Literal, QualifiedName};

/// Position of a bind marker among all markers of the statement, from 0 in text order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MarkerIndex(pub u16);

/// A bind marker as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The name of `:name`; `None` for `?`.
    pub name: Option<Ident>,
    /// Byte offset in the statement.
    pub offset: usize,
}

/// An untyped value.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// `null`
    Null,
    /// A constant.
    Literal(Literal),
    /// `?` or `:name`
    Marker(MarkerIndex),
    /// `[a, b]`: a list, or a vector when the column is one.
    List(Vec<Term>),
    /// `{a, b}`; the empty `{}` is also the empty map.
    Set(Vec<Term>),
    /// `{a: b}`
    Map(Vec<(Term, Term)>),
    /// `{field: value}`
    UserType(Vec<(Ident, Term)>),
    /// `(a, b)`; one element may also be a term in parentheses, which the type decides.
    Tuple(Vec<Term>),
    /// `name(args)`
    Function(QualifiedName, Vec<Term>),
    /// `(type) term`
    TypeHint(Box<CqlType>, Box<Term>),
    /// `CAST(term AS type)`
    Cast(Box<Term>, Box<CqlType>),
    /// `-term`, where the term is not a number.
    Negate(Box<Term>),
    /// `a + b - c`
    Arithmetic(Box<Arithmetic<Term>>),
}

/// A chain of operators of one precedence, applied from left to right. Flat, so that a long
/// chain is not a deep tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Arithmetic<T> {
    /// The leftmost operand.
    pub first: T,
    /// Each operator with its right operand; never empty.
    pub rest: Vec<(ArithmeticOperator, T)>,
}

/// An operator between two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArithmeticOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}
