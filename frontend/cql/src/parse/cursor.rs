//! The place in the token stream, the marker list and the nesting depth.

use crate::ast::{Ident, Marker, MarkerIndex, Term, is_reserved};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::lex::{self, Kind, Token};
use crate::limits::{MARKERS_MAX, NESTING_MAX};
use std::borrow::Cow;

pub(super) type Result<T> = std::result::Result<T, SyntaxError>;

/// The state of one parse.
pub(super) struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
    markers: Vec<Marker>,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(source: &'a str) -> Result<Self> {
        let tokens = lex::tokens(source)?;
        Ok(Self { source, tokens, at: 0, markers: Vec::new(), depth: 0 })
    }

    pub(super) fn into_markers(self) -> Vec<Marker> {
        self.markers
    }

    /// The token `n` places ahead.
    pub(super) fn peek_at(&self, n: usize) -> Token {
        let end = self.source.len();
        let none = Token { kind: Kind::End, start: end, end };
        self.tokens.get(self.at + n).copied().unwrap_or(none)
    }

    pub(super) fn peek(&self) -> Token {
        self.peek_at(0)
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn at_end(&self) -> bool {
        self.peek().kind == Kind::End
    }

    /// The text of a token.
    pub(super) fn text(&self, token: Token) -> &'a str {
        self.source.get(token.start..token.end).unwrap_or("")
    }

    /// Where the last consumed token ends.
    pub(super) fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(0, |token| token.end)
    }

    pub(super) fn is_kind_at(&self, n: usize, kind: Kind) -> bool {
        self.peek_at(n).kind == kind
    }

    pub(super) fn is(&self, symbol: u8) -> bool {
        self.is_at(0, symbol)
    }

    pub(super) fn is_at(&self, n: usize, symbol: u8) -> bool {
        self.peek_at(n).kind == Kind::Symbol(symbol)
    }

    pub(super) fn eat(&mut self, symbol: u8) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_kind(&mut self, kind: Kind) -> bool {
        let found = self.is_kind_at(0, kind);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, symbol: u8) -> Result<()> {
        if self.eat(symbol) {
            return Ok(());
        }
        Err(self.unexpected(format!("'{}'", char::from(symbol))))
    }

    /// True for this keyword, in any case, `n` places ahead.
    pub(super) fn is_word_at(&self, n: usize, word: &str) -> bool {
        let token = self.peek_at(n);
        token.kind == Kind::Word && self.text(token).eq_ignore_ascii_case(word)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    /// True for these keywords one after the other.
    pub(super) fn is_words(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.is_word_at(n, word))
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.eat_words(&[word])
    }

    /// Consumes all of these keywords or none.
    pub(super) fn eat_words(&mut self, words: &[&str]) -> bool {
        let found = self.is_words(words);
        self.at += if found { words.len() } else { 0 };
        found
    }

    pub(super) fn expect_word(&mut self, word: &'static str) -> Result<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected(word.to_ascii_uppercase())) }
    }

    pub(super) fn expect_words(&mut self, words: &[&'static str]) -> Result<()> {
        words.iter().try_for_each(|word| self.expect_word(word))
    }

    pub(super) fn if_exists(&mut self) -> bool {
        self.eat_words(&["if", "exists"])
    }

    pub(super) fn if_not_exists(&mut self) -> bool {
        self.eat_words(&["if", "not", "exists"])
    }

    /// One item, then more after commas.
    pub(super) fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut out = vec![item(self)?];
        while self.eat(b',') {
            out.push(item(self)?);
        }
        Ok(out)
    }

    /// Items in between brackets, possibly none; the opening bracket is already consumed.
    pub(super) fn list_until<T>(
        &mut self,
        close: u8,
        item: impl Fn(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        if self.eat(close) {
            return Ok(Vec::new());
        }
        let out = self.list(item)?;
        self.expect(close)?;
        Ok(out)
    }

    /// Runs a step that may recurse, one level deeper.
    pub(super) fn nested<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= NESTING_MAX {
            return Err(self.too_much("less nesting"));
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    /// Tries a step without markers; goes back to the start when it yields nothing.
    pub(super) fn attempt<T>(&mut self, step: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let start = self.at;
        let result = step(self);
        if result.is_none() {
            self.at = start;
        }
        result
    }

    /// Consumes `?` or `:name`, if one is next.
    pub(super) fn marker(&mut self) -> Result<Option<MarkerIndex>> {
        let offset = self.peek().start;
        let name = if self.eat(b'?') {
            None
        } else if self.is(b':') {
            self.advance();
            Some(self.ident()?)
        } else {
            return Ok(None);
        };
        let Ok(index) = u16::try_from(self.markers.len()) else {
            return Err(self.too_much("fewer bind markers"));
        };
        if self.markers.len() >= MARKERS_MAX {
            return Err(self.too_much("fewer bind markers"));
        }
        self.markers.push(Marker { name, offset });
        Ok(Some(MarkerIndex(index)))
    }

    pub(super) fn marker_term(&mut self) -> Result<Option<Term>> {
        Ok(self.marker()?.map(Term::Marker))
    }

    #[cold]
    fn too_much(&self, expected: &'static str) -> SyntaxError {
        let token = self.peek();
        let kind = SyntaxErrorKind::LimitExceeded;
        SyntaxError::at(kind, self.source, token.start, token.end, expected)
    }

    /// The error that the next token cannot stand here.
    #[cold]
    pub(super) fn unexpected(&self, expected: impl Into<Cow<'static, str>>) -> SyntaxError {
        let error = self.unexpected_token(self.peek(), expected);
        match self.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// The error that this token cannot stand where it stands.
    #[cold]
    pub(super) fn unexpected_token(
        &self,
        token: Token,
        expected: impl Into<Cow<'static, str>>,
    ) -> SyntaxError {
        let kind = SyntaxErrorKind::UnexpectedInput;
        SyntaxError::at(kind, self.source, token.start, token.end, expected)
    }

    /// The error that the column named by this token is already set in another way.
    #[cold]
    pub(super) fn conflicting(&self, token: Token) -> SyntaxError {
        let kind = SyntaxErrorKind::ConflictingAssignments;
        let expected = "one assignment of each column";
        SyntaxError::at(kind, self.source, token.start, token.end, expected)
    }

    /// The error that a literal has an impossible value.
    #[cold]
    pub(super) fn malformed(&self, token: Token, expected: &'static str) -> SyntaxError {
        let kind = SyntaxErrorKind::MalformedLiteral;
        SyntaxError::at(kind, self.source, token.start, token.end, expected)
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        let token = self.peek();
        let text = self.text(token);
        match token.kind {
            Kind::Word if is_reserved(text) => {
                let name = Ident::folded(text);
                Some(format!("{text} is a reserved word; as a name write {name}").into())
            }
            Kind::QuotedName => Some("double quotes make names; text takes single quotes".into()),
            Kind::Symbol(b'=') => Some("CQL compares with a single =".into()),
            Kind::Symbol(b';') => Some("the statement ends too early".into()),
            _ => None,
        }
    }
}
