//! What a result column is called without an alias.

use crate::ast::Selector;

/// The name that Cassandra gives a selector.
pub(crate) fn column_name(selector: &Selector) -> String {
    match selector {
        Selector::Column(name) => name.as_str().to_owned(),
        _ => String::new(),
    }
}
