//! The one error of this crate: where the text stops being CQL, why, and what would help.

use std::borrow::Cow;
use std::fmt;

/// What kind of mistake was found; chooses the wording of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// A token that cannot stand where it stands.
    UnexpectedInput,
    /// A character that starts no token.
    UnexpectedCharacter,
    /// A string, quoted name or comment that never ends.
    Unterminated,
    /// A token with the right start and an impossible rest, such as `0xabc` or `12ab`.
    MalformedLiteral,
    /// A column that one `UPDATE` sets in ways that exclude each other.
    ConflictingAssignments,
    /// Words in an order that CQL has, about something that it does not have, such as an option
    /// of tables that none is; `found` is the whole message.
    Unknown,
    /// A literal of the right form that no value has, such as `12s3m`: not a mistake of syntax in
    /// Cassandra's protocol; `found` is the whole message.
    ImpossibleLiteral,
    /// Nesting, markers or another limit exceeded.
    LimitExceeded,
}

/// A syntax error, rendered in Cassandra's style with what was expected and a hint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SyntaxError {
    /// What kind of mistake it is.
    pub kind: SyntaxErrorKind,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 0 as in Cassandra.
    pub column: usize,
    /// The offending text; `<EOF>` at the end of the input.
    pub found: String,
    /// What could have stood there.
    pub expected: Cow<'static, str>,
    /// Advice for the author of the statement.
    pub hint: Option<Cow<'static, str>>,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.kind, SyntaxErrorKind::Unknown | SyntaxErrorKind::ImpossibleLiteral) {
            return f.write_str(&self.found);
        }
        write!(f, "line {}:{} ", self.line, self.column)?;
        match self.kind {
            SyntaxErrorKind::UnexpectedInput => {
                write!(f, "no viable alternative at input '{}'", self.found)?;
            }
            SyntaxErrorKind::UnexpectedCharacter => {
                write!(f, "no viable alternative at character '{}'", self.found)?;
            }
            SyntaxErrorKind::Unterminated => {
                write!(f, "mismatched character '<EOF>' in '{}'", self.found)?;
            }
            SyntaxErrorKind::MalformedLiteral => write!(f, "malformed literal '{}'", self.found)?,
            SyntaxErrorKind::ConflictingAssignments => {
                write!(f, "Multiple incompatible setting of column {}", self.found)?;
            }
            SyntaxErrorKind::Unknown | SyntaxErrorKind::ImpossibleLiteral => {}
            SyntaxErrorKind::LimitExceeded => write!(f, "limit exceeded at '{}'", self.found)?,
        }
        write!(f, ", expected {}", self.expected)?;
        if let Some(hint) = &self.hint {
            write!(f, " (hint: {hint})")?;
        }
        Ok(())
    }
}

/// Longest piece of the input an error message repeats, in characters.
const FOUND_CHARS_MAX: usize = 40;

impl SyntaxError {
    /// An error at a byte range of the source.
    pub(crate) fn at(
        kind: SyntaxErrorKind,
        source: &str,
        start: usize,
        end: usize,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        let before = source.get(..start).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let text = source.get(start..end).unwrap_or("");
        let mut found: String = text.chars().take(FOUND_CHARS_MAX).collect();
        if found.len() < text.len() {
            found.push_str("...");
        }
        if start >= source.len() {
            found = "<EOF>".to_owned();
        }
        Self {
            kind,
            line: 1 + before.bytes().filter(|b| *b == b'\n').count(),
            column: before.get(line_start..).unwrap_or("").chars().count(),
            found,
            expected: expected.into(),
            hint: None,
        }
    }

    /// An error found by what the words mean, without a place.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self {
            kind: SyntaxErrorKind::Unknown,
            line: 0,
            column: 0,
            found: message.into(),
            expected: Cow::Borrowed(""),
            hint: None,
        }
    }

    /// The error for a literal that no value has.
    pub(crate) fn impossible(message: impl Into<String>) -> Self {
        Self { kind: SyntaxErrorKind::ImpossibleLiteral, ..Self::unknown(message) }
    }

    /// The same error with advice.
    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
