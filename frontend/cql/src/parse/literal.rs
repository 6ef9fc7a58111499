//! Constants.

use super::cursor::{Parser, Result};
use crate::ast::Literal;
use crate::error::SyntaxError;
use crate::lex::{Kind, Token, parse_duration};
use bytes::Bytes;
use uuid::Uuid;

const INTEGER: &str = "an integer";

impl Parser<'_> {
    /// A constant with its sign, if one is next.
    pub(super) fn literal(&mut self) -> Result<Option<Literal>> {
        let negative = self.is(b'-');
        let token = self.peek_at(usize::from(negative));
        let text = self.text(token);
        let literal = match token.kind {
            Kind::Integer => integer(text, negative),
            Kind::Float => Literal::Float(signed(text, negative)),
            Kind::Duration => self.duration(token, negative)?,
            Kind::Word => match word(text, negative) {
                Some(literal) => literal,
                None => return Ok(None),
            },
            _ if negative => return Ok(None),
            Kind::Text | Kind::DollarText => return Ok(Some(Literal::Text(self.text_literal()?))),
            Kind::Uuid => {
                Literal::Uuid(Uuid::try_parse(text).map_err(|_| self.malformed(token, "a uuid"))?)
            }
            Kind::Blob => Literal::Blob(blob(text)),
            _ => return Ok(None),
        };
        self.at_literal_end(negative);
        Ok(Some(literal))
    }

    fn at_literal_end(&mut self, negative: bool) {
        if negative {
            self.advance();
        }
        self.advance();
    }

    fn duration(&self, token: Token, negative: bool) -> Result<Literal> {
        let value = parse_duration(self.text(token))
            .map_err(|reason| SyntaxError::impossible(format!("Invalid duration. {reason}")))?;
        Ok(Literal::Duration(if negative { value.negated() } else { value }))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self) -> Result<bool> {
        if self.eat_word("true") {
            return Ok(true);
        }
        if self.eat_word("false") {
            return Ok(false);
        }
        Err(self.unexpected("true or false"))
    }

    /// A small number without a sign, such as the size of a vector.
    pub(super) fn unsigned(&mut self) -> Result<u32> {
        let token = self.peek();
        if token.kind != Kind::Integer {
            return Err(self.unexpected(INTEGER));
        }
        self.advance();
        self.text(token).parse().map_err(|_| self.malformed(token, "a smaller integer"))
    }
}

fn integer(text: &str, negative: bool) -> Literal {
    let value = text.parse::<i128>().ok().map(|v| if negative { -v } else { v });
    match value.and_then(|v| i64::try_from(v).ok()) {
        Some(value) => Literal::Integer(value),
        None => Literal::BigInteger(signed(text, negative)),
    }
}

fn signed(text: &str, negative: bool) -> Box<str> {
    if negative { format!("-{text}").into() } else { text.into() }
}

fn word(text: &str, negative: bool) -> Option<Literal> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    match text.len() {
        4 if is("true") && !negative => Some(Literal::Boolean(true)),
        5 if is("false") && !negative => Some(Literal::Boolean(false)),
        3 if is("nan") => Some(Literal::Float(signed("NaN", negative))),
        8 if is("infinity") => Some(Literal::Float(signed("Infinity", negative))),
        _ => None,
    }
}

/// The lexer has checked that these are pairs of hexadecimal digits after `0x`.
fn blob(text: &str) -> Bytes {
    let nibble = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let digits = text.as_bytes().get(2..).unwrap_or(&[]);
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs.map(|[high, low]| nibble(high).unwrap_or(0) << 4 | nibble(low).unwrap_or(0)).collect()
}
