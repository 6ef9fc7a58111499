//! Tokens that start with a digit: integers, floats, blobs, uuids, durations.

use super::{Kind, byte, duration, is_word_byte, skip_while};
use crate::error::{SyntaxError, SyntaxErrorKind};

const UUID_BYTES: usize = 36;

/// The end of the uuid that starts here, if one does.
pub(super) fn uuid_end(source: &str, at: usize) -> Option<usize> {
    // The cheap test first: almost no word has a dash in ninth place.
    if byte(source, at + 8) != b'-' {
        return None;
    }
    let end = at + UUID_BYTES;
    let text = source.as_bytes().get(at..end)?;
    let fits = text.iter().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => *b == b'-',
        _ => b.is_ascii_hexdigit(),
    });
    (fits && !is_word_byte(byte(source, end))).then_some(end)
}

/// The number, blob or duration that starts here with a digit.
pub(super) fn number(source: &str, at: usize) -> Result<(Kind, usize), SyntaxError> {
    if byte(source, at) == b'0' && matches!(byte(source, at + 1), b'x' | b'X') {
        return blob(source, at);
    }
    if let Some(end) = duration::unit_end(source, at) {
        return Ok((Kind::Duration, end));
    }
    let mut kind = Kind::Integer;
    let mut end = skip_while(source, at, |b| b.is_ascii_digit());
    // Of three points the first is the number's, and the others are those of a slice.
    let point = byte(source, end) == b'.';
    if point && (byte(source, end + 1) != b'.' || byte(source, end + 2) == b'.') {
        kind = Kind::Float;
        end = skip_while(source, end + 1, |b| b.is_ascii_digit());
    }
    if matches!(byte(source, end), b'e' | b'E') {
        let sign = usize::from(matches!(byte(source, end + 1), b'+' | b'-'));
        let digits = end + 1 + sign;
        let digits_end = skip_while(source, digits, |b| b.is_ascii_digit());
        if digits_end > digits {
            kind = Kind::Float;
            end = digits_end;
        }
    }
    whole_word(source, at, end, "a number, a duration such as 1h30m, or a uuid")?;
    Ok((kind, end))
}

fn blob(source: &str, at: usize) -> Result<(Kind, usize), SyntaxError> {
    let end = skip_while(source, at + 2, |b| b.is_ascii_hexdigit());
    whole_word(source, at, end, "hexadecimal digits after 0x")?;
    if (end - at) % 2 == 1 {
        let kind = SyntaxErrorKind::MalformedLiteral;
        return Err(SyntaxError::at(kind, source, at, end, "an even number of digits after 0x"));
    }
    Ok((Kind::Blob, end))
}

fn whole_word(
    source: &str,
    at: usize,
    end: usize,
    expected: &'static str,
) -> Result<(), SyntaxError> {
    if !is_word_byte(byte(source, end)) {
        return Ok(());
    }
    let word_end = skip_while(source, end, is_word_byte);
    let error = SyntaxError::at(SyntaxErrorKind::MalformedLiteral, source, at, word_end, expected);
    Err(error.with_hint("a name that starts with a digit needs double quotes"))
}
