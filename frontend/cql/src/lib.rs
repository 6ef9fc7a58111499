//! CQL text to syntax tree: lexer, parser and the tree itself.
//!
//! Start at [`parse_statement`]. The result is untyped: literals and bind markers stay as they
//! were written and are typed later, against a schema. The parser never panics, never recurses
//! deeper than [`limits::NESTING_MAX`], and reports the first error with its position.

pub mod ast;
mod error;
mod lex;
pub mod limits;
mod parse;

pub use error::{SyntaxError, SyntaxErrorKind};
pub use parse::{Parsed, parse_statement};
