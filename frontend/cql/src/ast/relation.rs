//! Relations of `WHERE` and conditions of `IF`: they share one form.

use super::{Ident, MarkerIndex, Term};

/// `target test`, for example `a[1] >= 3`.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// What is tested.
    pub target: Target,
    /// The test.
    pub test: RelationTest,
}

/// The left side of a relation.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// `c`
    Column(Ident),
    /// `c[key]`
    Element(Ident, Term),
    /// `c.field`
    Field(Ident, Ident),
    /// `(a, b)`
    Tuple(Vec<Ident>),
    /// `token(a, b)`
    Token(Vec<Ident>),
}

/// The operator of a relation with its operands.
#[derive(Debug, Clone, PartialEq)]
pub enum RelationTest {
    /// `= < <= > >= !=`
    Compare(Comparison, Term),
    /// `IN`
    In(InValues),
    /// `NOT IN`
    NotIn(InValues),
    /// `CONTAINS`
    Contains(Term),
    /// `NOT CONTAINS`
    NotContains(Term),
    /// `CONTAINS KEY`
    ContainsKey(Term),
    /// `NOT CONTAINS KEY`
    NotContainsKey(Term),
    /// `LIKE`
    Like(Term),
    /// `BETWEEN low AND high`, both included.
    Between(Term, Term),
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// The right side of `IN`.
#[derive(Debug, Clone, PartialEq)]
pub enum InValues {
    /// `IN (a, b)`, possibly empty.
    Terms(Vec<Term>),
    /// `IN ?`: one marker for the whole list.
    Marker(MarkerIndex),
}
