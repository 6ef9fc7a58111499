//! Text to tokens. Tokens are byte ranges of the source: nothing is copied here.
//! Keywords are plain words; the parser decides whether a word is a keyword by its place.

mod duration;
mod number;

pub(crate) use duration::parse_duration;

use crate::error::{SyntaxError, SyntaxErrorKind};

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or an unquoted name.
    Word,
    /// A name in double quotes.
    QuotedName,
    /// Text in single quotes.
    Text,
    /// Text between `$$`.
    DollarText,
    /// Digits.
    Integer,
    /// Digits with a point or an exponent.
    Float,
    /// `0x` and pairs of hexadecimal digits.
    Blob,
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// `1mo2d3h` or `P1Y2M3DT4H`.
    Duration,
    /// An operator or punctuation of one character.
    Symbol(u8),
    /// `<=`
    LessEqual,
    /// `>=`
    GreaterEqual,
    /// `!=`
    NotEqual,
    /// `+=`
    PlusEqual,
    /// `-=`
    MinusEqual,
    /// `..`
    DotDot,
    /// The end of the input; the lexer itself never pushes it.
    End,
}

/// One token: its kind and its byte range in the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Splits the source into tokens, without the comments and blanks.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, SyntaxError> {
    // A token of CQL text is rarely shorter than four bytes with its blank.
    let mut out = Vec::with_capacity(source.len() / 4 + 4);
    let mut at = 0;
    loop {
        at = skip_blanks(source, at)?;
        let Some(first) = source.as_bytes().get(at).copied() else {
            return Ok(out);
        };
        let (kind, end) = token(source, at, first)?;
        out.push(Token { kind, start: at, end });
        at = end;
    }
}

/// The byte at a position, or 0 after the end.
pub(crate) fn byte(source: &str, at: usize) -> u8 {
    source.as_bytes().get(at).copied().unwrap_or(0)
}

/// True for bytes that continue a word.
pub(crate) fn is_word_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// The first position from `at` whose byte does not satisfy `keep`.
pub(crate) fn skip_while(source: &str, at: usize, keep: impl Fn(u8) -> bool) -> usize {
    let rest = source.as_bytes().get(at..).unwrap_or(&[]);
    at + rest.iter().position(|b| !keep(*b)).unwrap_or(rest.len())
}

fn token(source: &str, at: usize, first: u8) -> Result<(Kind, usize), SyntaxError> {
    if first.is_ascii_hexdigit()
        && let Some(end) = number::uuid_end(source, at)
    {
        return Ok((Kind::Uuid, end));
    }
    match first {
        b'0'..=b'9' => number::number(source, at),
        b'a'..=b'z' | b'A'..=b'Z' => {
            if first == b'P'
                && let Some(end) = duration::iso_end(source, at)
            {
                return Ok((Kind::Duration, end));
            }
            Ok((Kind::Word, skip_while(source, at, is_word_byte)))
        }
        b'\'' => quoted(source, at, b'\'', "a closing '").map(|end| (Kind::Text, end)),
        b'"' => quoted(source, at, b'"', "a closing \"").map(|end| (Kind::QuotedName, end)),
        b'$' if byte(source, at + 1) == b'$' => dollar_text(source, at),
        _ => symbol(source, at, first),
    }
}

fn symbol(source: &str, at: usize, first: u8) -> Result<(Kind, usize), SyntaxError> {
    let double = match (first, byte(source, at + 1)) {
        (b'<', b'=') => Some(Kind::LessEqual),
        (b'>', b'=') => Some(Kind::GreaterEqual),
        (b'!', b'=') => Some(Kind::NotEqual),
        (b'+', b'=') => Some(Kind::PlusEqual),
        (b'-', b'=') => Some(Kind::MinusEqual),
        (b'.', b'.') => Some(Kind::DotDot),
        _ => None,
    };
    if let Some(kind) = double {
        return Ok((kind, at + 2));
    }
    match first {
        b',' | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'=' | b'+'
        | b'-' | b'*' | b'/' | b'%' | b'.' | b':' | b'?' => Ok((Kind::Symbol(first), at + 1)),
        _ => Err(stray_character(source, at)),
    }
}

#[cold]
fn stray_character(source: &str, at: usize) -> SyntaxError {
    let stray = source.get(at..).and_then(|rest| rest.chars().next());
    let end = at + stray.map_or(1, char::len_utf8);
    let kind = SyntaxErrorKind::UnexpectedCharacter;
    let error = SyntaxError::at(kind, source, at, end, "a CQL token");
    match stray {
        Some('\u{2018}' | '\u{2019}' | '`') => {
            error.with_hint("use straight single quotes: 'text'")
        }
        Some('\u{201c}' | '\u{201d}') => error.with_hint("use straight double quotes: \"name\""),
        Some(c) if c.is_alphabetic() => {
            error.with_hint("names with letters outside a-z need double quotes")
        }
        _ => error,
    }
}

fn quoted(
    source: &str,
    at: usize,
    quote: u8,
    expected: &'static str,
) -> Result<usize, SyntaxError> {
    let mut end = at + 1;
    loop {
        end = skip_while(source, end, |b| b != quote);
        if end >= source.len() {
            let kind = SyntaxErrorKind::Unterminated;
            return Err(SyntaxError::at(kind, source, at, source.len(), expected));
        }
        if byte(source, end + 1) != quote {
            return Ok(end + 1);
        }
        end += 2;
    }
}

fn dollar_text(source: &str, at: usize) -> Result<(Kind, usize), SyntaxError> {
    match source.get(at + 2..).and_then(|rest| rest.find("$$")) {
        Some(length) => Ok((Kind::DollarText, at + 2 + length + 2)),
        None => {
            let kind = SyntaxErrorKind::Unterminated;
            Err(SyntaxError::at(kind, source, at, source.len(), "a closing $$"))
        }
    }
}

fn skip_blanks(source: &str, mut at: usize) -> Result<usize, SyntaxError> {
    loop {
        at = skip_while(source, at, |b| b.is_ascii_whitespace() || b == 0x0b);
        match (byte(source, at), byte(source, at + 1)) {
            (b'-', b'-') | (b'/', b'/') => at = skip_while(source, at, |b| b != b'\n'),
            (b'/', b'*') => match source.get(at + 2..).and_then(|rest| rest.find("*/")) {
                Some(length) => at += 2 + length + 2,
                None => {
                    let kind = SyntaxErrorKind::Unterminated;
                    return Err(SyntaxError::at(kind, source, at, source.len(), "a closing */"));
                }
            },
            _ => return Ok(at),
        }
    }
}
