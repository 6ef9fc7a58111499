//! Options after `WITH`: names with constants or nested maps.

use super::{Ident, Literal};

/// Options in the order written; the parser refuses no duplicates, the planner does.
pub type Properties = Vec<(Ident, PropertyValue)>;

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum PropertyValue {
    /// A constant.
    Literal(Literal),
    /// A bare word, such as `ALL`.
    Word(Ident),
    /// `{'key': value}`, nested at will.
    Map(Vec<(PropertyValue, PropertyValue)>),
    /// `{'a', 'b'}`
    Set(Vec<PropertyValue>),
    /// `['a', 'b']`
    List(Vec<PropertyValue>),
}

impl PropertyValue {
    /// The text of a text literal.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Literal(Literal::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value at a text key, when this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&PropertyValue> {
        match self {
            Self::Map(entries) => {
                entries.iter().find(|(k, _)| k.as_text() == Some(key)).map(|(_, v)| v)
            }
            _ => None,
        }
    }
}
