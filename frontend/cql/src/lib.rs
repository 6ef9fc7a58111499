//! CQL text to syntax tree to plan: lexer, parser, the tree itself, and the planner.
//!
//! Start at [`parse_statement`], then [`plan::plan`]. A syntax tree is untyped: literals and bind
//! markers stay as they were written; the planner types them against a schema. The parser never
//! panics, never recurses deeper than [`limits::NESTING_MAX`], and reports the first error with
//! its position.
//!
//! ```
//! use cellar_cql::{ast::Statement, parse_statement};
//!
//! let parsed = parse_statement("SELECT a FROM ks.t WHERE k = ? AND c > :low")?;
//! assert!(matches!(parsed.statement, Statement::Select(_)));
//! assert_eq!(parsed.markers.len(), 2);
//!
//! let error = parse_statement("SELECT a FORM t").unwrap_err();
//! assert_eq!((error.line, error.column, error.found.as_str()), (1, 9, "FORM"));
//! # Ok::<(), cellar_cql::SyntaxError>(())
//! ```

pub mod ast;
mod error;
mod lex;
pub mod limits;
mod parse;
pub mod plan;

pub use ast::is_reserved;
pub use error::{SyntaxError, SyntaxErrorKind};
pub use parse::{Parsed, literal_map, parse_statement};
