//! Every limit of the parser, with its unit and its reason.

/// Levels of nested terms, types, selectors and parentheses. Keeps the recursive descent, and
/// every later walk over the tree, far below the smallest thread stack.
pub const NESTING_MAX: usize = 48;

/// Bind markers in one statement: the native protocol counts them with 16 bits.
pub const MARKERS_MAX: usize = 65_535;
