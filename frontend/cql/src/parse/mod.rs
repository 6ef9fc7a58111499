//! Tokens to syntax tree, by recursive descent: one file per statement kind.
//!
//! Start at [`parse_statement`]. Every function that recurses passes `Parser::nested`.

mod access;
mod collection;
mod cursor;
mod data;
mod describe;
mod literal;
mod literal_map;
mod name;
mod property;
mod relation;
mod schema;
mod statement;
mod term;
mod types;

use crate::ast::{Marker, Statement};
use crate::error::SyntaxError;
use cursor::Parser;

pub use literal_map::literal_map;

/// A statement with its bind markers.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// Its bind markers in text order; a `MarkerIndex` is a position in here.
    pub markers: Vec<Marker>,
}

/// Parses exactly one statement; semicolons after it are allowed, more text is not.
pub fn parse_statement(text: &str) -> Result<Parsed, SyntaxError> {
    let mut parser = Parser::new(text)?;
    let statement = parser.statement()?;
    while parser.eat(b';') {}
    if !parser.at_end() {
        return Err(parser.unexpected("the end of the statement"));
    }
    Ok(Parsed { statement, markers: parser.into_markers() })
}
